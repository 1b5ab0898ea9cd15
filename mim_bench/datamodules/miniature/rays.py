"""Where rays meet a scene: exact depth per pixel, what was hit, and what lies in shadow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mim_bench.datamodules.miniature.furniture import Box, Sphere

if TYPE_CHECKING:
    from mim_bench.datamodules.miniature.scene import Camera, Scene

Array = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int16]

FACES = 6
"""Labels below are the room's faces; above, `FACES + k` is the k-th object."""

_NEAR = 0.05


def to_box(box: Box, vectors: npt.NDArray[np.floating[Any]]) -> Array:
    """Turn vectors (..., 3) of the world into a box's own axes."""
    cos, sin = np.cos(box.yaw), np.sin(box.yaw)
    x, y, z = vectors[..., 0], vectors[..., 1], vectors[..., 2]
    return np.stack([cos * x - sin * z, y, sin * x + cos * z], axis=-1)


def meet(item: Box | Sphere, origin: Array, rays: Array) -> Array:
    """Return how far along each ray (..., 3) an object is first met; infinity where it is not."""
    away = origin - np.asarray(item.centre)
    if isinstance(item, Sphere):
        square = np.einsum("...i,...i->...", rays, rays)
        along = np.einsum("...i,...i->...", rays, np.broadcast_to(away, rays.shape))
        rest = np.einsum("...i,...i->...", away, away) - item.radius**2
        inside = along**2 - square * rest
        first = (-along - np.sqrt(np.maximum(inside, 0.0))) / square
        return np.where((inside >= 0) & (first > 0), first, np.inf)
    start, step = to_box(item, away), to_box(item, rays)
    near: Array = np.full(rays.shape[:-1], -np.inf)
    far: Array = np.full(rays.shape[:-1], np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        for axis in range(3):
            # enters and leaves the slab between two faces at middle -+ span
            inverse = 1.0 / step[..., axis]
            middle = start[..., axis] * inverse
            span = item.half[axis] * np.abs(inverse, out=inverse)
            np.maximum(near, -middle - span, out=near)
            np.minimum(far, span - middle, out=far)
    near[(near > far) | ~(near > 0)] = np.inf
    return near


def _window(item: Box | Sphere, camera: Camera) -> tuple[slice, slice]:
    """Return the rows and columns of the frame outside of which an object can't be seen."""
    everything = slice(0, camera.height), slice(0, camera.width)
    half = item.half if isinstance(item, Box) else (item.radius,) * 3
    yaw = item.yaw if isinstance(item, Box) else 0.0
    signs = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=float)
    corners = signs * np.asarray(half)
    cos, sin = np.cos(yaw), np.sin(yaw)
    x, z = corners[:, 0].copy(), corners[:, 2].copy()
    corners[:, 0], corners[:, 2] = cos * x + sin * z, -sin * x + cos * z
    seen = (corners + np.asarray(item.centre) - np.asarray(camera.position)) @ camera.axes.T
    if (seen[:, 2] < _NEAR).all():
        return slice(0, 0), slice(0, 0)
    if (seen[:, 2] < _NEAR).any():
        return everything
    columns = seen[:, 0] / seen[:, 2] * camera.focal + camera.width / 2
    rows = seen[:, 1] / seen[:, 2] * camera.focal + camera.height / 2
    return (
        slice(max(int(rows.min()) - 1, 0), max(min(int(rows.max()) + 2, camera.height), 0)),
        slice(max(int(columns.min()) - 1, 0), max(min(int(columns.max()) + 2, camera.width), 0)),
    )


def trace(
    scene: Scene, camera: Camera, rays: Array
) -> tuple[Array, Labels, dict[int, tuple[slice, slice]]]:
    """Find what each pixel's centre shows.

    Args:
        scene: What is seen.
        camera: From where.
        rays: `camera.rays()`.

    Returns:
        depth: (H, W) float64 metres along the camera's axis.
        labels: (H, W) int16: faces of the room, then objects (see `FACES`).
        windows: Label of each object in sight -> rows and columns that it may cover.
    """
    origin = np.asarray(camera.position)
    depth: Array = np.full(rays.shape[:-1], np.inf)
    labels: Labels = np.zeros(rays.shape[:-1], dtype=np.int16)
    for axis in range(3):
        step = rays[..., axis]
        ahead = step > 0
        with np.errstate(divide="ignore"):
            reach = np.where(ahead, scene.size[axis] - origin[axis], -origin[axis]) / step
        nearer = reach < depth
        np.copyto(depth, reach, where=nearer)
        np.copyto(labels, (2 * axis + ahead).astype(np.int16), where=nearer)
    windows = {}
    for number, item in enumerate(scene.objects, start=FACES):
        window = _window(item, camera)
        if window[0].start >= window[0].stop or window[1].start >= window[1].stop:
            continue
        reach = meet(item, origin, rays[window])
        nearer = reach < depth[window]
        if nearer.any():
            np.copyto(depth[window], reach, where=nearer)
            labels[window][nearer] = number
            windows[number] = window
    return depth, labels, windows


def shadow(scene: Scene, points: Array) -> npt.NDArray[np.bool_]:
    """Tell which points (..., 3) an object hides from the lamp."""
    light = np.asarray(scene.light)
    way = light - points
    dark: npt.NDArray[np.bool_] = np.zeros(points.shape[:-1], dtype=bool)
    for item in scene.objects:
        # from the lamp towards the point: what is met before the point itself hides it
        dark |= meet(item, light, -way) < 0.985
    return dark
