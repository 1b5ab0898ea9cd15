"""Writes close-ups as ImageNet-1K: a folder per synset, JPEG in capitals, one of them CMYK."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from mim_bench.datamodules.miniature import labelled

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mim_bench.datamodules.miniature.labelled import Shot
    from mim_bench.datamodules.miniature.scenes.categories import Category

NAME = "imagenet1k"
FOLDER = "imagenet"
COUNTS = {"train": 20, "val": 4}
"""Pictures of each class, by split."""

FRAMES_PER_UNIT = labelled.PER_UNIT
CLASSES = 40

# what pretraining sees is a part of what there is, so that CoG's levels can lead away from it
SHAPES = ("box", "ball", "cylinder", "cone", "bucket")
_MATERIALS = ("plastic", "wood", "clay", "metal")
_PATTERNS = ("plain", "stripes", "checks", "dots", "zigzag", "blots")
_PARTS = ("nothing", "legs", "ears", "handle", "lid")
_ODD = {(0, 3): "cmyk", (1, 2): "grey"}


@lru_cache(maxsize=1)
def categories() -> tuple[Category, ...]:
    """Return the categories that pretraining sees, in the order of their labels."""
    found = [
        one
        for one in labelled.shuffled(NAME)
        if one.shape in SHAPES
        and one.material in _MATERIALS
        and one.pattern in _PATTERNS
        and one.parts in _PARTS
    ]
    return tuple(found[:CLASSES])


def wnid(label: int) -> str:
    """Return the made-up WordNet id of a class; their order is that of the labels."""
    return f"n{1440764 + 12345 * label:08d}"


def plan(counts: Mapping[str, int]) -> list[tuple[Shot, ...]]:
    """Return the units of pictures."""

    def path(split: str, label: int, number: int) -> str:
        if split == "val":
            return f"val/{wnid(label)}/ILSVRC2012_val_{number * CLASSES + label + 1:08d}.JPEG"
        return f"train/{wnid(label)}/{wnid(label)}_{number + 1}.JPEG"

    return labelled.units(labelled.shots_of(counts, categories(), path))


def draw_frame(folder: Path, seed: int, counts: Mapping[str, int], number: int) -> None:
    """Draw the `number`-th unit of `plan`.

    Raises:
        OSError: A picture can't be written.
    """
    labelled.write_unit(NAME, folder, seed, plan(counts)[number], _ODD)


def finish(folder: Path, counts: Mapping[str, int]) -> None:
    """Write nothing: the folders are the lists."""
    del folder, counts
