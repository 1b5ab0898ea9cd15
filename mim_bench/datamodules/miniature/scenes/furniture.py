"""Furniture out of boxes, rods and balls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mim_bench.datamodules.miniature.scenes.materials import (
    SUBSTANCES,
    Material,
    thing_material,
)
from mim_bench.datamodules.miniature.scenes.scene import Thing
from mim_bench.datamodules.miniature.scenes.solids import Solid, along, rod, upright

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator

    from mim_bench.datamodules.miniature.scenes.cameras import Vector


class Piece:
    """Collects the parts of one piece, given in its own axes, its front towards -z."""

    def __init__(self) -> None:
        self.parts: list[Solid] = []

    def box(self, low: Vector, high: Vector, material: Material) -> None:
        """Add a box between two corners."""
        first, last = np.array(low), np.array(high)
        self.parts.append(Solid("box", (first + last) / 2, np.eye(3), (last - first) / 2, material))

    def ball(self, middle: Vector, radius: float, material: Material) -> None:
        """Add a ball."""
        self.parts.append(
            Solid("ellipsoid", np.array(middle), np.eye(3), np.full(3, radius), material)
        )

    def drum(
        self, foot: Vector, height: float, radius: float, material: Material, top: float = 1.0
    ) -> None:
        """Add an upright cylinder, or a cone with another radius at its top."""
        centre = np.array([foot[0], foot[1] + height / 2, foot[2]])
        size = np.array([radius, height / 2, radius])
        self.parts.append(Solid("frustum", centre, np.eye(3), size, material, top))

    def rod(self, start: Vector, end: Vector, radius: float, material: Material) -> None:
        """Add a rod with round ends."""
        self.parts.append(rod(start, end, radius, material))

    def legs(self, x: float, z: float, top: float, thick: float, material: Material) -> None:
        """Add four legs below (+-x, +-z)."""
        for a in (-x, x):
            for b in (-z, z):
                self.box((a - thick, 0.0, b - thick), (a + thick, top, b + thick), material)

    def put(self, kind: str, place: tuple[float, float], yaw: float) -> Thing:
        """Return the piece, put into the world."""
        turn, offset = upright(yaw), np.array([place[0], 0.0, place[1]])
        return Thing(kind, tuple(part.moved(turn, offset) for part in self.parts))


def _table(piece: Piece, rng: Generator) -> None:
    w, d, h = rng.uniform(0.4, 0.8), rng.uniform(0.3, 0.5), rng.uniform(0.45, 0.78)
    wood = thing_material(rng, "wood")
    if rng.random() < 0.3:
        piece.drum((0, h - 0.04, 0), 0.04, w, wood)
        piece.drum((0, 0.03, 0), h - 0.06, 0.05, wood)
        piece.drum((0, 0, 0), 0.03, 0.5 * w, wood)
    else:
        piece.box((-w, h - 0.04, -d), (w, h, d), wood)
        piece.legs(w - 0.05, d - 0.05, h - 0.04, 0.025, wood)


def _chair(piece: Piece, rng: Generator) -> None:
    w, h = rng.uniform(0.2, 0.25), rng.uniform(0.42, 0.48)
    wood = thing_material(rng, "wood")
    piece.box((-w, h - 0.05, -w), (w, h, w), wood)
    piece.box((-w, h, w - 0.04), (w, h + rng.uniform(0.35, 0.55), w), thing_material(rng, "cloth"))
    piece.legs(w - 0.02, w - 0.02, h - 0.05, 0.02, wood)


def _sofa(piece: Piece, rng: Generator) -> None:
    w, cloth = rng.uniform(0.5, 1.0), thing_material(rng, "cloth")
    piece.box((-w, 0.05, -0.4), (w, 0.42, 0.4), cloth)
    piece.box((-w, 0.42, 0.2), (w, 0.85, 0.4), cloth)
    for x in (-w - 0.15, w):
        piece.box((x, 0.05, -0.4), (x + 0.15, 0.6, 0.4), cloth)


def _bed(piece: Piece, rng: Generator) -> None:
    w, cloth = rng.uniform(0.45, 0.85), thing_material(rng, "cloth")
    wood = thing_material(rng, "wood")
    piece.box((-w, 0.12, -1.0), (w, 0.3, 1.0), wood)
    piece.box((-w, 0.3, -1.0), (w, 0.5, 0.96), cloth)
    piece.box((-w, 0.12, 1.0), (w, 0.95, 1.05), wood)
    piece.box((-0.7 * w, 0.5, 0.5), (0.7 * w, 0.6, 0.9), thing_material(rng, "cloth"))


def _shelf(piece: Piece, rng: Generator) -> None:
    w, h = rng.uniform(0.3, 0.6), rng.uniform(0.8, 2.0)
    wood = thing_material(rng, "wood")
    piece.box((-w, 0.0, 0.13), (w, h, 0.15), wood)
    for x in (-w, w - 0.03):
        piece.box((x, 0.0, -0.15), (x + 0.03, h, 0.13), wood)
    for y in np.linspace(0.03, h - 0.03, max(2, int(h / 0.4))):
        piece.box((-w, float(y) - 0.015, -0.15), (w, float(y) + 0.015, 0.13), wood)
        if y < h - 0.3:
            left, wide = rng.uniform(-0.9 * w, 0.0), rng.uniform(0.1, 0.8 * w)
            books = thing_material(rng)
            piece.box(
                (left, float(y), -0.1), (left + wide, y + rng.uniform(0.12, 0.28), 0.1), books
            )


def _cupboard(piece: Piece, rng: Generator) -> None:
    w, h, d = rng.uniform(0.3, 0.7), rng.uniform(0.7, 2.1), rng.uniform(0.2, 0.32)
    piece.box((-w, 0.0, -d), (w, h, d), thing_material(rng, "wood"))
    metal = thing_material(rng, "metal")
    for x in (-0.08 * w, 0.08 * w):
        piece.box((x - 0.01, 0.5 * h, -d - 0.03), (x + 0.01, 0.5 * h + 0.15, -d), metal)


def _lamp(piece: Piece, rng: Generator) -> None:
    h = rng.uniform(1.2, 1.7)
    metal = thing_material(rng, "metal")
    piece.drum((0, 0, 0), 0.03, 0.15, metal)
    piece.drum((0, 0.03, 0), h, 0.02, metal)
    piece.drum((0, h - 0.1, 0), 0.3, 0.22, thing_material(rng, "cloth"), top=0.6)


def _plant(piece: Piece, rng: Generator) -> None:
    radius, h = rng.uniform(0.12, 0.2), rng.uniform(0.2, 0.35)
    piece.drum((0, 0, 0), h, radius * 0.75, thing_material(rng, "clay"), top=1.3)
    leaf = Material("blots", (0.05, 0.28, 0.06), (0.12, 0.5, 0.12), 0.06, SUBSTANCES["cloth"])
    for _ in range(int(rng.integers(3, 7))):
        way = np.array([rng.normal(0, 0.5), 1.0, rng.normal(0, 0.5)])
        long = rng.uniform(0.25, 0.5)
        middle = np.array([0, h, 0]) + way / np.sqrt((way * way).sum()) * long
        size = np.array([0.09, long, 0.04])
        piece.parts.append(Solid("ellipsoid", middle, along(way), size, leaf))


def _crate(piece: Piece, rng: Generator) -> None:
    w, h, d = rng.uniform(0.15, 0.5), rng.uniform(0.2, 1.1), rng.uniform(0.15, 0.45)
    piece.box((-w, 0.0, -d), (w, h, d), thing_material(rng))


def _ball(piece: Piece, rng: Generator) -> None:
    radius = rng.uniform(0.1, 0.35)
    piece.ball((0.0, radius, 0.0), radius, thing_material(rng))


def _barrel(piece: Piece, rng: Generator) -> None:
    piece.drum((0, 0, 0), rng.uniform(0.4, 1.0), rng.uniform(0.15, 0.35), thing_material(rng))


KINDS: dict[str, tuple[Callable[[Piece, Generator], None], float]] = {
    "table": (_table, 0.8),
    "chair": (_chair, 0.35),
    "sofa": (_sofa, 0.95),
    "bed": (_bed, 1.1),
    "shelf": (_shelf, 0.55),
    "cupboard": (_cupboard, 0.6),
    "lamp": (_lamp, 0.25),
    "plant": (_plant, 0.3),
    "crate": (_crate, 0.5),
    "ball": (_ball, 0.3),
    "barrel": (_barrel, 0.35),
}
"""Name -> how it is made, the radius in metres of floor that it takes."""


def make_furniture(rng: Generator, kind: str, place: tuple[float, float], yaw: float) -> Thing:
    """Draw one piece of a kind (see `KINDS`), standing on the floor."""
    piece = Piece()
    KINDS[kind][0](piece, rng)
    return piece.put(kind, place, yaw)


def stool(height: float, place: tuple[float, float], material: Material) -> Thing:
    """Return a stool of a given height: what somebody who sits needs."""
    piece = Piece()
    piece.drum((0, 0, 0), max(height, 0.05), 0.19, material)
    return piece.put("stool", place, 0.0)
