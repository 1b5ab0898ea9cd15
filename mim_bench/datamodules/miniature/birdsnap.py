"""Writes close-ups as Birdsnap: tables of links, pictures of which some were lost."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from mim_bench.datamodules.miniature import labelled

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mim_bench.datamodules.miniature.labelled import Shot

NAME = "birdsnap"
FOLDER = "birdsnap"
COUNTS = {"train": 26, "test": 8}
"""Pictures of each class, by split."""

FRAMES_PER_UNIT = labelled.PER_UNIT
CLASSES = (
    "Acadian Flycatcher", "Acorn Woodpecker", "Anna's Hummingbird", "Barn Owl",
    "Bay-breasted Warbler", "Belted Kingfisher", "Black Tern", "Blue Jay", "Boat-tailed Grackle",
    "Brown Pelican", "Canyon Wren", "Cedar Waxwing", "Common Loon", "Dickcissel", "Dunlin",
    "Elegant Trogon", "Fish Crow", "Gadwall", "Hermit Thrush", "Inca Dove",
)  # fmt: skip
_SHAPES = ("bucket",)
_LEAST_APART = 0.35
_PARTS = (
    *("back", "beak", "belly", "breast", "crown", "forehead", "left_cheek", "left_eye", "left_leg"),
    *("left_wing", "nape", "right_cheek", "right_eye", "right_leg", "right_wing", "tail", "throat"),
)
_PICTURES = "download/images"


def _folder(label: int) -> str:
    return "".join(letter for letter in CLASSES[label] if letter.isalpha() or letter == "-")


def plan(counts: Mapping[str, int]) -> list[tuple[Shot, ...]]:
    """Return the units of pictures."""
    categories = labelled.choose(NAME, len(CLASSES), _SHAPES, _LEAST_APART)

    def path(split: str, label: int, number: int) -> str:
        return f"{_PICTURES}/{_folder(label)}/{300000 + 41 * number + label}.jpg"

    return labelled.units(labelled.shots_of(counts, categories, path))


def _is_lost(shot: Shot) -> bool:
    return (7 * shot.label + shot.number) % 25 == 3


def draw_frame(folder: Path, seed: int, counts: Mapping[str, int], number: int) -> None:
    """Draw the `number`-th unit of `plan`, but for what can't be downloaded any more.

    Raises:
        OSError: A picture can't be written.
    """
    there = [shot for shot in plan(counts)[number] if not _is_lost(shot)]
    labelled.write_unit(NAME, folder, seed, there)


def finish(folder: Path, counts: Mapping[str, int]) -> None:
    """Write the tables, and what the download script says of each picture."""
    shots = [shot for unit in plan(counts) for shot in unit]
    species = [
        f"{label + 1}\t{name}\tAvis {name.split()[0].lower()}\t{_folder(label)}"
        for label, name in enumerate(CLASSES)
    ]
    labelled.write_lines(folder / "species.txt", ["id\tcommon\tscientific\tdir", *species])
    places = [f"{part}_{axis}" for part in _PARTS for axis in "xy"]
    header = ["url", "md5", "path", "species_id", "bb_x1", "bb_y1", "bb_x2", "bb_y2", *places]
    rows, tested = [], []
    log: dict[str, list[str]] = {"success": [], "fail": []}
    for shot in shots:
        path = shot.path.removeprefix(f"{_PICTURES}/")
        url = f"http://farm1.static.flickr.com/{path.rpartition('/')[2]}"
        content = folder / shot.path
        md5 = hashlib.md5(content.read_bytes() if content.is_file() else b"").hexdigest()  # noqa: S324
        # parts that are not seen have no place
        rows.append(
            "\t".join([url, md5, path, str(shot.label + 1), "8", "8", "80", "80"])
            + "\t" * len(places)
        )
        log["fail" if _is_lost(shot) else "success"].append(f"{url}\t{path}")
        if shot.split == "test":
            tested.append(path)
    labelled.write_lines(folder / "images.txt", ["\t".join(header), *rows])
    labelled.write_lines(folder / "test_images.txt", ["path", *tested])
    for name, lines in log.items():
        labelled.write_lines(folder / "download" / f"{name}.txt", lines)
