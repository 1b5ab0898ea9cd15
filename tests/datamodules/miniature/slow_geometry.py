"""Solids and cameras once more, plainly: the reference that the renderer is held against.

Nothing here uses the renderer's geometry but the attributes that its docstrings define.
"""

from __future__ import annotations

import math

import numpy as np

from mim_bench.datamodules.miniature.scenes.cameras import NEAR, Camera
from mim_bench.datamodules.miniature.scenes.materials import plain
from mim_bench.datamodules.miniature.scenes.solids import Solid

GREY = plain((0.5, 0.5, 0.5))
VARIANTS = [
    ("box", 1.0),
    ("hexagon", 1.0),
    ("octahedron", 1.0),
    ("pyramid", 1.0),
    ("wedge", 1.0),
    ("ellipsoid", 1.0),
    ("frustum", 0.0),
    ("frustum", 0.5),
    ("frustum", 1.0),
    ("frustum", 1.6),
    ("capsule", 0.3),
    ("capsule", 2.0),
]
"""Every shape that has an end, with ratios."""


def turn_matrix(rng) -> np.ndarray:
    """Any rotation."""
    turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    turn[:, 0] *= np.linalg.det(turn)
    return turn


def make_solid(rng, shape: str, ratio: float = 1.0, large: float = 1.0) -> Solid:
    """A solid about the origin in any pose."""
    size = rng.uniform(0.3, 1.2, 3) * large
    if shape == "capsule":
        size[:] = size[0]
    return Solid(shape, rng.normal(0, 0.2, 3), turn_matrix(rng), size, GREY, ratio)


def outside(solid: Solid, points: np.ndarray) -> np.ndarray:  # noqa: PLR0911 - one a shape
    """Convex in the place: negative inside of a solid, positive outside of it. (N, 3) -> (N,)."""
    local = np.stack([(points - solid.centre) @ axis for axis in solid.turn.T]).T / solid.size
    x, y, z = local.T
    if solid.shape == "plane":
        return y
    if solid.shape == "box":
        return np.maximum(np.maximum(abs(x), abs(y)), abs(z)) - 1
    if solid.shape == "hexagon":
        apart = [abs(x * math.cos(a) + z * math.sin(a)) for a in (0, math.pi / 3, -math.pi / 3)]
        return np.maximum(np.max(apart, axis=0) - math.sqrt(0.75), abs(y) - 1)
    if solid.shape == "octahedron":
        return abs(x) + abs(y) + abs(z) - 1
    if solid.shape == "pyramid":
        return np.maximum(np.maximum(abs(x), abs(z)) - (1 - y) / 2, -1 - y)
    if solid.shape == "wedge":
        return np.maximum(np.maximum(abs(x) - (1 - y) / 2, abs(z) - 1), -1 - y)
    if solid.shape == "ellipsoid":
        return np.sqrt(x * x + y * y + z * z) - 1
    if solid.shape == "capsule":
        return np.sqrt(x * x + z * z + np.maximum(abs(y) - solid.ratio, 0) ** 2) - 1
    assert solid.shape == "frustum"
    radius = 1 + (solid.ratio - 1) * (y + 1) / 2
    return np.maximum(np.hypot(x, z) - radius, abs(y) - 1)


def deepest(solid: Solid, start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How deep lines (N, 3) go into a solid: the least of `outside`, and the share where."""
    low, high = np.zeros(len(start)), np.ones(len(start))
    golden = (math.sqrt(5) - 1) / 2
    for _ in range(55):
        one = high - golden * (high - low)
        two = low + golden * (high - low)
        nearer = outside(solid, start + one[:, None] * (end - start)) < outside(
            solid, start + two[:, None] * (end - start)
        )
        low, high = np.where(nearer, low, one), np.where(nearer, two, high)
    middle = (low + high) / 2
    return outside(solid, start + middle[:, None] * (end - start)), middle


def ways(camera: Camera, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """(N, 3): the rays through places of a picture, one metre deep, by plain trigonometry."""
    x = (columns - camera.width / 2) / camera.focal
    y = -(rows - camera.height / 2) / camera.focal  # upwards
    # turn up by the pitch, then right by the yaw
    up = y * math.cos(camera.pitch) + math.sin(camera.pitch)
    ahead = math.cos(camera.pitch) - y * math.sin(camera.pitch)
    return np.stack(
        [
            x * math.cos(camera.yaw) + ahead * math.sin(camera.yaw),
            up,
            ahead * math.cos(camera.yaw) - x * math.sin(camera.yaw),
        ],
        axis=-1,
    )


def centres(camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns (H * W,) of all pixels' centres."""
    rows, columns = np.mgrid[: camera.height, : camera.width] + 0.5
    return rows.reshape(-1), columns.reshape(-1)


def slow_depths(
    solid: Solid, camera: Camera, rows, columns, far: float = 200.0
) -> tuple[np.ndarray, np.ndarray]:
    """Where rays enter a solid, by bisection, infinity where they pass by; how deep they go.

    The eye is outside.
    """
    start = np.broadcast_to(np.asarray(camera.position), (len(rows), 3))
    way = ways(camera, rows, columns)
    end = start + far * way
    least, share = deepest(solid, start, end)
    low, high = np.zeros(len(rows)), share * far
    for _ in range(45):
        middle = (low + high) / 2
        within = outside(solid, start + middle[:, None] * way) <= 0
        low, high = np.where(within, low, middle), np.where(within, middle, high)
    return np.where((least < 0) & (high > NEAR), high, np.inf), least


def camera_near(rng, solid: Solid, far: float, height: int = 20, width: int = 28) -> Camera:
    """A camera that looks about where a solid is, from any side and outside of it."""
    while True:
        way = rng.standard_normal(3)
        place = solid.centre + far * rng.uniform(0.5, 1.0) * way / np.linalg.norm(way)
        if outside(solid, place[None])[0] > 0.05:
            break
        far *= 1.1
    target = solid.centre + rng.normal(0, 0.4, 3) * solid.size
    eye, gaze = (tuple(float(part) for part in point) for point in (place, target))
    return Camera.towards(eye, gaze, rng.uniform(0.4, 1.2) * width, height, width)
