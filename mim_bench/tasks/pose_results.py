"""From pose records to results: rescored, without duplicates, scored or packed. (No torch.)."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from mim_bench.errors import Problem, UserError
from mim_bench.tasks.oks import instance_scores, oks_nms
from mim_bench.tasks.oks_evaluation import evaluate_keypoints
from mim_bench.tasks.submissions import Submission, read_archive

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

PEAKS_ABOVE, OKS_NMS = 0.2, 0.9
"""The published test options."""

PER_IMAGE = 20
"""COCO's evaluation looks at so many of a picture's poses, the best ones."""


def results_of(
    records: Iterable[Mapping[str, Any]], sigmas: Sequence[float], options: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return poses in COCO's result format, in the order of pictures, the best first.

    Args:
        records: See `PoseTask.records`.
        sigmas: Of the joints.
        options: `peaks_above` and `oks_nms`; by default the published ones, and with None scores
            stay as they are, and all poses are kept.
    """
    above = options.get("peaks_above", PEAKS_ABOVE)
    alike = options.get("oks_nms", OKS_NMS)
    by_image: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for record in records:
        by_image[int(record["image"])].append(record)
    results = []
    for image, people in sorted(by_image.items()):
        joints = np.array([person["keypoints"] for person in people]).reshape(len(people), -1, 3)
        boxes = np.array([person["score"] for person in people])
        areas = np.array([person["area"] for person in people])
        scores = boxes if above is None else instance_scores(boxes, joints[..., 2], above)
        kept = (
            np.argsort(-scores, kind="stable").tolist()
            if alike is None
            else oks_nms(joints, scores, areas, sigmas, alike).tolist()
        )
        results += [
            {
                "image_id": image,
                "category_id": 1,
                "keypoints": joints[index].reshape(-1).tolist(),
                "score": float(scores[index]),
            }
            for index in kept
        ]
    return results


def scores_of(
    records: Sequence[Mapping[str, Any]],
    ground_truth: Mapping[str, Any],
    options: Mapping[str, Any],
    names: Iterable[str],
) -> dict[str, float]:
    """Return the named metrics in per cent, NaN for those that the dataset does not have."""
    return in_per_cent(ground_truth, results_of(records, ground_truth["sigmas"], options), names)


def in_per_cent(
    ground_truth: Mapping[str, Any], results: Sequence[Mapping[str, Any]], names: Iterable[str]
) -> dict[str, float]:
    """Return the named metrics of results, as `scores_of` does."""
    found = evaluate_keypoints(ground_truth, results)
    return {name: 100 * found.get(name, math.nan) for name in names}


def submission_of(
    records: Sequence[Mapping[str, Any]],
    info: Mapping[str, Any],
    options: Mapping[str, Any],
    algorithm: str,
) -> Submission:
    """Return the results as COCO's server takes them, in one file without a folder.

    Places are rounded to a hundredth of a pixel, far below what OKS sees.

    Args:
        records: See `PoseTask.records`.
        info: `DatasetInfo` as a dictionary; its `sigmas` are used.
        options: See `results_of`.
        algorithm: What the file's name calls the method.
    """
    kept: Counter[int] = Counter()
    rows = []
    for result in results_of(records, info["sigmas"], options):
        kept[result["image_id"]] += 1
        if kept[result["image_id"]] > PER_IMAGE:
            continue
        rows.append({**result, "keypoints": [round(value, 2) for value in result["keypoints"]]})
    # the server splits the name at its underscores
    stem = f"person_keypoints_test-dev2017_{algorithm.replace('_', '-')}_results"
    content = json.dumps(rows, separators=(",", ":")).encode()
    return Submission(
        f"{stem}.zip", {f"{stem}.json": content}, "COCO's keypoint server (test-dev2017)"
    )


def read_submission(
    path: Path, joints: int, images: Iterable[int] | None = None
) -> list[dict[str, Any]]:
    """Read an archive for COCO's keypoint server, and check what the server would refuse.

    Args:
        path: The archive.
        joints: Number of joints.
        images: The split's picture numbers; None does not check them.

    Returns:
        Its results.

    Raises:
        UserError: It is no such archive: everything that is wrong is named.
    """
    files = read_archive(path)
    names = list(files)
    if len(names) != 1 or "/" in names[0] or not names[0].endswith("_results.json"):
        raise UserError(
            f"holds {', '.join(names[:5]) or 'nothing'}",
            where=str(path),
            expected="one file person_keypoints_test-dev2017_<name>_results.json, in no folder",
        )
    place = f"{path}, {names[0]}"
    try:
        rows = json.loads(files[names[0]])
    except ValueError as error:
        raise UserError(f"is no JSON: {error}", where=place) from error
    if not isinstance(rows, list) or not rows:
        raise UserError("holds no results", where=place, expected="a list of poses")
    known = None if images is None else set(images)
    problems: list[Problem] = []
    counts: Counter[Any] = Counter()
    for number, row in enumerate(rows):
        problems += [
            Problem(what, f"{place}, entry {number}") for what in _wrong(row, joints, known)
        ]
        if isinstance(row, dict):
            counts[row.get("image_id")] += 1
    problems += [
        Problem(f"{count} poses in picture {image}", place, f"{PER_IMAGE} at most")
        for image, count in counts.items()
        if count > PER_IMAGE
    ]
    if problems:
        raise UserError(problems[:20])
    return rows


def _wrong(row: Any, joints: int, known: set[int] | None) -> list[str]:
    if not isinstance(row, dict):
        return ["is no object"]
    wrong = []
    image = row.get("image_id")
    if not isinstance(image, int) or isinstance(image, bool):
        wrong.append(f"image_id is {image!r}, not a whole number")
    elif known is not None and image not in known:
        wrong.append(f"image_id {image} is not of this split")
    if row.get("category_id") != 1:
        wrong.append(f"category_id is {row.get('category_id')!r}, not 1")
    places = row.get("keypoints")
    if not isinstance(places, list) or len(places) != 3 * joints or not _finite(places):
        wrong.append(f"keypoints are not {3 * joints} finite numbers")
    if not _finite([row.get("score")]):
        wrong.append(f"score is {row.get('score')!r}, not a finite number")
    return wrong


def _finite(values: list[Any]) -> bool:
    return all(
        isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        for value in values
    )
