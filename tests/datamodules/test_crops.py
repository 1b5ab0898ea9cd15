"""Crops around boxes: published geometry, exact places, and what stands outside of the frame."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from mim_bench.crops import CUTS, Crop, around, clip_box, crop, cut, frame_mean

GOLDEN = Path(__file__).parent / "golden" / "tracking_crops.json"
places = st.floats(-50, 200)
sides = st.floats(3, 150)


def smooth(seed, height=90, width=120):
    """A picture whose shades change slowly, so that interpolation decides by little."""
    rng = np.random.default_rng([3, seed])
    rows, columns = np.mgrid[:height, :width]
    waves = [
        128 + 90 * np.sin(rows / rng.uniform(6, 14) + columns / rng.uniform(6, 14) + k)
        for k in range(3)
    ]
    return np.stack(waves, axis=-1).round().astype(np.uint8)


def slowly(frame, between, size, fill):
    """The published crop, pixel by pixel, in double precision."""
    height, width = frame.shape[:2]
    corner = between.target + (np.zeros(2) - between.source) * between.scale
    end = between.target + (np.array([width, height]) - between.source) * between.scale
    first = np.maximum(corner, 0.5)
    last = np.minimum(end, np.array(size[::-1]) - 0.5)
    taken_first = between.source + (first - between.target) / between.scale
    taken_last = between.source + (last - between.target) / between.scale
    picture = np.tile(np.rint(fill), (*size, 1))
    (left, top), (right, bottom) = first.astype(int), last.astype(int)
    if right <= left or bottom <= top:
        return picture
    x1, y1 = taken_first.astype(int)
    x2, y2 = np.minimum(taken_last.astype(int), [width - 1, height - 1])
    rows = y1 + np.arange(bottom - top + 1) * (y2 - y1) / (bottom - top)
    columns = x1 + np.arange(right - left + 1) * (x2 - x1) / (right - left)
    grid = np.meshgrid(rows, columns, indexing="ij")
    for channel in range(3):
        part = map_coordinates(frame[..., channel].astype(float), grid, order=1)
        picture[top : bottom + 1, left : right + 1, channel] = part
    return picture


@pytest.mark.parametrize("seed", range(12))
def test_whole_pixels_are_cut_as_published(seed):
    rng = np.random.default_rng([4, seed])
    frame = smooth(seed)
    size = [(32, 32), (48, 40)][seed % 2]
    still = around(rng.uniform([-10, -10, 8, 8], [90, 60, 60, 50]), 4.0, size)
    between = Crop(
        still.scale / np.exp(rng.normal(0, 0.25, 2)),
        still.source,
        still.target - rng.uniform(-20, 20, 2),
    )
    fill = frame_mean(frame)
    found = cut(frame, between, size, fill)
    # OpenCV's weights are multiples of 1/32
    assert np.abs(found - slowly(frame, between, size, fill)).max() <= 2.5


def test_whole_pixels_give_the_released_codes_numbers():
    for case in json.loads(GOLDEN.read_text()):
        frame = smooth(case["seed"])
        between = around(case["box"], case["factor"], case["size"])
        np.testing.assert_allclose(between.scale, case["scale"], rtol=1e-12)
        shifted = Crop(np.array(case["jittered"]), between.source, np.array(case["target"]))
        found = cut(frame, shifted, case["size"], frame_mean(frame))
        rows, columns = np.array(case["places"]).T
        assert np.abs(found[rows, columns] - np.array(case["pixels"])).max() <= 2.0
        np.testing.assert_allclose(found.mean((0, 1)), case["mean"], atol=0.3)


@settings(max_examples=25, deadline=None)
@given(places, places, sides, sides, st.sampled_from([2.0, 4.0]))
def test_the_area_is_that_of_the_crop_and_the_middle_is_the_middle(x, y, wide, high, factor):
    size = (40, 56)
    between = around((x, y, wide, high), factor, size)
    more = (factor - 1) * (wide + high) / 2
    area = (wide + more) * (high + more) * between.scale[0] ** 2
    assert math.isclose(area, size[0] * size[1], rel_tol=1e-9)
    box = between.to_crop(np.array([x, y, wide, high]))
    np.testing.assert_allclose(box[:2] + box[2:] / 2, [28, 20], atol=1e-6)
    np.testing.assert_allclose(between.to_frame(box), [x, y, wide, high], atol=1e-6)


@pytest.mark.parametrize("how", CUTS)
def test_a_bright_spot_is_where_the_box_says(how):
    frame = np.zeros((90, 120, 3), np.uint8)
    frame[40:44, 60:66] = 255
    picture, between = crop(frame, (50, 30, 30, 24), 2.0, (64, 64), frame_mean(frame), how)
    rows, columns = np.nonzero(picture[..., 0] > 127)
    x, y, wide, high = between.to_crop(np.array([60.0, 40.0, 6.0, 4.0]))
    assert abs(columns.min() - x) < 1.5
    assert abs(columns.max() + 1 - (x + wide)) < 1.5
    assert abs(rows.min() - y) < 1.5
    assert abs(rows.max() + 1 - (y + high)) < 1.5


@pytest.mark.parametrize("how", CUTS)
def test_outside_stands_the_mean(how):
    frame = smooth(1)
    fill = frame_mean(frame)
    np.testing.assert_allclose(fill, frame.mean((0, 1)), atol=1e-6)
    picture, _ = crop(frame, (-20, -20, 30, 30), 4.0, (64, 64), fill, how)
    np.testing.assert_allclose(picture[0, 0], fill, atol=0.51)
    away, _ = crop(frame, (500, 500, 10, 10), 4.0, (64, 64), fill, how)
    np.testing.assert_allclose(away, np.tile(fill, (64, 64, 1)), atol=0.51)


def test_boxes_are_cut_to_their_picture():
    boxes = np.array([[-5.0, -5, 10, 20], [30, 30, 30, 30], [200, 0, 5, 5]])
    expected = [[0, 0, 5, 15], [30, 30, 10, 10], [200, 0, 0, 5]]
    np.testing.assert_array_equal(clip_box(boxes, (40, 40)), expected)
