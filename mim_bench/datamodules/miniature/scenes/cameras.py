"""A pinhole camera: where a point of the world falls, and the rays through the pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Vector = tuple[float, float, float]

NEAR = 0.05
"""Metres in front of a camera within which nothing is drawn."""


@dataclass(frozen=True)
class Camera:
    """A pinhole camera without roll.

    Places in its picture are continuous: pixel (row, column) covers [row, row + 1) and
    [column, column + 1), and its centre lies at one half.

    Attributes:
        position: Where it stands.
        yaw: Turn to the right from z, in radians.
        pitch: Turn upwards from the horizon, in radians.
        focal: Focal length in pixels.
        height: Pixels of a column.
        width: Pixels of a row.
    """

    position: Vector
    yaw: float
    pitch: float
    focal: float
    height: int = 480
    width: int = 640

    @classmethod
    def towards(
        cls, position: Vector, target: Vector, focal: float, height: int, width: int
    ) -> Camera:
        """Return a camera whose axis goes through a point."""
        x, y, z = (b - a for a, b in zip(position, target, strict=True))
        yaw, pitch = np.arctan2(x, z), np.arctan2(y, np.hypot(x, z))
        return cls(position, float(yaw), float(pitch), focal, height, width)

    @cached_property
    def axes(self) -> Array:
        """(3, 3): its right, down and forward directions, one a row."""
        sin_y, cos_y = np.sin(self.yaw), np.cos(self.yaw)
        sin_p, cos_p = np.sin(self.pitch), np.cos(self.pitch)
        forward = (cos_p * sin_y, sin_p, cos_p * cos_y)
        return np.array(
            [(cos_y, 0.0, -sin_y), (sin_p * sin_y, -cos_p, sin_p * cos_y), forward], dtype=float
        )

    @cached_property
    def across(self) -> Array:
        """(W,): how far right of the axis each column's centre looks, at depth 1."""
        return np.asarray((np.arange(self.width) + 0.5 - self.width / 2) / self.focal)

    @cached_property
    def along(self) -> Array:
        """(H,): how far below the axis each row's centre looks, at depth 1."""
        return np.asarray((np.arange(self.height) + 0.5 - self.height / 2) / self.focal)

    def project(self, points: npt.ArrayLike) -> Array:
        """Return (N, 3) of points (N, 3): column, row and depth along the axis in metres.

        Columns and rows of points that are not in front of the camera mean nothing.
        """
        away = np.asarray(points, dtype=float) - np.asarray(self.position)
        x, y, depth = (away @ axis for axis in self.axes)
        safe = np.where(np.abs(depth) < 1e-9, 1e-9, depth)
        return np.stack(
            [
                x / safe * self.focal + self.width / 2,
                y / safe * self.focal + self.height / 2,
                depth,
            ],
            axis=-1,
        )

    def resized(self, height: int, width: int) -> Camera:
        """Return the camera with another number of pixels and the same horizontal view."""
        return replace(self, height=height, width=width, focal=self.focal * width / self.width)
