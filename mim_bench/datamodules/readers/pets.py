"""The reader of the Oxford-IIIT Pets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from mim_bench.datamodules.readers.base import DatasetInfo
from mim_bench.datamodules.readers.classification import Carve, ClassificationReader
from mim_bench.datamodules.readers.lists import read_lines

if TYPE_CHECKING:
    from pathlib import Path

    from mim_bench.datamodules.readers.listings import Listing


_CLASS = re.compile("[1-9][0-9]{0,3}")


class Pets(ClassificationReader):
    """Breeds of cats and dogs. Some of its pictures are no JPEG, which their ending says."""

    info: ClassVar[DatasetInfo] = DatasetInfo(
        name="pets",
        title="Oxford-IIIT Pets",
        task="classification",
        folder="oxford-iiit-pet",
        splits={"train": 2940, "val": 740, "trainval": 3680, "test": 3669},
        metric="mean per class",
        licence="CC BY-SA 4.0 (unverified)",
        home="https://www.robots.ox.ac.uk/~vgg/data/pets/",
        size_on_disk="0.8 GB",
        obtain="extract images.tar.gz and annotations.tar.gz of its home page (plain tars, "
        "whatever their names say) into oxford-iiit-pet/ in the data root",
    )
    class_count: ClassVar[int] = 37
    tree: ClassVar[str] = """
oxford-iiit-pet/images/Abyssinian_1.jpg
oxford-iiit-pet/annotations/trainval.txt, test.txt
"""
    carve: ClassVar[Carve | None] = Carve(val=740, total=3680)

    def sources(self, split: str) -> list[Path]:
        """Return the split's list."""
        return [self.folder / "annotations" / f"{split}.txt"]

    def read_listing(self, split: str) -> Listing:
        """Read `picture class species breed`; classes are counted from 1."""
        from mim_bench.datamodules.readers.listings import Listing

        (path,) = self.sources(split)
        names, labels = [], []
        breeds: dict[int, str] = {}
        numbers: dict[str, int] = {}
        for number, line in read_lines(path, self.info.obtain):
            columns = line.split()
            if line.startswith("#"):
                continue
            breed = columns[0].rpartition("_")[0]
            if not breed or len(columns) < 2 or not _CLASS.fullmatch(columns[1]):
                raise self.wrong(
                    f"the line is {line!r}", f"{path}:{number}", "picture, class from 1, two more"
                )
            label = int(columns[1]) - 1
            if breeds.setdefault(label, breed) != breed:
                raise self.wrong(f"{breed} has the number of {breeds[label]}", f"{path}:{number}")
            if numbers.setdefault(breed, label) != label:
                raise self.wrong(f"{breed} has two numbers", f"{path}:{number}", "one for a breed")
            names.append(f"images/{columns[0]}.jpg")
            labels.append(label)
        classes = [
            breeds.get(label, f"class {label + 1}") for label in range(max(breeds, default=-1) + 1)
        ]
        return Listing.of(names, labels, classes)
