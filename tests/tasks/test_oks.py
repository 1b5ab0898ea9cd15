"""OKS-AP, suppression and scores against pycocotools, the official numbers and plain formulas."""

import contextlib
import copy
import io
import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pose_cases import duplicates, golden, pose, scene
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mim_bench.datamodules.readers.coco_keypoints import COCOKeypoints
from mim_bench.datamodules.readers.crowdpose import CrowdPose
from mim_bench.errors import UserError
from mim_bench.tasks.oks import instance_scores, oks, oks_nms
from mim_bench.tasks.oks_evaluation import (
    COCO_METRICS,
    CROWD_METRICS,
    RULES,
    evaluate_keypoints,
    read_ground_truth,
)
from mim_bench.tasks.pose_metrics import OKSAveragePrecision

SIGMAS = RULES["coco"]["sigmas"]


def truth(dataset, rules="coco"):
    return {**RULES[rules], "dataset": dataset}


def pycoco(dataset, predictions):
    with contextlib.redirect_stdout(io.StringIO()):
        known = COCO()
        known.dataset = copy.deepcopy(dataset)
        known.createIndex()
        evaluation = COCOeval(known, known.loadRes(copy.deepcopy(predictions)), "keypoints")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return dict(zip(COCO_METRICS, evaluation.stats.tolist(), strict=True))


@pytest.mark.parametrize("seed", range(5))
def test_coco_as_pycocotools(seed):
    dataset, predictions = scene(seed)
    before = copy.deepcopy((dataset, predictions))
    found = evaluate_keypoints(truth(dataset), predictions)
    assert found == pytest.approx(pycoco(dataset, predictions), abs=1e-6)
    assert 0.05 < found["ap"] < 0.95
    assert (dataset, predictions) == before


@pytest.mark.parametrize("seed", range(3))
def test_crowdpose_as_its_own_tool(seed):
    dataset, predictions = scene(seed, joints=14, areas=False)
    found = evaluate_keypoints(truth(dataset, "crowdpose"), predictions)
    assert list(found) == list(CROWD_METRICS)
    assert list(found.values()) == pytest.approx(golden()["crowdpose"][seed], abs=1e-6)


def test_the_metric_is_silent(capfd):
    dataset, predictions = scene(0)
    evaluate_keypoints(truth(dataset), predictions)
    assert capfd.readouterr().out == ""


def perfect(dataset):
    return [
        pose(one["image_id"], np.reshape(one["keypoints"], (-1, 3))[:, :2], 1 - index / 1000)
        for index, one in enumerate(dataset["annotations"])
        if one["num_keypoints"]
    ]


@pytest.mark.parametrize("rules", ["coco", "crowdpose"])
def test_perfect_poses(rules):
    joints = len(RULES[rules]["sigmas"])
    dataset, _ = scene(1, joints=joints)
    found = evaluate_keypoints(truth(dataset, rules), perfect(dataset))
    assert {name: value for name, value in found.items() if not math.isclose(value, 1)} == {}


def test_nothing_predicted_and_nobody_there():
    dataset, predictions = scene(2)
    assert set(evaluate_keypoints(truth(dataset), []).values()) == {0.0}
    empty = {**dataset, "annotations": []}
    assert all(math.isnan(v) for v in evaluate_keypoints(truth(empty), predictions).values())


def test_levels_without_a_picture_are_undefined():
    dataset, predictions = scene(0, joints=14)
    for image in dataset["images"]:
        image["crowdIndex"] = min(image["crowdIndex"], 0.79)
    found = evaluate_keypoints(truth(dataset, "crowdpose"), predictions)
    assert math.isnan(found["ap_hard"])
    assert found["ap_easy"] >= 0


def test_people_without_counted_joints_are_ignored():
    """CrowdPose counts its first 12 joints: a person with head and neck alone costs nothing."""
    dataset, _ = scene(1, joints=14, areas=False)
    before = evaluate_keypoints(truth(dataset, "crowdpose"), perfect(dataset))
    lonely = copy.deepcopy(dataset["annotations"][0])
    keypoints = np.zeros((14, 3))
    keypoints[12:] = [[10, 10, 2], [10, 20, 2]]
    lonely |= {
        "id": 9999,
        "num_keypoints": 0,
        "iscrowd": 0,
        "keypoints": keypoints.ravel().tolist(),
    }
    dataset["annotations"].append(lonely)
    found = evaluate_keypoints(truth(dataset, "crowdpose"), perfect(dataset))
    assert found == pytest.approx(before)


def test_wrong_predictions():
    dataset, predictions = scene(0)
    with pytest.raises(UserError, match="picture 777, which"):
        evaluate_keypoints(truth(dataset), [{**predictions[0], "image_id": 777}])
    with pytest.raises(UserError, match="has 42 numbers"):
        evaluate_keypoints(truth(dataset), [{**predictions[0], "keypoints": [0] * 42}])


def test_readers_and_metric_have_the_same_rules():
    for reader, rules in ((COCOKeypoints, "coco"), (CrowdPose, "crowdpose")):
        assert list(reader.info.sigmas) == pytest.approx(RULES[rules]["sigmas"])
        assert reader.area == RULES[rules]["area"]
        assert list(reader.levels or ()) == (RULES[rules]["levels"] or [])


# suppression and scores


def plain_oks(one, other, area, other_area, sigmas):
    total = 0.0
    for (x, y), (u, v), sigma in zip(one[:, :2], other[:, :2], sigmas, strict=True):
        away = (x - u) ** 2 + (y - v) ** 2
        total += math.exp(-away / (2 * ((area + other_area) / 2) * (2 * sigma) ** 2))
    return total / len(sigmas)


