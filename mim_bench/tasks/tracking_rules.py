"""How GOT-10k, TrackingNet, LaSOT and SwinTrack score tracks, each with its quirks. (No torch.)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mim_bench.errors import Problem, UserError, unknown
from mim_bench.tasks.tracking_scoring import BY_RULES, Frames, TrackingScores

if TYPE_CHECKING:
    from collections.abc import Mapping

Numbers = npt.NDArray[np.float64]

METRICS: dict[str, tuple[str, ...]] = {
    "got10k": ("ao", "sr50", "sr75"),
    "trackingnet": ("suc", "precision", "norm_precision"),
    "lasot": (
        *("suc", "precision", "norm_precision"),
        *("suc_visible", "precision_visible", "norm_precision_visible"),
    ),
    "swintrack": ("suc", "precision", "norm_precision", "ao", "sr50", "sr75"),
}
"""Rules -> the metrics that they give."""

RULES = tuple(METRICS)

METRIC_OF = {"success": "suc", "success_visible": "suc_visible", "overlap": "ao"}
"""Curve -> the metric that it stands for, where they have two names."""

EXPLAINED: dict[str, dict[str, Any]] = {
    "got10k": {
        "frames": "all but the first, where the target's cover is above 0",
        "mean": "over all frames of all sequences",
        "success": "IoU > t",
        "boxes": "cut to the picture as GOT-10k's toolkit does",
    },
    "trackingnet": {
        "frames": "all; the first has the true box",
        "mean": "over sequences",
        "success": "IoU >= t",
        "boxes": "rounded to whole pixels",
        "area": "trapezoids over 21 thresholds",
    },
    "lasot": {
        "frames": "those with the target; *_visible divides by them, the others by all frames",
        "mean": "over sequences",
        "success": "IoU > t",
        "area": "mean over 21 thresholds",
        "precision": "at 20 pixels, normalised at 0.20",
    },
    "swintrack": {
        "frames": "those with the target; the first has the true box",
        "mean": "over sequences",
        "success": "IoU >= t, and an IoU of 0 counts for none",
        "area": "mean over 21 thresholds",
        "precision": "at 20 pixels, normalised at 0.20",
    },
}
"""What a protocol card says of rules."""


def evaluate(
    rules: str, truth: Mapping[str, Any], tracks: Mapping[str, npt.NDArray[Any]]
) -> TrackingScores:
    """Score tracks.

    Args:
        rules: One of `RULES`.
        truth: See `SequenceReader.ground_truth`.
        tracks: Sequence -> (N, 4) x, y, width, height in pixels, the first pixel being 0; they
            are brought to the pixels of the truth. Under TrackingNet's rules a sequence without a
            track has zeros for all boxes, and rows that lack count for nothing.

    Raises:
        UserError: There are no such rules, a sequence has no track or one of another length, or
            the truth lacks what the rules need.
    """
    if rules not in METRICS:
        raise UserError([unknown("rules", rules, RULES)])
    frames = _gather(rules, truth, tracks)
    scored: TrackingScores = BY_RULES[rules](frames)
    return replace(scored, attributes=_by_attribute(truth, scored))


def _gather(rules: str, truth: Mapping[str, Any], tracks: Mapping[str, npt.NDArray[Any]]) -> Frames:
    held, origin = truth["sequences"], float(truth.get("origin", 0))
    if not held:
        raise UserError("there is no sequence to be scored")
    lenient = rules == "trackingnet"
    problems, parts = [], []
    for name, one in held.items():
        boxes = np.asarray(one["boxes"], np.float64)
        track = tracks.get(name)
        found = np.asarray(np.zeros((0, 4)) if track is None else track, np.float64)
        if found.ndim != 2 or found.shape[1:] != (4,):
            problems.append(Problem(f"the track has the shape {found.shape}", name, "N rows of 4"))
            continue
        if track is None and lenient:
            found = np.zeros_like(boxes)
        elif lenient and len(found) < len(boxes):
            lacking = np.full((len(boxes) - len(found), 4), np.nan)
            found = np.concatenate([found, lacking])
        # more rows than frames: LaSOT's annotation of monkey-17 ends before its pictures do
        spare = lenient or rules in ("lasot", "swintrack")
        if not len(boxes):
            problems.append(Problem("has no frames", f"sequence {name} of the truth"))
            continue
        if len(found) < len(boxes) or (len(found) > len(boxes) and not spare):
            has = "no track" if track is None else f"{len(found):,} boxes"
            problems.append(Problem(f"has {has}", f"sequence {name}", f"{len(boxes):,} boxes"))
            continue
        parts.append((name, one, boxes, found[: len(boxes)]))
    if problems:
        raise UserError(problems)
    lengths = [len(boxes) for _, _, boxes, _ in parts]
    others: dict[str, npt.NDArray[Any]] = {}
    if rules == "got10k":
        if any("cover" not in one for _, one, _, _ in parts):
            raise UserError(
                "these sequences have no cover labels",
                where="rules: got10k",
                expected="sequences of GOT-10k, or other rules",
            )
        others["cover"] = np.concatenate([np.asarray(one["cover"]) for _, one, _, _ in parts])
        sizes = np.array([one["size"] for _, one, _, _ in parts], np.float64)
        others["size"] = np.repeat(sizes, lengths, axis=0)
    absent = [
        np.asarray(one.get("absent", np.zeros(len(boxes))), bool) for _, one, boxes, _ in parts
    ]
    together = np.concatenate([found for _, _, _, found in parts])
    if origin:
        together[:, :2] += origin
    return Frames(
        [name for name, _, _, _ in parts],
        np.cumsum([0, *lengths]).astype(np.int64),
        np.concatenate([boxes for _, _, boxes, _ in parts]),
        together,
        np.concatenate(absent),
        others,
    )


def _by_attribute(truth: Mapping[str, Any], scored: TrackingScores) -> dict[str, dict[str, float]]:
    groups: dict[str, list[str]] = {}
    for name, one in truth["sequences"].items():
        for attribute in one.get("attributes") or ():
            groups.setdefault(str(attribute), []).append(name)
    found = {}
    for attribute, names in sorted(groups.items()):
        found[attribute] = {"sequences": float(len(names))}
        for metric in scored.sequences[names[0]]:
            left_out = scored.left_out.get(metric, frozenset())
            used = [scored.sequences[name][metric] for name in names if name not in left_out]
            found[attribute][metric] = float(np.mean(used)) if used else 0.0
    return found
