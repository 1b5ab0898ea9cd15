"""Pictures of one object: in a room or outside, anywhere in the frame, among others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mim_bench.datamodules.miniature.scenes.cameras import Camera
from mim_bench.datamodules.miniature.scenes.categories import all_categories
from mim_bench.datamodules.miniature.scenes.furniture import KINDS, make_furniture
from mim_bench.datamodules.miniature.scenes.lighting import lamp, sun, weather
from mim_bench.datamodules.miniature.scenes.materials import (
    choose,
    colour,
    floor_material,
    plain,
    wall_material,
)
from mim_bench.datamodules.miniature.scenes.objects import make_object, random_category
from mim_bench.datamodules.miniature.scenes.outdoors import make_backdrop, make_ground
from mim_bench.datamodules.miniature.scenes.scene import Scene
from mim_bench.datamodules.miniature.scenes.solids import plane

if TYPE_CHECKING:
    from numpy.random import Generator

    from mim_bench.datamodules.miniature.scenes.categories import Category
    from mim_bench.datamodules.miniature.scenes.scene import Thing
    from mim_bench.datamodules.miniature.scenes.solids import Solid


def make_portrait(
    rng: Generator, category: Category, height: int, width: int, clutter: int | None = None
) -> tuple[Scene, Camera]:
    """Draw an instance of a category, the scene's first thing, and a camera that looks at it.

    Nothing but the object tells the category: its colours, size and place, the background, the
    light and what else stands about are drawn from the same distributions for all.

    Args:
        rng: Where randomness comes from.
        category: What is shown.
        height: Rows of the picture.
        width: Columns of the picture.
        clutter: How many other things stand beside and behind it; None draws none to two.
    """
    size = rng.uniform(0.2, 0.4)
    target = make_object(rng, category, size)
    things = [target, *_others(rng, size, int(rng.integers(0, 3)) if clutter is None else clutter)]
    if rng.random() < 0.5:
        back = size * rng.uniform(4.0, 9.0)
        surroundings: tuple[Solid, ...] = (
            plane((0, 0, 0), (0, 1, 0), floor_material(rng)),
            plane((0, 0, back), (0, 0, -1), wall_material(rng)),
        )
        light, air, sky = lamp(rng, size), (0.6, 0.6, 0.6), None
    else:
        surroundings = (make_ground(rng),)
        things += make_backdrop(rng, rng.uniform(12.0, 30.0))
        light = sun(rng, (0.0, 0.0, 0.0), 6.0 * size)
        air, sky = weather(rng)
    turn, high = rng.normal(0, 0.25), rng.uniform(0.12, 0.75)
    far = size * rng.uniform(5.0, 7.5)
    eye = (
        float(np.sin(turn) * np.cos(high) * far),
        float(size + np.sin(high) * far),
        float(-np.cos(turn) * np.cos(high) * far),
    )
    gaze = (rng.normal(0, 0.3) * size, size * rng.uniform(0.7, 1.3), 0.0)
    camera = Camera.towards(eye, gaze, rng.uniform(1.2, 1.6) * width, height, width)
    scene = Scene(surroundings, tuple(things), light, haze=0.01, air=air, sky=sky)
    return scene, camera


def _others(rng: Generator, size: float, count: int) -> list[Thing]:
    """Things beside and behind, no closer to the camera than the object."""
    things = []
    for number in range(count):
        side = (-1.0 if number % 2 else 1.0) * rng.uniform(2.2, 3.5) * size
        spot = (float(side), float(rng.uniform(0.0, 3.5) * size))
        if rng.random() < 0.5:
            smaller = size * rng.uniform(0.4, 0.8)
            other = random_category(rng, all_categories())
            things.append(make_object(rng, other, smaller, spot))
        else:
            kind = choose(rng, ("chair", "plant", "ball"))
            room = KINDS[kind][1] + size
            spot = (spot[0] + float(np.sign(side)) * room, spot[1] + room)
            things.append(make_furniture(rng, kind, spot, rng.uniform(-np.pi, np.pi)))
    return things


def make_close_up(
    rng: Generator, category: Category, height: int, width: int
) -> tuple[Scene, Camera]:
    """Draw an instance of a category that fills much of the picture, before plain walls.

    Few small pictures of it are enough for a small network; colours, proportions, turn, light and
    walls are still drawn from the same distributions for all categories.

    Args:
        rng: Where randomness comes from.
        category: What is shown.
        height: Rows of the picture.
        width: Columns of the picture.
    """
    size = 0.3
    target = make_object(rng, category, size, yaw=float(rng.normal(0.5, 0.35)))
    back = size * rng.uniform(3.0, 6.0)
    walls = plain_walls(rng, back)
    turn, high = rng.normal(0, 0.1), rng.uniform(0.2, 0.5)
    far = size * rng.uniform(3.4, 4.6)
    eye = (
        float(np.sin(turn) * np.cos(high) * far),
        float(size + np.sin(high) * far),
        float(-np.cos(turn) * np.cos(high) * far),
    )
    gaze = (float(rng.normal(0, 0.12) * size), size * float(rng.uniform(0.85, 1.15)), 0.0)
    camera = Camera.towards(
        eye, gaze, float(rng.uniform(1.2, 1.4)) * min(height, width), height, width
    )
    scene = Scene(walls, (target,), lamp(rng, size), haze=0.01, air=(0.6, 0.6, 0.6), sky=None)
    return scene, camera


def plain_walls(rng: Generator, back: float) -> tuple[Solid, Solid]:
    """Draw a floor, and a wall behind at a distance in metres, each of one colour."""
    floor, wall = (plain(colour(rng, (0.0, 0.5), (0.2, 0.8))) for _ in range(2))
    return plane((0, 0, 0), (0, 1, 0), floor), plane((0, 0, back), (0, 0, -1), wall)
