"""The reader of Birdsnap, of which every copy lacks other pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from mim_bench.datamodules.readers.base import DatasetInfo
from mim_bench.datamodules.readers.classification import Carve, ClassificationReader
from mim_bench.datamodules.readers.folders import class_folders, pictures_in
from mim_bench.datamodules.readers.lists import read_lines

if TYPE_CHECKING:
    from pathlib import Path

    from mim_bench.datamodules.readers.listings import Listing

_PICTURES = "download/images"


class Birdsnap(ClassificationReader):
    """Birds. Pictures were links, most of which are dead: what is there is read, and counted.

    All 500 classes stay, also those of which nothing is left.
    """

    info: ClassVar[DatasetInfo] = DatasetInfo(
        name="birdsnap",
        title="Birdsnap",
        task="classification",
        folder="birdsnap",
        splits={"train": 42405, "val": 4981, "trainval": 47386, "test": 2443},
        metric="top-1",
        licence="each photographer's; no redistribution",
        home="https://thomasberg.org/",
        size_on_disk="up to 69 GB",
        obtain="extract birdsnap.tgz of its home page into the data root and run the "
        "get_birdsnap.py in it, which needs Python 2",
    )
    class_count: ClassVar[int] = 500
    trained_on: ClassVar[tuple[str, ...]] = ()
    tree: ClassVar[str] = """
birdsnap/species.txt, images.txt, test_images.txt
birdsnap/download/images/<species>/<picture>.jpg
"""
    carve: ClassVar[Carve | None] = Carve(val=4981, total=47386)

    def sources(self, split: str) -> list[Path]:
        """Return the three lists, whatever the split."""
        del split
        return [self.folder / name for name in ("images.txt", "test_images.txt", "species.txt")]

    def folders(self, split: str) -> list[Path]:
        """Return the folders of the pictures, as what is there counts."""
        del split
        base = self.folder / _PICTURES
        return [base, *(base / name for name in class_folders(base))]

    def read_listing(self, split: str) -> Listing:
        """Read what the lists name and the disk has."""
        from mim_bench.datamodules.readers.listings import Listing

        images, tests, species = self.sources(split)
        rows = self._table(species, ("id", "common"))
        known = {row["id"]: label for label, row in enumerate(rows)}
        tested = {line for _, line in read_lines(tests, self.info.obtain)[1:]}
        base = self.folder / _PICTURES
        there = {
            f"{name}/{one}" for name in class_folders(base) for one in pictures_in(base / name)[0]
        }
        names, labels, lost = [], [], 0
        for row in self._table(images, ("path", "species_id")):
            if (row["path"] in tested) != (split == "test"):
                continue
            if row["species_id"] not in known:
                raise self.wrong(
                    f"{row['path']} is of the species {row['species_id']!r}, which {species.name} "
                    "has not",
                    str(images),
                )
            if row["path"] in there:
                names.append(f"{_PICTURES}/{row['path']}")
                labels.append(known[row["species_id"]])
            else:
                lost += 1
        classes = [row["common"] for row in rows]
        return Listing.of(names, labels, classes, [("listed, but not on this disk", lost)])

    def _table(self, path: Path, needed: tuple[str, ...]) -> list[dict[str, str]]:
        """Read a table with a header; trailing columns may be empty."""
        (_, first), *lines = read_lines(path, self.info.obtain)
        header = first.split("\t")
        if lacking := [name for name in needed if name not in header]:
            raise self.wrong(f"its first line lacks {', '.join(lacking)}", f"{path}:1")
        least = max(header.index(name) for name in needed) + 1
        rows = []
        for number, line in lines:
            columns = line.split("\t")
            if len(columns) < least:
                raise self.wrong(
                    f"the line has {len(columns)} columns", f"{path}:{number}", f"{least} or more"
                )
            rows.append(dict(zip(header, columns, strict=False)))
        return rows
