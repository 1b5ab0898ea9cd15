"""The reader of iNaturalist 2018."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from mim_bench.datamodules.readers.base import DatasetInfo
from mim_bench.datamodules.readers.classification import ClassificationReader

if TYPE_CHECKING:
    from pathlib import Path

    from mim_bench.datamodules.readers.listings import Listing


class INat18(ClassificationReader):
    """Species with a long tail; the test's labels are not public, so scores are those of `val`."""

    info: ClassVar[DatasetInfo] = DatasetInfo(
        name="inat18",
        title="iNaturalist 2018",
        task="classification",
        folder="inat2018",
        splits={"train": 437513, "val": 24426},
        metric="top-1",
        licence="iNaturalist's terms: research and education, no redistribution",
        home="https://github.com/visipedia/inat_comp/tree/master/2018",
        size_on_disk="120 GB",
        obtain="extract train_val2018.tar.gz, train2018.json.tar.gz and val2018.json.tar.gz of its "
        "home page into inat2018/ in the data root",
    )
    class_count: ClassVar[int] = 8142
    tree: ClassVar[str] = """
inat2018/train2018.json, val2018.json
inat2018/train_val2018/<super category>/<category>/<hash>.jpg
"""

    def sources(self, split: str) -> list[Path]:
        """Return the JSON file."""
        return [self.folder / f"{split}2018.json"]

    def read_listing(self, split: str) -> Listing:
        """Read pictures in the file's order, and their one annotation each."""
        from mim_bench.datamodules.readers.folders import is_text
        from mim_bench.datamodules.readers.jsonfiles import read_json_file
        from mim_bench.datamodules.readers.listings import Listing

        (path,) = self.sources(split)
        content = read_json_file(path, self.info.obtain)
        try:
            categories = [(int(one["id"]), str(one["name"])) for one in content["categories"]]
            shown = [(one["image_id"], int(one["category_id"])) for one in content["annotations"]]
            pictures = [(one["id"], str(one["file_name"])) for one in content["images"]]
            classes, labels = dict(categories), dict(shown)
            names = dict(pictures)
        except (KeyError, TypeError, ValueError) as error:
            raise self.wrong(
                f"is not of the dataset's form: {error!r}",
                str(path),
                "images, annotations and categories, as COCO has them",
            ) from error
        if sorted(number for number, _ in categories) != list(range(len(categories))):
            raise self.wrong(
                "categories are not numbered from 0, each number once",
                str(path),
                f"0 to {len(categories) - 1}",
            )
        if len(names) < len(pictures):
            raise self.wrong("two pictures have the same id", str(path), "another for each")
        if len(labels) < len(shown):
            raise self.wrong("two annotations are of the same picture", str(path), "one for each")
        if lacking := [name for number, name in pictures if number not in labels]:
            raise self.wrong(f"{lacking[0]} has no annotation", str(path), "one for each picture")
        # here, as a listing's labels have 32 bits
        for number, label in shown:
            if label not in classes:
                name = names.get(number, f"picture {number}")
                raise self.wrong(
                    f"{name} is of the category {label}, which there is not",
                    str(path),
                    f"0 to {len(classes) - 1}",
                )
        if odd := [name for name in names.values() if not is_text(name)]:
            raise self.wrong(f"{odd[0]!r} is no name of a picture", str(path))
        return Listing.of(
            list(names.values()),
            [labels[number] for number in names],
            [classes[label] for label in range(len(classes))],
        )
