"""Cameras: projecting is the inverse of the rays, and they look where they are told to."""

from __future__ import annotations

import numpy as np
import pytest
from slow_geometry import ways

from mim_bench.datamodules.miniature.scenes.cameras import Camera


def any_camera(rng) -> Camera:
    place = tuple(float(part) for part in rng.normal(0, 2, 3))
    return Camera(place, rng.uniform(-4, 4), rng.uniform(-1.5, 1.5), rng.uniform(20, 90), 37, 52)


def test_projecting_is_the_inverse_of_the_rays():
    rng = np.random.default_rng(1)
    for _ in range(20):
        camera = any_camera(rng)
        rows, columns = rng.uniform(-5, 45, 30), rng.uniform(-5, 60, 30)
        depths = rng.uniform(0.1, 50, 30)
        points = np.asarray(camera.position) + depths[:, None] * ways(camera, rows, columns)
        seen = camera.project(points)
        np.testing.assert_allclose(seen, np.stack([columns, rows, depths], axis=1), atol=1e-8)


def test_pixels_centres_lie_at_one_half():
    rng = np.random.default_rng(2)
    camera = any_camera(rng)
    for row, column in ((0, 0), (36, 51), (17, 4)):
        way = camera.axes.T @ (camera.across[column], camera.along[row], 1.0)
        place = camera.project([np.asarray(camera.position) + 3.0 * way])[0]
        np.testing.assert_allclose(place, (column + 0.5, row + 0.5, 3.0))


def test_points_behind_have_a_negative_depth():
    camera = Camera((0, 0, 0), 0.0, 0.0, 50.0, 37, 52)
    assert camera.project([(0.3, 0.2, -4.0)])[0, 2] == -4.0


def test_the_middle_of_the_picture_is_the_target():
    rng = np.random.default_rng(3)
    for _ in range(20):
        eye, target = (tuple(float(part) for part in rng.normal(0, 3, 3)) for _ in range(2))
        camera = Camera.towards(eye, target, 40.0, 37, 52)
        far = np.linalg.norm(np.subtract(eye, target))
        np.testing.assert_allclose(camera.project([target])[0], (26, 18.5, far), atol=1e-8)
    down = Camera.towards((1.0, 5.0, 2.0), (1.0, 0.0, 2.0), 40.0, 37, 52)
    np.testing.assert_allclose(down.project([(1.0, 0.0, 2.0)])[0], (26, 18.5, 5.0), atol=1e-8)


def test_right_is_right_and_up_is_up():
    camera = Camera((0, 1, 0), 0.0, 0.0, 50.0, 40, 60)
    assert camera.project([(0.5, 1, 3)])[0, 0] > 30
    assert camera.project([(0, 1.5, 3)])[0, 1] < 20
    assert Camera((0, 1, 0), 0.3, 0.0, 50.0, 40, 60).project([(0, 1, 3)])[0, 0] < 30
    assert Camera((0, 1, 0), 0.0, 0.3, 50.0, 40, 60).project([(0, 1, 3)])[0, 1] > 20


@pytest.mark.parametrize("factor", [0.5, 2.0, 3.0])
def test_another_size_is_the_same_view(factor):
    rng = np.random.default_rng(4)
    camera = Camera((0, 1, 0), 0.4, -0.2, 45.0, 40, 60)
    points = rng.normal((2, 0, 5), 1, (30, 3))
    other = camera.resized(int(40 * factor), int(60 * factor))
    assert (other.height, other.width) == (40 * factor, 60 * factor)
    np.testing.assert_allclose(
        other.project(points), camera.project(points) * (factor, factor, 1), atol=1e-9
    )
