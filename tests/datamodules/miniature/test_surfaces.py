"""The surface of solids: where it faces, and places on it in metres."""

from __future__ import annotations

import numpy as np
import pytest
from slow_geometry import GREY, VARIANTS, camera_near, make_solid, outside

from mim_bench.datamodules.miniature.scenes.cameras import Camera
from mim_bench.datamodules.miniature.scenes.hits import meet
from mim_bench.datamodules.miniature.scenes.solids import SLABS, Solid, along, plane, rod
from mim_bench.datamodules.miniature.scenes.surfaces import surface


def seen_surface(solid, camera):
    """World points (H, W, 3) of what a camera sees, NaN for nothing; normals, u, v alike."""
    depth = meet(solid, camera, (slice(0, camera.height), slice(0, camera.width)))
    x, y = np.meshgrid(camera.across, camera.along)
    way = np.stack([x, y, np.ones_like(x)], axis=-1) @ camera.axes
    points = (
        np.asarray(camera.position) + np.where(np.isfinite(depth), depth, np.nan)[..., None] * way
    )
    hit = np.isfinite(depth)
    own = solid.to_local(points[hit]).T.astype(np.float32)
    normal, u, v = surface(solid, own)
    maps = np.full((*depth.shape, 5), np.nan)
    maps[hit] = np.column_stack([normal.T, u, v])
    return points, way, maps[..., :3], maps[..., 3], maps[..., 4]


def gradient(solid, points, step):
    columns = []
    for axis in np.eye(3) * step:
        columns.append((outside(solid, points + axis) - outside(solid, points - axis)) / 2 / step)
    slope = np.stack(columns, axis=1)
    return slope / np.linalg.norm(slope, axis=1, keepdims=True)


@pytest.mark.parametrize(("shape", "ratio"), VARIANTS)
def test_normals_are_the_gradient_of_the_surface(shape, ratio):
    rng = np.random.default_rng([1, VARIANTS.index((shape, ratio))])
    compared = 0
    for _ in range(5):
        solid = make_solid(rng, shape, ratio)
        points, way, normal, _, _ = seen_surface(solid, camera_near(rng, solid, 5.0, 30, 40))
        hit = np.isfinite(normal[..., 0])
        points, way, normal = points[hit], way[hit], normal[hit]
        np.testing.assert_allclose(np.linalg.norm(normal, axis=1), 1, atol=1e-5)
        slope, wider = gradient(solid, points, 1e-5), gradient(solid, points, 2e-3)
        smooth = (slope * wider).sum(axis=1) > 0.9999  # not on an edge
        compared += smooth.sum()
        assert (1 - (normal * slope).sum(axis=1)[smooth]).max(initial=0) < 1e-4
        # what is seen faces the camera
        assert (normal * way).sum(axis=1)[smooth].max(initial=-1) < 1e-3
    assert compared > 300


def test_a_planes_normal_is_the_one_it_was_given():
    rng = np.random.default_rng(2)
    for _ in range(10):
        wanted = rng.standard_normal(3)
        normal, _, _ = surface(
            plane((1, 2, 3), wanted, GREY), rng.normal(0, 1, (3, 4)).astype(np.float32)
        )
        np.testing.assert_allclose(
            normal.T, np.tile(wanted / np.linalg.norm(wanted), (4, 1)), atol=1e-6
        )


def steps(solid, camera):
    """Lengths of small steps on the surface, in 3-D and in (u, v), where nothing bends or jumps."""
    points, _, normal, u, v = seen_surface(solid, camera)
    real, flat = [], []
    for axis in (0, 1):
        length = np.linalg.norm(np.diff(points, axis=axis), axis=-1)
        moved = np.hypot(np.diff(u, axis=axis), np.diff(v, axis=axis))
        first = normal[:-1] if axis == 0 else normal[:, :-1]
        second = normal[1:] if axis == 0 else normal[:, 1:]
        alike = (first * second).sum(axis=-1) > 0.98
        fine = np.isfinite(length) & alike & (moved < 5 * length)  # the seam at the back jumps
        real.append(length[fine])
        flat.append(moved[fine])
    return np.concatenate(real), np.concatenate(flat)


@pytest.mark.parametrize(
    "shape", ["box", "cylinder", "capsule", "plane", "hexagon", "pyramid", "wedge", "octahedron"]
)
def test_places_on_a_surface_are_metres(shape):
    rng = np.random.default_rng(3)
    ratios = []
    for _ in range(6):
        if shape == "cylinder":
            solid = Solid("frustum", np.zeros(3), along((0, 1, 0)), np.array([0.7, 1, 0.7]), GREY)
        elif shape == "capsule":
            solid = rod((0, -1, 0), (0, 1, 0), 0.6, GREY)
        elif shape == "plane":
            solid = plane((0, 0, 0), (0, 1, 0), GREY)
        else:
            solid = make_solid(rng, shape)
        camera = Camera.towards((1.5, 2.5, -4.0), (0, 0, 0), 110.0, 60, 80)
        real, flat = steps(solid, camera)
        assert real.size > 300
        ratios.append(flat / real)
    found = np.concatenate(ratios)
    if shape in SLABS and shape != "box":
        # slanted faces are seen from the side of an axis: the pattern is drawn out a little
        assert 0.45 < np.median(found) <= 1 + 1e-3
        assert np.quantile(found, 0.99) < 1 + 1e-2
    elif shape == "capsule":
        assert np.median(found) == pytest.approx(1, abs=0.03)
    else:
        assert np.quantile(np.abs(found - 1), 0.97) < 0.02


def test_the_top_of_a_thin_disc_far_away_is_still_its_top():
    """Places are computed with few digits; a lamp's foot across a hall faces up all the same."""
    disc = Solid(
        "frustum", np.array([4.0, 0.03, 9.0]), np.eye(3), np.array([0.2, 0.015, 0.2]), GREY
    )
    camera = Camera.towards((-3.0, 1.6, -2.0), (4.0, 0.03, 9.0), 1400.0, 40, 60)
    _, _, normal, _, _ = seen_surface(disc, camera)
    up = normal[..., 1][np.isfinite(normal[..., 1])]
    assert up.size > 100
    assert ((up > 0.99) | (np.abs(up) < 1e-3)).all()
    assert (up > 0.99).mean() > 0.3
