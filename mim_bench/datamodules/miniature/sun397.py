"""Writes places as SUN397: ground, walls and what stands there; ten divisions in lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mim_bench.datamodules.miniature import labelled
from mim_bench.datamodules.miniature.scenes.categories import Category

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from mim_bench.datamodules.miniature.labelled import Shot

NAME = "sun397"
FOLDER = "SUN397"
COUNTS = {"train": 26, "test": 8}
"""Pictures of each class, by split."""

FRAMES_PER_UNIT = labelled.PER_UNIT
_DIVISIONS = 10


class Place(NamedTuple):
    """What a kind of place has.

    Attributes:
        ground: Pattern of the ground.
        wall: Pattern of the wall behind; empty under the open sky.
        stands: Shape of what stands there.
    """

    ground: str
    wall: str
    stands: str


PLACES = {
    "/a/abbey": Place("tiles", "bricks", "cylinder"),
    "/a/airport_terminal": Place("tiles", "plain", "box"),
    "/a/amphitheater": Place("bricks", "", "cylinder"),
    "/a/apartment_building/outdoor": Place("plain", "", "box"),
    "/b/ballroom": Place("checks", "stripes", "ball"),
    "/b/bathroom": Place("tiles", "tiles", "barrel"),
    "/b/beach": Place("plain", "", "ball"),
    "/b/bedroom": Place("planks", "dots", "box"),
    "/c/castle": Place("blots", "", "cone"),
    "/c/classroom": Place("planks", "plain", "hexagon"),
    "/c/corridor": Place("planks", "stripes", "plain"),
    "/d/desert/sand": Place("zigzag", "", "pyramid"),
    "/f/forest/broadleaf": Place("blots", "", "cylinder"),
    "/k/kitchen": Place("checks", "tiles", "bucket"),
    "/l/library/indoor": Place("planks", "bricks", "box"),
    "/m/market/outdoor": Place("bricks", "", "roof"),
    "/p/playground": Place("checks", "", "ball"),
    "/s/stadium/football": Place("stripes", "", "plain"),
    "/t/temple/east_asia": Place("dots", "", "roof"),
    "/w/wine_cellar/barrel_storage": Place("bricks", "bricks", "barrel"),
}
"""Class -> what it has. Some names have a third level."""


def plan(counts: Mapping[str, int]) -> list[tuple[Shot, ...]]:
    """Return the units of pictures."""
    names = list(PLACES)
    shown = [
        Category("box" if one.stands == "plain" else one.stands, "clay", "plain", "nothing")
        for one in PLACES.values()
    ]

    def path(split: str, label: int, number: int) -> str:
        letters = "".join(chr(ord("a") + (label * 7 + number * k) % 26) for k in range(1, 17))
        return f"{names[label].lstrip('/')}/sun_{letters}{number:02d}.jpg"

    return labelled.units(labelled.shots_of(counts, shown, path))


def draw_frame(folder: Path, seed: int, counts: Mapping[str, int], number: int) -> None:
    """Draw the `number`-th unit of `plan`.

    Raises:
        OSError: A picture can't be written.
    """
    labelled.write_unit(NAME, folder, seed, plan(counts)[number], draw=_place)


def _place(name: str, seed: int, shot: Shot) -> npt.NDArray[np.uint8]:
    """Draw a place of a kind; its colours tell nothing."""
    from mim_bench.datamodules.miniature.scenes.cameras import Camera
    from mim_bench.datamodules.miniature.scenes.lighting import lamp, weather
    from mim_bench.datamodules.miniature.scenes.materials import SUBSTANCES, Material, two_colours
    from mim_bench.datamodules.miniature.scenes.objects import make_object
    from mim_bench.datamodules.miniature.scenes.scene import Scene
    from mim_bench.datamodules.miniature.scenes.solids import plane
    from mim_bench.datamodules.miniature.scenes.views import look

    rng, height, width = labelled.begin(name, seed, shot)
    kind = list(PLACES.values())[shot.label]

    def surface(pattern: str) -> Material:
        first, second = two_colours(rng)
        if pattern == "plain":
            second = first
        return Material(pattern, first, second, 0.35, SUBSTANCES["clay"])

    surroundings = [plane((0, 0, 0), (0, 1, 0), surface(kind.ground))]
    if kind.wall:
        surroundings.append(plane((0, 0, 2.2), (0, 0, -1), surface(kind.wall)))
        air, sky = (0.6, 0.6, 0.6), None
    else:
        air, sky = weather(rng)
    things = []
    for side in (-1, 1):
        if kind.stands != "plain":
            spot = (side * float(rng.uniform(0.45, 0.8)), float(rng.uniform(0.4, 1.2)))
            things.append(make_object(rng, shot.category, 0.3, spot))
    eye = (float(rng.normal(0, 0.2)), float(rng.uniform(0.7, 1.1)), -float(rng.uniform(1.2, 1.6)))
    aim = (float(rng.normal(0, 0.15)), float(rng.uniform(0.2, 0.4)), 0.8)
    camera = Camera.towards(eye, aim, 1.2 * min(height, width), height, width)
    scene = Scene(tuple(surroundings), tuple(things), lamp(rng, 1.0), haze=0.02, air=air, sky=sky)
    return look(scene, camera, rng).image


def finish(folder: Path, counts: Mapping[str, int]) -> None:
    """Write the classes and the lists of ten divisions, paths with leading slashes."""
    labelled.write_lines(folder / "ClassName.txt", list(PLACES))
    shots = [shot for unit in plan(counts) for shot in unit]
    total, known = sum(counts.values()), counts.get("train", 0)
    for division in range(_DIVISIONS):
        for name, trained in (("Training", True), ("Testing", False)):
            lines = [
                f"/{shot.path}"
                for shot in shots
                if ((shot.number + 3 * division) % total < known) == trained
            ]
            place = folder / "Partitions" / f"{name}_{division + 1:02d}.txt"
            labelled.write_lines(place, lines, "\r\n" if division % 2 else "\n")
