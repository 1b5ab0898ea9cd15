"""Ground truth of a keypoint evaluation: checked once, kept as the evaluator takes it. (No torch.)

Two rules are known; their joints, areas and groups differ:

=========  ======  ====================================  =======================================
rule       joints  area of a person                      groups
=========  ======  ====================================  =======================================
COCO       17      the annotation's own, of its segment  by area: medium (32² to 96²), large
CrowdPose  14      0.53 x width x height of the box      by the image's crowdIndex: easy (< 0.2),
                                                         medium (< 0.8), hard
=========  ======  ====================================  =======================================
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mim_bench.errors import UserError, unknown
from mim_bench.tasks.oks import SIGMAS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

PERSON = 1
"""The category of people in both datasets; annotations of others are left out."""

BOX_SHARE = 0.53
"""The part of its box that a person covers where the area isn't annotated (CrowdPose)."""

RULES: dict[str, dict[str, Any]] = {
    "coco": {"sigmas": list(SIGMAS["coco"]), "area": "segment", "levels": None},
    "crowdpose": {"sigmas": list(SIGMAS["crowdpose"]), "area": "box", "levels": [0.2, 0.8]},
}
"""What a ground truth says beside its `dataset`, for each rule (see `keypoint_truth`)."""

LEVELS = ("easy", "medium", "hard")


def keypoint_truth(annotations: str | Path | Mapping[str, Any], rule: str) -> dict[str, Any]:
    """Return the ground truth of an official annotation file, as `evaluate_keypoints` takes it.

    Args:
        annotations: The JSON file (`person_keypoints_val2017.json`, `crowdpose_test.json`), or
            its content.
        rule: A name of `RULES`.

    Returns:
        {"dataset": the content, "sigmas": one per joint, "area": "segment" or "box", "levels":
        None or the two limits of crowdIndex between easy, medium and hard}.

    Raises:
        UserError: Unknown rule; the file is missing or no JSON object.
    """
    if rule not in RULES:
        raise UserError([unknown("rule", rule, RULES)])
    if not isinstance(annotations, (str, Path)):
        return {"dataset": annotations, **RULES[rule]}
    try:
        content = json.loads(Path(annotations).read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(
            f"can't be read: {error.strerror or error}",
            where=str(annotations),
            expected="an annotation file with keypoints",
        ) from error
    except ValueError as error:
        raise UserError(
            f"is no valid JSON: {error}",
            where=str(annotations),
            action="download the annotations again",
        ) from error
    if not isinstance(content, dict):
        raise UserError("holds no JSON object", where=str(annotations))
    return {"dataset": content, **RULES[rule]}


@dataclass(frozen=True)
class Truth:
    """A checked ground truth; nothing of what it was made from is shared or changed.

    Attributes:
        images: The images' ids, in the file's order.
        people: The annotations of people, numbered from 1 in the file's order: an evaluator
            takes a match with number 0 for none, silently.
        sigmas: (K,) float64.
        groups: Name -> ids of its images; empty where groups go by area.
    """

    images: list[int]
    people: list[dict[str, Any]]
    sigmas: NDArray[np.float64]
    groups: dict[str, list[int]]

    @classmethod
    def check(cls, ground_truth: Mapping[str, Any]) -> Truth:
        """Check a ground truth (see `keypoint_truth`).

        Raises:
            UserError: An annotation or an image lacks what the rule needs.
        """
        dataset = ground_truth["dataset"]
        sigmas = np.asarray(ground_truth["sigmas"], np.float64)
        own_area = ground_truth["area"] == "segment"
        people: list[dict[str, Any]] = []
        for annotation in dataset["annotations"]:
            if annotation.get("category_id", PERSON) == PERSON:
                person = _person(annotation, len(sigmas), own_area)
                people.append({"id": len(people) + 1, **person})
        images = [int(image["id"]) for image in dataset["images"]]
        strangers = {person["image_id"] for person in people} - set(images)
        if strangers:
            raise UserError(
                f"the ground truth has people on {len(strangers)} images that it doesn't list",
                where=f"image_id {min(strangers)}",
            )
        return cls(images, people, sigmas, _groups(dataset["images"], ground_truth["levels"]))


def _person(annotation: Mapping[str, Any], joints: int, own_area: bool) -> dict[str, Any]:
    """Return what the evaluator looks at of one annotation, copied."""
    where = f"annotation {annotation.get('id')}"
    try:
        x, y, width, height = (float(value) for value in annotation["bbox"])
        keypoints = [float(value) for value in annotation["keypoints"]]
        person = {
            "image_id": int(annotation["image_id"]),
            "category_id": PERSON,
            "iscrowd": int(annotation.get("iscrowd", 0)),
            "num_keypoints": int(annotation["num_keypoints"]),
            "area": float(annotation["area"]) if own_area else width * height * BOX_SHARE,
            "bbox": [x, y, width, height],
            "keypoints": keypoints,
        }
    except (KeyError, TypeError, ValueError) as error:
        fields = "image_id, bbox, keypoints, num_keypoints" + (", area" if own_area else "")
        raise UserError(
            f"has no usable {error.args[0]}" if isinstance(error, KeyError) else str(error),
            where=where,
            expected=f"annotations of people with keypoints: {fields}",
        ) from error
    if len(keypoints) != 3 * joints:
        raise UserError(
            f"has {len(keypoints)} keypoint values",
            where=where,
            expected=f"{3 * joints}: x, y and visibility of {joints} joints",
        )
    return person


def _groups(images: list[Mapping[str, Any]], levels: list[float] | None) -> dict[str, list[int]]:
    """Sort the images' ids into the levels of crowdIndex; it may exceed 1."""
    if levels is None:
        return {}
    groups: dict[str, list[int]] = {name: [] for name in LEVELS}
    for image in images:
        if "crowdIndex" not in image:
            raise UserError(
                "has no crowdIndex",
                where=f"image {image['id']}",
                expected="the images of CrowdPose, by whose crowdIndex its AP is split",
            )
        level = sum(float(image["crowdIndex"]) >= limit for limit in levels)
        groups[LEVELS[level]].append(int(image["id"]))
    return groups
