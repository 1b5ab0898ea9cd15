"""OKS-AP of 5,000 pictures against pycocotools on the same results, loading excluded.

Run: python -m speed.oks [--images 5000] [--rounds 3]
Claim: faster-coco-eval, which the metric uses, is at least 3 times as fast as pycocotools, with the
same numbers; what the metric does around it is shown too.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import io
import statistics
import time
from typing import TYPE_CHECKING, Any

import faster_coco_eval
import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mim_bench.tasks.oks_evaluation import COCO_METRICS, RULES, evaluate_keypoints

if TYPE_CHECKING:
    from collections.abc import Callable

JOINTS = 17


def make(images: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Draw labels as many as COCO's val has (11,004 people, 5,000 pictures), and 13 poses each."""
    rng = np.random.default_rng(0)
    people: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for number in range(1, images + 1):
        for _ in range(int(rng.poisson(2.2))):
            box = np.concatenate([rng.uniform(0, 400, 2), rng.uniform(20, 250, 2)])
            places = rng.uniform(0, 1, (JOINTS, 2)) * box[2:] + box[:2]
            labels = rng.choice([0, 1, 2], JOINTS, p=[0.4, 0.1, 0.5])
            labels[:] *= rng.random() < 0.58
            keypoints = np.column_stack([places * (labels > 0)[:, None], labels])
            people.append(
                {
                    "id": len(people) + 1,
                    "image_id": number,
                    "category_id": 1,
                    "iscrowd": 0,
                    "bbox": box.round(2).tolist(),
                    "area": float(box[2] * box[3] / 2),
                    "num_keypoints": int((labels > 0).sum()),
                    "keypoints": keypoints.round(2).ravel().tolist(),
                }
            )
            noisy = places + rng.normal(0, rng.uniform(0.5, 15), (JOINTS, 2))
            results.append(_result(number, noisy, rng.random()))
        for _ in range(11):
            results.append(_result(number, rng.uniform(0, 500, (JOINTS, 2)), rng.random() / 3))
    pictures = [{"id": n, "width": 640, "height": 480} for n in range(1, images + 1)]
    category = {"id": 1, "name": "person", "supercategory": "person"}
    truth = {"info": {}, "images": pictures, "annotations": people, "categories": [category]}
    return truth, results


def _result(image: int, places: Any, score: float) -> dict[str, Any]:
    keypoints = np.column_stack([places, np.ones(JOINTS)]).round(2).ravel().tolist()
    return {"image_id": image, "category_id": 1, "keypoints": keypoints, "score": float(score)}


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    found = work()
    return time.perf_counter() - started, found


def score(evaluation: Any) -> list[float]:
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return [float(value) for value in evaluation.stats[: len(COCO_METRICS)]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    truth, results = make(options.images)
    print(f"{len(truth['annotations']):,} people, {len(results):,} poses")
    sigmas = np.array(RULES["coco"]["sigmas"])
    ratios, whole = [], []
    for turn in range(options.rounds):
        with contextlib.redirect_stdout(io.StringIO()):
            slow_truth = COCO()
            slow_truth.dataset = copy.deepcopy(truth)
            slow_truth.createIndex()
            slow = COCOeval(slow_truth, slow_truth.loadRes(copy.deepcopy(results)), "keypoints")
        fast_truth = faster_coco_eval.COCO(copy.deepcopy(truth))
        loaded = fast_truth.loadRes(copy.deepcopy(results))
        fast = faster_coco_eval.COCOeval_faster(
            fast_truth, loaded, "keypoints", kpt_oks_sigmas=sigmas
        )
        pair = (fast, slow) if turn % 2 else (slow, fast)
        times = {id(one): timed(lambda one=one: score(one)) for one in pair}
        (ours, our_stats), (theirs, their_stats) = times[id(fast)], times[id(slow)]
        apart = max(abs(a - b) for a, b in zip(our_stats, their_stats, strict=True))
        all_of_it, _ = timed(
            lambda: evaluate_keypoints({**RULES["coco"], "dataset": truth}, results)
        )
        print(f"pycocotools {theirs:.1f} s, ours {ours:.1f} s, apart by {apart:.1e}")
        ratios.append(theirs / ours)
        whole.append(all_of_it / ours)
    print(f"ratio {statistics.median(ratios):.2f}")
    print(f"the metric's call, which loads as well, takes {statistics.median(whole):.2f} times it")


if __name__ == "__main__":
    main()
