"""The rectangle of a frame in which a solid can be seen: nothing is looked for outside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mim_bench.datamodules.miniature.scenes.cameras import NEAR
from mim_bench.datamodules.miniature.scenes.solids import corners

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mim_bench.datamodules.miniature.scenes.cameras import Camera
    from mim_bench.datamodules.miniature.scenes.solids import Solid

Window = tuple[slice, slice]

# pairs of corners, numbered as in `solids.corners`, that are ends of an edge of the box
_EDGES = np.array([(a, a | bit) for bit in (1, 2, 4) for a in range(8) if not a & bit])


def windows(solids: Sequence[Solid], camera: Camera) -> list[Window | None]:
    """Return rows and columns for each solid, None for one that is out of sight."""
    if not solids:
        return []
    away = (corners(solids) - np.asarray(camera.position)) @ camera.axes.T
    depth = away[..., 2]
    # where an edge goes through the near plane, what is seen begins at the crossing
    start, end = away[:, _EDGES[:, 0]], away[:, _EDGES[:, 1]]
    rise = end[..., 2] - start[..., 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (NEAR - start[..., 2]) / rise
    crosses = (depth[:, _EDGES[:, 0]] < NEAR) != (depth[:, _EDGES[:, 1]] < NEAR)
    share = np.where(crosses, share, 0.0)
    points = np.concatenate([away, start + share[..., None] * (end - start)], axis=1)
    valid = np.concatenate([depth >= NEAR, crosses], axis=1)
    scale = camera.focal / np.where(valid, points[..., 2], 1.0)
    across = points[..., 0] * scale + camera.width / 2
    along = points[..., 1] * scale + camera.height / 2
    # a pixel of room: corners are computed with rounding
    left = np.where(valid, across, np.inf).min(axis=1) - 1
    right = np.where(valid, across, -np.inf).max(axis=1) + 1
    top = np.where(valid, along, np.inf).min(axis=1) - 1
    bottom = np.where(valid, along, -np.inf).max(axis=1) + 1
    inside = valid.any(axis=1) & (left < camera.width) & (right > 0)
    inside &= (top < camera.height) & (bottom > 0)
    sides = np.stack([np.floor(top), np.ceil(bottom), np.floor(left), np.ceil(right)], axis=1)
    limits = np.array([camera.height, camera.height, camera.width, camera.width])
    sides = np.clip(np.where(inside[:, None], sides, 0), 0, limits).astype(int)
    found: list[Window | None] = []
    for solid, (first, last, near, far), seen in zip(solids, sides.tolist(), inside, strict=True):
        if solid.shape == "plane":
            found.append((slice(0, camera.height), slice(0, camera.width)))
        elif seen and last > first and far > near:
            found.append((slice(first, last), slice(near, far)))
        else:
            found.append(None)
    return found
