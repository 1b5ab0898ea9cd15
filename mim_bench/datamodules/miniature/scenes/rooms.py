"""Rooms: walls, furniture, objects, people, a lamp, and cameras that look across."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mim_bench.datamodules.miniature.scenes.cameras import Camera
from mim_bench.datamodules.miniature.scenes.categories import all_categories
from mim_bench.datamodules.miniature.scenes.furniture import KINDS, make_furniture, stool
from mim_bench.datamodules.miniature.scenes.lighting import room_lamp
from mim_bench.datamodules.miniature.scenes.materials import (
    choose,
    colour,
    floor_material,
    plain,
    thing_material,
    wall_material,
)
from mim_bench.datamodules.miniature.scenes.objects import make_object, random_category
from mim_bench.datamodules.miniature.scenes.people import make_person
from mim_bench.datamodules.miniature.scenes.places import Places
from mim_bench.datamodules.miniature.scenes.poses import ACTIONS, draw_pose
from mim_bench.datamodules.miniature.scenes.scene import Scene, Thing
from mim_bench.datamodules.miniature.scenes.solids import Solid, corners, plane

if TYPE_CHECKING:
    from numpy.random import Generator

_AT_WALLS = ("shelf", "cupboard", "sofa", "bed", "lamp", "plant", "chair")
_ANYWHERE = ("table", "chair", "crate", "ball", "barrel", "plant", "table")
_AIR = (0.36, 0.52, 0.8)  # dust in the light: things far away look paler and bluer
_CLEARANCE = 0.6  # metres between a camera and what stands in the room


def make_room(rng: Generator, people: int | None = None) -> Scene:
    """Draw a furnished room.

    The room spans from the origin to a corner at (width, height, length), of which the smallest
    are closets and the largest are halls.

    Args:
        rng: Where randomness comes from.
        people: How many; None draws none, one or two.
    """
    scale = float(np.exp(rng.uniform(np.log(2.2), np.log(9.0))))
    width, length = scale * rng.uniform(0.75, 1.1), scale * rng.uniform(0.95, 1.35)
    height = rng.uniform(2.3, 2.6) + 0.12 * max(scale - 3.0, 0.0) * rng.random()
    places = Places(0.0, width, 0.0, length)
    things = _furnish(rng, places, width, length)
    for _ in range(int(rng.integers(0, 3)) if people is None else people):
        if spot := places.find(rng, 0.4):
            things += someone(rng, choose(rng, ACTIONS), spot)
    for _ in range(int(rng.integers(1, 5))):
        size = rng.uniform(0.12, 0.3)
        if spot := places.find(rng, 1.3 * size):
            things.append(make_object(rng, random_category(rng, all_categories()), size, spot))
    things += _pictures(rng, width, length)
    return Scene(
        _walls(rng, width, height, length),
        tuple(things),
        room_lamp(rng, width, height, length),
        haze=rng.uniform(0.07, 0.1),
        air=_AIR,
    )


def someone(
    rng: Generator,
    action: str,
    spot: tuple[float, float],
    yaw: float | None = None,
    base: float = 0.0,
) -> list[Thing]:
    """Draw a person who does something, with a stool when the person sits on level 0."""
    person = make_person(rng, draw_pose(rng, action), spot, yaw, base)
    if action != "sit":
        return [person]
    assert person.joints is not None
    hips = person.joints.places[[11, 12]].mean(axis=0)
    seat = stool(float(hips[1]) - 0.09, (float(hips[0]), float(hips[2])), thing_material(rng))
    return [person, seat]


def room_camera(rng: Generator, scene: Scene, height: int = 480, width: int = 640) -> Camera:
    """Draw a camera that stands clear of the furniture and looks across the room.

    Height over the floor, pitch and focal length vary, so that depth can't be read from a
    pixel's place alone.
    """
    across, _, length = room_size(scene)
    spots = np.array([_floor_box(thing) for thing in scene.things if thing.kind != "picture"])
    best, best_room = None, -np.inf
    for _ in range(60):
        spot = np.array([rng.uniform(0.3, across - 0.3), rng.uniform(0.3, length - 0.3)])
        target = np.array([rng.uniform(0, across), rng.uniform(0, length)])
        beside = np.maximum(np.abs(spots[:, :2] - spot) - spots[:, 2:], 0.0)
        clear = float(np.hypot(*beside.T).min(initial=np.inf))
        reach = float(np.hypot(*(target - spot))) / max(across, length)
        room = min(clear / _CLEARANCE, 1.0) + min(reach / 0.3, 1.0)
        if room > best_room:
            best, best_room = (spot, target - spot), room
        if best_room >= 2.0:
            break
    assert best is not None
    (x, z), (ahead_x, ahead_z) = best
    return Camera(
        position=(float(x), rng.uniform(0.8, 1.8), float(z)),
        yaw=float(np.arctan2(ahead_x, ahead_z)),
        pitch=float(np.radians(rng.uniform(-28.0, 6.0))),
        focal=rng.uniform(0.7, 1.0) * width,
        height=height,
        width=width,
    )


def room_size(scene: Scene) -> tuple[float, float, float]:
    """Return width, height and length of a room, read from its walls."""
    corner = np.max([solid.centre for solid in scene.surroundings], axis=0)
    return float(corner[0]), float(corner[1]), float(corner[2])


def _walls(rng: Generator, width: float, height: float, length: float) -> tuple[Solid, ...]:
    wall = wall_material(rng)
    other = wall_material(rng) if rng.random() < 0.4 else wall
    ceiling = plain(colour(rng, (0.0, 0.1), (0.75, 0.9), (0.0, 0.2)))
    return (
        plane((0, 0, 0), (0, 1, 0), floor_material(rng)),
        plane((0, height, 0), (0, -1, 0), ceiling),
        plane((0, 0, 0), (1, 0, 0), other),
        plane((width, 0, 0), (-1, 0, 0), wall),
        plane((0, 0, 0), (0, 0, 1), wall),
        plane((0, 0, length), (0, 0, -1), wall),
    )


def _furnish(rng: Generator, places: Places, width: float, length: float) -> list[Thing]:
    things = []
    area = width * length
    for _ in range(int(np.clip(round(area * rng.uniform(0.15, 0.3)), 2, 9))):
        kind = choose(rng, _AT_WALLS)
        radius = KINDS[kind][1]
        side = int(rng.integers(4))
        deep = 0.45 if kind == "sofa" else 1.1 if kind == "bed" else 0.36
        run = rng.uniform(radius, max((width if side % 2 == 0 else length) - radius, radius + 0.01))
        spot, yaw = [
            ((run, length - deep), 0.0),
            ((width - deep, run), np.pi / 2),
            ((run, deep), np.pi),
            ((deep, run), -np.pi / 2),
        ][side]
        if places.take(spot, 0.8 * radius):
            things.append(make_furniture(rng, kind, spot, yaw + rng.normal(0, 0.03)))
    for _ in range(int(np.clip(round(area * rng.uniform(0.08, 0.2)), 1, 8))):
        kind = choose(rng, _ANYWHERE)
        if free := places.find(rng, 0.8 * KINDS[kind][1]):
            things.append(make_furniture(rng, kind, free, rng.uniform(-np.pi, np.pi)))
    return things


def _pictures(rng: Generator, width: float, length: float) -> list[Thing]:
    things = []
    for _ in range(int(rng.integers(0, 4))):
        w, h, y = rng.uniform(0.2, 0.6), rng.uniform(0.15, 0.45), rng.uniform(1.2, 1.7)
        if rng.random() < 0.5:
            x = 0.02 if rng.random() < 0.5 else width - 0.02
            middle, size = (x, y, rng.uniform(0.7, length - 0.7)), (0.02, h, w)
        else:
            z = 0.02 if rng.random() < 0.5 else length - 0.02
            middle, size = (rng.uniform(0.7, width - 0.7), y, z), (w, h, 0.02)
        solid = Solid("box", np.array(middle), np.eye(3), np.array(size), thing_material(rng))
        things.append(Thing("picture", (solid,)))
    return things


def _floor_box(thing: Thing) -> tuple[float, float, float, float]:
    """Return middle x and z and half extents of the ground that a thing covers."""
    spread = corners(thing.solids)[..., [0, 2]]
    low, high = spread.min(axis=(0, 1)), spread.max(axis=(0, 1))
    middle, half = (low + high) / 2, (high - low) / 2
    return float(middle[0]), float(middle[1]), float(half[0]), float(half[1])
