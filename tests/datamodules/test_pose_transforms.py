"""Views, warps and augmentation of pose samples, against MMPose's numbers and plain formulas."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pose_cases import JOINTS, PAIRS, UPPER, boxes, golden, looks, people

from mim_bench.datamodules import pose_transforms as ops

BODY = ops.Body(PAIRS, UPPER, 8)
NUMBERS = golden()
STILL = ops.Augmentation(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def only(**changed):
    return ops.Augmentation(**{**vars(STILL), **changed})


def standing():
    return np.random.default_rng(3).uniform(20, 120, (JOINTS, 2)), np.ones(JOINTS, bool)


def test_boxes_become_views_as_published():
    expected = iter(NUMBERS["boxes"])
    for aspect in (1.0, 0.75):
        for box in boxes(0):
            look = ops.box_look(box, aspect)
            np.testing.assert_allclose([*look.centre, *look.scale], next(expected), atol=2e-4)
            assert look.scale[0] / look.scale[1] == pytest.approx(aspect)


def test_matrices_as_published():
    for (centre, scale, turn), expected in zip(looks(0), NUMBERS["matrices"], strict=True):
        matrix = ops.affine(ops.Look(centre, scale, turn), (256, 256), 400)
        np.testing.assert_allclose(matrix, expected, rtol=1e-4, atol=1e-3)


def test_half_bodies_as_published():
    expected = iter(NUMBERS["halves"])
    for joints, labelled in people(0):
        for upper in (True, False):
            found, wanted = ops.half_body(joints, labelled, UPPER, upper, 1.0), next(expected)
            assert (found is None) == (wanted is None)
            if found is not None:
                np.testing.assert_allclose(np.r_[found], wanted, atol=1e-3)


@given(st.integers(0, 500), st.booleans())
def test_the_box_comes_to_the_input(seed, mirrored):
    rng = np.random.default_rng(seed)
    size, width = (192, 256), 333
    scale = rng.uniform(0.2, 2) * np.array([1.0, 0.75])
    look = ops.Look(rng.uniform(0, 300, 2), scale, float(rng.uniform(-80, 80)), mirrored)
    matrix = ops.affine(look, size, width)
    centre = look.centre.copy()
    if mirrored:
        centre[0] = width - 1 - centre[0]
    np.testing.assert_allclose(ops.move(centre[None], matrix)[0], [128, 96], atol=1e-6)
    zoom = 256 / (scale[0] * 200)
    assert abs(np.linalg.det(matrix[:, :2])) == pytest.approx(zoom**2)


@pytest.mark.parametrize("turn", [0.0, 30.0])
def test_one_warp_mirrors_as_mirroring_first(turn):
    rng = np.random.default_rng(0)
    image = cv2.GaussianBlur(rng.integers(0, 256, (90, 121, 3), dtype=np.uint8), (0, 0), 2)
    look = ops.Look(np.array([50.0, 40.0]), np.array([0.4, 0.4]), turn, True)
    once = ops.warp(image, ops.affine(look, (64, 64), 121), (64, 64))
    plain = ops.affine(ops.Look(look.centre, look.scale, turn), (64, 64), 121)
    twice = ops.warp(np.ascontiguousarray(image[:, ::-1]), plain, (64, 64))
    # OpenCV places samples at 1/32 of a pixel
    assert np.abs(once.astype(int) - twice).mean() < 0.5
    assert np.abs(once.astype(int) - twice).max() <= 8


def test_joints_move_with_their_pixels():
    image = np.zeros((80, 100, 3), np.uint8)
    image[30:33, 60:63] = 255
    look = ops.Look(np.array([40.0, 33.0]), np.array([0.2, 0.2]), 25.0, True)
    matrix = ops.affine(look, (96, 96), 100)
    moved = ops.move(np.array([[61.0, 31.0]]), matrix)[0]
    shown = ops.warp(image, matrix, (96, 96))[..., 0].astype(float)
    rows, columns = np.mgrid[:96, :96]
    middle = [(columns * shown).sum() / shown.sum(), (rows * shown).sum() / shown.sum()]
    np.testing.assert_allclose(moved, middle, atol=0.1)


def test_nothing_is_varied_without_settings():
    joints, labelled = standing()
    look = ops.box_look(np.array([10, 20, 90, 100]), 1.0)
    varied = ops.vary(np.random.default_rng(0), look, joints, labelled, 200, BODY, STILL)
    np.testing.assert_array_equal(varied.centre, look.centre)
    np.testing.assert_array_equal(varied.scale, look.scale)
    assert (varied.turn, varied.mirrored) == (0.0, False)


def drawn(how, count=4000, joints=None, labelled=None):
    if joints is None:
        joints, labelled = standing()
    look = ops.box_look(np.array([10, 20, 90, 100]), 1.0)
    rng = np.random.default_rng(1)
    found = [ops.vary(rng, look, joints, labelled, 200, BODY, how) for _ in range(count)]
    return look, found


def test_shift_is_uniform_in_its_share_of_samples():
    look, found = drawn(only(shift=0.16, shift_p=0.3))
    away = np.array([one.centre - look.centre for one in found])
    moved = np.abs(away).max(1) > 0
    assert moved.mean() == pytest.approx(0.3, abs=0.03)
    reach = 0.16 * look.scale[0] * 200
    assert np.abs(away).max() <= reach
    assert away[moved].std(0) == pytest.approx(reach / np.sqrt(3), rel=0.05)


def test_mirroring_moves_the_centre():
    look, found = drawn(only(flip_p=0.5))
    mirrored = [one for one in found if one.mirrored]
    assert len(mirrored) / len(found) == pytest.approx(0.5, abs=0.03)
    np.testing.assert_allclose(mirrored[0].centre, [199 - look.centre[0], look.centre[1]])


def test_scale_and_turn_are_clipped_normals():
    look, found = drawn(only(scale=0.5, rotation=40.0, rotation_p=0.6))
    factor = np.array([one.scale[0] for one in found]) / look.scale[0]
    turn = np.array([one.turn for one in found])
    assert (factor.min(), factor.max()) == (0.5, 1.5)
    assert (factor == 0.5).mean() == pytest.approx(0.1587, abs=0.02)
    assert (turn != 0).mean() == pytest.approx(0.6, abs=0.03)
    assert np.abs(turn).max() == 80
    assert (np.abs(turn[turn != 0]) == 80).mean() == pytest.approx(0.0455, abs=0.015)


def test_half_bodies_prefer_the_upper_one_by_a_normal_draw():
    joints, labelled = standing()
    _, found = drawn(only(half_body_p=0.3), joints=joints, labelled=labelled)
    above, below = joints[:11].mean(0), joints[11:].mean(0)
    upper = np.mean([np.allclose(one.centre, above) for one in found])
    lower = np.mean([np.allclose(one.centre, below) for one in found])
    assert upper + lower == pytest.approx(0.3, abs=0.03)
    assert upper / (upper + lower) == pytest.approx(0.6915, abs=0.04)


def test_bodies_with_few_joints_are_not_halved():
    joints, labelled = standing()
    for count, expected in ((8, 0), (9, 1)):
        some = np.arange(JOINTS) < count
        look, found = drawn(only(half_body_p=1.0), 20, joints, some & labelled)
        assert np.mean([np.any(one.centre != look.centre) for one in found]) == expected


@given(st.integers(0, 300), st.integers(24, 120), st.integers(24, 120))
def test_grid_dropout_as_albumentations_1_placed_it(seed, height, width):
    units = (4, 15)
    image = np.full((height, width, 3), 255, np.uint8)
    found = ops.grid_dropout(np.random.default_rng(seed), image, units)
    rng = np.random.default_rng(seed)
    unit = int(rng.integers(units[0], units[1] + 2))
    hole = min(max(int(unit * 0.5), 1), unit - 1)
    left, top = rng.integers(0, unit - hole + 1, 2)
    expected = image.copy()
    for column in range(width // unit + 1):
        for row in range(height // unit + 1):
            x, y = left + unit * column, top + unit * row
            expected[y : y + hole, x : x + hole] = 0
    np.testing.assert_array_equal(found, expected)
    assert image.min() == 255


def test_units_go_up_to_one_above_the_largest():
    found = {int(np.random.default_rng(seed).integers(10, 40 + 2)) for seed in range(600)}
    assert (min(found), max(found)) == (10, 41)
