"""Tiles of patterns and grains in one picture, with smaller copies for what is far away."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable

Floats = npt.NDArray[np.float32]

SIDE = 256
"""Texels along a tile."""

REPEATS = 4
"""How often a pattern repeats along its tile."""

_LEVELS = 8
_BORDER = 1


def _cells() -> tuple[Floats, Floats, Floats, Floats]:
    """Return the place in the cell (-0.5..0.5) and the cell's number, across and along."""
    place = (np.arange(4 * SIDE, dtype=np.float32) + 0.5) / (4 * SIDE) * REPEATS
    number = np.floor(place)
    within = place - number - 0.5
    return (
        np.broadcast_to(within[None], (4 * SIDE, 4 * SIDE)),
        np.broadcast_to(within[:, None], (4 * SIDE, 4 * SIDE)),
        np.broadcast_to(number[None], (4 * SIDE, 4 * SIDE)),
        np.broadcast_to(number[:, None], (4 * SIDE, 4 * SIDE)),
    )


def _noise(seed: int, power: float, stretch: float = 1.0, low: float = 0.0) -> Floats:
    """Noise that tiles, 0..1 about one half; `stretch` draws it out along the tile's rows."""
    waves = np.fft.fft2(np.random.default_rng(seed).standard_normal((SIDE, SIDE)))
    across = np.fft.fftfreq(SIDE)[:, None]
    radius = np.sqrt(across**2 + (across.T * stretch) ** 2)
    radius[0, 0] = np.inf
    noise = np.fft.ifft2(np.where(radius * SIDE < low, 0, waves / radius**power)).real
    noise = np.clip(0.5 + noise / (5 * noise.std()), 0, 1)
    return np.asarray(noise, dtype=np.float32)


def _planks() -> Floats:
    x, _, column, _ = _cells()
    seam = (np.abs(x) > 0.47) | (np.abs(_long(column)) < 0.006)
    tint = 0.3 * np.mod(column * 0.618, 1)
    return np.asarray(np.where(seam, 1.0, tint), dtype=np.float32)


def _long(column: Floats) -> Floats:
    place = (np.arange(4 * SIDE, dtype=np.float32)[:, None] + 0.5) / (4 * SIDE)
    return np.asarray(np.mod(place + column * 0.37, 1.0) - 0.5, dtype=np.float32)


def _bricks() -> Floats:
    place = (np.arange(4 * SIDE, dtype=np.float32) + 0.5) / (4 * SIDE) * REPEATS
    row = np.floor(2 * place)[:, None]
    across = np.mod(place[None] + 0.5 * np.mod(row, 2), 1.0) - 0.5
    down = np.mod(2 * place, 1.0)[:, None] - 0.5
    mortar = (np.abs(across) > 0.46) | (np.abs(down) > 0.42)
    tint = 0.25 * np.mod(row * 0.618 + np.floor(place[None] + 0.5 * np.mod(row, 2)) * 0.37, 1)
    return np.asarray(np.where(mortar, 1.0, tint), dtype=np.float32)


def _scales() -> Floats:
    x, y, _, row = _cells()
    lag = np.where(np.mod(row, 2) == 0, x, np.mod(x + 1.0, 1.0) - 0.5)
    arc = np.hypot(lag, y + 0.5)
    return np.asarray((arc > 0.55) | (np.abs(arc - 0.45) < 0.04), dtype=np.float32)


def _patterns() -> dict[str, Callable[[], Floats]]:
    x, y, _, _ = _cells()

    def share(mask: npt.NDArray[np.bool_]) -> Callable[[], Floats]:
        return lambda: np.asarray(mask, dtype=np.float32)

    return {
        "plain": share(np.zeros_like(x, dtype=bool)),
        "stripes": share(x > 0),
        "bands": share(np.abs(y) < 0.16),
        "checks": share(np.mod(np.floor(2 * (x + 0.5)) + np.floor(2 * (y + 0.5)), 2) == 1),
        "dots": share(np.hypot(x, y) < 0.3),
        "rings": share(np.abs(np.hypot(x, y) - 0.3) < 0.09),
        "zigzag": share(np.mod(y + np.abs(x) + 0.5, 1.0) < 0.5),
        "diagonal": share(np.mod(x + y, 1.0) < 0.4),
        "crosses": share((np.minimum(np.abs(x), np.abs(y)) < 0.09) & (np.hypot(x, y) < 0.4)),
        "windows": share((np.abs(x) < 0.24) & (np.abs(y + 0.05) < 0.3)),
        "tiles": share((np.abs(x) > 0.46) | (np.abs(y) > 0.46)),
        "bricks": _bricks,
        "planks": _planks,
        "scales": _scales,
        "blots": lambda: _enlarged(_noise(3, 1.8, low=5) > 0.53),
        "marble": lambda: _enlarged(np.abs(_noise(4, 1.9, low=3) - 0.5) < 0.025),
    }


