"""Data roots for these tests: small ones in NYU's layout, and drawn worlds."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from classification_counts import SETS
from nyu_folders import make_nyu

from mim_bench.datamodules import miniature

if TYPE_CHECKING:
    from pathlib import Path

WORLD_COUNTS = {
    "nyuv2": {"train": 12, "test": 4},
    "kitti": {"train": 5, "test": 3},
    "coco-keypoints": {"train": 10, "val": 8, "test-dev": 4},
    "crowdpose": {"train": 5, "val": 4, "test": 9},
}


@pytest.fixture
def nyu(tmp_path) -> Path:
    """A small data root."""
    return make_nyu(tmp_path / "data")


@pytest.fixture(scope="session")
def world(tmp_path_factory) -> Path:
    """A part of the miniature world, of single pictures, drawn by one process."""
    folder = tmp_path_factory.mktemp("world") / "one"
    return miniature.draw_world(folder, WORLD_COUNTS, counts=WORLD_COUNTS, jobs=1)


@pytest.fixture(scope="session")
def classes_world(tmp_path_factory) -> Path:
    """The classification sets, a few pictures of each class, drawn by two processes.

    Test processes share it: the first one draws, others wait for it.
    """
    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    return miniature.draw_world(folder / "classes", SETS, counts=SETS, jobs=2)
