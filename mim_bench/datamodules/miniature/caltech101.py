"""Writes close-ups as Caltech-101: a folder per class, a background class, a stray file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mim_bench.datamodules.miniature import labelled

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from mim_bench.datamodules.miniature.labelled import Shot

NAME = "caltech101"
FOLDER = "caltech101"
COUNTS = {"all": 34}
"""Pictures of each class: there is no official division."""

FRAMES_PER_UNIT = labelled.PER_UNIT
BACKGROUND = "BACKGROUND_Google"
CLASSES = (
    BACKGROUND, "Faces", "Leopards", "Motorbikes", "accordion", "airplanes", "anchor", "barrel",
    "beaver", "brain", "camera", "chair", "crab", "dolphin", "electric_guitar", "ferry",
    "helicopter", "lamp", "piano", "watch", "yin_yang",
)  # fmt: skip
_SHAPES = ("bucket", "box")
_LEAST_APART = 0.35
_ODD = {(3, 2): "grey", (5, 0): "grey"}


def plan(counts: Mapping[str, int]) -> list[tuple[Shot, ...]]:
    """Return the units of pictures."""
    categories = labelled.choose(NAME, len(CLASSES), _SHAPES, _LEAST_APART)

    def path(split: str, label: int, number: int) -> str:
        return f"101_ObjectCategories/{CLASSES[label]}/image_{number + 1:04d}.jpg"

    return labelled.units(labelled.shots_of(counts, categories, path))


def draw_frame(folder: Path, seed: int, counts: Mapping[str, int], number: int) -> None:
    """Draw the `number`-th unit of `plan`; the background has pictures of anything.

    Raises:
        OSError: A picture can't be written.
    """
    shots = plan(counts)[number]
    labelled.write_unit(NAME, folder, seed, [shot for shot in shots if shot.label], _ODD)
    every = labelled.shuffled("background")
    background = [replace(shot, category=every[shot.number]) for shot in shots if not shot.label]
    labelled.write_unit(NAME, folder, seed, background)


def finish(folder: Path, counts: Mapping[str, int]) -> None:
    """Write outlines, under folder names of which some differ, and the stray file."""
    from mim_bench.datamodules.miniature.files import write_matlab

    other = {"Faces": "Faces_2", "Motorbikes": "Motorbikes_16", "airplanes": "Airplanes_Side_2"}
    for name in CLASSES[1:]:
        place = folder / "Annotations" / other.get(name, name)
        place.mkdir(parents=True, exist_ok=True)
        write_matlab(place / "annotation_0001.mat", {"box_coord": _box(), "obj_contour": _box()})
    (folder / "101_ObjectCategories" / BACKGROUND / "tmp").write_bytes(b"")


def _box() -> npt.NDArray[np.int64]:
    import numpy as np

    return np.array([[8, 80, 8, 80]])
