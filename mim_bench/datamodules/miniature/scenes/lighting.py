"""Lamps, suns and the weather."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mim_bench.datamodules.miniature.scenes.scene import Light

if TYPE_CHECKING:
    from numpy.random import Generator

    from mim_bench.datamodules.miniature.scenes.cameras import Vector
    from mim_bench.datamodules.miniature.scenes.materials import Colour


def room_lamp(rng: Generator, width: float, height: float, length: float) -> Light:
    """Draw a lamp under a room's ceiling."""
    place = (width * rng.uniform(0.3, 0.7), height - 0.25, length * rng.uniform(0.3, 0.7))
    return _lamp(rng, place, (place[0], 0.0, place[2]), max(width, length) * 0.6)


def lamp(rng: Generator, size: float) -> Light:
    """Draw a lamp for an object of about a half height of `size` metres at the origin."""
    turn, far = rng.uniform(-1.2, 1.2), size * rng.uniform(5.0, 9.0)
    place = (
        float(np.sin(turn) * far),
        float(rng.uniform(0.6, 1.2) * far),
        float(-np.cos(turn) * far),
    )
    return _lamp(rng, place, (0.0, size, 0.0), 5.0 * size)


def _lamp(rng: Generator, place: Vector, target: Vector, reach: float) -> Light:
    warm = rng.uniform(0.0, 0.15)
    strength, ambient = rng.uniform(0.6, 1.1), rng.uniform(0.3, 0.55)
    return Light(
        position=place,
        target=target,
        reach=reach,
        colour=(strength * (1 + warm), strength, strength * (1 - warm)),
        ambient=(ambient, ambient, ambient * (1 + 0.5 * warm)),
    )


def sun(rng: Generator, target: tuple[float, float, float], reach: float) -> Light:
    """Draw a sun over a target, for shade within `reach` metres around it."""
    side, height = rng.uniform(-np.pi, np.pi), rng.uniform(0.5, 1.2)
    far = 20.0 * reach
    way = (np.sin(side) * np.cos(height), np.sin(height), np.cos(side) * np.cos(height))
    position = tuple(float(t + far * part) for t, part in zip(target, way, strict=True))
    strength, ambient = rng.uniform(0.4, 1.1), rng.uniform(0.35, 0.55)
    return Light(
        position=(position[0], position[1], position[2]),
        target=target,
        reach=reach,
        colour=(strength, 0.95 * strength, 0.88 * strength),
        fade=False,
        ambient=(0.92 * ambient, 0.97 * ambient, 1.08 * ambient),
    )


def weather(rng: Generator) -> tuple[Colour, tuple[Colour, Colour]]:
    """Draw the colour of the air, and of the sky at the horizon and above."""
    clear, light = rng.random(), 0.85 + 0.15 * rng.random()
    low = (0.48 * light, 0.62 * light, 0.88 * light)
    high = (0.65 - 0.4 * clear, 0.7 - 0.25 * clear, 0.75 + 0.05 * clear)
    return low, (low, high)
