"""A world of a few frames and ways to run the command line as a user does."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import classification_counts
import pytest

from mim_bench.datamodules import miniature

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def small_cache(tmp_path_factory):
    """A cache that holds a miniature world of a few frames."""
    base = tmp_path_factory.getbasetemp()
    # one for all processes that share the tests; drawing takes a lock
    cache = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "small-world"
    old = os.environ.get("MIM_BENCH_CACHE")
    os.environ["MIM_BENCH_CACHE"] = str(cache)
    miniature.draw_world(
        miniature.world_folder(),
        counts={
            "nyuv2": {"train": 12, "test": 5},
            "kitti": {"train": 9, "test": 2},
            "coco-keypoints": {"train": 12, "val": 6, "test-dev": 4},
            "crowdpose": {"train": 6, "val": 2, "test": 6},
            "got10k": {"train": 2, "val": 1, "test": 2},
            "trackingnet": {"train": 2, "test": 1},
            "lasot": {"train": 2, "test": 1},
            **classification_counts.SETS,
        },
    )
    if old is None:
        del os.environ["MIM_BENCH_CACHE"]
    else:
        os.environ["MIM_BENCH_CACHE"] = old
    return cache


@pytest.fixture(scope="session")
def mim_bench(small_cache):
    """Run `mim-bench ...` in a folder; returns the finished process."""

    def run(*arguments: str, cwd: Path, status: int | None = 0, **environment: str):
        done = subprocess.run(
            [sys.executable, "-m", "mim_bench", *arguments],
            capture_output=True,
            text=True,
            cwd=cwd,
            env={**os.environ, "MIM_BENCH_CACHE": str(small_cache), **environment},
            check=False,
        )
        said = f"{' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stdout + done.stderr, said
        assert status is None or done.returncode == status, said
        return done

    return run


@pytest.fixture
def cli(mim_bench, tmp_path):
    """Run `mim-bench ...` in a folder of its own; returns the finished process."""

    def run(*arguments: str, status: int | None = 0, cwd: Path = tmp_path, **environment: str):
        return mim_bench(*arguments, cwd=cwd, status=status, **environment)

    return run
