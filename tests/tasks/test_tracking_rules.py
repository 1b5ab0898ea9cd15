"""Tracking metrics: the benchmarks' own numbers, plain versions of each rule, every quirk."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tracking_cases import spoil, track_case, truth_case

from mim_bench.errors import UserError
from mim_bench.tasks.tracking_curves import shares_above, shares_below
from mim_bench.tasks.tracking_rules import EXPLAINED, METRICS, RULES, evaluate

GOLDEN = json.loads((Path(__file__).parent / "golden" / "tracking_metrics.json").read_text())
CLOSE = {"rel": 0, "abs": 1e-12}


def broken_as(rules, truth, seed):
    """The tracks that the benchmarks' own tools were given."""
    tracks = track_case(truth, seed)
    if rules in ("trackingnet", "lasot"):
        tracks = spoil(tracks, seed)
    if rules == "trackingnet":
        tracks["thing-3"] = tracks["thing-3"][:-7]
        tracks["thing-4"] = np.concatenate([tracks["thing-4"], [[1, 2, 3, 4]]])
        del tracks["thing-5"]
    if rules == "lasot":
        tracks["thing-2"] = np.concatenate([tracks["thing-2"], [[5, 6, 7, 8]] * 3])
    return tracks


@pytest.mark.parametrize("rules", RULES)
def test_as_the_benchmarks_own_tools(rules):
    assert len(GOLDEN[rules]) == 3
    for theirs in GOLDEN[rules]:
        truth = truth_case("lasot" if rules == "swintrack" else rules, theirs["seed"])
        ours = evaluate(rules, truth, broken_as(rules, truth, theirs["seed"]))
        assert set(theirs["values"]) <= set(ours.values) == set(METRICS[rules])
        for name, value in theirs["values"].items():
            assert ours.values[name] == pytest.approx(value, **CLOSE), name
        for kind in ("sequences", "attributes"):
            for key, one in theirs.get(kind, {}).items():
                found = getattr(ours, kind)[key]
                assert {name: found[name] for name in one} == pytest.approx(one, **CLOSE)


# plain versions


def overlap(box, other):
    wide = min(box[0] + box[2], other[0] + other[2]) - max(box[0], other[0])
    high = min(box[1] + box[3], other[1] + other[3]) - max(box[1], other[1])
    common = max(0, wide) * max(0, high)
    union = box[2] * box[3] + other[2] * other[3] - common
    return common / union if union else math.nan


def error(box, other, normed=False):
    x = box[0] + box[2] / 2 - other[0] - other[2] / 2
    y = box[1] + box[3] / 2 - other[1] - other[3] / 2
    return math.hypot(x / other[2], y / other[3]) if normed else math.hypot(x, y)


def plain_got10k(truth, tracks):
    found = []
    for name, one in truth["sequences"].items():
        for k in range(1, len(one["boxes"])):
            if one["cover"][k] == 0:
                continue
            pair = []
            for box in (tracks[name][k], one["boxes"][k]):
                x = min(max(box[0], 0), one["size"][0])
                y = min(max(box[1], 0), one["size"][1])
                wide = min(max(box[2], 0), one["size"][0] - x)
                pair.append((x, y, wide, min(max(box[3], 0), one["size"][1] - y)))
            found.append(0.0 if math.isnan(value := overlap(*pair)) else value)
    shares = [sum(value > limit for value in found) / len(found) for limit in (0.5, 0.75)]
    return {"ao": sum(found) / len(found), "sr50": shares[0], "sr75": shares[1]}


def plain_trackingnet(truth, tracks):
    curves = {"suc": [], "precision": [], "norm_precision": []}
    for name, one in truth["sequences"].items():
        boxes = [[round(value) for value in box] for box in one["boxes"].tolist()]
        rows = tracks[name].tolist() if name in tracks else [[0] * 4] * len(boxes)
        track = [[round(value) for value in box] for box in rows[: len(boxes)]]
        track[0] = boxes[0]
        pairs = list(zip(track, boxes, strict=False))
        ious = [overlap(*pair) for pair in pairs]
        near = [error(*pair) for pair in pairs]
        scaled = [error(*pair, normed=True) for pair in pairs]
        for kind, grid, values, sign in (
            ("suc", np.linspace(0, 1, 21), ious, 1),
            ("precision", np.linspace(0, 50, 21), near, -1),
            ("norm_precision", np.linspace(0, 0.5, 21), scaled, -1),
        ):
            hits = [sum(sign * value >= sign * limit for value in values) for limit in grid]
            curves[kind].append([count / len(boxes) for count in hits])
    means = {kind: np.mean(many, axis=0) for kind, many in curves.items()}
    return {kind: np.trapezoid(mean, np.linspace(0, 1, 21)) for kind, mean in means.items()}


