"""Smooth ways over the ground, with how far along them one is."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from numpy.random import Generator

Array = npt.NDArray[np.float64]

_STEP = 0.02  # seconds between the points at which a way is measured
_TURNING = 0.6  # seconds that it takes to turn back


class Path:
    """A cubic spline through points (x, z), taken at an even pace between them.

    Args:
        times: (N,) seconds at which the points are reached, rising.
        points: (N, 2) metres.
    """

    def __init__(self, times: npt.ArrayLike, points: npt.ArrayLike) -> None:
        self.times = np.asarray(times, dtype=float)
        self.points = np.asarray(points, dtype=float)
        # the slopes of a Catmull-Rom spline on uneven times
        self._slopes = np.gradient(self.points, self.times, axis=0)

    def at(self, time: float) -> Array:
        """(2,): where one is; at the ends, where the way begins and ends."""
        place = self._cubic(np.array([time]))[0]
        return np.asarray(place)

    def heading(self, time: float) -> float:
        """Return the direction of the way as a yaw, in radians; who turns back turns round."""
        clock, yaws = self._turned
        return float(np.interp(time, clock, yaws))

    def speed(self, time: float) -> float:
        """Return metres per second."""
        ahead, behind = self._cubic(np.array([time + 0.1, time - 0.1]))
        return float(np.hypot(*(ahead - behind)) / 0.2)

    def covered(self, time: float) -> float:
        """Return the metres gone since the start."""
        clock, metres = self._measured
        return float(np.interp(time, clock, metres))

    @cached_property
    def _measured(self) -> tuple[Array, Array]:
        clock = np.arange(self.times[0], self.times[-1] + _STEP, _STEP)
        steps = np.hypot(*np.diff(self._cubic(clock), axis=0).T)
        return clock, np.concatenate([[0.0], np.cumsum(steps)])

    @cached_property
    def _turned(self) -> tuple[Array, Array]:
        clock = np.arange(self.times[0], self.times[-1] + _STEP, _STEP)
        way = self._cubic(clock + 0.15) - self._cubic(clock - 0.15)
        goes = np.hypot(*way.T) > 1e-6
        if not goes.any():
            return clock, np.zeros(len(clock))
        # who stands still looks where the way goes on
        yaws = np.interp(clock, clock[goes], np.unwrap(np.arctan2(way[goes, 0], way[goes, 1])))
        around = int(_TURNING / _STEP / 2)
        kernel = np.full(2 * around + 1, 1 / (2 * around + 1))
        return clock, np.convolve(np.pad(yaws, around, mode="edge"), kernel, mode="valid")

    def _cubic(self, times: Array) -> Array:
        times = np.clip(times, self.times[0], self.times[-1])
        left = np.clip(np.searchsorted(self.times, times, side="right") - 1, 0, len(self.times) - 2)
        span = (self.times[left + 1] - self.times[left])[:, None]
        share = (times - self.times[left])[:, None] / span
        one, two = self.points[left], self.points[left + 1]
        rise, fall = self._slopes[left] * span, self._slopes[left + 1] * span
        square, cube = share**2, share**3
        return np.asarray(
            (2 * cube - 3 * square + 1) * one
            + (cube - 2 * square + share) * rise
            + (3 * square - 2 * cube) * two
            + (cube - square) * fall
        )


def stroll(
    rng: Generator,
    seconds: float,
    speed: float,
    middle: tuple[float, float],
    reach: tuple[float, float],
) -> Path:
    """Draw a way that wanders within a rectangle.

    Args:
        rng: Where randomness comes from.
        seconds: How long it lasts.
        speed: About metres per second.
        middle: x and z of the rectangle's middle.
        reach: Its half extents.
    """
    low = np.array(middle) - reach
    high = np.array(middle) + reach
    points = [rng.uniform(low, high)]
    direction = rng.uniform(-np.pi, np.pi)
    count = max(4, int(np.ceil(seconds / 1.2)) + 2)
    step = speed * seconds / (count - 1)
    for _ in range(count - 1):
        direction += rng.normal(0, 0.45)
        way = np.array([np.sin(direction), np.cos(direction)])
        target = points[-1] + step * way
        for axis in (0, 1):  # turn back at the rectangle's sides
            if not low[axis] <= target[axis] <= high[axis]:
                way[axis] = -way[axis]
        direction = float(np.arctan2(way[0], way[1]))
        points.append(np.clip(points[-1] + step * way, low, high))
    return Path(np.linspace(0.0, seconds, count), np.array(points))
