"""The reader of Food-101."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from mim_bench.datamodules.readers.base import DatasetInfo
from mim_bench.datamodules.readers.classification import Carve, ClassificationReader

if TYPE_CHECKING:
    from pathlib import Path

    from mim_bench.datamodules.readers.listings import Listing


class Food101(ClassificationReader):
    """Dishes. Classes are the sorted keys of the JSON lists, as torchvision numbers them.

    `classes.txt` has two of them the other way round (cheesecake, cheese_plate).
    """

    info: ClassVar[DatasetInfo] = DatasetInfo(
        name="food101",
        title="Food-101",
        task="classification",
        folder="food-101",
        splits={"train": 68175, "val": 7575, "trainval": 75750, "test": 25250},
        metric="top-1",
        licence="photographs of Foodspotting's users; scientific fair use, no redistribution",
        home="https://data.vision.ee.ethz.ch/cvl/datasets_extra/food-101/",
        size_on_disk="5 GB",
        obtain="extract food-101.tar.gz of its home page into the data root",
    )
    class_count: ClassVar[int] = 101
    tree: ClassVar[str] = """
food-101/images/<class>/<number>.jpg
food-101/meta/train.json, test.json
"""
    carve: ClassVar[Carve | None] = Carve(val=7575, total=75750)

    def sources(self, split: str) -> list[Path]:
        """Return the JSON list."""
        return [self.folder / "meta" / f"{'train' if split == 'trainval' else split}.json"]

    def read_listing(self, split: str) -> Listing:
        """Read class -> `class/number` without an ending."""
        from mim_bench.datamodules.readers.jsonfiles import read_json_file
        from mim_bench.datamodules.readers.listings import Listing
        from mim_bench.datamodules.readers.values import texts

        (path,) = self.sources(split)
        content = read_json_file(path, self.info.obtain)
        if not isinstance(content, dict) or not all(
            isinstance(names, list) for names in content.values()
        ):
            raise self.wrong("is no mapping of classes to lists", str(path))
        classes = texts(sorted(content), "class", path, self.info.obtain)
        names: list[str] = []
        labels: list[int] = []
        for label, one in enumerate(classes):
            found = texts(content[one], "picture", path, self.info.obtain)
            if other := [name for name in found if not name.startswith(f"{one}/")]:
                raise self.wrong(f"lists {other[0]!r} under {one}", str(path), f"{one}/<number>")
            names += [f"images/{name}.jpg" for name in found]
            labels += [label] * len(found)
        return Listing.of(names, labels, classes)
