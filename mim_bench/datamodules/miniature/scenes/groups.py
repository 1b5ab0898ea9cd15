"""People in front of a camera: a few beside each other, or many in each other's way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mim_bench.datamodules.miniature.scenes.cameras import Camera
from mim_bench.datamodules.miniature.scenes.categories import all_categories
from mim_bench.datamodules.miniature.scenes.furniture import KINDS, make_furniture
from mim_bench.datamodules.miniature.scenes.lighting import room_lamp, sun, weather
from mim_bench.datamodules.miniature.scenes.materials import choose, floor_material, wall_material
from mim_bench.datamodules.miniature.scenes.objects import make_object, random_category
from mim_bench.datamodules.miniature.scenes.outdoors import make_backdrop, make_ground
from mim_bench.datamodules.miniature.scenes.rooms import someone
from mim_bench.datamodules.miniature.scenes.scene import Scene
from mim_bench.datamodules.miniature.scenes.solids import plane

if TYPE_CHECKING:
    from numpy.random import Generator

    from mim_bench.datamodules.miniature.scenes.scene import Thing
    from mim_bench.datamodules.miniature.scenes.solids import Solid

_NEAREST, _FARTHEST = 2.6, 6.5  # metres from the camera
_BODY = 0.5  # metres that people's middles keep from each other
_TRIES = 40
_ACTIONS = (
    *("stand", "stand", "stand", "walk", "walk", "run", "wave", "wave", "reach", "point", "point"),
    *("cheer", "sit", "sit", "crouch", "bend"),
)
_KINDS = ("chair", "plant", "ball", "crate", "barrel", "table")


def make_group(
    rng: Generator,
    height: int,
    width: int,
    people: int,
    apart: float = 0.9,
    small: int = 0,
    clutter: int | None = None,
    facing: float = 0.85,
) -> tuple[Scene, Camera]:
    """Draw people, in a room or outside, and a camera that looks at them.

    Args:
        rng: Where randomness comes from.
        height: Rows of the picture.
        width: Columns of the picture.
        people: How many there should be; fewer where there is no room for more.
        apart: How far they stand apart as the camera sees them: metres sideways at the distance
            of the nearer one. Small values put people in front of each other.
        small: How many more walk far away, close to each other; with any, the scene is outside.
        clutter: How many other things stand about; None draws one to three.
        facing: Share of people who face the camera, more or less, as in photographs; the others
            face anywhere.
    """
    outside = small > 0 or rng.random() < 0.5
    focal = rng.uniform(1.0, 1.3) * max(height, width)
    eye, gaze = rng.uniform(0.9, 2.1), rng.uniform(0.7, 1.0)
    half = 0.5 * width / focal  # of the view, per metre of distance
    things: list[Thing] = []
    spots: list[tuple[float, float]] = []
    # from which everybody is not too far: so that close groups stay close
    middle = rng.uniform(_NEAREST + 0.4, _FARTHEST - 1.5)
    for _ in range(people):
        if spot := _place(rng, spots, half, apart, middle):
            spots.append(spot)
            faces = rng.random() < facing
            yaw = np.pi + rng.normal(0, 0.35) if faces else rng.uniform(-np.pi, np.pi)
            things += someone(rng, choose(rng, _ACTIONS), spot, yaw)
    count = int(rng.integers(1, 4)) if clutter is None else clutter
    things += _clutter(rng, spots, half, count)
    if outside:
        surroundings: tuple[Solid, ...] = (make_ground(rng),)
        things += make_backdrop(rng, rng.uniform(27.0, 33.0) if small else rng.uniform(12.0, 30.0))
        things += _far_away(rng, half, small)
        light = sun(rng, (0.0, 0.0, 4.5), 7.0)
        air, sky = weather(rng)
    else:
        back, wide = rng.uniform(7.5, 10.0), rng.uniform(5.0, 8.0)
        wall = wall_material(rng)
        surroundings = (
            plane((0, 0, 0), (0, 1, 0), floor_material(rng)),
            plane((0, 0, back), (0, 0, -1), wall),
            plane((-wide, 0, 0), (1, 0, 0), wall),
            plane((wide, 0, 0), (-1, 0, 0), wall_material(rng)),
        )
        light, air, sky = room_lamp(rng, 6.0, 4.5, 7.0), (0.6, 0.6, 0.6), None
    target = (rng.normal(0, 0.15), gaze, 4.5)
    camera = Camera.towards((0.0, eye, 0.0), target, focal, height, width)
    return Scene(surroundings, tuple(things), light, haze=0.01, air=air, sky=sky), camera


def _place(
    rng: Generator,
    taken: list[tuple[float, float]],
    half: float,
    apart: float,
    middle: float,
) -> tuple[float, float] | None:
    """Draw x and z of one more person; None where there is no room."""
    for _ in range(_TRIES):
        deep = float(np.clip(middle + rng.normal(0, 1.0), _NEAREST, _FARTHEST))
        reach = max(half * deep - 0.35, 0.1)
        if apart < _BODY:  # people in each other's way gather around the middle
            reach = min(reach, apart * (1 + len(taken)))
        spot = (float(rng.uniform(-reach, reach)), deep)
        if all(
            np.hypot(spot[0] - x, spot[1] - z) >= _BODY
            and abs(spot[0] / deep - x / z) * min(deep, z) >= apart
            for x, z in taken
        ):
            return spot
    return None


def _clutter(
    rng: Generator, taken: list[tuple[float, float]], half: float, count: int
) -> list[Thing]:
    """Furniture and objects between and behind people, none right before them."""
    things: list[Thing] = []
    for _ in range(count):
        deep = rng.uniform(_NEAREST + 1.0, _FARTHEST + 0.8)
        spot = (float(rng.uniform(-half, half) * deep), float(deep))
        kind = choose(rng, (*_KINDS, "object", "object"))
        size = rng.uniform(0.15, 0.4)
        radius = 1.4 * size if kind == "object" else KINDS[kind][1]
        near = (abs(spot[0] - x) < radius + 0.35 and spot[1] - radius - 0.3 < z for x, z in taken)
        if any(near):
            continue
        if kind == "object":
            things.append(make_object(rng, random_category(rng, all_categories()), size, spot))
        else:
            things.append(make_furniture(rng, kind, spot, rng.uniform(-np.pi, np.pi)))
    return things


def _far_away(rng: Generator, half: float, count: int) -> list[Thing]:
    deep = rng.uniform(17.0, 25.0)
    start = rng.uniform(-0.7, 0.4) * half * deep
    things: list[Thing] = []
    for number in range(count):
        spot = (float(start + 0.75 * number), float(deep + rng.normal(0, 0.6)))
        things += someone(rng, choose(rng, ("stand", "walk", "walk", "run")), spot)
    return things
