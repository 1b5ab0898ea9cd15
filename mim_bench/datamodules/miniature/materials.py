"""Surface patterns whose sizes are metres, so that they tell distance, drawn without aliasing."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

KINDS = ("plain", "checks", "stripes", "planks", "tiles", "rough")
"""The patterns that there are."""

_TEXELS = 256
_TEXELS_PER_METRE = 170.0


@dataclass(frozen=True)
class Material:
    """A surface of two colours in a pattern.

    Attributes:
        kind: One of `KINDS`.
        first: RGB in 0..1.
        second: RGB in 0..1.
        period: Size of the pattern in metres.
        grain: Strength of the fine grain.
    """

    kind: str
    first: tuple[float, float, float]
    second: tuple[float, float, float]
    period: float
    grain: float


def _colour(
    rng: np.random.Generator, saturation: tuple[float, float], value: tuple[float, float]
) -> tuple[float, float, float]:
    return colorsys.hsv_to_rgb(rng.random(), rng.uniform(*saturation), rng.uniform(*value))


def random_material(rng: np.random.Generator, place: str) -> Material:
    """Draw a material for a wall, floor, ceiling or object."""
    if place == "object":
        kind = KINDS[int(rng.integers(len(KINDS)))]
        first = _colour(rng, (0.1, 0.8), (0.3, 0.95))
        second = _colour(rng, (0.1, 0.8), (0.2, 0.95))
        return Material(kind, first, second, rng.uniform(0.05, 0.2), rng.uniform(0.05, 0.25))
    if place == "ceiling":
        white = _colour(rng, (0.0, 0.06), (0.85, 0.97))
        return Material("plain", white, white, 1.0, 0.03)
    kinds = ("planks", "tiles", "checks", "rough") if place == "floor" else ("plain", "stripes")
    kind = kinds[int(rng.integers(len(kinds)))]
    if place == "floor":
        first, period = _colour(rng, (0.1, 0.5), (0.35, 0.8)), rng.uniform(0.1, 0.4)
    else:
        first, period = _colour(rng, (0.02, 0.3), (0.55, 0.95)), rng.uniform(0.1, 0.4)
    shade = rng.uniform(0.6, 0.85)
    second = (first[0] * shade, first[1] * shade, first[2] * shade)
    return Material(kind, first, second, period, rng.uniform(0.04, 0.2))


@lru_cache(maxsize=1)
def _grain() -> Floats:
    """(256, 256) noise that tiles, mean 0, about -1..1, coarse and fine parts alike."""
    rng = np.random.default_rng(7)
    waves = np.fft.fft2(rng.standard_normal((_TEXELS, _TEXELS)))
    across = np.fft.fftfreq(_TEXELS)[:, None]
    radius = np.sqrt(across**2 + across.T**2)
    radius[0, 0] = np.inf
    noise = np.fft.ifft2(waves / radius**0.8).real
    return np.asarray(np.clip(noise / (2 * noise.std()), -1, 1), dtype=np.float32)


def _wave(place: Floats, period: float, duty: float, footprint: Floats) -> Floats:
    """A square wave 0..1 with soft edges as wide as a pixel's footprint, its mean far away."""
    phase = place / period
    distance = (np.abs(phase - np.floor(phase) - np.float32(0.5)) - (1 - duty) / 2) * period
    wave = np.clip(distance / footprint + np.float32(0.5), 0, 1)
    fade = np.clip(2 - 2 * footprint / period, 0, 1)
    return np.asarray(duty + (wave - duty) * fade, dtype=np.float32)


def _pattern(material: Material, u: Floats, v: Floats, footprint: Floats) -> Floats | None:
    """Return the share of the second colour; None stands for none of it."""
    period = material.period
    if material.kind == "checks":
        a, b = _wave(u, 2 * period, 0.5, footprint), _wave(v, 2 * period, 0.5, footprint)
        return np.asarray(a + b - 2 * a * b, dtype=np.float32)
    if material.kind == "stripes":
        return _wave(u, 2 * period, 0.5, footprint)
    if material.kind == "planks":
        row = np.floor(u / period)
        ends = _wave(v + row * np.float32(0.37), 6 * period, 0.01, footprint)
        seams = np.maximum(_wave(u, period, 0.05, footprint), ends)
        tint = np.float32(0.35) * np.mod(row * np.float32(0.618), 1)
        return np.asarray(np.minimum(seams + tint, 1), dtype=np.float32)
    if material.kind == "tiles":
        return np.maximum(_wave(u, period, 0.06, footprint), _wave(v, period, 0.06, footprint))
    return None


def paint(material: Material, u: Floats, v: Floats, footprint: Floats) -> Floats:
    """Colour points of a surface.

    Args:
        material: The surface.
        u: (N,) place on it in metres.
        v: (N,) place on it in metres, across u.
        footprint: (N,) metres that a pixel covers there.

    Returns:
        (N, 3) RGB in about 0..1.
    """
    first = np.asarray(material.first, dtype=np.float32)
    second = np.asarray(material.second, dtype=np.float32)
    rows = (v * np.float32(_TEXELS_PER_METRE)).astype(np.int32) % _TEXELS
    columns = (u * np.float32(_TEXELS_PER_METRE)).astype(np.int32) % _TEXELS
    grain = _grain()[rows, columns]
    share = _pattern(material, u, v, footprint)
    if material.kind == "rough":
        share = np.asarray(0.5 + 0.5 * grain, dtype=np.float32)
    light = 1 + np.float32(material.grain) * grain
    colour = first[None] if share is None else first + share[:, None] * (second - first)
    return np.asarray(colour * light[:, None], dtype=np.float32)
