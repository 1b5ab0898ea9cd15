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
        rows = [row for _, row in self._table(species, ("id", "common"))]
        known = {row["id"]: label for label, row in enumerate(rows)}
        if len(known) < len(rows):
            raise self.wrong("two species have the same id", str(species), "another for each")
        listed = self._table(images, ("path", "species_id"))
        tested = self._tested(tests, {row["path"] for _, row in listed})
        base = self.folder / _PICTURES
        there = {
            f"{name}/{one}" for name in class_folders(base) for one in pictures_in(base / name)[0]
        }
        names, labels, lost = [], [], 0
        for number, row in listed:
            if (row["path"] in tested) != (split == "test"):
                continue
            if row["species_id"] not in known:
                raise self.wrong(
                    f"{row['path']} is of the species {row['species_id']!r}, which {species.name} "
                    "has not",
                    f"{images}:{number}",
                )
            if ".." in row["path"].split("/"):
                raise self.wrong(
                    f"{row['path']!r} leads out of the dataset's folder",
                    f"{images}:{number}",
                    "paths below it",
                )
            if row["path"] in there:
                names.append(f"{_PICTURES}/{row['path']}")
                labels.append(known[row["species_id"]])
            else:
                lost += 1
        classes = [row["common"] for row in rows]
        return Listing.of(names, labels, classes, [("listed, but not on this disk", lost)])

    def _tested(self, path: Path, listed: set[str]) -> set[str]:
        """Read the paths to test on; a first line without a slash is a header."""
        lines = read_lines(path, self.info.obtain)
        if "/" not in lines[0][1]:
            lines = lines[1:]
        for number, line in lines:
            if line not in listed:
                raise self.wrong(
                    f"{line!r} is not in images.txt", f"{path}:{number}", "paths that it has"
                )
        return {line for _, line in lines}

    def _table(self, path: Path, needed: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
        """Read a table with a header: its rows and their lines; trailing columns may be empty."""
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
            rows.append((number, dict(zip(header, columns, strict=False))))
        return rows
