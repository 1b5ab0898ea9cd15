"""Boxes and spheres, alone and put together to furniture of real sizes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mim_bench.datamodules.miniature.materials import Material, random_material

Vector = tuple[float, float, float]
Generator = np.random.Generator


@dataclass(frozen=True)
class Box:
    """A box that stands upright, turned by `yaw` radians about the vertical.

    Attributes:
        centre: Its middle.
        half: Half its extents along its own x, y, z.
        yaw: Its turn to the right.
        material: Its surface.
    """

    centre: Vector
    half: Vector
    yaw: float
    material: Material

    def distance(self, spot: npt.NDArray[np.float64]) -> float:
        """Return the distance in the floor plan from (x, z), 0 inside."""
        x, z = spot[0] - self.centre[0], spot[1] - self.centre[2]
        cos, sin = np.cos(self.yaw), np.sin(self.yaw)
        out_x = max(abs(cos * x - sin * z) - self.half[0], 0.0)
        out_z = max(abs(sin * x + cos * z) - self.half[2], 0.0)
        return float(np.hypot(out_x, out_z))


@dataclass(frozen=True)
class Sphere:
    """A ball.

    Attributes:
        centre: Its middle.
        radius: Its radius.
        material: Its surface.
    """

    centre: Vector
    radius: float
    material: Material

    def distance(self, spot: npt.NDArray[np.float64]) -> float:
        """Return the distance in the floor plan from (x, z), 0 inside."""
        away = np.hypot(spot[0] - self.centre[0], spot[1] - self.centre[2])
        return max(float(away) - self.radius, 0.0)


class _Piece:
    """Collects the parts of one piece of furniture, given in its own axes."""

    def __init__(self, x: float, z: float, yaw: float) -> None:
        self.x, self.z, self.yaw = x, z, yaw
        self.parts: list[Box | Sphere] = []

    def _world(self, x: float, y: float, z: float) -> Vector:
        cos, sin = float(np.cos(self.yaw)), float(np.sin(self.yaw))
        return (self.x + cos * x + sin * z, y, self.z - sin * x + cos * z)

    def box(self, low: Vector, high: Vector, material: Material) -> None:
        middle = [(a + b) / 2 for a, b in zip(low, high, strict=True)]
        half = tuple((b - a) / 2 for a, b in zip(low, high, strict=True))
        self.parts.append(
            Box(self._world(*middle), (half[0], half[1], half[2]), self.yaw, material)
        )

    def ball(self, x: float, y: float, z: float, radius: float, material: Material) -> None:
        self.parts.append(Sphere(self._world(x, y, z), radius, material))


def _table(piece: _Piece, rng: Generator) -> None:
    w, d, h = rng.uniform(0.4, 0.8), rng.uniform(0.3, 0.5), rng.uniform(0.45, 0.78)
    wood = random_material(rng, "object")
    piece.box((-w, h - 0.04, -d), (w, h, d), wood)
    for x in (-w + 0.03, w - 0.07):
        for z in (-d + 0.03, d - 0.07):
            piece.box((x, 0.0, z), (x + 0.05, h - 0.04, z + 0.05), wood)
    if rng.random() < 0.6:
        radius = rng.uniform(0.07, 0.15)
        x, z = rng.uniform(-w / 2, w / 2), rng.uniform(-d / 3, d / 3)
        piece.ball(x, h + radius, z, radius, random_material(rng, "object"))
    if rng.random() < 0.6:
        x, side = rng.uniform(-w / 2, w / 2), rng.uniform(0.06, 0.14)
        top = h + rng.uniform(0.05, 0.35)
        piece.box((x - side, h, -side), (x + side, top, side), random_material(rng, "object"))


def _chair(piece: _Piece, rng: Generator) -> None:
    w, h = rng.uniform(0.2, 0.25), rng.uniform(0.42, 0.48)
    wood = random_material(rng, "object")
    piece.box((-w, h - 0.05, -w), (w, h, w), wood)
    piece.box((-w, h, w - 0.04), (w, h + rng.uniform(0.35, 0.55), w), wood)
    for x in (-w, w - 0.04):
        for z in (-w, w - 0.04):
            piece.box((x, 0.0, z), (x + 0.04, h - 0.05, z + 0.04), wood)


def _sofa(piece: _Piece, rng: Generator) -> None:
    w, cloth = rng.uniform(0.5, 1.0), random_material(rng, "object")
    piece.box((-w, 0.05, -0.4), (w, 0.42, 0.4), cloth)
    piece.box((-w, 0.42, 0.2), (w, 0.85, 0.4), cloth)
    for x in (-w - 0.15, w):
        piece.box((x, 0.05, -0.4), (x + 0.15, 0.6, 0.4), cloth)


def _shelf(piece: _Piece, rng: Generator) -> None:
    w, h = rng.uniform(0.3, 0.6), rng.uniform(0.8, 2.0)
    wood = random_material(rng, "object")
    piece.box((-w, 0.0, 0.13), (w, h, 0.15), wood)
    for x in (-w, w - 0.03):
        piece.box((x, 0.0, -0.15), (x + 0.03, h, 0.13), wood)
    for y in np.linspace(0.03, h - 0.03, max(2, int(h / 0.4))):
        piece.box((-w, float(y) - 0.015, -0.15), (w, float(y) + 0.015, 0.13), wood)


def _crate(piece: _Piece, rng: Generator) -> None:
    w, h, d = rng.uniform(0.15, 0.5), rng.uniform(0.2, 1.1), rng.uniform(0.15, 0.45)
    piece.box((-w, 0.0, -d), (w, h, d), random_material(rng, "object"))
    if rng.random() < 0.4:
        radius = rng.uniform(0.08, min(w, d))
        piece.ball(0.0, h + radius, 0.0, radius, random_material(rng, "object"))


def _ball(piece: _Piece, rng: Generator) -> None:
    radius = rng.uniform(0.1, 0.4)
    piece.ball(0.0, radius, 0.0, radius, random_material(rng, "object"))


_KINDS = (_table, _chair, _sofa, _shelf, _crate, _ball, _crate, _table)


def furnish(rng: Generator, size: Vector) -> list[Box | Sphere]:
    """Draw four to nine pieces on the floor and up to three pictures on the walls.

    Args:
        rng: Where randomness comes from.
        size: Width, height and length of the room.
    """
    parts: list[Box | Sphere] = []
    for _ in range(int(rng.integers(4, 10))):
        x, z = rng.uniform(0.5, size[0] - 0.5), rng.uniform(0.5, size[2] - 0.5)
        piece = _Piece(x, z, rng.uniform(-np.pi, np.pi))
        _KINDS[int(rng.integers(len(_KINDS)))](piece, rng)
        parts += piece.parts
    for _ in range(int(rng.integers(0, 4))):
        w, h, y = rng.uniform(0.2, 0.6), rng.uniform(0.15, 0.45), rng.uniform(1.2, 1.7)
        paint = random_material(rng, "object")
        if rng.random() < 0.5:
            x = 0.02 if rng.random() < 0.5 else size[0] - 0.02
            parts.append(Box((x, y, rng.uniform(0.7, size[2] - 0.7)), (0.02, h, w), 0.0, paint))
        else:
            z = 0.02 if rng.random() < 0.5 else size[2] - 0.02
            parts.append(Box((rng.uniform(0.7, size[0] - 0.7), y, z), (w, h, 0.02), 0.0, paint))
    return parts
