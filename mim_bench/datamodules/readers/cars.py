"""The reader of Stanford Cars."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from mim_bench.datamodules.readers.base import DatasetInfo
from mim_bench.datamodules.readers.classification import Carve, ClassificationReader

if TYPE_CHECKING:
    from pathlib import Path

    from mim_bench.datamodules.readers.listings import Listing

_WITH_LABELS = "cars_test_annos_withlabels.mat"


class Cars(ClassificationReader):
    """Makes, models and years of cars."""

    info: ClassVar[DatasetInfo] = DatasetInfo(
        name="cars",
        title="Stanford Cars",
        task="classification",
        folder="stanford_cars",
        splits={"train": 6494, "val": 1650, "trainval": 8144, "test": 8041},
        metric="top-1",
        licence="research, not commercial (unverified)",
        home="https://ai.stanford.edu/~jkrause/cars/car_dataset.html",
        size_on_disk="1.9 GB",
        obtain="its home is gone; mirrors have cars_train.tgz, cars_test.tgz, car_devkit.tgz and, "
        f"apart from them, {_WITH_LABELS}, which belongs beside devkit/",
    )
    class_count: ClassVar[int] = 196
    tree: ClassVar[str] = f"""
stanford_cars/cars_train/00001.jpg
stanford_cars/cars_test/00001.jpg
stanford_cars/devkit/cars_meta.mat, cars_train_annos.mat
stanford_cars/{_WITH_LABELS}
"""
    carve: ClassVar[Carve | None] = Carve(val=1650, total=8144)

    def sources(self, split: str) -> list[Path]:
        """Return the annotations and the file of class names."""
        devkit = self.folder / "devkit"
        annotations = devkit / "cars_train_annos.mat"
        if split == "test":
            places = [self.folder / _WITH_LABELS, devkit / _WITH_LABELS]
            annotations = next((place for place in places if place.is_file()), places[0])
        return [annotations, devkit / "cars_meta.mat"]

    def folders(self, split: str) -> list[Path]:
        """Return the folder of the pictures, which a mirror has twice."""
        return [self.folder / ("cars_test" if split == "test" else "cars_train")]

    def read_listing(self, split: str) -> Listing:
        """Read file names and classes, which the files count from 1."""
        import numpy as np

        from mim_bench.datamodules.readers.listings import Listing
        from mim_bench.datamodules.readers.matfiles import read_mat
        from mim_bench.datamodules.readers.values import texts, whole_numbers

        path, meta = self.sources(split)
        if not path.is_file() and split == "test":
            raise self.wrong("the labels of the test are missing", str(path))
        found = np.atleast_1d(read_mat(path, "annotations", self.info.obtain))
        fields = found.dtype.names or ()
        if not {"class", "fname"} <= set(fields):
            raise self.wrong(
                f"has the fields {', '.join(fields) or '(none)'}",
                str(path),
                "class and fname; the devkit's own list of the test has no classes",
            )
        named = np.atleast_1d(read_mat(meta, "class_names", self.info.obtain))
        classes = texts(named, "class", meta, self.info.obtain, once=True)
        files = texts(found["fname"], "picture", path, self.info.obtain)
        labels = whole_numbers(found["class"], "class", path, self.info.obtain)
        (place,) = self.folders(split)
        folder, nested = place.name, place / place.name
        if nested.is_dir():
            raise self.wrong(
                f"holds a folder {folder} of its own, as one mirror has it",
                str(nested.parent),
                f"the pictures directly below it (move them up from {nested})",
            )
        return Listing.of([f"{folder}/{one}" for one in files], labels - 1, classes)