def plain_lasot(truth, tracks, visible=False):
    kinds = {"suc": [], "precision": [], "norm_precision": []}
    for name, one in truth["sequences"].items():
        boxes, track = one["boxes"].tolist(), (tracks[name] + [1, 1, 0, 0]).tolist()
        for k in range(1, len(boxes)):
            if any(map(math.isnan, track[k])) or track[k][2] <= 0 or track[k][3] <= 0:
                track[k] = track[k - 1]
        track[0] = boxes[0]
        kept = [k for k in range(len(boxes)) if not one["absent"][k]]
        valid = [min(boxes[k]) > 0 for k in kept]
        pairs = [(track[k], boxes[k]) for k in kept]
        ious = [overlap(*p) if v else -1 for p, v in zip(pairs, valid, strict=True)]
        near = [error(*p) if v else -1 for p, v in zip(pairs, valid, strict=True)]
        scaled = [error(*p, normed=True) if v else -1 for p, v in zip(pairs, valid, strict=True)]
        whole = max(len(kept), 1) if visible else len(boxes)
        # as MATLAB counts 0:0.05:1
        grid = [k * 0.05 if k <= 10 else 1 - (20 - k) * 0.05 for k in range(21)]
        curves = {
            "suc": np.array([sum(value > limit for value in ious) for limit in grid]),
            "precision": np.array([sum(value <= limit for value in near) for limit in range(51)]),
            "norm_precision": np.array(
                [sum(value <= limit / 100 for value in scaled) for limit in range(51)]
            ),
        }
        for kind, curve in curves.items():
            if curve.any():
                kinds[kind].append(curve / whole)
    means = {kind: np.mean(many, axis=0) for kind, many in kinds.items()}
    ending = "_visible" if visible else ""
    return {
        kind + ending: mean.mean() if kind == "suc" else mean[20] for kind, mean in means.items()
    }


def plain_swintrack(truth, tracks):
    rows = []
    for name, one in truth["sequences"].items():
        track = tracks[name] + [truth["origin"], truth["origin"], 0, 0]
        track[0] = one["boxes"][0]
        kept = [
            k for k, box in enumerate(one["boxes"]) if not one["absent"][k] and min(box[2:]) > 0
        ]
        pairs = [(track[k].tolist(), one["boxes"][k].tolist()) for k in kept]
        good = [min(found[2:]) > 0 for found, _ in pairs]
        ious = [overlap(*p) if g else 0 for p, g in zip(pairs, good, strict=True)]
        near = [error(*p) if g else math.inf for p, g in zip(pairs, good, strict=True)]
        scaled = [error(*p, normed=True) for p in pairs]
        grid = np.linspace(0, 1, 21)
        steps = [np.mean([(value or -1) >= limit for value in ious]) for limit in grid]
        rows.append(
            {
                "suc": np.mean(steps),
                "precision": np.mean([value <= 20 for value in near]),
                "norm_precision": np.mean(
                    [g and value <= 0.2 for g, value in zip(good, scaled, strict=True)]
                ),
                "ao": np.mean(ious),
                "sr50": np.mean([value >= 0.5 for value in ious]),
                "sr75": np.mean([value >= 0.75 for value in ious]),
            }
        )
    return {kind: np.mean([row[kind] for row in rows]) for kind in rows[0]}


@given(seed=st.integers(10, 10**6), broken=st.booleans(), count=st.integers(2, 4))
@settings(max_examples=12, deadline=None, derandomize=True)  # ties may round
def test_against_plain_versions(seed, broken, count):
    for rules, benchmark, plain in (
        ("got10k", "got10k", plain_got10k),
        ("trackingnet", "trackingnet", plain_trackingnet),
        ("lasot", "lasot", plain_lasot),
        ("lasot", "lasot", lambda *given: plain_lasot(*given, visible=True)),
        ("swintrack", "lasot", plain_swintrack),
        ("swintrack", "got10k", plain_swintrack),
        ("swintrack", "trackingnet", plain_swintrack),
    ):
        truth = truth_case(benchmark, seed, count)
        tracks = track_case(truth, seed, broken)
        found = evaluate(rules, truth, tracks).values
        expected = plain(truth, tracks)
        assert {name: found[name] for name in expected} == pytest.approx(expected, rel=0, abs=1e-9)


