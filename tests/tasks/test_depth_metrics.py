"""Crops and metrics against plain formulas."""

import itertools
import math

import numpy as np
import pytest
import torch
from depth_cases import golden, metric_frame
from hypothesis import given, settings
from hypothesis import strategies as st

from mim_bench.tasks.depth import DepthTask
from mim_bench.tasks.depth_metrics import (
    CROPS,
    METRICS,
    DepthMetrics,
    crop_box,
    crop_mask,
    depth_metrics,
    log_bias,
    mend,
    scored_pixels,
)
from mim_bench.tasks.depth_pixels import per_pixel

GOLDEN = golden("depth")


def slow_metrics(prediction, target, mask):
    pairs = [
        (float(p), float(t))
        for p, t, m in zip(prediction.ravel(), target.ravel(), mask.ravel(), strict=True)
        if m
    ]

    def mean(function):
        return sum(function(p, t) for p, t in pairs) / len(pairs)

    log = np.log
    return {
        "d1": mean(lambda p, t: max(p / t, t / p) < 1.25),
        "d2": mean(lambda p, t: max(p / t, t / p) < 1.25**2),
        "d3": mean(lambda p, t: max(p / t, t / p) < 1.25**3),
        "abs_rel": mean(lambda p, t: abs(p - t) / t),
        "sq_rel": mean(lambda p, t: (p - t) ** 2 / t),
        "rmse": mean(lambda p, t: (p - t) ** 2) ** 0.5,
        "rmse_log": mean(lambda p, t: (log(p) - log(t)) ** 2) ** 0.5,
        "log10": mean(lambda p, t: abs(np.log10(p) - np.log10(t))),
        "silog": (
            mean(lambda p, t: (log(p) - log(t)) ** 2)
            - 0.5 * mean(lambda p, t: log(p) - log(t)) ** 2
        )
        ** 0.5,
    }


def drawn(seed, count=4, height=11, width=13):
    rng = np.random.default_rng(seed)
    target = rng.uniform(0.1, 12, (count, height, width)).astype(np.float32)
    prediction = (target * rng.lognormal(0, 0.4, target.shape)).astype(np.float32)
    target[rng.uniform(size=target.shape) < 0.2] = 0
    return prediction, target


@pytest.mark.parametrize("seed", range(4))
def test_formulas_per_image(seed):
    prediction, target = drawn(seed)
    mask = (target > 0.5) & (target < 9)
    found = depth_metrics(*map(torch.from_numpy, (prediction, target, mask)))
    assert set(found) == set(METRICS)
    for index in range(len(target)):
        expected = slow_metrics(prediction[index], target[index], mask[index])
        for name, value in expected.items():
            assert float(found[name][index]) == pytest.approx(value, rel=2e-5), name
    single = depth_metrics(*(torch.from_numpy(part[0]) for part in (prediction, target, mask)))
    assert all(float(single[name]) == pytest.approx(float(found[name][0])) for name in METRICS)


