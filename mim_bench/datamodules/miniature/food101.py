"""Writes close-ups as Food-101: JSON and text lists, class names in two orders."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mim_bench.datamodules.miniature import labelled

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mim_bench.datamodules.miniature.labelled import Shot

NAME = "food101"
FOLDER = "food-101"
COUNTS = {"train": 26, "test": 8}
"""Pictures of each class, by split."""

FRAMES_PER_UNIT = labelled.PER_UNIT
CLASSES = (
    "cheese_plate", "cheesecake", "apple_pie", "baklava", "bibimbap", "carrot_cake", "churros",
    "dumplings", "edamame", "falafel", "gnocchi", "hummus", "macarons", "nachos", "omelette",
    "paella", "ravioli", "samosa", "tacos", "waffles",
)  # fmt: skip
_SWAPPED = ("cheese_plate", "cheesecake")  # `classes.txt` has them the other way round
_SHAPES = ("cylinder",)
_LEAST_APART = 0.35
_ODD = {(2, 1): "turned"}


def plan(counts: Mapping[str, int]) -> list[tuple[Shot, ...]]:
    """Return the units of pictures."""
    categories = labelled.choose(NAME, len(CLASSES), _SHAPES, _LEAST_APART)

    def path(split: str, label: int, number: int) -> str:
        return f"images/{CLASSES[label]}/{100003 + 7919 * number + label}.jpg"

    return labelled.units(labelled.shots_of(counts, categories, path))


def draw_frame(folder: Path, seed: int, counts: Mapping[str, int], number: int) -> None:
    """Draw the `number`-th unit of `plan`.

    Raises:
        OSError: A picture can't be written.
    """
    labelled.write_unit(NAME, folder, seed, plan(counts)[number], _ODD)


def finish(folder: Path, counts: Mapping[str, int]) -> None:
    """Write lists of both kinds, and the names."""
    meta = folder / "meta"
    lists: dict[str, dict[str, list[str]]] = {split: {} for split in ("train", "test")}
    for unit in plan(counts):
        for shot in unit:
            name = shot.path.removeprefix("images/").removesuffix(".jpg")
            lists[shot.split].setdefault(CLASSES[shot.label], []).append(name)
    meta.mkdir(parents=True, exist_ok=True)
    for split, found in lists.items():
        (meta / f"{split}.json").write_text(json.dumps(found), encoding="utf-8")
        labelled.write_lines(
            meta / f"{split}.txt", [name for names in found.values() for name in names]
        )
    names = sorted(CLASSES)
    places = [names.index(name) for name in _SWAPPED]
    for place, name in zip(reversed(places), _SWAPPED, strict=True):
        names[place] = name
    labelled.write_lines(meta / "classes.txt", names)
    labelled.write_lines(
        meta / "labels.txt", [name.replace("_", " ").capitalize() for name in names]
    )
