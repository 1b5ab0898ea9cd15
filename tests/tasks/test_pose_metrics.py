"""The metric of poses: batches, ranks and files give what the evaluation of all poses gives."""

import itertools
import json
import os
import pickle
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from oks_cases import JOINTS, evaluation_case
from torch import distributed, multiprocessing

from mim_bench.errors import UserError
from mim_bench.tasks.oks import oks_nms
from mim_bench.tasks.oks_evaluation import evaluate_keypoints
from mim_bench.tasks.oks_truth import keypoint_truth
from mim_bench.tasks.pose_metrics import OKSAveragePrecision

SETTINGS = {"max_examples": 10, "deadline": None}


def tensors(rule, predictions):
    """Return image ids, keypoints as a network gives them, and scores."""
    keypoints = np.float32([p["keypoints"] for p in predictions])
    return (
        torch.tensor([p["image_id"] for p in predictions]),
        torch.from_numpy(keypoints).reshape(len(predictions), JOINTS[rule], 3),
        torch.tensor([p["score"] for p in predictions], dtype=torch.float32),
    )


def values(metric):
    return {name: float(value) for name, value in metric.compute().items()}


@settings(**SETTINGS)
@given(st.integers(0, 2**31), st.lists(st.integers(0, 100), max_size=6))
def test_batches_and_ranks_do_not_matter(seed, cuts):
    rule = ("coco", "crowdpose")[seed % 2]
    content, predictions = evaluation_case(rule, seed, images=12)
    truth = keypoint_truth(content, rule)
    expected = evaluate_keypoints(truth, predictions)
    parts = tensors(rule, predictions)
    ranks = [OKSAveragePrecision(truth), OKSAveragePrecision(truth), OKSAveragePrecision(truth)]
    edges = [0, *sorted(min(cut, len(predictions)) for cut in cuts), len(predictions)]
    for number, (start, end) in enumerate(itertools.pairwise(edges)):
        ranks[number % 2].update(*(part[start:end] for part in parts))
    for other in ranks[1:]:  # the last of them has seen nothing
        ranks[0].merge_state(other)
    assert values(ranks[0]) == pytest.approx(expected, abs=0, nan_ok=True)


@settings(**SETTINGS)
@given(st.integers(0, 2**31))
def test_no_order_matters_even_where_scores_are_equal(seed):
    content, predictions = evaluation_case("coco", seed, images=12)
    images, keypoints, scores = tensors("coco", predictions)
    scores = (scores * 4).round()
    found = []
    for draw in range(3):
        order = torch.from_numpy(np.random.default_rng([seed, draw]).permutation(len(scores)))
        metric = OKSAveragePrecision(content, "coco")
        metric.update(images[order], keypoints[order], scores[order])
        found.append(values(metric))
    assert found[0] == pytest.approx(found[1], abs=0, nan_ok=True)
    assert found[0] == pytest.approx(found[2], abs=0, nan_ok=True)


def test_double_poses_are_suppressed_image_by_image():
    content, predictions = evaluation_case("coco", 5)
    images, keypoints, scores = tensors("coco", predictions)
    doubled = (torch.cat([part, part]) for part in (images, keypoints))
    scores = torch.cat([scores, scores * 0.9])
    areas = torch.full_like(scores, 3000.0)
    metric = OKSAveragePrecision(content, "coco", nms=0.9)
    metric.update(*doubled, scores, areas)
    twice = [*predictions, *({**p, "score": p["score"] * 0.9} for p in predictions)]
    kept = []
    for image in {p["image_id"] for p in predictions}:
        here = [p for p in twice if p["image_id"] == image]
        poses = np.float32([p["keypoints"] for p in here]).reshape(-1, 17, 3)
        rank = [p["score"] for p in here]
        chosen = oks_nms(poses, rank, [3000.0] * len(here), metric.truth.sigmas, 0.9)
        kept += [here[index] for index in chosen]
    assert len(kept) <= len(predictions)
    assert values(metric) == evaluate_keypoints(keypoint_truth(content, "coco"), kept)
    plain = OKSAveragePrecision(content, "coco")
    plain.update(*(torch.cat([part, part]) for part in (images, keypoints)), scores)
    assert values(plain)["ap"] < values(metric)["ap"]


