"""Streets and yards under the sky: buildings, trees, cars, people on foot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mim_bench.datamodules.miniature.scenes.cameras import Camera
from mim_bench.datamodules.miniature.scenes.categories import all_categories
from mim_bench.datamodules.miniature.scenes.furniture import Piece
from mim_bench.datamodules.miniature.scenes.lighting import sun, weather
from mim_bench.datamodules.miniature.scenes.materials import (
    SUBSTANCES,
    Material,
    choose,
    plain,
)
from mim_bench.datamodules.miniature.scenes.objects import make_object, random_category
from mim_bench.datamodules.miniature.scenes.outdoors import (
    LENGTH,
    make_backdrop,
    make_beside,
    make_car,
    make_end,
    make_ground,
    make_houses,
)
from mim_bench.datamodules.miniature.scenes.places import Places
from mim_bench.datamodules.miniature.scenes.rooms import someone
from mim_bench.datamodules.miniature.scenes.scene import Scene, Thing
from mim_bench.datamodules.miniature.scenes.solids import corners

if TYPE_CHECKING:
    from numpy.random import Generator


_KERB = 0.12  # metres from the ground to the top of a pavement
_ON_FOOT = ("stand", "walk", "walk", "walk", "run", "wave", "point", "bend")


def make_street(rng: Generator, people: int | None = None, cars: int | None = None) -> Scene:
    """Draw a street that runs along z from the origin, its middle at x = 0.

    Args:
        rng: Where randomness comes from.
        people: How many; None draws it.
        cars: How many; None draws it.
    """
    half = rng.uniform(2.5, 8.0)
    pavement = rng.uniform(1.2, 4.0)
    things: list[Thing] = []
    paving = _slab(rng, half, pavement).solids
    edge = half + pavement
    walkers = int(rng.integers(2, 7)) if people is None else people
    sides = [Places(half + 0.2, edge + 0.6, 4.0, 40.0), Places(-edge - 0.6, -half - 0.2, 4.0, 40.0)]
    road = Places(-half + 0.3, half - 0.3, 7.0, 60.0)
    for _ in range(int(rng.integers(2, 6)) if cars is None else cars):
        side = -1.0 if rng.random() < 0.5 else 1.0
        spot = (side * half * rng.uniform(0.4, 0.75), rng.uniform(8.0, 55.0))
        if road.take(spot, 2.4):
            yaw = (0.0 if side > 0 else np.pi) + rng.normal(0, 0.05)
            things.append(make_car(rng, spot, yaw))
    for _ in range(walkers):
        beside = sides[int(rng.integers(2))]
        if spot_ := beside.find(rng, 0.4):
            things += someone(rng, choose(rng, _ON_FOOT), spot_, base=_KERB)
    for row, sign in zip(sides, (1, -1), strict=True):
        things += make_houses(rng, sign, edge + rng.uniform(0.3, 12.0))
        for _ in range(int(rng.integers(3, 8))):
            if free := row.find(rng, 0.5):
                things.append(make_beside(rng, free))
    if rng.random() < 0.6:
        far = float(np.exp(rng.uniform(np.log(14.0), np.log(75.0))))
        things = [thing for thing in things if corners(thing.solids)[..., 2].max() < far]
        things.append(make_end(rng, edge + 12.0, far))
    air, sky = weather(rng)
    return Scene(
        (make_ground(rng), *paving),
        tuple(things),
        sun(rng, (0.0, 0.0, 14.0), 20.0),
        haze=rng.uniform(0.016, 0.024),
        air=air,
        sky=sky,
    )


def make_yard(
    rng: Generator, people: int | None = None, objects: int | None = None, reach: float = 7.0
) -> Scene:
    """Draw an open place around (0, 0, reach): people and objects, trees and walls behind.

    Args:
        rng: Where randomness comes from.
        people: How many; None draws it.
        objects: How many of random categories; None draws it.
        reach: Metres from the origin to its middle, and its half width.
    """
    places = Places(-reach, reach, 0.35 * reach, 1.7 * reach)
    things: list[Thing] = []
    for _ in range(int(rng.integers(1, 5)) if people is None else people):
        if spot := places.find(rng, 0.45):
            things += someone(rng, choose(rng, _ON_FOOT), spot)
    for _ in range(int(rng.integers(2, 6)) if objects is None else objects):
        size = rng.uniform(0.2, 0.6)
        if spot := places.find(rng, 1.4 * size):
            things.append(make_object(rng, random_category(rng, all_categories()), size, spot))
    for _ in range(int(rng.integers(1, 4))):
        if spot := places.find(rng, 0.6):
            things.append(make_beside(rng, spot))
    things += make_backdrop(rng, 2.0 * reach)
    air, sky = weather(rng)
    return Scene(
        (make_ground(rng),),
        tuple(things),
        sun(rng, (0.0, 0.0, reach), 1.5 * reach),
        haze=rng.uniform(0.002, 0.02),
        air=air,
        sky=sky,
    )


def street_camera(rng: Generator, height: int = 375, width: int = 1242) -> Camera:
    """Draw a camera on a car's roof that looks down the street (KITTI's: 1.65 m, 721 pixels)."""
    return Camera(
        position=(rng.normal(0.0, 0.8), rng.uniform(1.5, 1.8), rng.uniform(-2.0, 3.0)),
        yaw=rng.normal(0.0, 0.14),
        pitch=rng.normal(-0.01, 0.03),
        focal=0.5805 * width * rng.uniform(0.98, 1.02),
        height=height,
        width=width,
    )


def yard_camera(rng: Generator, height: int, width: int, reach: float = 7.0) -> Camera:
    """Draw a camera at about eye level that looks across a yard."""
    target = (rng.normal(0, 0.2) * reach, rng.uniform(0.4, 1.2), rng.uniform(0.7, 1.2) * reach)
    position = (rng.normal(0, 0.25) * reach, rng.uniform(0.8, 2.4), rng.uniform(-0.3, 0.1) * reach)
    focal = rng.uniform(0.8, 1.3) * width
    return Camera.towards(position, target, focal, height, width)


def _slab(rng: Generator, half: float, pavement: float) -> Thing:
    """The road, a line along its middle, and pavements on both sides."""
    piece = Piece()
    grey = rng.uniform(0.1, 0.25)
    piece.box(
        (-half, -0.1, -9), (half, 0.02, LENGTH), plain((1.08 * grey, grey, 0.9 * grey), "stone")
    )
    white = plain((0.75, 0.75, 0.7), "clay")
    for z in np.arange(0.0, 40.0, 6.0):
        piece.box((-0.07, 0.0, float(z)), (0.07, 0.025, float(z) + 3.0), white)
    light = rng.uniform(0.3, 0.5)
    stone = Material(
        "tiles", (light, 0.95 * light, 0.85 * light), (0.1, 0.1, 0.1), 0.4, SUBSTANCES["stone"]
    )
    for side in (-1, 1):
        low, high = sorted((side * half, side * (half + pavement)))
        piece.box((low, -0.1, -9), (high, _KERB, LENGTH), stone)
    return piece.put("road", (0.0, 0.0), 0.0)
