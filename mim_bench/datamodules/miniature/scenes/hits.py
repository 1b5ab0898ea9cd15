"""Where the rays of a camera first meet a solid: exact, in the solid's own axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mim_bench.datamodules.miniature.scenes.cameras import NEAR
from mim_bench.datamodules.miniature.scenes.solids import SLABS

if TYPE_CHECKING:
    from mim_bench.datamodules.miniature.scenes.cameras import Camera
    from mim_bench.datamodules.miniature.scenes.solids import Solid
    from mim_bench.datamodules.miniature.scenes.windows import Window

Array = npt.NDArray[np.float64]

_TINY = 1e-12


def own_rays(solid: Solid, camera: Camera) -> tuple[Array, Array]:
    """Return a camera in a solid's own axes.

    Returns:
        origin: (3,) the camera's place.
        basis: (3, 3) its right, down and forward directions, one a column; the ray through
            (x, y) at depth 1 is basis @ (x, y, 1), and a point's multiple of it is its depth.
    """
    origin = solid.to_local(np.asarray(camera.position))
    basis = (camera.axes @ solid.turn / solid.size).T
    return origin, basis


def meet(solid: Solid, camera: Camera, window: Window) -> Array:
    """Return the depth in metres at which the pixels of a window first meet a solid.

    Args:
        solid: What is looked at, from outside.
        camera: From where.
        window: Rows and columns (h, w) of the frame.

    Returns:
        (h, w), infinity where a ray passes by.
    """
    rows, columns = window
    x, y = camera.across[columns], camera.along[rows, None]
    origin, basis = own_rays(solid, camera)
    with np.errstate(divide="ignore", invalid="ignore"):
        if solid.shape in SLABS:
            depth = _slabs(SLABS[solid.shape], origin, basis, x, y)
        elif solid.shape == "plane":
            depth = -origin[1] / _ray(basis[1], x, y)
        else:
            ways = [_ray(basis[axis], x, y) for axis in range(3)]
            depth = _ROUND[solid.shape](origin, ways, solid.ratio)
        depth[~(depth > NEAR)] = np.inf
    return depth


def _ray(row: Array, x: Array, y: Array) -> Array:
    """One component of the rays; an exact zero is moved off, so that no division is 0 / 0."""
    way = (row[0] * x + row[2]) + row[1] * y
    way[way == 0] = _TINY
    return np.asarray(way)


def _slabs(
    slabs: tuple[tuple[float, ...], ...], origin: Array, basis: Array, x: Array, y: Array
) -> Array:
    near = far = None
    for *normal, low, high in slabs:
        toward = np.asarray(normal)
        speed = _ray(toward @ basis, x, y)
        start = float(toward @ origin)
        enter, leave = (low - start) / speed, (high - start) / speed
        first, last = np.minimum(enter, leave), np.maximum(enter, leave)
        near = first if near is None else np.maximum(near, first, out=near)
        far = last if far is None else np.minimum(far, last, out=far)
    assert near is not None
    assert far is not None
    near[near > far] = np.inf
    return near


def _ellipsoid(origin: Array, ways: list[Array], _: float) -> Array:
    wx, wy, wz = ways
    square = wx * wx + wy * wy + wz * wz
    along = origin[0] * wx + origin[1] * wy + origin[2] * wz
    return _first_root(square, along, float(origin @ origin) - 1.0)


def _capsule(origin: Array, ways: list[Array], half: float) -> Array:
    ox, oy, oz = origin
    wx, wy, wz = ways
    square = np.maximum(wx * wx + wz * wz, _TINY)
    along = ox * wx + oz * wz
    # a ray that misses the cylinder without end misses its round ends too
    body = _first_root(square, along, ox * ox + oz * oz - 1.0)
    place = oy + body * wy
    end = np.where(place > 0, half, -half)
    square += wy * wy
    away = oy - end
    cap = _first_root(square, along + away * wy, ox * ox + oz * oz + away * away - 1.0)
    return np.where(np.isfinite(body), np.where(np.abs(place) <= half, body, cap), np.inf)


def _frustum(origin: Array, ways: list[Array], top: float) -> Array:
    ox, oy, oz = origin
    wx, wy, wz = ways
    middle, slope = (1 + top) / 2, (top - 1) / 2
    here = middle + slope * oy
    square = wx * wx + wz * wz - slope * slope * wy * wy
    square = np.where(np.abs(square) < _TINY, _TINY, square)
    along = ox * wx + oz * wz - slope * wy * here
    inside = along * along - square * (ox * ox + oz * oz - here * here)
    root = np.sqrt(np.maximum(inside, 0.0))
    best = np.full(wx.shape, np.inf)
    for sign in (-1.0, 1.0):
        reach = (sign * root - along) / square
        fits = (inside >= 0) & (reach > 0) & (np.abs(oy + reach * wy) <= 1.0)
        np.minimum(best, reach, out=best, where=fits)
    for level, radius in ((-1.0, 1.0), (1.0, top)):
        reach = (level - oy) / wy
        px, pz = ox + reach * wx, oz + reach * wz
        fits = (reach > 0) & (px * px + pz * pz <= radius * radius)
        np.minimum(best, reach, out=best, where=fits)
    return best


def _first_root(square: Array, along: Array, rest: Array | float) -> Array:
    """Return the smaller root of square * t**2 + 2 * along * t + rest, infinity without one."""
    inside = along * along - square * rest
    root = (-along - np.sqrt(np.maximum(inside, 0.0))) / square
    return np.asarray(np.where(inside >= 0, root, np.inf))


_ROUND = {"ellipsoid": _ellipsoid, "capsule": _capsule, "frustum": _frustum}
