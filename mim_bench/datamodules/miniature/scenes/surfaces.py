"""The surface of a solid: which way it faces and where on it a point lies, in metres."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mim_bench.datamodules.miniature.scenes.solids import SLABS

if TYPE_CHECKING:
    from mim_bench.datamodules.miniature.scenes.solids import Solid

Floats = npt.NDArray[np.float32]


def surface(solid: Solid, points: Floats) -> tuple[Floats, Floats, Floats]:
    """Describe points on a solid.

    Args:
        solid: The solid.
        points: (3, N) in its own axes, in units of its size.

    Returns:
        normal: (3, N) outward, in the world, of length 1.
        u: (N,) place on the surface in metres.
        v: (N,) place across u.
    """
    size = solid.size.astype(np.float32)
    if solid.shape in SLABS:
        normal, u, v = _flat(solid.shape, size, points)
    elif solid.shape == "plane":
        normal = np.zeros_like(points)
        normal[1] = 1
        return _turned(solid, normal), points[0], points[2]
    elif solid.shape == "ellipsoid":
        normal = points / size[:, None]
        u, v = _by_cube(points, size)
    else:
        normal, u, v = _round(solid, size, points)
    square = normal[0] * normal[0] + normal[1] * normal[1] + normal[2] * normal[2]
    normal /= np.sqrt(np.maximum(square, np.float32(1e-20)))
    return _turned(solid, normal), u, v


def _turned(solid: Solid, normal: Floats) -> Floats:
    turn = solid.turn.astype(np.float32)
    x, y, z = normal
    return np.stack(
        [turn[axis, 0] * x + turn[axis, 1] * y + turn[axis, 2] * z for axis in range(3)]
    )


@cache
def _faces(shape: str) -> tuple[Floats, Floats, npt.NDArray[np.intp]]:
    """Return the planes of a flat-faced shape: normals (F, 3), offsets (F,), axes across (F, 2)."""
    normals, offsets = [], []
    for *normal, low, high in SLABS[shape]:
        for sign, offset in ((1.0, high), (-1.0, -low)):
            if np.isfinite(offset):
                length = float(np.sqrt(sum(part * part for part in normal)))
                normals.append([sign * part / length for part in normal])
                offsets.append(offset / length)
    table = np.array(normals, dtype=np.float32)
    main = np.argmax(np.abs(table) - np.array([0, 1e-3, 0], dtype=np.float32), axis=1)
    across = np.array([(2, 1), (0, 2), (0, 1)])[main]
    return table, np.array(offsets, dtype=np.float32), across


def _flat(shape: str, size: Floats, points: Floats) -> tuple[Floats, Floats, Floats]:
    normals, offsets, across = _faces(shape)
    nearest, face = None, np.zeros(points.shape[1], dtype=np.intp)
    for number, ((a, b, c), offset) in enumerate(zip(normals, offsets, strict=True)):
        over = a * points[0] + b * points[1] + c * points[2] - offset
        if nearest is None:
            nearest = over
            continue
        outer = over > nearest
        face[outer] = number
        np.maximum(nearest, over, out=nearest)
    normal = (normals / size)[face].T
    axes = across[face]
    each = np.arange(len(face))
    u = points[axes[:, 0], each] * size[axes[:, 0]]
    v = points[axes[:, 1], each] * size[axes[:, 1]]
    return np.ascontiguousarray(normal), u, v


def _by_cube(points: Floats, size: Floats) -> tuple[Floats, Floats]:
    """Lay a pattern on from six sides: without poles, at the price of seams."""
    x, y, z = (np.abs(part) for part in points)
    sideways, upwards = (x > y) & (x > z), (y >= x) & (y > z)
    u = np.where(sideways, points[2] * size[2], points[0] * size[0])
    v = np.where(upwards, points[2] * size[2], points[1] * size[1])
    return u, v


def _round(solid: Solid, size: Floats, points: Floats) -> tuple[Floats, Floats, Floats]:
    x, y, z = points
    turn = np.arctan2(x, z)
    if solid.shape == "capsule":
        half = np.float32(solid.ratio)
        away = np.stack([x, y - np.clip(y, -half, half), z]) / size[:, None]
        return away.astype(np.float32), turn * size[0], y * size[1]
    top = np.float32(solid.ratio)
    middle, slope = (1 + top) / 2, (top - 1) / 2
    radius = middle + slope * y
    cap = (np.abs(np.abs(y) - 1) < 1e-4) & (x * x + z * z < radius * radius * np.float32(0.9995))
    side = np.stack([x, -slope * radius, z]) / size[:, None]
    flat = np.stack([np.zeros_like(x), np.sign(y), np.zeros_like(x)])
    wide = np.float32((size[0] + size[2]) / 2 * max(middle, 0.25))
    normal = np.asarray(np.where(cap, flat, side), dtype=np.float32)
    v = np.where(cap, z * size[2], y * size[1])
    u = np.where(cap, x * size[0], turn * wide)
    return normal, u.astype(np.float32), v.astype(np.float32)
