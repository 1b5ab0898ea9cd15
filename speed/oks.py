"""AP of poses on 5,000 images against pycocotools: same people, same poses, same numbers.

Run: python -m speed.oks [--images 5000] [--rounds 3]
Claim: at least 3 times faster, reading and indexing left out on both sides. The second ratio
counts everything from lists of dictionaries to numbers, checks of the input too. Made-up people,
as many as in COCO's validation set, and 20 poses per image.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import io
import statistics
import time
from unittest import mock

import faster_coco_eval
import numpy as np
from faster_coco_eval import COCOeval_faster
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mim_bench.tasks.oks_evaluation import evaluate_keypoints
from mim_bench.tasks.oks_truth import keypoint_truth

PEOPLE = 2.2  # per image in COCO's validation set, where about half of the images have any
POSES = 20


def draw(images: int) -> tuple[dict, list[dict]]:
    """Made-up people, a third without joints, and poses of which half lie on one of them."""
    rng = np.random.default_rng(0)
    annotations, predictions = [], []
    for image in range(1, images + 1):
        count = int(min(rng.geometric(0.5 / PEOPLE), 14)) if rng.random() < 0.54 else 0
        corners = rng.uniform(0, 400, (count, 2))
        sides = np.exp(rng.uniform(np.log(20), np.log(400), (count, 1))) * [0.5, 1.0]
        truths = corners[:, None] + sides[:, None] * rng.uniform(0, 1, (count, 17, 2))
        shown = rng.choice([0, 1, 2], (count, 17), p=[0.3, 0.1, 0.6])
        shown[rng.random(count) < 0.35] = 0
        for corner, side, truth, seen in zip(corners, sides, truths, shown, strict=True):
            joints = np.concatenate([truth.round(), seen[:, None]], 1) * (seen[:, None] > 0)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": 1,
                    "iscrowd": 0,
                    "bbox": [*corner.tolist(), *side.tolist()],
                    "area": float(side.prod() * 0.6),
                    "keypoints": joints.astype(int).ravel().tolist(),
                    "num_keypoints": int((seen > 0).sum()),
                }
            )
        poses = np.ones((POSES, 17, 3))
        poses[..., :2] = rng.uniform(0, 400, (POSES, 1, 2)) + rng.uniform(0, 200, (POSES, 17, 2))
        for pose in poses[: POSES // 2 if count else 0]:
            person = rng.integers(count)
            noise = rng.normal(0, 0.05 * sides[person, 1], (17, 2))
            pose[:, :2] = truths[person] + noise
        for pose in poses:
            predictions.append(
                {
                    "image_id": image,
                    "category_id": 1,
                    "keypoints": pose.ravel().tolist(),
                    "score": float(rng.random()),
                }
            )
    listed = [{"id": image} for image in range(1, images + 1)]
    categories = [{"id": 1, "name": "person"}]
    return {"images": listed, "annotations": annotations, "categories": categories}, predictions


def theirs(content: dict, predictions: list[dict]) -> tuple[float, float, list[float]]:
    """Return seconds without and with indexing, and the ten numbers."""
    content, predictions = copy.deepcopy(content), copy.deepcopy(predictions)
    with contextlib.redirect_stdout(io.StringIO()):
        start = time.perf_counter()
        truth = COCO()
        truth.dataset = content
        truth.createIndex()
        found = truth.loadRes(predictions)
        loaded = time.perf_counter()
        run = COCOeval(truth, found, "keypoints")
        run.evaluate()
        run.accumulate()
        run.summarize()
    end = time.perf_counter()
    return end - loaded, end - start, run.stats.tolist()


def ours(content: dict, predictions: list[dict]) -> tuple[float, float, list[float]]:
    """Return seconds without and with indexing, and the ten numbers."""
    marks: list[float] = []

    class Clocked(COCOeval_faster):
        """Notes when the indexed people and poses are handed over."""

        def __init__(self, *arguments: object, **settings: object) -> None:
            marks.append(time.perf_counter())
            super().__init__(*arguments, **settings)

    with mock.patch.object(faster_coco_eval, "COCOeval_faster", Clocked):
        start = time.perf_counter()
        truth = keypoint_truth(content, "coco")
        values = evaluate_keypoints(truth, predictions)
    end = time.perf_counter()
    return end - marks[0], end - start, list(values.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    content, predictions = draw(options.images)
    print(f"{len(content['annotations'])} people, {len(predictions)} poses")
    ours(*draw(20))  # imports
    times = []
    for _ in range(options.rounds):
        plain, plain_all, expected = theirs(content, predictions)
        fast, fast_all, found = ours(content, predictions)
        assert np.allclose(expected, found, rtol=0, atol=1e-12)
        times.append((plain, fast, plain_all, fast_all))
    for name, slow, quick in (("evaluation", 0, 1), ("with indexing", 2, 3)):
        ratios = [each[slow] / each[quick] for each in times]
        print(
            f"{name}: pycocotools {statistics.median(each[slow] for each in times):.2f} s, "
            f"ours {statistics.median(each[quick] for each in times):.2f} s, "
            f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        )


if __name__ == "__main__":
    main()
