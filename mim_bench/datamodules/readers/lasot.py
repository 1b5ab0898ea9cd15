"""LaSOT: 1,400 long sequences of 70 classes, of which 280 are for testing."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, ClassVar

from mim_bench.datamodules.readers.base import DatasetInfo
from mim_bench.datamodules.readers.got10k import LISTS
from mim_bench.datamodules.readers.lists import read_names
from mim_bench.datamodules.readers.sequences import (
    Listed,
    SequenceReader,
    count_pictures,
)
from mim_bench.errors import UserError
from mim_bench.yamlfiles import read_yaml

if TYPE_CHECKING:
    from mim_bench.datamodules.readers.tracks import Notes

ATTRIBUTES = (
    "IV",
    "POC",
    "DEF",
    "MB",
    "CM",
    "ROT",
    "BC",
    "VC",
    "SV",
    "FOC",
    "FM",
    "OV",
    "LR",
    "ARC",
)
"""Attributes of a sequence, in the order of their flags."""

_SETS = {"train": "training_set.txt", "test": "testing_set.txt"}
_CUT = {"monkey-17": 2260}
"""Sequences that the official evaluation cuts to a number of frames."""


class LaSOT(SequenceReader):
    """Reads LaSOT: `LaSOT/<class>/<class>-<number>/img/00000001.jpg` and text files beside `img`.

    The target is there where it is neither fully occluded nor out of view, and has a box. The
    split is that of `training_set.txt` and `testing_set.txt`; where they are not there, that of
    the published protocol II. Folders that are no sequence of it are left alone. Attributes are
    read where the toolkit's files lie in `LaSOT/att/<sequence>.txt`.
    """

    origin: ClassVar[int] = 1

    info: ClassVar[DatasetInfo] = DatasetInfo(
        name="lasot",
        title="LaSOT",
        task="tracking",
        folder="LaSOT",
        splits={"train": 1120, "test": 280},
        metric="SUC: mean of the success curve",
        licence="for research, by its home page; the toolkit Apache-2.0",
        home="http://vision.cs.stonybrook.edu/~lasot/",
        size_on_disk="227 GB",
        obtain=(
            "from the home page, one archive for each class, unpacked so that "
            "LaSOT/airplane/airplane-1/img/00000001.jpg and "
            "LaSOT/airplane/airplane-1/groundtruth.txt exist"
        ),
    )

    def find(self, split: str) -> list[Listed]:
        """Return a split's sequences, in the order of the list."""
        path = self.folder / _SETS[split]
        names = read_names(path, self.info.obtain) if path.is_file() else self._published(split)
        listed = []
        attributes = self.folder / "att"
        for name in names:
            folder = self.folder / name.rpartition("-")[0] / name
            others = [folder / "full_occlusion.txt", folder / "out_of_view.txt"]
            if (flags := attributes / f"{name}.txt").is_file():
                others.append(flags)
            listed.append(Listed(name, folder / "img", folder / "groundtruth.txt", tuple(others)))
        return listed

    def _published(self, split: str) -> list[str]:
        """Return the sequences of protocol II; those for training are all the others there are."""
        test = {
            f"{name}-{number}"
            for name, numbers in read_yaml(LISTS)["lasot_test"].items()
            for number in numbers
        }
        if split == "test":
            return sorted(test, key=_natural)
        found = []
        for place in sorted(self.folder.iterdir()):
            pattern = re.compile(rf"{re.escape(place.name)}-\d+")
            if place.is_dir():
                names = os.listdir(place)  # noqa: PTH208
                found += [name for name in names if pattern.fullmatch(name) and name not in test]
        if not found:
            raise UserError(
                "holds no sequence",
                where=str(self.folder),
                expected="folders like airplane/airplane-1",
                action=self.info.obtain,
            )
        return sorted(found, key=_natural)

    def read(self, split: str, one: Listed) -> Notes:
        """Read a sequence's boxes, flags and, where they are there, attributes."""
        from mim_bench.datamodules.readers.tracks import Notes, read_boxes, read_flags

        obtain = self.info.obtain
        boxes = read_boxes(one.boxes, obtain)
        occluded, outside, *attributes = one.others
        absent = read_flags(occluded, obtain, len(boxes)) + read_flags(outside, obtain, len(boxes))
        cut = _CUT.get(one.name, len(boxes)) if split == "test" else len(boxes)
        words: list[str] = []
        for file in attributes:
            flags = read_flags(file, obtain, len(ATTRIBUTES))
            words = [name for name, flag in zip(ATTRIBUTES, flags, strict=True) if flag]
        return Notes(
            boxes[:cut],
            (absent > 0)[:cut],
            count_pictures(one.pictures) if split == "test" else None,
            attributes=words,
        )

    def picture_name(self, number: int) -> str:
        """Return `00000001.jpg` for the first frame."""
        return f"{number + 1:08d}.jpg"


def _natural(name: str) -> tuple[str, int]:
    stem, _, number = name.rpartition("-")
    return stem, int(number)