def test_the_same_pose_on_two_images_stays_on_both():
    content, _ = evaluation_case("coco", 5, images=12)
    people = [person for person in content["annotations"] if person["num_keypoints"]][:1]
    people.append({**people[0], "id": 2, "image_id": 1000})
    assert people[0]["image_id"] != 1000
    metric = OKSAveragePrecision(content | {"annotations": people}, "coco", nms=0.9)
    poses = torch.tensor([person["keypoints"] for person in people]).reshape(2, 17, 3)
    images = [person["image_id"] for person in people]
    metric.update(images, poses, torch.tensor([0.9, 0.8]), torch.tensor([900.0, 900.0]))
    assert values(metric)["ar"] == 1


def test_files_resets_and_copies(tmp_path):
    content, predictions = evaluation_case("crowdpose", 1, images=20)
    (tmp_path / "crowdpose_val.json").write_text(json.dumps(content))
    metric = OKSAveragePrecision(tmp_path / "crowdpose_val.json", "crowdpose")
    expected = evaluate_keypoints(keypoint_truth(content, "crowdpose"), predictions)
    parts = tensors("crowdpose", predictions)
    metric.update(*parts)
    assert values(metric) == expected
    assert values(pickle.loads(pickle.dumps(metric))) == expected
    metric.reset()
    metric.update(*(part[:5] for part in parts))
    metric.update(*(part[5:] for part in parts))
    assert values(metric) == expected
    metric.reset()
    metric.update(*(part[:0] for part in parts))
    assert set(values(metric).values()) == {0.0}


def test_double_precision_is_kept():
    content, predictions = evaluation_case("coco", 4, images=20)
    rng = np.random.default_rng(0)
    for prediction in predictions:
        prediction["score"] = 0.5 + 1e-12 * rng.uniform()
    metric = OKSAveragePrecision(content, "coco")
    metric.update(
        [p["image_id"] for p in predictions],
        torch.tensor([p["keypoints"] for p in predictions]).reshape(-1, 17, 3).double(),
        torch.tensor([p["score"] for p in predictions], dtype=torch.float64),
    )
    assert values(metric) == evaluate_keypoints(keypoint_truth(content, "coco"), predictions)


def test_mistakes_are_named():
    content, predictions = evaluation_case("coco", 0, images=5)
    images, keypoints, scores = tensors("coco", predictions)
    with pytest.raises(UserError, match="a file needs its rule"):
        OKSAveragePrecision("people.json")
    metric = OKSAveragePrecision(content, "coco", nms=0.9)
    with pytest.raises(UserError, match=r"expected: \(poses, 17, 3\)"):
        metric.update(images, keypoints[:, :14], scores, scores)
    with pytest.raises(UserError, match="nms needs the areas"):
        metric.update(images, keypoints, scores)


def rank_main(rank, folder):
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2
    )
    found = {}
    for rule in JOINTS:
        content, predictions = evaluation_case(rule, 0)
        parts = tensors(rule, predictions)
        metric = OKSAveragePrecision(content, rule)
        # uneven shares: the first rank sees every third pose, the second the rest
        share = (torch.arange(len(predictions)) % 3 == 0) == (rank == 0)
        for half in (share.cumsum(0) <= 40, share.cumsum(0) > 40):
            metric.update(*(part[share & half] for part in parts))
        found[rule] = values(metric)
        metric.reset()  # a second round, all of it on one rank
        if rank == 1:
            metric.update(*parts)
        found[f"{rule} again"] = values(metric)
    torch.save(found, Path(folder) / f"{rank}.pt")
    distributed.destroy_process_group()


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
@pytest.mark.skipif(not distributed.is_gloo_available(), reason="no gloo")
def test_two_ranks_are_one():
    with tempfile.TemporaryDirectory() as folder:
        multiprocessing.spawn(rank_main, (folder,), nprocs=2)
        found = [torch.load(Path(folder) / f"{rank}.pt") for rank in range(2)]
    for rule in JOINTS:
        content, predictions = evaluation_case(rule, 0)
        expected = evaluate_keypoints(keypoint_truth(content, rule), predictions)
        for rank in found:
            assert rank[rule] == expected
            assert rank[f"{rule} again"] == expected
