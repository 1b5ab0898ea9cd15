"""The reader of ImageNet-1K as folders per synset."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from mim_bench.datamodules.readers.base import DatasetInfo
from mim_bench.datamodules.readers.classification import ClassificationReader
from mim_bench.datamodules.readers.folders import class_folders, pictures_in

if TYPE_CHECKING:
    from pathlib import Path

    from mim_bench.datamodules.readers.listings import Listing

_WNID = re.compile(r"n\d{8}")

STRAY = "files in class folders that are no pictures"
"""Why files are left out."""


class ImageNet1K(ClassificationReader):
    """`train/<wnid>` and `val/<wnid>`: classes are the sorted folders of `train`."""

    info: ClassVar[DatasetInfo] = DatasetInfo(
        name="imagenet1k",
        title="ImageNet-1K",
        task="classification",
        folder="imagenet",
        splits={"train": 1281167, "val": 50000},
        metric="top-1",
        licence="research, not commercial; an account is needed; no redistribution",
        home="https://image-net.org/challenges/LSVRC/2012/",
        size_on_disk="146 GB",
        obtain="extract ILSVRC2012_img_train.tar and the tars in it to imagenet/train/<wnid>/, and "
        "move the pictures of ILSVRC2012_img_val.tar to imagenet/val/<wnid>/",
    )
    class_count: ClassVar[int] = 1000
    tree: ClassVar[str] = """
imagenet/train/<wnid>/*.JPEG
imagenet/val/<wnid>/*.JPEG
"""

    def sources(self, split: str) -> list[Path]:
        """Return nothing: there are no lists."""
        del split
        return []

    def folders(self, split: str) -> list[Path]:
        """Return the class folders."""
        names = class_folders(self.folder / "train")
        below = [self.folder / split / name for name in names]
        return [self.folder / "train", self.folder / split, *(one for one in below if one.is_dir())]

    def read_listing(self, split: str) -> Listing:
        """List the folders."""
        from mim_bench.datamodules.readers.listings import Listing

        train = self.folder / "train"
        classes = class_folders(train)
        if not classes:
            raise self.wrong("there are no folders of synsets", str(train), "train/<wnid>/")
        if odd := [name for name in classes if not _WNID.fullmatch(name)]:
            raise self.wrong(
                f"{len(odd):,} folders are none of a synset: {odd[0]}",
                str(train),
                "folders named as n01440764",
            )
        if flat := len(pictures_in(self.folder / split)[0]):
            raise self.wrong(
                f"{flat:,} pictures are in no folder of a synset",
                str(self.folder / split),
                f"{split}/<wnid>/",
            )
        if unknown := set(class_folders(self.folder / split)) - set(classes):
            raise self.wrong(
                f"{split} has the folder {min(unknown)!r}, which train has not",
                str(self.folder / split),
                "the folders of train",
            )
        names, labels, strays = [], [], 0
        for label, name in enumerate(classes):
            found, others = pictures_in(self.folder / split / name)
            names += [f"{split}/{name}/{one}" for one in found]
            labels += [label] * len(found)
            strays += others
        return Listing.of(names, labels, classes, [(STRAY, strays)])
