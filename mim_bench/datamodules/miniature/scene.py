"""A seeded furnished room and cameras in it: what there is, before anything is drawn.

Lengths are metres; x points right, y up, z forward; the room spans from the origin to its size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mim_bench.datamodules.miniature.furniture import Box, Sphere, furnish
from mim_bench.datamodules.miniature.materials import Material, random_material

if TYPE_CHECKING:
    from collections.abc import Sequence

Array = npt.NDArray[np.float64]

_CLEARANCE = 0.55  # metres between a camera and the furniture
_TRIES = 200


@dataclass(frozen=True)
class Scene:
    """A room with furniture and one lamp.

    Attributes:
        size: Width, height and length of the room.
        faces: Materials of the faces x=0, x=max, floor, ceiling, z=0, z=max.
        objects: Boxes and spheres.
        light: Position of the lamp.
        ambient: Share of the light that comes from everywhere.
    """

    size: tuple[float, float, float]
    faces: tuple[Material, ...]
    objects: Sequence[Box | Sphere]
    light: tuple[float, float, float]
    ambient: float


@dataclass(frozen=True)
class Camera:
    """A pinhole camera without roll.

    Attributes:
        position: Where it stands.
        yaw: Turn to the right from z, in radians.
        pitch: Turn upwards from the horizon, in radians.
        focal: Focal length in pixels.
        height: Pixels of a column.
        width: Pixels of a row.
    """

    position: tuple[float, float, float]
    yaw: float
    pitch: float
    focal: float
    height: int = 480
    width: int = 640

    @property
    def axes(self) -> Array:
        """(3, 3): its right, down and forward directions, one a row."""
        sin_y, cos_y = np.sin(self.yaw), np.cos(self.yaw)
        sin_p, cos_p = np.sin(self.pitch), np.cos(self.pitch)
        forward = (cos_p * sin_y, sin_p, cos_p * cos_y)
        return np.array(
            [(cos_y, 0.0, -sin_y), (sin_p * sin_y, -cos_p, sin_p * cos_y), forward], dtype=float
        )

    def rays(self) -> Array:
        """(H, W, 3): directions through the centres of pixels, of length 1 along the axis."""
        right, down, forward = self.axes
        across = (np.arange(self.width) + 0.5 - self.width / 2) / self.focal
        along = (np.arange(self.height) + 0.5 - self.height / 2) / self.focal
        rays: Array = forward + across[None, :, None] * right + along[:, None, None] * down
        return rays


def make_scene(rng: np.random.Generator) -> Scene:
    """Draw a room, its furniture and its light."""
    size = (rng.uniform(3.2, 5.8), rng.uniform(2.4, 3.1), rng.uniform(3.6, 7.0))
    wall = random_material(rng, "wall")
    other = random_material(rng, "wall") if rng.random() < 0.4 else wall
    floor, ceiling = random_material(rng, "floor"), random_material(rng, "ceiling")
    light = (
        size[0] * rng.uniform(0.25, 0.75),
        size[1] - rng.uniform(0.15, 0.6),
        size[2] * rng.uniform(0.25, 0.75),
    )
    return Scene(
        size=size,
        faces=(wall, other, floor, ceiling, wall, wall),
        objects=furnish(rng, size),
        light=light,
        ambient=rng.uniform(0.35, 0.55),
    )


def make_camera(
    rng: np.random.Generator, scene: Scene, height: int = 480, width: int = 640
) -> Camera:
    """Draw a camera that stands clear of the furniture and looks across the room.

    Height over the floor, pitch and focal length vary, so that depth can't be read from a
    pixel's place alone.
    """
    width_m, _, length_m = scene.size
    best, best_room = None, -np.inf
    for _ in range(_TRIES):
        spot = np.array([rng.uniform(0.35, width_m - 0.35), rng.uniform(0.35, length_m - 0.35)])
        target = np.array([rng.uniform(0, width_m), rng.uniform(0, length_m)])
        clear = min((item.distance(spot) for item in scene.objects), default=np.inf)
        reach = float(np.linalg.norm(target - spot)) / max(width_m, length_m)
        room = min(clear / _CLEARANCE, 1.0) + min(reach / 0.55, 1.0)
        if room > best_room:
            best, best_room = (spot, target - spot), room
        if best_room >= 2.0:
            break
    assert best is not None
    (x, z), (ahead_x, ahead_z) = best
    return Camera(
        position=(float(x), rng.uniform(0.9, 1.75), float(z)),
        yaw=float(np.arctan2(ahead_x, ahead_z)),
        pitch=float(np.radians(rng.uniform(-26.0, 6.0))),
        focal=rng.uniform(0.68, 1.0) * width,
        height=height,
        width=width,
    )
