"""The reader of the Oxford 102 Flowers."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from mim_bench.datamodules.readers.base import DatasetInfo
from mim_bench.datamodules.readers.classification import ClassificationReader

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from mim_bench.datamodules.readers.listings import Listing

_SETS = {"train": ("trnid",), "val": ("valid",), "trainval": ("trnid", "valid"), "test": ("tstid",)}


class Flowers(ClassificationReader):
    """Species of flowers, which the files number and do not name.

    The test is the large set (`tstid`); some papers train on it and test on `trnid`.
    """

    info: ClassVar[DatasetInfo] = DatasetInfo(
        name="flowers",
        title="Oxford 102 Flowers",
        task="classification",
        folder="flowers-102",
        splits={"train": 1020, "val": 1020, "trainval": 2040, "test": 6149},
        metric="mean per class",
        licence="none is stated",
        home="https://www.robots.ox.ac.uk/~vgg/data/flowers/102/",
        size_on_disk="350 MB",
        obtain="extract 102flowers.tgz of its home page into flowers-102/ in the data root, "
        "and put imagelabels.mat and setid.mat beside jpg/",
    )
    class_count: ClassVar[int] = 102
    tree: ClassVar[str] = """
flowers-102/jpg/image_00001.jpg
flowers-102/imagelabels.mat, setid.mat
"""

    def sources(self, split: str) -> list[Path]:
        """Return the two files, whatever the split."""
        del split
        return [self.folder / "setid.mat", self.folder / "imagelabels.mat"]

    def read_listing(self, split: str) -> Listing:
        """Read picture numbers and classes, both counted from 1."""
        import numpy as np

        from mim_bench.datamodules.readers.listings import Listing
        from mim_bench.datamodules.readers.matfiles import read_mat
        from mim_bench.datamodules.readers.values import whole_numbers

        def read(path: Path, name: str, what: str) -> npt.NDArray[np.int64]:
            found = np.atleast_1d(read_mat(path, name, self.info.obtain))
            return whole_numbers(found, what, path, self.info.obtain)

        sets, labels_file = self.sources(split)
        labels = read(labels_file, "labels", "label")
        numbers = np.concatenate([read(sets, name, "picture") for name in _SETS[split]])
        if len(numbers) and not 1 <= numbers.min() <= numbers.max() <= len(labels):
            raise self.wrong(
                f"names the pictures {numbers.min()} to {numbers.max()}",
                str(sets),
                f"1 to {len(labels)}, as many as {labels_file.name} has labels",
            )
        most = int(labels.max(initial=0))
        if most > len(labels):  # there can't be more classes than pictures
            raise self.wrong(f"has the label {most}", str(labels_file), f"1 to {self.class_count}")
        return Listing.of(
            [f"jpg/image_{number:05d}.jpg" for number in numbers],
            labels[numbers - 1] - 1,
            [f"flower {number}" for number in range(1, most + 1)],
        )
