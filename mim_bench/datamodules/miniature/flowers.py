"""Writes close-ups as Oxford 102 Flowers: two MATLAB files with numbers counted from 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mim_bench.datamodules.miniature import labelled

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mim_bench.datamodules.miniature.labelled import Shot

NAME = "flowers"
FOLDER = "flowers-102"
COUNTS = {"train": 13, "val": 13, "test": 8}
"""Pictures of each class, by split."""

FRAMES_PER_UNIT = labelled.PER_UNIT
CLASSES = 20
_SHAPES = ("hexagon",)
_LEAST_APART = 0.35
_SETS = {"train": "trnid", "val": "valid", "test": "tstid"}


def _number(counts: Mapping[str, int], label: int, number: int) -> int:
    """Return a file's number from 1: those of a class follow each other, as officially."""
    return label * sum(counts.values()) + number + 1


def plan(counts: Mapping[str, int]) -> list[tuple[Shot, ...]]:
    """Return the units of pictures."""
    categories = labelled.choose(NAME, CLASSES, _SHAPES, _LEAST_APART)

    def path(split: str, label: int, number: int) -> str:
        return f"jpg/image_{_number(counts, label, number):05d}.jpg"

    return labelled.units(labelled.shots_of(counts, categories, path))


def draw_frame(folder: Path, seed: int, counts: Mapping[str, int], number: int) -> None:
    """Draw the `number`-th unit of `plan`.

    Raises:
        OSError: A picture can't be written.
    """
    labelled.write_unit(NAME, folder, seed, plan(counts)[number])


def finish(folder: Path, counts: Mapping[str, int]) -> None:
    """Write the labels of all files, and the three sets."""
    import numpy as np

    from mim_bench.datamodules.miniature.files import write_matlab

    each = sum(counts.values())
    labels = np.repeat(np.arange(1, CLASSES + 1, dtype=np.uint8), each)
    write_matlab(folder / "imagelabels.mat", {"labels": labels[None]})
    shots = [shot for unit in plan(counts) for shot in unit]
    sets = {}
    for split, name in _SETS.items():
        own = [shot for shot in shots if shot.split == split]
        numbers = [_number(counts, shot.label, shot.number) for shot in own]
        sets[name] = np.array([numbers], dtype=np.uint16)
    write_matlab(folder / "setid.mat", sets)