@given(st.integers(0, 1000), st.floats(0.1, 10))
def test_oks_pair_by_pair_and_at_any_scale(seed, zoom):
    keypoints, _, areas = duplicates(seed)
    found = oks(keypoints[0], keypoints[1:9], areas[0], areas[1:9], SIGMAS)
    for index in range(8):
        expected = plain_oks(keypoints[0], keypoints[1 + index], areas[0], areas[1 + index], SIGMAS)
        assert found[index] == pytest.approx(expected, abs=1e-9)
    scaled = [areas[0] * zoom**2, areas[1:9] * zoom**2]
    again = oks(keypoints[0] * zoom, keypoints[1:9] * zoom, *scaled, SIGMAS)
    np.testing.assert_allclose(again, found, atol=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_suppression_as_mmposes(seed):
    assert oks_nms(*duplicates(seed), SIGMAS) == golden()["nms"][seed]


@given(st.integers(0, 1000), st.floats(0.3, 0.99))
def test_suppression_in_plain_words(seed, threshold):
    keypoints, scores, areas = duplicates(seed)
    found = oks_nms(keypoints, scores, areas, SIGMAS, threshold)
    left = sorted(range(len(scores)), key=lambda index: -scores[index])
    expected = []
    while left:
        best = left.pop(0)
        expected.append(best)
        left = [
            other
            for other in left
            if plain_oks(keypoints[best], keypoints[other], areas[best], areas[other], SIGMAS)
            <= threshold
        ]
    assert found == expected


def test_of_identical_poses_one_is_kept():
    keypoints, scores, areas = duplicates(0)
    same = np.repeat(keypoints[:1], 5, axis=0)
    assert oks_nms(same, scores[:5], np.repeat(areas[:1], 5), SIGMAS) == [
        int(np.argmax(scores[:5]))
    ]


def test_scores_of_people():
    rng = np.random.default_rng(0)
    boxes, peaks = rng.random(30), rng.uniform(-0.1, 0.6, (30, 17))
    peaks[0] = 0.2  # not above
    for box, row, found in zip(boxes, peaks, instance_scores(boxes, peaks), strict=True):
        sure = [peak for peak in row if peak > 0.2]
        assert found == pytest.approx(box * sum(sure) / len(sure) if sure else 0.0)


# the metric


def tensors(predictions):
    return (
        torch.tensor([row["image_id"] for row in predictions]),
        torch.tensor([row["keypoints"] for row in predictions], dtype=torch.float64).unflatten(
            1, (-1, 3)
        ),
        torch.tensor([row["score"] for row in predictions], dtype=torch.float64),
    )


def measured(dataset, predictions, parts=1, **kwargs):
    metric = OKSAveragePrecision(truth(dataset), **kwargs)
    for part in range(parts):
        some = predictions[part::parts]
        if some:
            metric.update(*tensors(some))
    return {name: float(value) for name, value in metric.compute().items()}


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 50), st.integers(2, 6), st.randoms(use_true_random=False))
def test_order_and_batches_change_nothing(seed, parts, shuffler):
    dataset, predictions = scene(seed, images=8)
    whole = measured(dataset, predictions)
    shuffled = list(predictions)
    shuffler.shuffle(shuffled)
    assert measured(dataset, shuffled, parts) == pytest.approx(whole, nan_ok=True)


def test_the_metric_from_a_file(tmp_path):
    dataset, predictions = scene(3)
    path = tmp_path / "person_keypoints.json"
    path.write_text(json.dumps(dataset))
    metric = OKSAveragePrecision(path)
    metric.update(*tensors(predictions))
    found = {name: float(value) for name, value in metric.compute().items()}
    assert found == pytest.approx(measured(dataset, predictions))


def test_annotation_id_0_is_found_too(tmp_path):
    """Evaluators take the id 0 for "no match": the person would never be found."""
    dataset, _ = scene(1)
    for person in dataset["annotations"]:
        person["id"] -= 1
    path = tmp_path / "from_zero.json"
    path.write_text(json.dumps(dataset))
    assert evaluate_keypoints(read_ground_truth(path), perfect(dataset))["ap"] == pytest.approx(1)


def test_the_metric_rescores_and_suppresses():
    dataset, predictions = scene(4)
    rng = np.random.default_rng(0)
    for row in predictions:
        row["keypoints"][2::3] = rng.random(17).round(3).tolist()
    twice = predictions + predictions
    images, keypoints, scores = tensors(twice)
    areas = torch.full_like(scores, 90_000.0)
    metric = OKSAveragePrecision(truth(dataset), peaks_above=0.2, oks_nms=0.999)
    metric.update(images, keypoints, scores, areas)
    rescored = [
        {**row, "score": float(instance_scores(np.array([row["score"]]),
                                               np.array([row["keypoints"][2::3]]))[0])}
        for row in predictions
    ]  # fmt: skip
    found = {name: float(value) for name, value in metric.compute().items()}
    assert found == pytest.approx(measured(dataset, rescored))


def test_wrong_use():
    metric = OKSAveragePrecision(oks_nms=0.9)
    batch = torch.tensor([1]), torch.zeros(1, 17, 3), torch.ones(1)
    with pytest.raises(UserError, match="no areas"):
        metric.update(*batch)
    with pytest.raises(UserError, match="have the shape"):
        metric.update(batch[0], torch.zeros(1, 17, 2), batch[2])
    metric.update(*batch, torch.ones(1))
    with pytest.raises(UserError, match="no ground truth"):
        metric.compute()
    with pytest.raises(UserError, match="did you mean 'crowdpose'"):
        OKSAveragePrecision("a.json", dataset="crowd-pose")
    with pytest.raises(UserError, match="can't be read as annotations"):
        OKSAveragePrecision("nowhere.json")
