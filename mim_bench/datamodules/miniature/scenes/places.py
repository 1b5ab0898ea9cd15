"""Free places on a ground: things do not stand in each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy.random import Generator

_TRIES = 12


class Places:
    """Circles on a rectangle of ground that are taken.

    Args:
        left: Smallest x in metres.
        right: Largest x.
        near: Smallest z.
        far: Largest z.
    """

    def __init__(self, left: float, right: float, near: float, far: float) -> None:
        self.left, self.right, self.near, self.far = left, right, near, far
        self._taken: list[tuple[float, float, float]] = []

    def take(self, spot: tuple[float, float], radius: float) -> bool:
        """Take a circle; False, and nothing taken, where it meets another one."""
        for x, z, other in self._taken:
            if (spot[0] - x) ** 2 + (spot[1] - z) ** 2 < (radius + other) ** 2:
                return False
        self._taken.append((spot[0], spot[1], radius))
        return True

    def find(self, rng: Generator, radius: float) -> tuple[float, float] | None:
        """Take a free circle anywhere and return its middle; None when it is too crowded."""
        wide, deep = self.right - self.left - 2 * radius, self.far - self.near - 2 * radius
        if wide <= 0 or deep <= 0:
            return None
        for _ in range(_TRIES):
            spot = (
                self.left + radius + wide * rng.random(),
                self.near + radius + deep * rng.random(),
            )
            if self.take(spot, radius):
                return spot
        return None
