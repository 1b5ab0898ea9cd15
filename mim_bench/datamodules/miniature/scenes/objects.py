"""Instances of categories: a body with its parts, in any colours and proportions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mim_bench.datamodules.miniature.scenes.materials import (
    SUBSTANCES,
    Material,
    colour,
    plain,
    two_colours,
)
from mim_bench.datamodules.miniature.scenes.scene import Thing
from mim_bench.datamodules.miniature.scenes.solids import Solid, along, rod, upright

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt
    from numpy.random import Generator

    from mim_bench.datamodules.miniature.scenes.categories import Category

    Array = npt.NDArray[np.float64]

# the unit shape and ratio of each body, and how far up its sides are steep: where parts are put
_BODY: dict[str, tuple[str, float]] = {
    "box": ("box", 1.0),
    "hexagon": ("hexagon", 1.0),
    "octahedron": ("octahedron", 1.0),
    "pyramid": ("pyramid", 1.0),
    "cone": ("frustum", 0.05),
    "ball": ("ellipsoid", 1.0),
    "barrel": ("capsule", 0.7),
    "cylinder": ("frustum", 1.0),
    "bucket": ("frustum", 1.6),
    "roof": ("wedge", 1.0),
}


def make_object(
    rng: Generator,
    category: Category,
    size: float,
    place: tuple[float, float] = (0.0, 0.0),
    yaw: float | None = None,
    base: float = 0.0,
    track: int = -1,
) -> Thing:
    """Draw an instance of a category that stands on something level.

    Args:
        rng: For colours and proportions.
        category: What it is.
        size: About half its height and width in metres, parts aside.
        place: x and z of its middle.
        yaw: Its turn; None draws one.
        base: Height of what it stands on.
        track: See `Thing`.
    """
    first, second = two_colours(rng)
    # ten or so repeats across the object: the pattern has to be seen from where the object is
    period = size * rng.uniform(0.3, 0.42)
    stuff = SUBSTANCES[category.material]
    body = Material(category.pattern, first, second, period, stuff)
    trim = plain(colour(rng, (0.1, 0.8), (0.15, 0.8)), category.material)
    shape, ratio = _BODY[category.shape]
    half = size * rng.uniform(0.85, 1.15, 3)
    half[1] *= rng.uniform(0.9, 1.15)
    wide = max(1.0, ratio if shape == "frustum" else 1.0)
    half[[0, 2]] /= wide
    if shape == "capsule":
        half[:] = half.mean() / (1 + 0.5 * ratio)
    tall = half[1] * (1 + ratio if shape == "capsule" else 1.0)
    lift = _LIFT.get(category.parts, 0.0) * size
    middle = np.array([0.0, lift + tall, 0.0])
    parts = [Solid(shape, middle, np.eye(3), half, body, ratio)]
    if category.parts in _ADD:
        spread = half * (0.5 + 0.5 * ratio if shape == "frustum" else _SLIM.get(shape, 1.0))
        parts += _ADD[category.parts](parts[0], np.array([spread[0], tall, spread[2]]), size, trim)
    turn = upright(rng.uniform(-np.pi, np.pi) if yaw is None else yaw)
    offset = np.array([place[0], base, place[1]])
    return Thing("object", tuple(part.moved(turn, offset) for part in parts), category, track=track)


def random_category(rng: Generator, among: tuple[Category, ...]) -> Category:
    """Draw one of some categories."""
    return among[int(rng.integers(len(among)))]


# pointed bodies are narrower where parts are put than their boxes
_SLIM = {"octahedron": 0.8, "pyramid": 0.85}
_LIFT = {"legs": 0.6, "wheels": 0.3}


def _legs(body: Solid, spread: Array, size: float, trim: Material) -> list[Solid]:
    x, z = 0.6 * spread[0], 0.6 * spread[2]
    top = body.centre[1] - 0.3 * spread[1]
    thick = 0.09 * size
    return [
        rod((a * x * 1.2, thick, b * z * 1.2), (a * x, top, b * z), thick, trim)
        for a in (-1, 1)
        for b in (-1, 1)
    ]


def _wheels(body: Solid, spread: Array, size: float, trim: Material) -> list[Solid]:
    radius = 0.36 * size
    turn = along((1.0, 0.0, 0.0))
    return [
        Solid(
            "frustum",
            np.array([a * 0.82 * spread[0], radius, b * 0.62 * spread[2]]),
            turn,
            np.array([radius, 0.12 * size, radius]),
            trim,
        )
        for a in (-1, 1)
        for b in (-1, 1)
    ]


def _ears(body: Solid, spread: Array, size: float, trim: Material) -> list[Solid]:
    top = body.centre[1] + 0.75 * spread[1]
    return [
        Solid(
            "ellipsoid",
            np.array([a * 0.62 * spread[0], top + 0.25 * size, 0.0]),
            along((0.35 * a, 1.0, 0.0)),
            np.array([0.3, 0.42, 0.12]) * size,
            trim,
        )
        for a in (-1, 1)
    ]


def _horns(body: Solid, spread: Array, size: float, trim: Material) -> list[Solid]:
    top = body.centre[1] + 0.6 * spread[1]
    return [
        Solid(
            "frustum",
            np.array([a * 0.55 * spread[0], top + 0.4 * size, 0.0]),
            along((0.5 * a, 1.0, 0.0)),
            np.array([0.17, 0.55, 0.17]) * size,
            trim,
            0.05,
        )
        for a in (-1, 1)
    ]


def _lid(body: Solid, spread: Array, size: float, trim: Material) -> list[Solid]:
    top = body.centre[1] + spread[1]
    disc = np.array([0.75, 0.09, 0.75]) * size
    knob = np.array([0.2, 0.2, 0.2]) * size
    return [
        Solid("frustum", np.array([0.0, top, 0.0]), np.eye(3), disc, trim, 0.9),
        Solid("ellipsoid", np.array([0.0, top + 0.28 * size, 0.0]), np.eye(3), knob, trim),
    ]


def _handle(body: Solid, spread: Array, size: float, trim: Material) -> list[Solid]:
    # beside the body, so that it is seen from most sides
    near, far = 0.6 * spread[0], spread[0] + 0.55 * size
    low, high = body.centre[1] - 0.45 * spread[1], body.centre[1] + 0.45 * spread[1]
    thick = 0.11 * size
    return [
        rod((near, low, 0), (far, low, 0), thick, trim),
        rod((far, low, 0), (far, high, 0), thick, trim),
        rod((far, high, 0), (near, high, 0), thick, trim),
    ]


def _fins(body: Solid, spread: Array, size: float, trim: Material) -> list[Solid]:
    return [
        Solid(
            "wedge",
            body.centre + np.array([a * (0.8 * spread[0] + 0.3 * size), 0.0, 0.0]),
            along((float(a), 0.25, 0.0)),
            np.array([0.5, 0.45, 0.06]) * size,
            trim,
        )
        for a in (-1, 1)
    ]


def _knobs(body: Solid, spread: Array, size: float, trim: Material) -> list[Solid]:
    ball = np.array([0.2, 0.2, 0.2]) * size
    sites = [(1, 0), (-1, 0), (0, 1), (0, -1)]
    level = body.centre[1] - 0.15 * spread[1]
    return [
        Solid(
            "ellipsoid",
            np.array([0.92 * a * spread[0], level, 0.92 * b * spread[2]]),
            np.eye(3),
            ball,
            trim,
        )
        for a, b in sites
    ]


_ADD: dict[str, Callable[[Solid, Array, float, Material], list[Solid]]] = {
    "legs": _legs,
    "wheels": _wheels,
    "ears": _ears,
    "horns": _horns,
    "lid": _lid,
    "handle": _handle,
    "fins": _fins,
    "knobs": _knobs,
}
