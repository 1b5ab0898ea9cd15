"""The reader of SUN397."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from mim_bench.datamodules.readers.base import DatasetInfo
from mim_bench.datamodules.readers.classification import Carve, ClassificationReader
from mim_bench.datamodules.readers.lists import read_lines, require_division

if TYPE_CHECKING:
    from pathlib import Path

    from mim_bench.datamodules.readers.listings import Listing

_PARTITIONS = 10


class SUN397(ClassificationReader):
    """Scenes, in one of ten official divisions. A class's number is its line in `ClassName.txt`.

    The lists are looked for in `SUN397/`, in `SUN397/Partitions/`, in `Partitions/` and in the
    data root.

    Args:
        root: The data root.
        partition: Which division; the benchmark has the first.
        kwargs: See `ClassificationReader`.
    """

    info: ClassVar[DatasetInfo] = DatasetInfo(
        name="sun397",
        title="SUN397",
        task="classification",
        folder="SUN397",
        splits={"train": 15880, "val": 3970, "trainval": 19850, "test": 19850},
        metric="top-1",
        licence="research; pictures belong to their owners (unverified)",
        home="https://vision.princeton.edu/projects/2010/SUN/",
        size_on_disk="37 GB (unverified)",
        obtain="extract SUN397.tar.gz into the data root, and Partitions.zip into SUN397/",
    )
    class_count: ClassVar[int] = 397
    tree: ClassVar[str] = """
SUN397/ClassName.txt
SUN397/Training_01.txt, Testing_01.txt
SUN397/a/abbey/sun_aaalbzqrimafwbiv.jpg
"""
    carve: ClassVar[Carve | None] = Carve(val=3970, total=19850)

    def __init__(self, root: str | Path, partition: int = 1, **kwargs: Any) -> None:
        super().__init__(root, **kwargs)
        self.partition = require_division(partition, _PARTITIONS)

    def choices(self) -> dict[str, Any]:
        """Return the division."""
        return {"partition": self.partition}

    def sources(self, split: str) -> list[Path]:
        """Return the division's list and that of the classes."""
        kind = "Testing" if split == "test" else "Training"
        return [self._find(f"{kind}_{self.partition:02d}.txt"), self._find("ClassName.txt")]

    def _find(self, name: str) -> Path:
        inside = self.folder / name
        beside = (self.folder / "Partitions", self.root / "Partitions", self.root)
        return next(
            (one for one in (inside, *(at / name for at in beside)) if one.is_file()), inside
        )

    def read_listing(self, split: str) -> Listing:
        """Read `/a/abbey/sun_....jpg`: the class is all before the file's name."""
        from mim_bench.datamodules.readers.listings import Listing

        path, classes_file = self.sources(split)
        classes = [line.strip("/") for _, line in read_lines(classes_file, self.info.obtain)]
        known = {name: label for label, name in enumerate(classes)}
        if len(known) < len(classes):
            raise self.wrong("has a class twice", str(classes_file), "each class once")
        names, labels = [], []
        for number, line in read_lines(path, self.info.obtain):
            name = line.lstrip("/")
            one = name.rpartition("/")[0]
            if one not in known:
                raise self.wrong(
                    f"the class {one!r} is not in {classes_file.name}", f"{path}:{number}"
                )
            names.append(name)
            labels.append(known[one])
        return Listing.of(names, labels, classes)
