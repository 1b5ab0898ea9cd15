"""The readers of CIFAR-10 and CIFAR-100: pictures of 32 x 32 in pickled batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from mim_bench.datamodules.readers.base import DatasetInfo
from mim_bench.datamodules.readers.classification import Carve, ClassificationReader
from mim_bench.datamodules.readers.fingerprints import Description
from mim_bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from mim_bench.datamodules.readers.listings import Listing
    from mim_bench.errors import Problem

_SIDE = 32
_LICENCE = "none is stated"
_HOME = "https://www.cs.toronto.edu/~kriz/cifar.html"


class CIFAR10(ClassificationReader):
    """Ten kinds of things, in five batches for training and one for the test.

    Batches are unpickled as data alone, and once: their pixels are kept in the cache folder,
    whence loader processes share them. Names are `<batch>/<row>`.
    """

    info: ClassVar[DatasetInfo] = DatasetInfo(
        name="cifar10",
        title="CIFAR-10",
        task="classification",
        folder="cifar-10-batches-py",
        splits={"train": 45000, "val": 5000, "trainval": 50000, "test": 10000},
        metric="top-1",
        licence=_LICENCE,
        home=_HOME,
        size_on_disk="180 MB",
        obtain="extract cifar-10-python.tar.gz of its home page into the data root",
        image_size=(_SIDE, _SIDE),
    )
    class_count: ClassVar[int] = 10
    tree: ClassVar[str] = """
cifar-10-batches-py/data_batch_1 ... data_batch_5, test_batch
cifar-10-batches-py/batches.meta
"""
    carve: ClassVar[Carve | None] = Carve(val=5000, total=50000)
    batches: ClassVar[dict[str, tuple[str, ...]]] = {
        "trainval": tuple(f"data_batch_{number}" for number in range(1, 6)),
        "test": ("test_batch",),
    }
    meta: ClassVar[tuple[str, str]] = ("batches.meta", "label_names")
    label_key: ClassVar[str] = "labels"
    has_files: ClassVar[bool] = False  # pictures lie in the batches

    def __init__(self, root: str | Path, **kwargs: Any) -> None:
        super().__init__(root, **kwargs)
        self._pixels: dict[str, npt.NDArray[np.uint8]] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_pixels": {}}

    def sources(self, split: str) -> list[Path]:
        """Return the batches and the file of class names."""
        official = split if split in self.batches else "trainval"
        return [self.folder / name for name in (*self.batches[official], self.meta[0])]

    def read_listing(self, split: str) -> Listing:
        """Read labels and class names."""
        from mim_bench.datamodules.readers.listings import Listing
        from mim_bench.datamodules.readers.values import texts

        names: list[str] = []
        labels: list[int] = []
        for batch in self.batches[split]:
            found = self._batch(batch)[self.label_key]
            names += [f"{batch}/{row:05d}" for row in range(len(found))]
            labels += found.tolist()
        file, key = self.meta
        content = self._unpickled(file, key)
        where = self.folder / file
        classes = texts(content[key], "class", where, self.info.obtain, once=True)
        return Listing.of(names, labels, classes)

    def picture(self, split: str, index: int) -> npt.NDArray[np.uint8]:
        """Return a picture as (32, 32, 3) uint8 RGB."""
        import numpy as np

        batch, _, row = self.listing(split).names[index].partition("/")
        if batch not in self._pixels:
            from mim_bench.datamodules.readers.jsonfiles import mapped

            self._pixels[batch] = mapped(
                self.folder / batch, "pixels of a CIFAR batch", lambda: self._batch(batch)["data"]
            )
        pixels = self._pixels[batch][int(row)].reshape(3, _SIDE, _SIDE)
        return np.ascontiguousarray(pixels.transpose(1, 2, 0))

    def check(self, splits: Iterable[str] | None = None) -> list[Problem]:
        """Look for the batches; torchvision's reader wants all of them for any split."""
        lost = [
            path
            for path in self.sources("trainval") + self.sources("test")
            if self.folder.is_dir() and not path.is_file()
        ]
        problems = [one for path in lost for one in self.wrong("is missing", str(path)).problems]
        return list(dict.fromkeys(problems)) or super().check(splits)

    def describe(self, split: str) -> Description:
        """Return the listing's hash and the size of the batches, which hold the pictures."""
        held = super().describe(split)
        return Description(held.content, self.sources(split), self.sources(split))

    def _batch(self, name: str) -> dict[str, Any]:
        from mim_bench.datamodules.readers.values import whole_numbers

        content = self._unpickled(name, "data", self.label_key)
        where, held = self.folder / name, content[self.label_key]
        labels = whole_numbers(held, "label", where, self.info.obtain)
        data, shape = content["data"], (len(labels), 3 * _SIDE * _SIDE)
        if getattr(data, "shape", None) != shape or str(data.dtype) != "uint8":
            found = f"{getattr(data, 'dtype', type(data).__name__)} {getattr(data, 'shape', '')}"
            raise self.wrong(f"its pixels are {found}", str(where), f"uint8 {shape}")
        return {"data": data, self.label_key: labels}

    def _unpickled(self, name: str, *keys: str) -> dict[str, Any]:
        from mim_bench.datamodules.readers.pickles import read_pickle

        path = self.folder / name
        content = read_pickle(path, self.info.obtain)
        lacking = [key for key in keys if not isinstance(content, dict) or key not in content]
        if lacking:
            raise UserError(
                f"lacks {', '.join(lacking)}",
                where=str(path),
                expected=f"a dictionary with {', '.join(keys)}",
                action=self.info.obtain,
            )
        found: dict[str, Any] = content
        return found


class CIFAR100(CIFAR10):
    """A hundred kinds of things (the fine labels)."""

    info: ClassVar[DatasetInfo] = DatasetInfo(
        name="cifar100",
        title="CIFAR-100",
        task="classification",
        folder="cifar-100-python",
        splits={"train": 44933, "val": 5067, "trainval": 50000, "test": 10000},
        metric="top-1",
        licence=_LICENCE,
        home=_HOME,
        size_on_disk="180 MB",
        obtain="extract cifar-100-python.tar.gz of its home page into the data root",
        image_size=(_SIDE, _SIDE),
    )
    class_count: ClassVar[int] = 100
    tree: ClassVar[str] = """
cifar-100-python/train, test, meta
"""
    carve: ClassVar[Carve | None] = Carve(val=5067, total=50000)
    batches: ClassVar[dict[str, tuple[str, ...]]] = {"trainval": ("train",), "test": ("test",)}
    meta: ClassVar[tuple[str, str]] = ("meta", "fine_label_names")
    label_key: ClassVar[str] = "fine_labels"
