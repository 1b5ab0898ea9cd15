"""Convex solids: unit shapes that are stretched, turned and put somewhere."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mim_bench.datamodules.miniature.scenes.materials import Material

Array = npt.NDArray[np.float64]

_S = 3**0.5 / 2
_INF = np.inf

SLABS: dict[str, tuple[tuple[float, float, float, float, float], ...]] = {
    "box": ((1, 0, 0, -1, 1), (0, 1, 0, -1, 1), (0, 0, 1, -1, 1)),
    "hexagon": (
        (0, 1, 0, -1, 1),
        (1, 0, 0, -_S, _S),
        (0.5, 0, _S, -_S, _S),
        (0.5, 0, -_S, -_S, _S),
    ),
    "octahedron": ((1, 1, 1, -1, 1), (1, 1, -1, -1, 1), (1, -1, 1, -1, 1), (-1, 1, 1, -1, 1)),
    "pyramid": (
        (0, 1, 0, -1, _INF),
        (2, 1, 0, -_INF, 1),
        (-2, 1, 0, -_INF, 1),
        (0, 1, 2, -_INF, 1),
        (0, 1, -2, -_INF, 1),
    ),
    "wedge": ((0, 1, 0, -1, _INF), (2, 1, 0, -_INF, 1), (-2, 1, 0, -_INF, 1), (0, 0, 1, -1, 1)),
}
"""Flat-faced shapes inside the cube of -1..1: (nx, ny, nz, low, high) means low <= n.p <= high."""

SHAPES = (*SLABS, "ellipsoid", "frustum", "capsule", "plane")
"""All unit shapes.

Ellipsoid: the unit ball. Frustum: from a disc of radius 1 at y = -1 to one of radius `ratio` at
y = 1 (1: a cylinder, 0: a cone). Capsule: all within 1 of the line from y = -ratio to ratio, to
be stretched alike in all directions. Plane: y = 0 seen from above, without end.
"""


@dataclass(frozen=True, eq=False)
class Solid:
    """A unit shape in the world: world = centre + turn @ (size * local).

    Attributes:
        shape: One of `SHAPES`.
        centre: (3,) where its origin lies.
        turn: (3, 3) rotation from its own axes, its columns, to the world's.
        size: (3,) half extents along its own axes in metres.
        material: What it is made of.
        ratio: See `SHAPES`.
    """

    shape: str
    centre: Array
    turn: Array
    size: Array
    material: Material
    ratio: float = 1.0

    @cached_property
    def extent(self) -> Array:
        """(3,): half extents in its own axes, in units of `size`."""
        if self.shape == "capsule":
            return np.array([1.0, 1.0 + self.ratio, 1.0])
        if self.shape == "frustum":
            wide = max(1.0, self.ratio)
            return np.array([wide, 1.0, wide])
        return np.ones(3)

    def to_local(self, points: Array) -> Array:
        """Turn points of the world (..., 3) into its own axes, in units of `size`."""
        return np.asarray((points - self.centre) @ self.turn / self.size)

    def moved(self, turn: Array, offset: Array) -> Solid:
        """Return it turned about the world's origin, then shifted."""
        return replace(self, centre=turn @ self.centre + offset, turn=turn @ self.turn)


_SIGNS = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=float)


def corners(solids: Sequence[Solid]) -> Array:
    """(S, 8, 3): the corners of the boxes around solids, in the world."""
    half = np.stack([solid.extent * solid.size for solid in solids])
    turn = np.stack([solid.turn for solid in solids])
    centre = np.stack([solid.centre for solid in solids])
    spread = np.einsum("sij,sj,cj->sci", turn, half, _SIGNS)
    return np.asarray(centre[:, None] + spread)


def upright(yaw: float) -> Array:
    """(3, 3): a turn about the vertical, to the right by `yaw` radians as seen from above."""
    cos, sin = float(np.cos(yaw)), float(np.sin(yaw))
    return np.array([(cos, 0.0, sin), (0.0, 1.0, 0.0), (-sin, 0.0, cos)])


def along(way: npt.ArrayLike, front: npt.ArrayLike = (0.0, 0.0, 1.0)) -> Array:
    """(3, 3): a turn with y along `way` and z as near to `front` as it may be.

    Args:
        way: (3,) not zero.
        front: (3,); where it is parallel to `way`, any other direction is taken.
    """
    up = np.asarray(way, dtype=float)
    up = up / np.sqrt((up * up).sum())
    for candidate in (front, (0.0, 0.0, 1.0), (1.0, 0.0, 0.0)):
        ahead = np.asarray(candidate, dtype=float)
        ahead = ahead - (ahead * up).sum() * up
        length = np.sqrt((ahead * ahead).sum())
        if length > 1e-6:
            ahead = ahead / length
            break
    return np.stack([np.cross(up, ahead), up, ahead], axis=1)


def plane(point: npt.ArrayLike, normal: npt.ArrayLike, material: Material) -> Solid:
    """Return a plane without end through a point, seen from where its normal points."""
    normal = np.asarray(normal, dtype=float)
    front = (0.0, 1.0, 0.0) if abs(normal[1]) < 0.5 else (0.0, 0.0, 1.0)
    return Solid(
        "plane", np.asarray(point, dtype=float), along(normal, front), np.ones(3), material
    )


def rod(
    start: npt.ArrayLike,
    end: npt.ArrayLike,
    radius: float,
    material: Material,
    front: npt.ArrayLike = (0.0, 0.0, 1.0),
) -> Solid:
    """Return a capsule whose axis goes from one point to another."""
    first, last = np.asarray(start, dtype=float), np.asarray(end, dtype=float)
    way = last - first
    length = float(np.sqrt((way * way).sum()))
    turn = along(way, front) if length > 1e-9 else np.eye(3)
    half = length / 2 / radius
    return Solid("capsule", (first + last) / 2, turn, np.full(3, radius), material, half)
