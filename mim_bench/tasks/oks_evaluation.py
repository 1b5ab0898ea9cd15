"""Average precision of poses by the rules of COCO and CrowdPose. (faster-coco-eval, no torch.)

At most 20 poses per image, highest score first, are matched with the people of the ground truth
at ten thresholds of OKS, .5 to .95. People who don't count are those of crowds and those whose
`num_keypoints` is 0 in the file (CrowdPose counts 12 of its 14 joints there); poses on them are
neither right nor wrong. See `oks_truth` for where the rules differ.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from mim_bench.errors import UserError
from mim_bench.tasks.oks_truth import PERSON, Truth

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

_BOTH = ("ap", "ap50", "ap75", "ar", "ar50", "ar75")
METRICS = {
    "coco": (*_BOTH[:3], "ap_medium", "ap_large", *_BOTH[3:], "ar_medium", "ar_large"),
    "crowdpose": (*_BOTH, "ap_easy", "ap_medium", "ap_hard"),
}
"""The metrics of each rule in the order of its official report; of all, more is better."""

_THRESHOLDS = {"": slice(None), "50": slice(0, 1), "75": slice(5, 6)}
_AREAS = ("", "_medium", "_large")


def evaluate_keypoints(
    ground_truth: Mapping[str, Any] | Truth, predictions: Sequence[Mapping[str, Any]]
) -> dict[str, float]:
    """Evaluate poses as the official tools do.

    Equal scores within an image rank in the order given, as in the official tools. Neither
    argument is changed and nothing is printed.

    Args:
        ground_truth: See `keypoint_truth`.
        predictions: One per pose, in COCO's form of results: "image_id", "keypoints" (3K flat: x,
            y in pixels and a value that isn't looked at) and "score". Other keys, `bbox` and
            `area` too, are not looked at.

    Returns:
        The names of `METRICS` -> fractions of 1; all 0 where nothing is predicted; NaN where
        nobody counts (no large person, no hard image). AP of easy, medium and hard images is
        rounded to 4 decimals, as in the official tool.

    Raises:
        UserError: A pose is on an image that isn't listed, has another number of joints, or a
            value that isn't finite (which the official tools would take for a match).
    """
    truth = ground_truth if isinstance(ground_truth, Truth) else Truth.check(ground_truth)
    flat = 3 * len(truth.sigmas)
    poses = [np.asarray(each["keypoints"], np.float64).reshape(-1) for each in predictions]
    for number, pose in enumerate(poses):
        if pose.size != flat:
            raise UserError(
                f"has {pose.size} keypoint values",
                where=f"prediction {number} (image {predictions[number]['image_id']})",
                expected=f"{flat}: x, y and a third value of {flat // 3} joints",
            )
    return average_precision(
        truth,
        np.asarray([each["image_id"] for each in predictions], np.int64),
        np.asarray(poses, np.float64).reshape(len(poses), flat // 3, 3),
        np.asarray([each["score"] for each in predictions], np.float64),
    )


def average_precision(
    truth: Truth,
    image_ids: NDArray[np.int64],
    keypoints: NDArray[np.float64],
    scores: NDArray[np.float64],
) -> dict[str, float]:
    """Do what `evaluate_keypoints` does, with the poses as arrays: (N,), (N, K, 3), (N,)."""
    poses = _poses(truth, image_ids, keypoints, scores)
    values = _summary(*_evaluate(truth, poses, truth.images))
    if not truth.groups:
        return {name: values[name] for name in METRICS["coco"]}
    for level, images in truth.groups.items():
        precision, _ = _evaluate(truth, poses, images)
        values[f"ap_{level}"] = round(_mean(precision[..., 0, :]), 4)
    return {name: values[name] for name in METRICS["crowdpose"]}


def _poses(
    truth: Truth,
    image_ids: NDArray[np.int64],
    keypoints: NDArray[np.float64],
    scores: NDArray[np.float64],
) -> list[dict[str, Any]]:
    """Check the poses and return them as the evaluator takes them."""
    known = np.isin(image_ids, truth.images)
    if not known.all():
        strange = np.unique(image_ids[~known])
        raise UserError(
            f"poses on {len(strange)} images that the ground truth doesn't list",
            where="image_id " + ", ".join(map(str, strange[:5])),
            action="evaluate against the split that was predicted",
        )
    finite = np.isfinite(scores) & np.isfinite(keypoints[..., :2]).all((1, 2))
    if not finite.all():
        raise UserError(
            f"{int((~finite).sum())} poses have a score or a coordinate that isn't finite",
            where=f"the first on image {image_ids[~finite][0]}",
            action="look for what broke the network: the loss, the learning rate, the precision",
        )
    flat = keypoints.reshape(len(keypoints), 3 * len(truth.sigmas))
    # poses that match nobody count in a group of areas by the box around all their joints
    sides = np.ptp(keypoints[..., :2], axis=1) if len(keypoints) else np.zeros((0, 2))
    columns = zip(image_ids.tolist(), scores.tolist(), sides.prod(-1).tolist(), flat, strict=True)
    return [
        {
            "id": number,
            "image_id": image,
            "category_id": PERSON,
            "score": score,
            "area": area,
            "keypoints": pose,
        }
        for number, (image, score, area, pose) in enumerate(columns, 1)
    ]


def _evaluate(
    truth: Truth, poses: list[dict[str, Any]], images: list[int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return precision (10, 101, 1, 3, 1) and recall (10, 1, 3, 1); -1 where nobody counts."""
    from faster_coco_eval import COCO, COCOeval_faster

    chosen = set(images)
    listed = [{"id": image} for image in images]

    def table(annotations: list[dict[str, Any]]) -> Any:
        # the evaluator writes into what it is given, so it is given copies
        kept = [dict(each) for each in annotations if each["image_id"] in chosen]
        content = {"images": listed, "annotations": kept, "categories": [{"id": PERSON}]}
        return COCO(content, print_function=_quiet)

    people = table(truth.people)
    if not people.dataset["annotations"]:  # it can't do without
        return np.full((10, 101, 1, 3, 1), -1.0), np.full((10, 1, 3, 1), -1.0)
    evaluator = COCOeval_faster(people, table(poses), "keypoints", print_function=_quiet)
    evaluator.params.kpt_oks_sigmas = truth.sigmas
    evaluator.params.catIds = [PERSON]
    evaluator.evaluate()
    evaluator.accumulate()
    return np.asarray(evaluator.eval["precision"]), np.asarray(evaluator.eval["recall"])


def _quiet(*_: object, **__: object) -> None:
    """Swallow a message."""


def _mean(values: NDArray[np.float64]) -> float:
    defined = values[values > -1]
    return float(defined.mean()) if defined.size else math.nan


def _summary(precision: NDArray[np.float64], recall: NDArray[np.float64]) -> dict[str, float]:
    """Average over thresholds (and recalls) for all people, then for each group of areas."""
    values = {}
    for index, area in enumerate(_AREAS):
        for name, part in _THRESHOLDS.items():
            values[f"ap{name}{area}"] = _mean(precision[part, :, :, index])
            values[f"ar{name}{area}"] = _mean(recall[part, :, index])
    return values
