"""Where rays meet solids: exact, for every shape, pose and camera."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_geometry import (
    GREY,
    VARIANTS,
    camera_near,
    centres,
    make_solid,
    slow_depths,
)

from mim_bench.datamodules.miniature.scenes.hits import meet
from mim_bench.datamodules.miniature.scenes.solids import SHAPES, SLABS, Solid, plane, upright
from mim_bench.datamodules.miniature.scenes.windows import windows


def full(camera):
    return slice(0, camera.height), slice(0, camera.width)


def assert_exact(solid, camera) -> int:
    rows, columns = centres(camera)
    slow, least = slow_depths(solid, camera, rows, columns)
    fast = meet(solid, camera, full(camera)).reshape(-1)
    clear = np.abs(least) > 1e-6  # a ray that only touches may be taken either way
    assert clear.mean() > 0.98
    np.testing.assert_allclose(fast[clear], slow[clear], rtol=1e-6, atol=1e-6)
    return int(np.isfinite(fast).sum())


def test_every_shape_is_compared():
    assert {shape for shape, _ in VARIANTS} | {"plane"} == set(SHAPES)
    assert set(SLABS) < set(SHAPES)


@pytest.mark.parametrize(("shape", "ratio"), VARIANTS)
def test_depth_is_exact_from_all_sides(shape, ratio):
    rng = np.random.default_rng([3, VARIANTS.index((shape, ratio))])
    hit = 0
    for _ in range(8):
        solid = make_solid(rng, shape, ratio)
        hit += assert_exact(solid, camera_near(rng, solid, 6.0))
    assert hit > 250


@pytest.mark.parametrize(("shape", "ratio"), VARIANTS)
def test_depth_is_exact_where_part_of_a_solid_is_behind_the_camera(shape, ratio):
    rng = np.random.default_rng([4, VARIANTS.index((shape, ratio))])
    hit = 0
    for _ in range(6):
        solid = make_solid(rng, shape, ratio, large=5.0)
        hit += assert_exact(solid, camera_near(rng, solid, 10.0))
    assert hit > 250


@pytest.mark.parametrize(("shape", "ratio"), VARIANTS)
def test_depth_is_exact_along_a_solids_own_axes(shape, ratio):
    """The rays of the middle row and column are parallel to faces, rims and axes."""
    rng = np.random.default_rng(5)
    size = np.full(3, 0.8) if shape == "capsule" else np.array([0.8, 0.6, 1.1])
    # a cone as pointed as any that is drawn: a ray through a perfect tip only touches
    solid = Solid(shape, np.zeros(3), np.eye(3), size, GREY, ratio or 0.05)
    camera = camera_near(rng, solid, 5.0, 21, 29)
    for yaw, pitch, place in (
        (0.0, 0.0, (0, 0, -5)),
        (np.pi / 2, 0.0, (-5, 0, 0)),
        (0.0, -np.pi / 2, (0, 6, 0)),
        (0.0, np.pi / 2, (0, -6, 0)),
    ):
        straight = type(camera)(place, yaw, pitch, 25.0, 21, 29)
        hit = meet(solid, straight, full(straight))
        assert np.isfinite(hit).sum() > 15
        assert_exact(solid, straight)


def test_depth_of_a_plane_is_exact_and_nothing_is_above_its_horizon():
    rng = np.random.default_rng(6)
    for _ in range(8):
        ground = plane(rng.normal(0, 0.2, 3), rng.standard_normal(3), GREY)
        camera = camera_near(rng, ground, 3.0)
        if (np.asarray(camera.position) - ground.centre) @ ground.turn[:, 1] < 0.1:
            continue
        rows, columns = centres(camera)
        slow, _ = slow_depths(ground, camera, rows, columns)
        fast = meet(ground, camera, full(camera)).reshape(-1)
        near = fast < 190
        np.testing.assert_allclose(fast[near], slow[near], rtol=1e-6)
        assert (slow[~near] > 190).all()


seeds = st.integers(0, 2**32 - 1)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(seed=seeds, variant=st.sampled_from(VARIANTS), large=st.sampled_from((0.05, 0.5, 1.0, 6.0)))
def test_a_window_holds_all_that_is_seen(seed, variant, large):
    rng = np.random.default_rng(seed)
    solid = make_solid(rng, *variant, large=large)
    if large == 6.0 and solid.shape != "capsule":
        solid.size[rng.integers(3)] *= 9.0  # a wall or a beam that goes past the camera
    camera = camera_near(rng, solid, rng.uniform(0.5, 6.0) * max(large, 0.3))
    seen = np.isfinite(meet(solid, camera, full(camera)))
    (window,) = windows([solid], camera)
    if window is not None:
        part = np.isfinite(meet(solid, camera, window))
        np.testing.assert_array_equal(part, seen[window])
        seen[window] = False
    assert not seen.any()


def test_windows_are_small():
    """A window is not merely the frame: that is what makes many small solids cheap."""
    rng = np.random.default_rng(8)
    shares = []
    for _ in range(40):
        solid = make_solid(rng, "ellipsoid", large=0.2)
        camera = camera_near(rng, solid, 8.0, 48, 64)
        (window,) = windows([solid], camera)
        if window:
            rows, columns = window
            shares.append((rows.stop - rows.start) * (columns.stop - columns.start) / 48 / 64)
    assert np.median(shares) < 0.1


def test_solids_turn_and_move_with_their_things():
    rng = np.random.default_rng(9)
    turn, offset = upright(0.7), np.array([1.0, 0.5, -2.0])
    for shape, ratio in VARIANTS:
        solid = make_solid(rng, shape, ratio)
        moved = solid.moved(turn, offset)
        points = rng.normal(0, 1, (200, 3))
        np.testing.assert_allclose(
            moved.to_local(points @ turn.T + offset), solid.to_local(points), atol=1e-12
        )
