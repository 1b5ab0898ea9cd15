"""What stands under the sky: cars, houses, trees, posts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mim_bench.datamodules.miniature.scenes.furniture import Piece
from mim_bench.datamodules.miniature.scenes.materials import (
    SUBSTANCES,
    WARM,
    Material,
    choose,
    colour,
    plain,
    shade,
    thing_material,
)
from mim_bench.datamodules.miniature.scenes.scene import Thing
from mim_bench.datamodules.miniature.scenes.solids import Solid, plane

if TYPE_CHECKING:
    from numpy.random import Generator

LENGTH = 80.0
"""Metres of street in front of its start."""

_SIDEWAYS = np.array([(0.0, 0, 1), (0, 1, 0), (-1, 0, 0)])
_LYING = np.array([(0.0, 1, 0), (-1, 0, 0), (0, 0, 1)])
_PLASTER = SUBSTANCES["stone"]._replace(strength=0.3)


def make_car(rng: Generator, place: tuple[float, float], yaw: float, track: int = -1) -> Thing:
    """Draw a car, a van or a lorry that points along its yaw."""
    paint = plain(colour(rng, (0.0, 0.85), (0.1, 0.85)), "plastic")
    glass, tyre = plain((0.03, 0.04, 0.05), "plastic"), plain((0.02, 0.02, 0.02))
    w, long = rng.uniform(0.8, 0.95), rng.uniform(1.8, 2.4)
    piece = Piece()
    if rng.random() < 0.25:
        h = rng.uniform(1.7, 2.3)
        piece.box((-w, 0.35, -long), (w, h, long * 0.75), paint)
        piece.box((-w, 0.35, long * 0.75), (w, 0.6 * h, long), paint)
        piece.box((-0.93 * w, 0.6 * h, long * 0.74), (0.93 * w, 0.93 * h, 0.77 * long), glass)
    else:
        h = rng.uniform(0.75, 0.95)
        piece.box((-w, 0.3, -long), (w, h, long), paint)
        back = rng.uniform(-0.85, -0.5) * long
        piece.box((-0.9 * w, h, back), (0.9 * w, h + 0.5, 0.3 * long), glass)
        piece.box((-0.92 * w, h + 0.46, back), (0.92 * w, h + 0.54, 0.28 * long), paint)
        size = np.array([0.9 * w, 0.25, 0.4 * long])
        centre = np.array([0, h + 0.25, 0.3 * long])
        piece.parts.append(Solid("wedge", centre, _SIDEWAYS, size[[2, 1, 0]], glass))
    for x in (-w, w):
        for z in (-0.6 * long, 0.62 * long):
            centre, size = np.array([0.93 * x, 0.33, z]), np.array([0.33, 0.1, 0.33])
            piece.parts.append(Solid("frustum", centre, _LYING, size, tyre))
        piece.ball((0.7 * x, 0.62, long), 0.09, plain((0.9, 0.88, 0.7), "plastic"))
    thing = piece.put("car", place, yaw)
    return Thing("car", thing.solids, track=track)


def make_houses(rng: Generator, side: int, edge: float) -> list[Thing]:
    """Draw a row of houses along z.

    Args:
        rng: Where randomness comes from.
        side: 1 on the right of the street, -1 on its left.
        edge: Metres from the street's middle to their fronts.
    """
    things, z = [], rng.uniform(-8.0, 4.0)
    while z < LENGTH:
        long, tall = rng.uniform(6.0, 16.0), rng.uniform(3.5, 13.0)
        if rng.random() < 0.75:
            piece = Piece()
            low, high = sorted((side * edge, side * (edge + 9.0)))
            wall = _facade(rng)
            piece.box((low, 0, z), (high, tall, z + long), wall)
            if rng.random() < 0.5:
                roof = plain(colour(rng, (0.2, 0.6), (0.1, 0.4)), "clay")
                size = np.array([4.8, 1.2, long / 2])
                centre = np.array([(low + high) / 2, tall + 1.2, z + long / 2])
                piece.parts.append(Solid("wedge", centre, np.eye(3), size, roof))
            things.append(piece.put("house", (0.0, 0.0), 0.0))
        z += long + rng.uniform(0.0, 7.0)
    return things


def _facade(rng: Generator) -> Material:
    first = colour(rng, (0.1, 0.5), (0.3, 0.8), WARM)
    if rng.random() < 0.75:
        return Material("windows", first, (0.05, 0.06, 0.08), rng.uniform(1.5, 2.2), _PLASTER)
    return Material("bricks", first, shade(first, 0.6), 0.4, SUBSTANCES["clay"])


def make_beside(rng: Generator, spot: tuple[float, float]) -> Thing:
    """Draw a tree, a bush, a post or a sign."""
    piece = Piece()
    kind = choose(rng, ("tree", "tree", "bush", "post", "sign"))
    green = colour(rng, (0.4, 0.8), (0.15, 0.4))
    leaf = (0.4 * green[0], max(green) * 0.9, 0.4 * green[2])
    crown = Material("blots", leaf, shade(leaf, 0.55), 0.3, SUBSTANCES["cloth"])
    metal = plain(colour(rng, (0.0, 0.3), (0.2, 0.6)), "metal")
    if kind == "tree":
        tall = rng.uniform(1.6, 3.0)
        piece.drum((0, 0, 0), tall, rng.uniform(0.09, 0.2), plain((0.16, 0.1, 0.06), "wood"), 0.7)
        for _ in range(3):
            x, z = rng.normal(0, 0.5, 2)
            piece.ball((x, tall + rng.uniform(0.2, 1.2), z), rng.uniform(0.6, 1.2), crown)
    elif kind == "bush":
        for x in (-0.3, 0.25):
            piece.ball((x, 0.3, rng.normal(0, 0.2)), rng.uniform(0.3, 0.5), crown)
    else:
        tall = rng.uniform(2.0, 4.5)
        piece.drum((0, 0, 0), tall, 0.05, metal)
        if kind == "sign":
            piece.box((-0.3, tall - 0.6, -0.02), (0.3, tall, 0.02), thing_material(rng, "plastic"))
        else:
            piece.ball((0, tall, 0), 0.16, plain((0.8, 0.8, 0.7), "plastic"))
    return piece.put(kind, spot, rng.uniform(-np.pi, np.pi))


def make_end(rng: Generator, half: float, far: float) -> Thing:
    """Draw a house that closes a street, its front across the street at z = `far` metres.

    Args:
        rng: Where randomness comes from.
        half: Metres from the street's middle to both ends of the front.
        far: Where it stands.
    """
    piece = Piece()
    piece.box((-half, 0.0, far), (half, rng.uniform(4.0, 14.0), far + 9.0), _facade(rng))
    return piece.put("house", (0.0, 0.0), 0.0)


def make_backdrop(rng: Generator, far: float) -> list[Thing]:
    """Draw houses and trees in a row across, at z = `far` metres and behind."""
    things = []
    x = -2.2 * far
    while x < 2.2 * far:
        wide, tall = rng.uniform(3.0, 9.0), rng.uniform(1.5, 8.0)
        if rng.random() < 0.7:
            piece = Piece()
            z = far + rng.uniform(0.0, 6.0)
            piece.box((x, 0, z), (x + wide, tall, z + 4.0), _facade(rng))
            things.append(piece.put("house", (0.0, 0.0), 0.0))
        else:
            things.append(make_beside(rng, (x + 0.5 * wide, far)))
        x += wide + rng.uniform(0.0, 3.0)
    return things


def make_ground(rng: Generator) -> Solid:
    """Draw grass, sand or paving."""
    base = (rng.uniform(0.1, 0.35), rng.uniform(0.2, 0.4), rng.uniform(0.06, 0.15))
    if rng.random() < 0.5:
        sand = rng.uniform(0.25, 0.5)
        base = (sand, sand * rng.uniform(0.8, 1.0), sand * rng.uniform(0.55, 0.9))
    pattern = choose(rng, ("blots", "bands", "tiles", "checks", "scales"))
    stuff = SUBSTANCES[choose(rng, ("stone", "cloth"))]
    other = shade(base, rng.uniform(0.6, 0.85))
    return plane((0, 0, 0), (0, 1, 0), Material(pattern, base, other, 0.5, stuff))
