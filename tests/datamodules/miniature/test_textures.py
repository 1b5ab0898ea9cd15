"""Patterns and grains: read smoothly, without seams, of a fixed size in metres."""

from __future__ import annotations

import numpy as np
import pytest

from mim_bench.datamodules.miniature.scenes.cameras import Camera
from mim_bench.datamodules.miniature.scenes.materials import SUBSTANCES, Material
from mim_bench.datamodules.miniature.scenes.scene import Light, Scene
from mim_bench.datamodules.miniature.scenes.shading import shine
from mim_bench.datamodules.miniature.scenes.solids import plane
from mim_bench.datamodules.miniature.scenes.textures import (
    GRAINS,
    PATTERNS,
    REPEATS,
    SIDE,
    sample,
    tile_number,
)
from mim_bench.datamodules.miniature.scenes.tracing import trace


def read(name, u, v, footprint):
    u, v = np.broadcast_arrays(np.asarray(u, np.float32), np.asarray(v, np.float32))
    size = np.full(u.shape, footprint, np.float32)
    return sample(u, v, size, np.full(u.shape, tile_number(name), np.float32))


def texels(name, side=SIDE):
    """The tile at one of its sizes, read at the middles of its texels."""
    middle = (np.arange(side) + 0.5) / side
    return read(name, middle[None], middle[:, None], 1 / side)


def bilinear(tile, u, v):
    side = len(tile)
    x, y = u * side - 0.5, v * side - 0.5
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    a, b = x - left, y - top
    corner = [[tile[(top + j) % side, (left + i) % side] for i in (0, 1)] for j in (0, 1)]
    upper = corner[0][0] * (1 - a) + corner[0][1] * a
    lower = corner[1][0] * (1 - a) + corner[1][1] * a
    return upper * (1 - b) + lower * b


NAMES = ("stripes", "dots", "bricks", "marble", "cloudy", "woven")


@pytest.mark.parametrize("name", NAMES)
def test_sampling_is_linear_between_texels_and_between_sizes(name):
    rng = np.random.default_rng(1)
    tiles = {level: texels(name, SIDE >> level) for level in range(6)}
    u, v = rng.uniform(-3, 3, (2, 40, 50))
    for level in (0.0, 0.4, 1.0, 2.7, 4.2):
        low = int(level)
        one, two = bilinear(tiles[low], u, v), bilinear(tiles[low + 1], u, v)
        slow = one + (two - one) * (level - low)
        fast = read(name, u, v, 2**level / SIDE)
        # OpenCV interpolates in steps of 1/32 texel, and texels have 8 bits
        np.testing.assert_allclose(fast, slow, atol=1 / 32 + 1 / 32 + 2 / 255)
        assert np.abs(fast - slow).mean() < 0.01


@pytest.mark.parametrize("name", [*PATTERNS, *GRAINS])
def test_a_smaller_tile_is_the_mean_of_the_larger_one(name):
    tile = texels(name)
    for level in (1, 3, 5):
        step = 1 << level
        mean = tile.reshape(SIDE // step, step, SIDE // step, step).mean(axis=(1, 3))
        np.testing.assert_allclose(texels(name, SIDE >> level), mean, atol=1.1 / 255)


@pytest.mark.parametrize("name", [*PATTERNS, *GRAINS])
def test_tiles_wrap_without_seams(name):
    rng = np.random.default_rng(2)
    u, v = rng.uniform(0, 1, (2, 30, 40))
    for footprint in (0.5 / SIDE, 6 / SIDE):
        here = read(name, u, v, footprint)
        np.testing.assert_allclose(read(name, u + 2, v - 3, footprint), here, atol=0.07)
    # across the seam tiles change no faster than elsewhere
    tile = texels(name, SIDE // 4)
    for axis in (0, 1):
        inner = np.abs(np.diff(tile, axis=axis))
        seam = np.abs(np.take(tile, 0, axis) - np.take(tile, -1, axis))
        assert seam.max() <= inner.max() + 0.02
        # along each side as on some line within: a whole new edge would show
        assert seam.mean() <= inner.mean(axis=1 - axis).max() + 0.02


@pytest.mark.parametrize("name", [*PATTERNS, *GRAINS])
def test_far_away_only_the_mean_is_left(name):
    rng = np.random.default_rng(3)
    u, v = rng.uniform(0, 1, (2, 30, 40))
    far = read(name, u, v, 50.0)
    tile = texels(name)
    assert np.abs(far - tile.mean()).max() < 0.1
    assert far.std() <= 0.25 * tile.std() + 1e-6


def test_patterns_differ_and_plain_is_plain():
    tiles = {name: texels(name, 128) for name in PATTERNS}
    assert not tiles["plain"].any()
    for number, one in enumerate(PATTERNS):
        for two in PATTERNS[number + 1 :]:
            assert np.abs(tiles[one] - tiles[two]).mean() > 0.02, (one, two)


@pytest.mark.parametrize("far", [2.0, 4.0])
def test_stripes_are_as_many_metres_at_any_distance(far):
    period = 0.25
    wall = Material("stripes", (0.1, 0.1, 0.1), (0.9, 0.9, 0.9), period, SUBSTANCES["plastic"])
    scene = Scene((plane((0, 0, far), (0, 0, -1), wall),), (), Light((0, 0, -9), (0, 0, 9), 1.0))
    camera = Camera((0.3, 0.2, 0), 0.0, 0.0, 400.0, 8, 480)
    picture = shine(scene, scene.surroundings, camera, trace([scene.surroundings], camera))
    row = picture[4, :, 1]
    light = row > (row.min() + row.max()) / 2
    assert REPEATS * period == wall.tile
    shown = 480 / 400 * far
    assert (np.diff(light.astype(int)) != 0).sum() / 2 == pytest.approx(shown / period, abs=1)
