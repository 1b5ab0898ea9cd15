"""Writes surfaces as the Describable Textures Dataset: ten divisions in lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mim_bench.datamodules.miniature import labelled
from mim_bench.datamodules.miniature.scenes.categories import Category

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from mim_bench.datamodules.miniature.labelled import Shot

NAME = "dtd"
FOLDER = "dtd"
COUNTS = {"train": 13, "val": 13, "test": 8}
"""Pictures of each class, by split."""

FRAMES_PER_UNIT = labelled.PER_UNIT
_SPLITS = ("train", "val", "test")
_DIVISIONS = 10
# a word for a pattern on a stuff
CLASSES = {
    "banded": ("stripes", "clay"),
    "blotchy": ("blots", "clay"),
    "bubbly": ("rings", "plastic"),
    "chequered": ("checks", "clay"),
    "cracked": ("marble", "stone"),
    "crosshatched": ("diagonal", "cloth"),
    "dotted": ("dots", "clay"),
    "fibrous": ("plain", "wood"),
    "grid": ("checks", "cloth"),
    "grooved": ("stripes", "metal"),
    "knitted": ("zigzag", "cloth"),
    "lined": ("diagonal", "clay"),
    "marbled": ("marble", "clay"),
    "pitted": ("dots", "stone"),
    "polka-dotted": ("rings", "clay"),
    "porous": ("blots", "stone"),
    "sprinkled": ("plain", "stone"),
    "veined": ("bricks", "clay"),
    "woven": ("plain", "cloth"),
    "zigzagged": ("zigzag", "clay"),
}


def plan(counts: Mapping[str, int]) -> list[tuple[Shot, ...]]:
    """Return the units of pictures."""
    names = list(CLASSES)
    surfaces = [Category("box", stuff, pattern, "nothing") for pattern, stuff in CLASSES.values()]

    def path(split: str, label: int, number: int) -> str:
        return f"images/{names[label]}/{names[label]}_{number + 1:04d}.jpg"

    return labelled.units(labelled.shots_of(counts, surfaces, path))


def draw_frame(folder: Path, seed: int, counts: Mapping[str, int], number: int) -> None:
    """Draw the `number`-th unit of `plan`.

    Raises:
        OSError: A picture can't be written.
    """
    labelled.write_unit(NAME, folder, seed, plan(counts)[number], draw=_surface)


def _surface(name: str, seed: int, shot: Shot) -> npt.NDArray[np.uint8]:
    """Draw a wall that fills the picture, from anywhere before it."""
    from mim_bench.datamodules.miniature.scenes.cameras import Camera
    from mim_bench.datamodules.miniature.scenes.lighting import lamp
    from mim_bench.datamodules.miniature.scenes.materials import (
        SUBSTANCES,
        Material,
        colour,
        two_colours,
    )
    from mim_bench.datamodules.miniature.scenes.scene import Scene
    from mim_bench.datamodules.miniature.scenes.solids import plane
    from mim_bench.datamodules.miniature.scenes.views import look

    rng, height, width = labelled.begin(name, seed, shot)
    first, second = two_colours(rng)
    pattern = shot.category.pattern
    if pattern == "plain":
        first = second = colour(rng, (0.1, 0.8), (0.3, 0.9))
    stuff = SUBSTANCES[shot.category.material]
    wall = plane((0, 0, 0), (0, 0, -1), Material(pattern, first, second, 0.1, stuff))
    eye = (float(rng.normal(0, 0.15)), float(rng.normal(0, 0.15)), -float(rng.uniform(0.35, 0.6)))
    aim = (float(rng.normal(0, 0.1)), float(rng.normal(0, 0.1)), 0.0)
    camera = Camera.towards(eye, aim, 1.1 * max(height, width), height, width)
    scene = Scene((wall,), (), lamp(rng, 0.3), haze=0.01, air=(0.6, 0.6, 0.6), sky=None)
    return look(scene, camera, rng).image


def finish(folder: Path, counts: Mapping[str, int]) -> None:
    """Write the lists of ten divisions: the first is that of the counts, others are turned."""
    shots = [shot for unit in plan(counts) for shot in unit]
    total = sum(counts.values())
    for division in range(_DIVISIONS):
        start = 0
        for split in _SPLITS:
            count = counts.get(split, 0)
            lines = [
                shot.path.removeprefix("images/")
                for shot in shots
                if start <= (shot.number + 3 * division) % total < start + count
            ]
            labelled.write_lines(folder / "labels" / f"{split}{division + 1}.txt", sorted(lines))
            start += count
    joint = [f"{shot.path.removeprefix('images/')} {shot.path.split('/')[1]}" for shot in shots]
    labelled.write_lines(folder / "labels" / "labels_joint_anno.txt", joint)
