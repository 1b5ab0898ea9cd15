"""AP and AR over OKS by the rules of COCO and of CrowdPose, computed with faster-coco-eval."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mim_bench.errors import UserError, unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

COCO_METRICS = (
    "ap", "ap50", "ap75", "ap_medium", "ap_large",
    "ar", "ar50", "ar75", "ar_medium", "ar_large",
)  # fmt: skip
"""Over pictures and people of all sizes, at OKS 0.5 and 0.75, of people of 32² to 96² pixels and
larger ones."""

CROWD_METRICS = ("ap", "ap50", "ap75", "ar", "ar50", "ar75", "ap_easy", "ap_medium", "ap_hard")
"""`ap_medium` is of pictures of middling crowd index here."""

_LIMBS = (0.79, 0.79, 0.72, 0.72, 0.62, 0.62, 1.07, 1.07, 0.87, 0.87, 0.89, 0.89)

RULES: dict[str, dict[str, Any]] = {
    "coco": {
        "sigmas": [s / 10 for s in (0.26, 0.25, 0.25, 0.35, 0.35, *_LIMBS)],
        "area": "segment",
        "levels": None,
    },
    "crowdpose": {
        "sigmas": [s / 10 for s in (*_LIMBS, 0.79, 0.79)],
        "area": "box",
        "levels": [0.2, 0.8],
    },
}
"""What ground truth says beside its annotations, see `evaluate_keypoints`."""


def read_ground_truth(path: str | Path, dataset: str = "coco") -> dict[str, Any]:
    """Return an annotation file as ground truth.

    Annotation ids are numbered anew from 1 where one is 0 or less: evaluators take these for "no
    match", and such people would silently never be found.

    Args:
        path: A file in COCO's format, such as `person_keypoints_val2017.json`.
        dataset: A key of `RULES`.

    Raises:
        UserError: There is no such dataset, or the file can't be read.
    """
    if dataset not in RULES:
        raise UserError([unknown("dataset", dataset, RULES)])
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        people = content["annotations"]
        if any(person["id"] < 1 for person in people):
            for number, person in enumerate(people, start=1):
                person["id"] = number
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"can't be read as annotations: {error!r}",
            where=str(path),
            expected="a JSON file in COCO's format, with images, annotations and categories",
        ) from error
    return {**copy.deepcopy(RULES[dataset]), "dataset": content}


def evaluate_keypoints(
    ground_truth: Mapping[str, Any], predictions: Sequence[Mapping[str, Any]]
) -> dict[str, float]:
    """Score poses.

    Crowds and people whose `num_keypoints` is 0 are neither to be found nor does it cost to find
    them. At most 20 poses of a picture count, the best ones; of equal scores the first ones given.

    Args:
        ground_truth: `dataset`: images, annotations and categories in COCO's format; `sigmas`:
            (K,) of the joints; `area`: `segment` takes the annotation's `area`, `box` 0.53 of
            its box (CrowdPose, whose files have no areas); `levels`: None, or two crowd indices,
            below which a picture is easy and medium.
        predictions: `image_id`, `keypoints` (3 K numbers: column, row and anything) and `score`
            of each pose. It may be empty.

    Returns:
        `COCO_METRICS`, or `CROWD_METRICS` where there are levels, from 0 to 1; NaN where there is
        nobody to be found. Easy, medium and hard are rounded to four decimals, as officially.

    Raises:
        UserError: A prediction is on a picture that the ground truth does not have, or has
            another number of joints.
    """
    from faster_coco_eval import COCO, COCOeval_faster

    levels = ground_truth["levels"]
    _check(ground_truth, predictions)
    rows = [
        {
            "image_id": row["image_id"],
            "category_id": 1,
            "keypoints": list(row["keypoints"]),
            "score": float(row["score"]),
        }
        for row in predictions
    ]
    # the evaluation writes into pictures and people, so it gets its own ones
    content = ground_truth["dataset"]
    own = {key: [dict(one) for one in content[key]] for key in ("images", "annotations")}
    truth = COCO({**content, **own})
    evaluation = COCOeval_faster(
        truth,
        truth.loadRes(rows),
        "keypoints" if levels is None else "keypoints_crowd",
        kpt_oks_sigmas=np.asarray(ground_truth["sigmas"], dtype=np.float64),
        use_area=ground_truth["area"] == "segment",
    )
    _run(evaluation)
    if levels is None:
        evaluation.summarize()
        return dict(zip(COCO_METRICS, map(_defined, evaluation.stats), strict=True))
    found = [
        _mean(evaluation.eval[kind], place)
        for kind in ("precision", "recall")
        for place in (None, 0.5, 0.75)
    ]
    found += [_level(evaluation, images) for images in _by_level(ground_truth)]
    return dict(zip(CROWD_METRICS, found, strict=True))


def _check(ground_truth: Mapping[str, Any], predictions: Iterable[Mapping[str, Any]]) -> None:
    known = {image["id"] for image in ground_truth["dataset"]["images"]}
    numbers = 3 * len(ground_truth["sigmas"])
    for row in predictions:
        if row["image_id"] not in known:
            raise UserError(
                f"a pose is on the picture {row['image_id']}, which the ground truth does not have"
            )
        if len(row["keypoints"]) != numbers:
            raise UserError(
                f"a pose on the picture {row['image_id']} has {len(row['keypoints'])} numbers",
                expected=f"{numbers}: column, row and a third one for each joint",
            )


def _run(evaluation: Any) -> None:
    evaluation.evaluate()
    evaluation.accumulate()


def _mean(values: Any, threshold: float | None) -> float:
    """Return the mean of what is defined over people of all sizes, at one OKS or at all ten."""
    # the first axis is the OKS from 0.5 on in steps of 0.05; the last but one, sizes: all first
    chosen = np.asarray(values)[..., 0, -1]
    if threshold is not None:
        chosen = chosen[round((threshold - 0.5) / 0.05)]
    defined = chosen[chosen > -1]
    return float(defined.mean()) if defined.size else math.nan


def _level(evaluation: Any, images: list[int]) -> float:
    """Return the AP of some pictures as CrowdPose's tool does: a plain mean, rounded."""
    evaluation.params.imgIds = images
    if not images:
        return math.nan
    _run(evaluation)
    return _defined(round(float(np.mean(evaluation.eval["precision"][..., 0, :])), 4))


def _by_level(ground_truth: Mapping[str, Any]) -> list[list[int]]:
    easy, medium = ground_truth["levels"]
    levels: list[list[int]] = [[], [], []]
    for image in ground_truth["dataset"]["images"]:
        crowd = image["crowdIndex"]
        levels[(crowd >= easy) + (crowd >= medium)].append(image["id"])
    return levels


def _defined(value: float) -> float:
    return float(value) if value > -1 else math.nan
