"""The reader of Caltech-101."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from mim_bench.datamodules.readers.base import DatasetInfo
from mim_bench.datamodules.readers.classification import Carve, ClassificationReader
from mim_bench.datamodules.readers.folders import class_folders, pictures_in
from mim_bench.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from mim_bench.datamodules.readers.listings import Listing

BACKGROUND = "BACKGROUND_Google"
"""The class of pictures from anywhere, which the benchmark counts and torchvision leaves out."""

_PICTURE = re.compile(r"image_\d{4}\.jpe?g", re.IGNORECASE)


class Caltech101(ClassificationReader):
    """Objects, 30 pictures of each class for training, drawn once without replacement.

    There is no official division: which 30 depends on `split_seed` and the files' names alone.

    Args:
        root: The data root.
        background: Whether the background class counts: 102 classes as in the benchmark, or 101.
        train_per_class: Pictures of a class in `trainval`; the others are the test.
        kwargs: See `ClassificationReader`.
    """

    info: ClassVar[DatasetInfo] = DatasetInfo(
        name="caltech101",
        title="Caltech-101",
        task="classification",
        folder="caltech101",
        splits={"train": 2550, "val": 510, "trainval": 3060, "test": 6084},
        metric="mean per class",
        licence="CC BY 4.0",
        home="https://data.caltech.edu/records/mzrjq-6wc02",
        size_on_disk="140 MB",
        obtain="extract caltech-101.zip of its home page, and 101_ObjectCategories.tar.gz in it "
        "into caltech101/ in the data root",
    )
    tree: ClassVar[str] = """
caltech101/101_ObjectCategories/<class>/image_0001.jpg
caltech101/101_ObjectCategories/BACKGROUND_Google/image_0001.jpg
"""
    carve: ClassVar[Carve | None] = Carve(val=510, total=3060)

    def __init__(
        self,
        root: str | Path,
        background: bool = True,
        train_per_class: int = 30,
        **kwargs: Any,
    ) -> None:
        super().__init__(root, **kwargs)
        if train_per_class < 1:
            raise UserError(
                f"is {train_per_class}",
                where="data.reader.init_args.train_per_class",
                expected="1 or more",
            )
        self.background = background
        self.train_per_class = train_per_class
        self.class_count = 102 if background else 101  # type: ignore[misc]  # by the setting

    def choices(self) -> dict[str, Any]:
        """Return what decides about the split."""
        return {
            "background": self.background,
            "train_per_class": self.train_per_class,
            "split_seed": self.split_seed,
        }

    def chosen_by_seed(self, split: str) -> bool:
        """Tell that no split is official."""
        return bool(split)

    def pictures(self) -> Path:
        """Return the folder of the classes."""
        return self.folder / "101_ObjectCategories"

    def sources(self, split: str) -> list[Path]:
        """Return nothing: there are no lists."""
        del split
        return []

    def folders(self, split: str) -> list[Path]:
        """Return the class folders."""
        del split
        base = self.pictures()
        return [base, *(base / name for name in class_folders(base))]

    def read_listing(self, split: str) -> Listing:
        """Divide each class folder; files that are no pictures of the dataset are counted."""
        import numpy as np

        from mim_bench.datamodules.readers.listings import Listing, ranked

        base = self.pictures()
        if not base.is_dir():
            raise self.wrong("there is no such folder", str(base))
        classes = [name for name in class_folders(base) if self.background or name != BACKGROUND]
        if self.background and BACKGROUND not in classes:
            raise self.wrong(
                f"there is no folder {BACKGROUND}",
                str(base),
                "102 classes with the background, or the reader's setting `background: false`",
            )
        names: list[str] = []
        labels: list[int] = []
        strays = 0
        for label, name in enumerate(classes):
            found, others = pictures_in(base / name)
            whole = [one for one in found if _PICTURE.fullmatch(one)]
            strays += others + len(found) - len(whole)
            trained = self.train_per_class
            if len(whole) <= trained and self.stamp() is not None:
                trained = len(whole) * 4 // 5  # the miniature world has fewer of each
            if len(whole) <= trained:
                raise self.wrong(
                    f"has {len(whole)} pictures",
                    str(base / name),
                    f"more than {self.train_per_class}, which are trained on",
                )
            paths = [f"{name}/{one}" for one in whole]
            order = ranked(paths, self.split_seed)
            chosen = np.zeros(len(paths), bool)
            chosen[order[:trained]] = True
            own = [
                path
                for path, known in zip(paths, chosen, strict=True)
                if known == (split == "trainval")
            ]
            names += own
            labels += [label] * len(own)
        return Listing.of(
            names, labels, classes, [("files that are no image_<number>.jpg", strays)]
        )
