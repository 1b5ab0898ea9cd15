"""OKS, suppression and rescoring against plain loops and the authors' numbers."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oks_cases import double_poses

from mim_bench.tasks.oks import SIGMAS, instance_scores, oks, oks_nms

GOLDEN = json.loads((Path(__file__).parent / "golden" / "oks.json").read_text())
COCO = SIGMAS["coco"]
BODY = (0.79, 0.79, 0.72, 0.72, 0.62, 0.62, 1.07, 1.07, 0.87, 0.87, 0.89, 0.89)


def slow_oks(pose, truth, area, sigmas):
    total, count = 0.0, 0
    for (x, y, *_), (u, v, *rest), sigma in zip(pose, truth, sigmas, strict=True):
        if not rest or rest[0] > 0:
            square = (float(x) - float(u)) ** 2 + (float(y) - float(v)) ** 2
            total += math.exp(-square / (2 * (2 * sigma) ** 2 * area))
            count += 1
    return total / count if count else 0.0


def slow_nms(poses, scores, areas, sigmas, threshold):
    left = sorted(range(len(poses)), key=lambda index: -scores[index])
    kept = []
    for index in left:
        pose = [joint[:2] for joint in poses[index]]
        if all(
            slow_oks(pose, [j[:2] for j in poses[other]], (areas[index] + areas[other]) / 2, sigmas)
            <= threshold
            for other in kept
        ):
            kept.append(index)
    return kept


def test_sigmas_as_published():
    assert np.array(SIGMAS["crowdpose"]) * 10 == pytest.approx((*BODY, 0.79, 0.79))
    assert np.array(COCO) * 10 == pytest.approx((0.26, 0.25, 0.25, 0.35, 0.35, *BODY))


@pytest.mark.parametrize("rule", SIGMAS)
@pytest.mark.parametrize("seed", range(4))
def test_similarity_against_a_loop(rule, seed):
    sigmas = SIGMAS[rule]
    rng = np.random.default_rng(seed)
    truths = rng.uniform(0, 60, (5, len(sigmas), 3))
    truths[..., 2] = rng.choice([0, 1, 2], truths.shape[:2])
    truths[3, :, 2] = 0  # nothing labelled
    pose = truths[0] + rng.normal(0, 4, truths[0].shape)
    areas = rng.uniform(500, 5000, 5)
    expected = [
        slow_oks(pose, truth, area, sigmas) for truth, area in zip(truths, areas, strict=True)
    ]
    found = oks(pose, truths, areas, sigmas)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-300)
    assert 0.3 < found[0] < 1
    assert found[3] == 0
    plain = [slow_oks(pose, truth[:, :2], 900.0, sigmas) for truth in truths]
    np.testing.assert_allclose(oks(pose, truths[..., :2], 900.0, sigmas), plain, rtol=1e-12)


@given(st.floats(0.01, 100), st.integers(0, 2**31))
def test_scaling_the_picture_and_its_areas_changes_nothing(factor, seed):
    rng = np.random.default_rng(seed)
    truths = rng.uniform(0, 50, (3, 17, 2))
    pose = truths[0] + rng.normal(0, 3, (17, 2))
    areas = rng.uniform(100, 2000, 3)
    plain = oks(pose, truths, areas, COCO)
    scaled = oks(pose * factor, truths * factor, areas * factor**2, COCO)
    np.testing.assert_allclose(scaled, plain, rtol=1e-6, atol=1e-12)
    assert oks(pose, pose[None], 1.0, COCO) == pytest.approx(1.0)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.3, 0.99))
def test_suppression_against_a_loop(seed, threshold):
    poses, scores, areas = double_poses(seed)
    kept = oks_nms(poses, scores, areas, COCO, threshold)
    assert kept.tolist() == slow_nms(poses, scores, areas, COCO, threshold)


@given(st.integers(1, 9), st.integers(0, 2**31))
def test_one_of_identical_poses_is_kept(count, seed):
    pose = np.random.default_rng(seed).uniform(0, 100, (1, 17, 3))
    scores = np.random.default_rng(seed).uniform(0, 1, count)
    kept = oks_nms(pose.repeat(count, 0), scores, np.full(count, 50.0), COCO)
    assert kept.tolist() == [int(scores.argmax())]


def test_of_equal_scores_the_first_is_kept():
    pose = np.random.default_rng(0).uniform(0, 100, (1, 17, 3)).repeat(30, 0)
    assert oks_nms(pose, np.ones(30), np.full(30, 50.0), COCO).tolist() == [0]


def test_a_pose_at_the_threshold_stays():
    pair = np.zeros((2, 17, 2))
    assert oks_nms(pair, [1, 0.5], [9, 9], COCO, threshold=1.0).tolist() == [0, 1]
    assert oks_nms(np.zeros((0, 17, 3)), [], [], COCO).tolist() == []


@pytest.mark.parametrize("case", GOLDEN["suppression"], ids=lambda case: f"seed {case['seed']}")
def test_rescoring_and_suppression_as_the_authors_code(case):
    poses, box_scores, areas = double_poses(case["seed"])
    scores = instance_scores(box_scores, poses[..., 2])
    kept = oks_nms(poses, scores, areas, COCO)
    assert kept.tolist() == case["kept"]
    np.testing.assert_allclose(scores[kept], case["scores"], rtol=1e-6)
    assert 5 < len(kept) < len(poses) - 5


@settings(max_examples=40)
@given(st.integers(0, 2**31), st.floats(-0.1, 1.0))
def test_rescoring_against_a_loop(seed, threshold):
    rng = np.random.default_rng(seed)
    boxes, peaks = rng.uniform(0, 1, 6), rng.uniform(-0.2, 1, (6, 5))
    peaks[0, 0] = threshold  # at the threshold: not above
    peaks[1] = -0.3  # none above
    expected = []
    for box, row in zip(boxes, peaks, strict=True):
        above = [peak for peak in row if peak > threshold]
        expected.append(box * sum(above) / len(above) if above else 0.0)
    np.testing.assert_allclose(instance_scores(boxes, peaks, threshold), expected, rtol=1e-12)
    assert instance_scores(boxes, peaks, threshold)[1] == 0
