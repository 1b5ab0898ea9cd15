"""The reader of the Describable Textures Dataset."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from mim_bench.datamodules.readers.base import DatasetInfo
from mim_bench.datamodules.readers.classification import ClassificationReader
from mim_bench.datamodules.readers.lists import read_lines, require_division

if TYPE_CHECKING:
    from pathlib import Path

    from mim_bench.datamodules.readers.listings import Listing

_PARTITIONS = 10
_LINE = re.compile(r"[^/.<][^/]*/[^/]+\.jpg")


class DTD(ClassificationReader):
    """Textures by the words that describe them, in the alphabet's order.

    Args:
        root: The data root; its folder `dtd`, or `dtd/dtd` as torchvision unpacks it, is taken.
        partition: Which of the ten official divisions, 1 as the benchmark has it.
        kwargs: See `ClassificationReader`.
    """

    info: ClassVar[DatasetInfo] = DatasetInfo(
        name="dtd",
        title="DTD",
        task="classification",
        folder="dtd",
        splits={"train": 1880, "val": 1880, "trainval": 3760, "test": 1880},
        metric="top-1",
        licence="research (unverified)",
        home="https://www.robots.ox.ac.uk/~vgg/data/dtd/",
        size_on_disk="600 MB",
        obtain="extract dtd-r1.0.1.tar.gz of its home page into the data root",
    )
    class_count: ClassVar[int] = 47
    tree: ClassVar[str] = """
dtd/images/<class>/<class>_0001.jpg
dtd/labels/train1.txt, val1.txt, test1.txt
"""

    def __init__(self, root: str | Path, partition: int = 1, **kwargs: Any) -> None:
        super().__init__(root, **kwargs)
        self.partition = require_division(partition, _PARTITIONS)

    def choices(self) -> dict[str, Any]:
        """Return the division."""
        return {"partition": self.partition}

    def pictures(self) -> Path:
        """Return the folder that holds `images` and `labels`."""
        nested = self.folder / self.folder.name
        return nested if nested.is_dir() else self.folder

    def sources(self, split: str) -> list[Path]:
        """Return the lists of the split, and of all three, which name the classes."""
        labels = self.pictures() / "labels"
        every = {name: labels / f"{name}{self.partition}.txt" for name in ("train", "val", "test")}
        own = ("train", "val") if split == "trainval" else (split,)
        return [every[name] for name in own] + [every[name] for name in every if name not in own]

    def read_listing(self, split: str) -> Listing:
        """Read `class/file` lines."""
        from mim_bench.datamodules.readers.listings import Listing

        own = 2 if split == "trainval" else 1
        lists = [self._lines(path) for path in self.sources(split)]
        classes = sorted({line.partition("/")[0] for one in lists for line in one})
        known = {name: label for label, name in enumerate(classes)}
        names = [line for one in lists[:own] for line in one]
        labels = [known[name.partition("/")[0]] for name in names]
        return Listing.of([f"images/{name}" for name in names], labels, classes)

    def _lines(self, path: Path) -> list[str]:
        """Return a list's lines; one that is no picture of a class would be a class itself."""
        found = read_lines(path, self.info.obtain)
        for number, line in found:
            if not _LINE.fullmatch(line):
                raise self.wrong(f"the line is {line!r}", f"{path}:{number}", "class/picture.jpg")
        return [line for _, line in found]
