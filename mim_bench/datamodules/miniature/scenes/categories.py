"""Compositional categories: a shape, what it is made of, its pattern, its parts.

Every combination is a category, and there is a distance between any two. Colour, proportions,
pose and light belong to the instance and tell nothing about the category.
"""

from __future__ import annotations

import itertools
from dataclasses import astuple, dataclass
from functools import lru_cache

BODIES: dict[str, str] = {
    "box": "angular",
    "hexagon": "angular",
    "octahedron": "pointed",
    "pyramid": "pointed",
    "cone": "pointed",
    "ball": "round",
    "barrel": "round",
    "cylinder": "round",
    "bucket": "round",
    "roof": "angular",
}
"""Shape -> family."""

STUFFS: dict[str, str] = {
    "clay": "dull",
    "plastic": "shiny",
    "metal": "shiny",
    "wood": "grown",
    "stone": "dull",
    "cloth": "grown",
}
"""Material -> family."""

DECORS: dict[str, str] = {
    "plain": "even",
    "stripes": "lines",
    "zigzag": "lines",
    "diagonal": "lines",
    "checks": "cells",
    "bricks": "cells",
    "dots": "spots",
    "rings": "spots",
    "blots": "spots",
    "marble": "even",
}
"""Pattern -> family."""

PARTS: dict[str, str] = {
    "nothing": "bare",
    "legs": "below",
    "wheels": "below",
    "ears": "above",
    "horns": "above",
    "lid": "above",
    "handle": "beside",
    "fins": "beside",
    "knobs": "beside",
}
"""Attached parts -> family."""

WEIGHTS = (0.4, 0.15, 0.2, 0.25)
"""Share of shape, material, pattern and parts in a distance."""


@dataclass(frozen=True, order=True)
class Category:
    """A kind of object.

    Attributes:
        shape: One of `BODIES`.
        material: One of `STUFFS`.
        pattern: One of `DECORS`.
        parts: One of `PARTS`.
    """

    shape: str
    material: str
    pattern: str
    parts: str

    @property
    def name(self) -> str:
        """What it is called: `wood stripes box legs`; what is plain or missing is left out."""
        words = [self.material, self.pattern, self.shape, self.parts]
        return " ".join(word for word in words if word not in ("plain", "nothing"))


@lru_cache(maxsize=1)
def all_categories() -> tuple[Category, ...]:
    """Return every category, in a fixed order."""
    return tuple(itertools.starmap(Category, itertools.product(BODIES, STUFFS, DECORS, PARTS)))


def distance(one: Category, two: Category) -> float:
    """Return how far apart two categories are: 0 for the same, 1 where they share nothing.

    Each of shape, material, pattern and parts adds nothing where it is the same, half its weight
    (`WEIGHTS`) within a family, and its weight otherwise. It is a metric.
    """
    total = 0.0
    tables = (BODIES, STUFFS, DECORS, PARTS)
    for weight, table, a, b in zip(WEIGHTS, tables, astuple(one), astuple(two), strict=True):
        if a != b:
            total += weight * (0.5 if table[a] == table[b] else 1.0)
    return total
