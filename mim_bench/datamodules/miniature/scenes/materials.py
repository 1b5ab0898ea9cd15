"""What surfaces are made of: colours, a pattern of a fixed size in metres, grain and gloss."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from mim_bench.datamodules.miniature.scenes.textures import REPEATS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator

Colour = tuple[float, float, float]


class Substance(NamedTuple):
    """How a stuff looks whatever its colour.

    Attributes:
        grain: One of `textures.GRAINS`.
        strength: How much the grain lightens and darkens.
        tile: Metres that a tile of the grain covers.
        gloss: Strength of the lamp's reflection.
        sharpness: Exponent of that reflection.
    """

    grain: str
    strength: float
    tile: float
    gloss: float
    sharpness: float


SUBSTANCES: dict[str, Substance] = {
    "clay": Substance("cloudy", 0.25, 0.6, 0.0, 1.0),
    "plastic": Substance("even", 0.0, 1.0, 0.45, 24.0),
    "metal": Substance("streaked", 0.35, 0.25, 0.9, 10.0),
    "wood": Substance("streaked", 0.75, 0.5, 0.08, 6.0),
    "stone": Substance("speckled", 0.8, 0.5, 0.05, 6.0),
    "cloth": Substance("woven", 0.7, 0.4, 0.0, 1.0),
}
"""Stuffs that things are made of."""


@dataclass(frozen=True)
class Material:
    """A surface.

    Attributes:
        pattern: One of `textures.PATTERNS`.
        first: RGB in 0..1, linear light.
        second: RGB of the pattern.
        period: Size of the pattern in metres.
        substance: What it is made of.
    """

    pattern: str
    first: Colour
    second: Colour
    period: float
    substance: Substance

    @property
    def tile(self) -> float:
        """Metres that a tile of the pattern covers."""
        return self.period * REPEATS


def colour(
    rng: Generator,
    saturation: tuple[float, float],
    value: tuple[float, float],
    hue: tuple[float, float] = (0.0, 1.0),
) -> Colour:
    """Draw a colour, of any hue unless a range is given (0 red, 1/3 green, 2/3 blue, 1 red)."""
    turn = rng.uniform(*hue) % 1.0
    return colorsys.hsv_to_rgb(turn, rng.uniform(*saturation), rng.uniform(*value))


def shade(base: Colour, factor: float) -> Colour:
    """Return a colour made darker or lighter."""
    return (base[0] * factor, base[1] * factor, base[2] * factor)


def choose(rng: Generator, names: Sequence[str]) -> str:
    """Draw one of some names."""
    return names[int(rng.integers(len(names)))]


def two_colours(rng: Generator) -> tuple[Colour, Colour]:
    """Draw two colours that can be told apart, the lighter one first or second alike."""
    light = colour(rng, (0.1, 0.75), (0.65, 0.95))
    dark = colour(rng, (0.2, 0.9), (0.08, 0.35))
    return (light, dark) if rng.random() < 0.5 else (dark, light)


def plain(base: Colour, substance: str = "clay") -> Material:
    """Return a material of one colour."""
    return Material("plain", base, base, 1.0, SUBSTANCES[substance])


def thing_material(rng: Generator, substance: str | None = None) -> Material:
    """Draw the material of a piece of furniture or clutter."""
    pattern = "plain" if rng.random() < 0.55 else choose(rng, _ON_THINGS)
    first, second = two_colours(rng)
    if pattern == "plain":
        first = colour(rng, (0.1, 0.8), (0.15, 0.9))
    stuff = SUBSTANCES[substance or choose(rng, tuple(SUBSTANCES))]
    return Material(pattern, first, second, THING_PERIOD, stuff)


PERIODS = {
    "planks": 0.18,
    "tiles": 0.4,
    "checks": 0.4,
    "bands": 0.3,
    "stripes": 0.4,
    "bricks": 0.3,
    "dots": 0.4,
    "diagonal": 0.4,
}
"""Metres of a pattern on walls and floors, the same in every room: so it tells the distance."""

THING_PERIOD = 0.12
"""Metres of any pattern on furniture and clothes."""


def wall_material(rng: Generator) -> Material:
    """Draw the material of an inner wall."""
    pattern = choose(rng, ("stripes", "bricks", "dots", "diagonal", "checks"))
    first = colour(rng, (0.05, 0.4), (0.45, 0.9), WARM)
    return Material(pattern, first, shade(first, rng.uniform(0.5, 0.8)), PERIODS[pattern], PLASTER)


def floor_material(rng: Generator) -> Material:
    """Draw the material of an inner floor."""
    pattern = choose(rng, ("planks", "tiles", "checks", "bands"))
    stuff = {"planks": "wood", "tiles": "stone", "checks": "clay"}.get(pattern, "cloth")
    first = colour(rng, (0.15, 0.55), (0.2, 0.7), WARM)
    second = shade(first, rng.uniform(0.35, 0.7))
    return Material(pattern, first, second, PERIODS[pattern], SUBSTANCES[stuff])


PLASTER = Substance("cloudy", 0.12, 1.2, 0.0, 1.0)
"""What inner walls and ceilings are covered with."""

_ON_THINGS = ("stripes", "checks", "dots", "planks", "diagonal", "blots", "bands", "marble")
WARM = (-0.1, 0.25)
"""Hues of walls and floors, inside and out: the air alone is blue, and far away is bluer."""