@pytest.mark.parametrize(
    "grid",
    [
        *(np.linspace(0, *ends) for ends in ((1, 21), (50, 21), (0.5, 21), (50, 51), (1, 101))),
        np.arange(51) / 100,
        np.array([k * 0.05 if k <= 10 else 1 - (20 - k) * 0.05 for k in range(21)]),
    ],
)
def test_values_beside_thresholds_count_as_they_should(grid):
    beside = [np.nextafter(grid, -9), grid, np.nextafter(grid, 9), grid + 1e-9, 1.5 * grid]
    values = np.concatenate([*beside, [-1, 1e9, np.inf, -np.inf, np.nan, -0.0]])
    starts = np.array([0, 40, len(values)])
    halves = np.split(values, [40])
    above = [[(half > limit).sum() for limit in grid] for half in halves]
    reached = [[(half >= limit).sum() for limit in grid] for half in halves]
    below = [[(half <= limit).sum() for limit in grid] for half in halves]
    np.testing.assert_array_equal(shares_above(values, grid, starts, strict=True), above)
    np.testing.assert_array_equal(shares_above(values, grid, starts, strict=False), reached)
    np.testing.assert_array_equal(shares_below(values, grid, starts), below)


# quirks, one by one


def one_sequence(boxes, benchmark="lasot", **others):
    boxes = np.array(boxes, float)
    held = {"boxes": boxes, "size": [200, 100], "absent": np.zeros(len(boxes), bool)}
    held["cover"] = np.full(len(boxes), 8)
    origin = int(benchmark == "lasot")
    return {"benchmark": benchmark, "origin": origin, "sequences": {"a": {**held, **others}}}


BOX = [20, 20, 40, 20]


@pytest.mark.parametrize(
    ("rules", "half"), [("got10k", 0), ("lasot", 0), ("trackingnet", 1), ("swintrack", 1)]
)
def test_an_overlap_at_a_threshold(rules, half):
    truth = one_sequence([BOX] * 3, rules if rules in ("got10k", "trackingnet") else "lasot")
    origin = truth["origin"]
    track = np.array([BOX, [20, 20, 20, 20], [20, 20, 20, 20]], float) - [origin, origin, 0, 0]
    found = evaluate(rules, truth, {"a": track})
    if rules == "got10k":
        assert (found.values["ao"], found.values["sr50"]) == (0.5, 0)
        return
    x, y = found.curves["success"]
    assert y[x == 0.5] == pytest.approx(1 if half else 1 / 3)
    assert y[0] == 1
    assert y[-1] == (0 if rules == "lasot" else pytest.approx(1 / 3))


def test_an_overlap_of_065_is_above_lasots_threshold():
    # MATLAB's 0.65 is 1 - 7 * 0.05, which rounds to less than 0.65
    truth = {**one_sequence([[20, 20, 20, 20]] * 2), "origin": 0}
    track = np.array([[20, 20, 20, 20], [20, 20, 13, 20]], float)
    x, y = evaluate("lasot", truth, {"a": track}).curves["success"]
    assert x[13] == pytest.approx(0.65)
    assert (y[12:15] == [1, 1, 0.5]).all()


def test_a_miss_is_a_success_at_0_for_trackingnet_alone():
    far = np.array([BOX, [150, 20, 40, 20]], float)
    for rules, share in (("trackingnet", 1), ("lasot", 0.5), ("swintrack", 0.5)):
        truth = one_sequence([BOX] * 2, rules)
        assert evaluate(rules, truth, {"a": far}).curves["success"][1][0] == share


def test_the_first_frame_counts_as_the_truth_says():
    wrong = np.array([[150, 60, 5, 5], BOX], float)
    for rules in ("trackingnet", "swintrack"):
        assert evaluate(rules, one_sequence([BOX] * 2, rules), {"a": wrong}).values["suc"] == 1
    assert (
        evaluate("got10k", one_sequence([BOX] * 2), {"a": wrong - [1, 1, 0, 0]}).values["ao"] == 1
    )
    lasot = evaluate("lasot", one_sequence([BOX] * 2), {"a": wrong - [1, 1, 0, 0]}).values
    assert lasot["suc"] == pytest.approx(20 / 21)  # no overlap is above 1


def test_absent_frames_stay_in_lasots_denominator():
    truth = one_sequence([BOX] * 4, absent=np.array([False, False, True, True]))
    values = evaluate("lasot", truth, {"a": np.array([BOX] * 4) - [1, 1, 0, 0]}).values
    assert values["precision"] == 0.5
    assert values["precision_visible"] == 1
    assert values["suc"] == pytest.approx(values["suc_visible"] / 2)


