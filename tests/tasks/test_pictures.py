"""Pictures of depth."""

import cv2
import numpy as np

from mim_bench.tasks.pictures import colour, depth_picture, depth_png


def test_colour_is_monotone_black_where_unknown_and_clipped():
    values = np.array([[-5.0, 0.0, 5.0, 10.0, 50.0, np.nan, np.inf]], dtype=np.float32)
    picture = colour(values, 0.0, 10.0)
    assert picture.shape == (1, 7, 3)
    assert picture.dtype == np.uint8
    assert (picture[0, 0] == picture[0, 1]).all()
    assert (picture[0, 3] == picture[0, 4]).all()
    assert not (picture[0, 1] == picture[0, 3]).all()
    assert not picture[0, 5:].any()


def test_panels():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)
    target = rng.uniform(1, 9, (40, 60)).astype(np.float32)
    target[:, :5] = 0
    prediction = target.copy()
    prediction[:, 50:] += 5
    prediction[0, 20] = np.nan
    picture = depth_picture(image, prediction, target, 10.0)
    header = picture.shape[0] - 40
    assert picture.shape == (66, 240, 3)
    assert (picture[header:, :60] == image).all()
    guess, truth, error = (picture[header:, start : start + 60] for start in (60, 120, 180))
    assert (guess[1:, 5:50] == truth[1:, 5:50]).all()
    assert not truth[:, :5].any()
    assert not error[:, :5].any()
    assert not guess[0, 20].any()
    assert error[:, 50:].sum() > 10 * error[1:, 5:50].sum()


def test_nothing_known():
    empty = np.zeros((8, 96), dtype=np.float32)
    picture = depth_picture(np.zeros((8, 96, 3), dtype=np.uint8), empty + 3, empty, 10.0)
    assert picture.shape == (4 * 34, 96, 3)


def test_colour_bars_run_from_the_first_colour_to_the_last():
    target = np.full((40, 60), 5.0, dtype=np.float32)
    image = np.zeros((40, 60, 3), dtype=np.uint8)
    picture = depth_picture(image, target, target, 10.0)
    bar = picture[18, 60:120]
    ramp = colour(np.linspace(0, 1, 60, dtype=np.float32)[None], 0, 1)[0]
    assert (bar == ramp).all()


def test_png_keeps_units_rounds_and_stops_at_16_bits():
    depth = np.array([[0.0, 1.2344, 1.2346, 80.0, 400.0]], dtype=np.float32)
    for scale in (1000.0, 256.0):
        stored = cv2.imdecode(np.frombuffer(depth_png(depth, scale), np.uint8), -1)
        assert stored.dtype == np.uint16
        wanted = [min(round(float(value) * scale), 65535) for value in depth[0]]
        assert stored[0].tolist() == wanted
