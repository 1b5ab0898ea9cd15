"""Settings of single classification readers: Aircraft's levels and banner, what is no setting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from torchvision.datasets import FGVCAircraft

from mim_bench.datamodules import miniature
from mim_bench.datamodules.readers import get_reader_class
from mim_bench.datamodules.readers.aircraft import Aircraft
from mim_bench.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("aircraft") / "world"
    counts = {"aircraft": {"train": 1, "val": 1, "test": 1}}
    return miniature.draw_world(folder, ["aircraft"], counts=counts, jobs=1)


@pytest.mark.parametrize("level", ["variant", "family", "manufacturer"])
def test_levels_of_aircraft(root: Path, level: str) -> None:
    ours = Aircraft(root, level=level)
    for split in ours.info.splits:
        theirs = FGVCAircraft(str(root), split=split, annotation_level=level)
        assert list(ours.listing(split).classes) == theirs.classes
        assert ours.listing(split).labels.tolist() == theirs._labels
        assert [str(ours.pictures() / one) for one in ours.ids(split)] == theirs._image_files


def test_banner_of_aircraft_is_kept_or_cut_off(root: Path) -> None:
    whole = Aircraft(root).sample("test", 2)["image"]
    short = Aircraft(root, banner="crop").sample("test", 2)["image"]
    assert np.array_equal(whole[:-20], short)
    assert np.median(whole[-20:]) > 200  # what the world draws there


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("aircraft", {"level": "varient"}),
        ("aircraft", {"banner": "cut"}),
        *(("dtd", {"partition": partition}) for partition in (0, 11, "1", 1.0)),
    ],
)
def test_settings_are_checked(tmp_path: Path, name: str, settings: dict[str, Any]) -> None:
    found: Any = get_reader_class(name)
    (key,) = settings
    with pytest.raises(UserError, match=key):
        found(tmp_path, **settings)