def test_a_box_that_begins_outside_is_no_success_but_precise_for_lasot():
    truth = one_sequence([BOX, [-2, 20, 40, 20]])
    far = np.array([BOX, [150, 60, 5, 5]]) - [1, 1, 0, 0]
    values = evaluate("lasot", truth, {"a": far}).values
    assert values["precision"] == values["norm_precision"] == 1
    assert values["suc"] == pytest.approx(10 / 21)


@pytest.mark.parametrize("bad", [[np.nan] * 4, [5, 5, 0, 10], [5, 5, 10, -3]])
def test_bad_rows_repeat_the_row_before_for_lasot(bad):
    truth = one_sequence([BOX] * 4)
    good = np.array([BOX] * 4, float) - [1, 1, 0, 0]
    track = good.copy()
    track[2:] = bad
    assert evaluate("lasot", truth, {"a": track}).values == pytest.approx(
        evaluate("lasot", truth, {"a": good}).values
    )
    track[:] = bad  # the first row is itself, not the truth, where it is repeated
    assert evaluate("lasot", truth, {"a": track}).values["precision"] == 0.25


def test_trackingnet_rounds_halves_to_even():
    truth = one_sequence([BOX, [20.5, 21.5, 40, 20]], "trackingnet")
    exact = np.array([BOX, [20, 22, 40, 20]], float)
    assert evaluate("trackingnet", truth, {"a": exact}).values["suc"] == 1


def test_got10k_pools_frames_and_leaves_out_the_hidden():
    long, short = one_sequence([BOX] * 10), one_sequence([BOX] * 2)
    truth = {**long, "sequences": {"a": long["sequences"]["a"], "b": short["sequences"]["a"]}}
    tracks = {"a": np.array([BOX] * 10, float), "b": np.array([[150, 60, 9, 9]] * 2, float)}
    truth["origin"] = 0
    assert evaluate("got10k", truth, tracks).values["ao"] == 0.9
    truth["sequences"]["a"]["cover"][3:8] = 0
    found = evaluate("got10k", truth, tracks)
    assert found.values["ao"] == 0.8
    assert [found.sequences[name]["ao"] for name in "ab"] == [1, 0]


def test_got10k_cuts_to_the_picture_and_a_moved_corner_keeps_its_side():
    truth = one_sequence([BOX, [-10, 0, 30, 100]])
    truth["origin"] = 0
    track = np.array([BOX, [0, -40, 30, 300]], float)
    before = truth["sequences"]["a"]["boxes"].copy(), track.copy()
    assert evaluate("got10k", truth, {"a": track}).values["ao"] == pytest.approx(1)
    np.testing.assert_array_equal(truth["sequences"]["a"]["boxes"], before[0])
    np.testing.assert_array_equal(track, before[1])
    track[1] = np.nan
    assert evaluate("got10k", truth, {"a": track}).values["ao"] == 0


def test_curves_carry_the_values():
    for rules in RULES:
        truth = truth_case("lasot" if rules == "swintrack" else rules, 3)
        found = evaluate(rules, truth, track_case(truth, 3))
        assert set(EXPLAINED) == set(RULES)
        for name, (x, y) in found.curves.items():
            assert x.shape == y.shape
            assert ((y >= 0) & (y <= 1)).all()
            slopes = np.diff(y)
            assert (slopes <= 0).all() if name[0] in "so" else (slopes >= 0).all()


# what is refused


def test_lengths_that_do_not_fit_are_named():
    truth = truth_case("lasot", 0)
    tracks = track_case(truth, 0)
    tracks["thing-2"] = tracks["thing-2"][:-3]
    tracks["thing-5"] = tracks["thing-5"][:, :3]
    del tracks["thing-4"]
    count = len(truth["sequences"]["thing-2"]["boxes"])
    with pytest.raises(UserError) as caught:
        evaluate("lasot", truth, tracks)
    said = str(caught.value)
    assert f"sequence thing-2: has {count - 3} boxes\n  expected: {count} boxes" in said
    assert "thing-4: has no track" in said
    assert "thing-5: the track has the shape" in said
    truth = truth_case("got10k", 0)
    tracks = track_case(truth, 0)
    tracks["thing-1"] = np.concatenate([tracks["thing-1"]] * 2)
    with pytest.raises(UserError, match="thing-1: has"):
        evaluate("got10k", truth, tracks)


def test_rules_and_truths_that_do_not_fit():
    truth = truth_case("lasot", 0)
    with pytest.raises(UserError, match="otb"):
        evaluate("otb", truth, {})
    with pytest.raises(UserError, match="no cover labels"):
        evaluate("got10k", truth, track_case(truth, 0))
    with pytest.raises(UserError, match="no sequence"):
        evaluate("lasot", {**truth, "sequences": {}}, {})