def _enlarged(mask: npt.NDArray[np.bool_]) -> Floats:
    return np.asarray(np.kron(mask.astype(np.float32), np.ones((4, 4), np.float32)))


PATTERNS = (
    "plain",
    "stripes",
    "bands",
    "checks",
    "dots",
    "rings",
    "zigzag",
    "diagonal",
    "crosses",
    "windows",
    "tiles",
    "bricks",
    "planks",
    "scales",
    "blots",
    "marble",
)
"""The patterns: each says how much of a second colour there is."""

GRAINS = ("even", "cloudy", "speckled", "streaked", "woven")
"""The grains: each says how much lighter or darker a spot is; one half is neither."""


def _grains() -> list[Floats]:
    place = (np.arange(SIDE, dtype=np.float32) + 0.5) / SIDE * 32 * 2 * np.pi
    weave = 0.5 + 0.25 * (np.sin(place)[None] + np.sin(place)[:, None])
    speckles = np.where(_noise(6, 0.2) > 0.68, 1.0, np.where(_noise(8, 0.2) > 0.7, 0.0, 0.5))
    streaks = _noise(5, 1.0, stretch=14.0)
    return [
        np.full((SIDE, SIDE), 0.5, dtype=np.float32),
        _noise(7, 0.9),
        np.asarray(speckles, dtype=np.float32),
        streaks,
        np.asarray(0.7 * weave + 0.3 * _noise(9, 0.3), dtype=np.float32),
    ]


class Atlas(NamedTuple):
    """All tiles at all sizes.

    Attributes:
        texels: (R, C) uint8; a block of columns per size, in it a tile below the other, each
            with a border that continues it.
        left: (L,) first column of each size's block.
        side: (L,) texels along a tile of each size.
    """

    texels: npt.NDArray[np.uint8]
    left: Floats
    side: Floats


@lru_cache(maxsize=1)
def atlas() -> Atlas:
    """Draw all tiles, once per process."""
    made = _patterns()
    full = [
        cv2.resize(made[name](), (SIDE, SIDE), interpolation=cv2.INTER_AREA) for name in PATTERNS
    ]
    tiles = [np.asarray(tile * 255 + 0.5).astype(np.uint8) for tile in (*full, *_grains())]
    sides = [SIDE >> level for level in range(_LEVELS)]
    lefts = np.concatenate([[0], np.cumsum([side + 2 * _BORDER for side in sides])])
    texels = np.zeros((len(tiles) * (SIDE + 2 * _BORDER), int(lefts[-1])), dtype=np.uint8)
    for level, side in enumerate(sides):
        pitch = side + 2 * _BORDER
        for number, tile in enumerate(tiles):
            small = cv2.resize(tile, (side, side), interpolation=cv2.INTER_AREA)
            whole = np.pad(small, _BORDER, mode="wrap")
            place = slice(number * pitch, (number + 1) * pitch)
            texels[place, int(lefts[level]) : int(lefts[level]) + pitch] = whole
    return Atlas(texels, lefts[:-1].astype(np.float32), np.array(sides, dtype=np.float32))


def tile_number(name: str) -> int:
    """Return a pattern's or grain's number in the atlas."""
    if name in PATTERNS:
        return PATTERNS.index(name)
    return len(PATTERNS) + GRAINS.index(name)


def sample(u: Floats, v: Floats, footprint: Floats, number: Floats) -> Floats:
    """Read tiles, between the two sizes whose texels are nearest to a pixel's footprint.

    Args:
        u: (H, W) place across the tile, in tiles; any number.
        v: (H, W) place along it.
        footprint: (H, W) tiles that a pixel covers.
        number: (H, W) which tile, see `tile_number`.

    Returns:
        (H, W) in 0..1.
    """
    texels, left, side = atlas()
    level = np.log2(np.maximum(footprint * np.float32(SIDE), np.float32(1)))
    level = np.minimum(level, np.float32(_LEVELS - 1 - 1e-3))
    lower = level.astype(np.intp)
    across, down = u - np.floor(u), v - np.floor(v)
    read = []
    for step in (0, 1):
        size = side[lower + step]
        column = left[lower + step] + np.float32(_BORDER - 0.5) + across * size
        row = number * (size + 2 * _BORDER) + np.float32(_BORDER - 0.5) + down * size
        read.append(cv2.remap(texels, column, row, cv2.INTER_LINEAR).astype(np.float32))
    mixed = read[0] + (read[1] - read[0]) * (level - lower)
    return np.asarray(mixed / np.float32(255), dtype=np.float32)
