"""The reader of PASCAL VOC 2007 as classification: a picture may show several classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from mim_bench.datamodules.readers.base import DatasetInfo
from mim_bench.datamodules.readers.classification import ClassificationReader
from mim_bench.datamodules.readers.lists import read_lines

if TYPE_CHECKING:
    from pathlib import Path

    from mim_bench.datamodules.readers.listings import Listing

CLASSES = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train",
    "tvmonitor",
)  # fmt: skip
"""In the alphabet's order."""

_TRUTH = {"1": 1, "0": -1, "-1": 0}  # 0: difficult objects alone, which are not scored


class VOC2007(ClassificationReader):
    """Twenty kinds of things in photographs, from the lists of each class."""

    info: ClassVar[DatasetInfo] = DatasetInfo(
        name="voc2007",
        title="PASCAL VOC 2007",
        task="classification",
        folder="VOCdevkit",
        splits={"train": 2501, "val": 2510, "trainval": 5011, "test": 4952},
        metric="mean over classes of 11-point average precision",
        licence="Flickr's terms (unverified)",
        home="http://host.robots.ox.ac.uk/pascal/VOC/voc2007/",
        size_on_disk="0.9 GB",
        obtain="extract VOCtrainval_06-Nov-2007.tar and VOCtest_06-Nov-2007.tar of its home page "
        "into the data root; both go into VOCdevkit/VOC2007/",
    )
    class_count: ClassVar[int] = len(CLASSES)
    multi_label: ClassVar[bool] = True
    tree: ClassVar[str] = """
VOCdevkit/VOC2007/JPEGImages/000005.jpg
VOCdevkit/VOC2007/ImageSets/Main/{train,val,trainval,test}.txt
VOCdevkit/VOC2007/ImageSets/Main/<class>_{train,val,trainval,test}.txt
"""

    def sources(self, split: str) -> list[Path]:
        """Return the list of the pictures, and of each class."""
        main = self.folder / "VOC2007" / "ImageSets" / "Main"
        return [main / f"{split}.txt", *(main / f"{name}_{split}.txt" for name in CLASSES)]

    def read_listing(self, split: str) -> Listing:
        """Read `picture flag` lines: 1 there, -1 not there, 0 only as difficult objects."""
        import numpy as np

        from mim_bench.datamodules.readers.listings import Listing

        whole, *each = self.sources(split)
        pictures = [line for _, line in read_lines(whole, self.info.obtain)]
        rows = {name: row for row, name in enumerate(pictures)}
        labels = np.zeros((len(pictures), len(CLASSES)), np.int8)
        for column, path in enumerate(each):
            lines = read_lines(path, self.info.obtain)
            if len(lines) != len(pictures):
                raise self.wrong(
                    f"has {len(lines)} lines", str(path), f"{len(pictures)}, as {whole.name} has"
                )
            given: set[str] = set()
            for number, line in lines:
                name, _, flag = line.partition(" ")
                if name not in rows or flag.strip() not in _TRUTH:
                    raise self.wrong(
                        f"the line is {line!r}",
                        f"{path}:{number}",
                        f"a picture of {whole.name} and 1, 0 or -1",
                    )
                if name in given:
                    raise self.wrong(f"{name} is there twice", f"{path}:{number}", "once")
                given.add(name)
                labels[rows[name], column] = _TRUTH[flag.strip()]
        return Listing.of([f"VOC2007/JPEGImages/{name}.jpg" for name in pictures], labels, CLASSES)