@given(st.floats(0.5, 2.0))
def test_scaling_both_changes_only_what_has_a_unit(factor):
    prediction, target = (torch.from_numpy(part) for part in drawn(5))
    mask = target > 0
    plain = depth_metrics(prediction, target, mask)
    scaled = depth_metrics(prediction * factor, target * factor, mask)
    for name in ("abs_rel", "rmse_log", "log10", "silog"):
        torch.testing.assert_close(scaled[name], plain[name], rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(scaled["rmse"], plain["rmse"] * factor, rtol=1e-4, atol=1e-5)


def test_published_crops():
    assert crop_box("eigen", 480, 640) == (45, 471, 41, 601)
    assert crop_box("garg", 352, 1216) == (143, 349, 43, 1172)
    assert crop_box("kitti-eigen", 352, 1216) == (117, 321, 43, 1172)
    assert crop_box("none", 7, 9) == (0, 7, 0, 9)
    assert crop_box("eigen", 240, 320) == (23, 236, 21, 301)  # 22.5, 235.5, 20.5, 300.5 up
    assert crop_box("eigen", 120, 160) == (11, 118, 10, 150)


@given(st.sampled_from(sorted(CROPS)), st.integers(24, 400), st.integers(24, 1300))
def test_crops_lie_in_the_frame_and_mask_counts_their_pixels(kind, height, width):
    top, bottom, left, right = crop_box(kind, height, width)
    assert 0 <= top < bottom <= height
    assert 0 <= left < right <= width
    mask = crop_mask(kind, height, width)
    assert mask.shape == (height, width)
    assert int(mask.sum()) == (bottom - top) * (right - left)
    assert mask[top, left]
    assert mask[bottom - 1, right - 1]


def test_both_depth_bounds_are_excluded():
    target = torch.tensor([[0.0, 1e-3, 1.1e-3, 9.999, 10.0, 11.0]])
    assert scored_pixels(target, "none", 10.0).tolist() == [
        [False, False, True, True, False, False]
    ]
    valid = torch.tensor([[True, True, False, True, True, True]])
    assert scored_pixels(target, "none", 10.0, valid).sum() == 1


def test_undefined_predictions():
    values = torch.tensor([torch.nan, torch.inf, -torch.inf, 11.0, 0.5])
    assert mend(values, 10.0).tolist() == pytest.approx([1e-3, 10.0, 10.0, 11.0, 0.5])


@pytest.mark.parametrize(
    "case", GOLDEN["metrics"], ids=lambda c: f"{c['dataset']} {c['crop']} {c['kind']}"
)
def test_same_numbers_as_the_authors_code(case):
    target, prediction = metric_frame(*(case[k] for k in ("height", "width", "max_depth", "kind")))
    crop = {None: "eigen", "garg_crop": "garg", "eigen_crop": "kitti-eigen"}[case["crop"]]
    mask = scored_pixels(target, crop, case["max_depth"])
    assert int(mask.sum()) == case["pixels"]
    found = depth_metrics(mend(prediction, case["max_depth"]), target, mask)
    for name, value in case["values"].items():
        assert float(found[name]) == pytest.approx(value, rel=1e-5), name


PLAIN_CROPS = {
    "eigen": (45, 471, 41, 601),
    "garg": (143, 349, 43, 1172),
    "kitti-eigen": (117, 321, 43, 1172),
}


def plain_test(prediction, target, crop, cap):
    """The published test of a whole frame in plain NumPy: mend, choose pixels, nine numbers."""
    p = prediction.astype(np.float64)
    p[np.isinf(prediction)] = cap
    p[np.isnan(prediction)] = 1e-3
    rows, columns = np.indices(target.shape)
    top, bottom, left, right = PLAIN_CROPS[crop]
    inside = (top <= rows) & (rows < bottom) & (left <= columns) & (columns < right)
    kept = inside & (target > np.float32(1e-3)) & (target < cap)
    p, t = p[kept], target[kept].astype(np.float64)
    ratio, logs = np.maximum(p / t, t / p), np.log(p / t)
    return {
        "d1": (ratio < 1.25).mean(),
        "d2": (ratio < 1.5625).mean(),
        "d3": (ratio < 1.953125).mean(),
        "abs_rel": (np.abs(p - t) / t).mean(),
        "sq_rel": ((p - t) ** 2 / t).mean(),
        "rmse": np.sqrt(((p - t) ** 2).mean()),
        "rmse_log": np.sqrt((logs**2).mean()),
        "log10": np.abs(np.log10(p / t)).mean(),
        "silog": np.sqrt((logs**2).mean() - logs.mean() ** 2 / 2),
    }


@settings(max_examples=15, deadline=None)
@given(
    st.sampled_from(sorted(PLAIN_CROPS)),
    st.integers(0, 2**31),
    st.floats(0, 0.6),
    st.sampled_from([5.0, 10.0, 80.0]),
)
def test_whole_frames_against_plain_numpy(crop, seed, broken, cap):
    rng = np.random.default_rng(seed)
    shape = (480, 640) if crop == "eigen" else (352, 1216)
    target = rng.uniform(0.002, 1.3 * cap, shape).astype(np.float32)
    prediction = (target * rng.lognormal(0, 0.3, shape)).astype(np.float32)
    places = rng.uniform(size=shape) < broken
    target[places] = rng.choice(np.float32([0, 1e-3, 2e-3, cap]), places.sum())
    places = rng.uniform(size=shape) < broken
    prediction[places] = rng.choice(np.float32([np.nan, np.inf, -np.inf, 3 * cap]), places.sum())
    truth = torch.from_numpy(target)
    found = depth_metrics(
        mend(torch.from_numpy(prediction), cap), truth, scored_pixels(truth, crop, cap)
    )
    for name, value in plain_test(prediction, target, crop, cap).items():
        # single pixels may lie on either side of a threshold in float32
        slack = 2e-5 if name.startswith("d") else 0
        assert float(found[name]) == pytest.approx(value, rel=1e-5, abs=slack), name


def test_mean_is_over_images_in_any_batches_and_over_merged_ranks():
    prediction, target = (torch.from_numpy(part) for part in drawn(8, count=6))
    target[0, 2:] = 0  # few pixels, same weight
    target[4] = 0  # none: left out
    mask = target > 0
    expected = {
        name: np.mean(
            [
                slow_metrics(prediction[i].numpy(), target[i].numpy(), mask[i].numpy())[name]
                for i in (0, 1, 2, 3, 5)
            ]
        )
        for name in METRICS
    }
    for cuts in ([0, 6], [0, 1, 6], [0, 2, 4, 6], list(range(7))):
        ranks = [DepthMetrics(), DepthMetrics()]
        for number, (start, end) in enumerate(itertools.pairwise(cuts)):
            ranks[number % 2].update(prediction[start:end], target[start:end], mask[start:end])
        if len(cuts) > 2:
            ranks[0].merge_state(ranks[1])
        found = ranks[0].compute()
        for name in METRICS:
            assert float(found[name]) == pytest.approx(expected[name], rel=2e-5), name


def test_nothing_scored_is_not_a_number():
    metric = DepthMetrics()
    metric.update(torch.ones(2, 3, 3), torch.zeros(2, 3, 3), torch.zeros(2, 3, 3, dtype=torch.bool))
    assert all(torch.isnan(value) for value in metric.compute().values())


def test_pixel_means_are_those_of_one_long_image():
    prediction, target = drawn(5, count=5)
    mask = target > 0
    mask[0, :9] = False  # images of different weight
    mask[3] = False  # and one that does not count
    found = depth_metrics(*(torch.from_numpy(part) for part in (prediction, target, mask)))
    bias = log_bias(*(torch.from_numpy(part) for part in (prediction, target, mask)))
    records = [
        {
            "id": str(index),
            "pixels": int(mask[index].sum()),
            "log_bias": float(bias[index]),
            **{name: float(found[name][index]) if mask[index].any() else None for name in METRICS},
        }
        for index in range(5)
    ]
    whole = slow_metrics(prediction, target, mask)
    for name in METRICS:
        assert per_pixel(records, name) == pytest.approx(whole[name], rel=1e-5)
        assert DepthTask.score(records, f"{name}_per_pixel") == per_pixel(records, name)
        assert DepthTask.metrics[f"{name}_per_pixel"] == DepthTask.metrics[name]
        means = [record[name] for record in records if record[name] is not None]
        assert DepthTask.score(records, name) == pytest.approx(np.mean(means))


def test_pixel_means_of_nothing_are_undefined():
    assert math.isnan(per_pixel([{"pixels": 0, "rmse": None}], "rmse"))
    old = {"pixels": 4, "silog": 0.2, "rmse_log": 0.3}  # a record without log_bias
    assert math.isnan(per_pixel([old], "silog"))
    assert per_pixel([old], "rmse_log") == pytest.approx(0.3)
