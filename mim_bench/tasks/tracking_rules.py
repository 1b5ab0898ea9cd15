"""How GOT-10k, TrackingNet, LaSOT and SwinTrack score tracks, each with its quirks. (No torch.)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mim_bench.errors import Problem, UserError, unknown
from mim_bench.tasks.tracking_curves import (
    distances,
    overlaps,
    shares_above,
    shares_below,
    sums,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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

_OVERLAPS = np.linspace(0, 1, 21)
_PIXELS = np.arange(51, dtype=np.float64)
_CUT_PIXELS = 20  # the place of 20 pixels, and of 0.20, in their curves
_EPS = float(np.finfo(float).eps)


@dataclass(frozen=True)
class TrackingScores:
    """What tracks are worth under some rules; fractions of 1.

    Attributes:
        values: Metric -> value.
        sequences: Sequence -> metric -> value.
        attributes: Attribute -> metric -> mean over the sequences that have it.
        curves: Name of a curve -> thresholds and shares of frames.
    """

    values: dict[str, float]
    sequences: dict[str, dict[str, float]]
    attributes: dict[str, dict[str, float]] = field(default_factory=dict)
    curves: dict[str, tuple[Numbers, Numbers]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class _Frames:
    """All sequences, one after the other.

    Attributes:
        names: Of the S sequences.
        starts: (S + 1,).
        truth: (N, 4).
        found: (N, 4).
        absent: (N,) bool.
        others: Further numbers of each frame, by name.
    """

    names: list[str]
    starts: npt.NDArray[np.int64]
    truth: Numbers
    found: Numbers
    absent: npt.NDArray[np.bool_]
    others: dict[str, npt.NDArray[Any]]

    @property
    def first(self) -> npt.NDArray[np.int64]:
        """Rows of the first frames."""
        return self.starts[:-1]

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Frames of each sequence."""
        return np.diff(self.starts)


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
    scored: TrackingScores = _BY_RULES[rules](frames)
    return TrackingScores(
        scored.values, scored.sequences, _by_attribute(truth, scored.sequences), scored.curves
    )


def _gather(
    rules: str, truth: Mapping[str, Any], tracks: Mapping[str, npt.NDArray[Any]]
) -> _Frames:
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
        if len(found) < len(boxes) or (len(found) > len(boxes) and not spare):
            has = "no track" if track is None else f"{len(found):,} boxes"
            problems.append(Problem(f"has {has}", f"sequence {name}", f"{len(boxes):,} boxes"))
            continue
        found = found[: len(boxes)].copy()
        found[:, :2] += origin
        parts.append((name, one, boxes, found))
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
    return _Frames(
        [name for name, _, _, _ in parts],
        np.cumsum([0, *lengths]).astype(np.int64),
        np.concatenate([boxes for _, _, boxes, _ in parts]),
        np.concatenate([found for _, _, _, found in parts]),
        np.concatenate(absent),
        others,
    )


def _got10k(frames: _Frames) -> TrackingScores:
    """GOT-10k's toolkit on its validation sequences."""
    size = frames.others["size"]
    counted = frames.others["cover"] > 0
    counted[frames.first] = False
    found = overlaps(_bounded(frames.found, size), _bounded(frames.truth, size), _EPS)
    found = np.where(counted, np.clip(found, 0.0, 1.0), 0.0)
    per = np.maximum(sums(counted, frames.starts), 1)
    hits = {"sr50": (found > 0.5) & counted, "sr75": (found > 0.75) & counted}
    total = max(int(counted.sum()), 1)
    values = {"ao": float(np.nansum(found) / total)}
    rows = {"ao": sums(np.nan_to_num(found), frames.starts) / per}
    for name, hit in hits.items():
        values[name] = float(hit.sum() / total)
        rows[name] = sums(hit, frames.starts) / per
    grid = np.linspace(0, 1, 101)
    kept = np.where(counted, found, -1.0)
    whole = np.array([0, len(found)])
    curve = shares_above(kept, grid, whole, strict=True)[0] / total
    return TrackingScores(values, _rows(frames, rows), curves={"overlap": (grid, curve)})


def _bounded(boxes: Numbers, size: Numbers) -> Numbers:
    """Cut boxes to their pictures as GOT-10k's toolkit does: a moved corner keeps its side."""
    corners = np.clip(boxes[:, :2], 0, size)
    return np.concatenate([corners, np.clip(boxes[:, 2:], 0, size - corners)], axis=1)


def _trackingnet(frames: _Frames) -> TrackingScores:
    """TrackingNet's devkit."""
    truth, found = np.round(frames.truth), np.round(frames.found)
    found[frames.first] = truth[frames.first]
    counts = frames.lengths[:, None]
    success = shares_above(overlaps(found, truth), _OVERLAPS, frames.starts, strict=False) / counts
    pixels, shares = np.linspace(0, 50, 21), np.linspace(0, 0.5, 21)
    near = shares_below(distances(found, truth), pixels, frames.starts) / counts
    scaled = distances(found, truth, sides=truth[:, 2:])
    norm = shares_below(scaled, shares, frames.starts) / counts
    curves = {"suc": success, "precision": near, "norm_precision": norm}
    rows = {name: _trapezoids(curve) for name, curve in curves.items()}
    values = {
        name: float(_trapezoids(curve.mean(axis=0)[None])[0]) for name, curve in curves.items()
    }
    shown = {
        "success": (_OVERLAPS, success.mean(axis=0)),
        "precision": (pixels, near.mean(axis=0)),
        "norm_precision": (shares, norm.mean(axis=0)),
    }
    return TrackingScores(values, _rows(frames, rows), curves=shown)


def _trapezoids(curves: Numbers) -> Numbers:
    """Return the area under curves (S, 21) over thresholds from 0 to 1."""
    return np.asarray((curves[:, 1:] + curves[:, :-1]).sum(axis=1) / 2 / (curves.shape[1] - 1))


def _lasot(frames: _Frames) -> TrackingScores:
    """LaSOT's toolkit, and the same divided by the frames with the target alone."""
    found = _last_good(frames)
    found[frames.first] = frames.truth[frames.first]
    truth, kept = frames.truth, ~frames.absent
    boxed = (truth > 0).all(axis=1)
    overlap = np.where(boxed, overlaps(found, truth), -1.0)
    near = np.where(boxed, distances(found, truth), -1.0)
    scaled = np.where(boxed, distances(found, truth, sides=truth[:, 2:]), -1.0)
    return _curves(frames, kept, overlap, near, scaled, strict=True)


def _last_good(frames: _Frames) -> Numbers:
    """Put the row before in the place of rows that are NaN or have no size."""
    found = frames.found
    with np.errstate(invalid="ignore"):
        bad = np.isnan(found).any(axis=1) | (found[:, 2:] <= 0).any(axis=1)
    bad = np.asarray(bad & ~np.isnan(frames.truth).any(axis=1))
    bad[frames.first] = False
    rows = np.where(bad, 0, np.arange(len(found)))
    return np.asarray(found[np.maximum.accumulate(rows)], np.float64)


def _swintrack(frames: _Frames) -> TrackingScores:
    """SwinTrack's own evaluation, on boxes as they are (its are smaller by a pixel)."""
    found, truth = frames.found.copy(), frames.truth
    found[frames.first] = truth[frames.first]
    kept = ~frames.absent & np.isfinite(truth).all(axis=1) & (truth[:, 2:] > 0).all(axis=1)
    with np.errstate(invalid="ignore"):
        good = np.isfinite(found).all(axis=1) & (found[:, 2:] > 0).all(axis=1)
    overlap = np.where(good, overlaps(found, truth), 0.0)
    near = np.where(good, distances(found, truth), np.inf)
    scaled = np.where(good, distances(found, truth, sides=truth[:, 2:]), np.inf)
    none = np.where(overlap > 0, overlap, -1.0)
    scored = _curves(frames, kept, none, near, scaled, strict=False)
    per = np.maximum(sums(kept, frames.starts), 1)
    rows = {
        "ao": sums(np.where(kept, overlap, 0.0), frames.starts) / per,
        "sr50": sums(kept & (overlap >= 0.5), frames.starts) / per,
        "sr75": sums(kept & (overlap >= 0.75), frames.starts) / per,
    }
    names = ("suc", "precision", "norm_precision")
    values = {name: scored.values[f"{name}_visible"] for name in names}
    values |= {name: float(row.mean()) for name, row in rows.items()}
    sequences = _rows(frames, rows)
    for name, one in sequences.items():
        one.update({key: scored.sequences[name][f"{key}_visible"] for key in names})
    curves = {name: scored.curves[f"{name}_visible"] for name in ("success", *names[1:])}
    return TrackingScores(values, sequences, curves=curves)


def _curves(
    frames: _Frames,
    kept: npt.NDArray[np.bool_],
    overlap: Numbers,
    near: Numbers,
    scaled: Numbers,
    strict: bool,
) -> TrackingScores:
    """Make the three curves, divided by all frames and by those that are kept.

    Sequences whose curve is 0 everywhere are left out of the mean of LaSOT's toolkit.
    """
    overlap, near, scaled = (np.where(kept, one, np.nan) for one in (overlap, near, scaled))
    counts = {
        "success": shares_above(overlap, _OVERLAPS, frames.starts, strict),
        "precision": shares_below(near, _PIXELS, frames.starts),
        "norm_precision": shares_below(scaled, _PIXELS / 100, frames.starts),
    }
    thresholds = {"success": _OVERLAPS, "precision": _PIXELS, "norm_precision": _PIXELS / 100}
    visible = np.maximum(sums(kept, frames.starts), 1)[:, None]
    values: dict[str, float] = {}
    rows: dict[str, Numbers] = {}
    curves: dict[str, tuple[Numbers, Numbers]] = {}
    for ending, whole in (("", frames.lengths[:, None]), ("_visible", visible)):
        for name, count in counts.items():
            curve = count / whole
            some = curve[curve.sum(axis=1) > _EPS] if strict else curve
            mean = some.mean(axis=0) if len(some) else np.zeros(curve.shape[1])
            metric = ("suc" if name == "success" else name) + ending
            curves[name + ending] = thresholds[name], mean
            if name == "success":
                values[metric], rows[metric] = float(mean.mean()), curve.mean(axis=1)
            else:
                values[metric], rows[metric] = float(mean[_CUT_PIXELS]), curve[:, _CUT_PIXELS]
    return TrackingScores(values, _rows(frames, rows), curves=curves)


def _rows(frames: _Frames, rows: Mapping[str, Numbers]) -> dict[str, dict[str, float]]:
    return {
        name: {metric: float(values[k]) for metric, values in rows.items()}
        for k, name in enumerate(frames.names)
    }


def _by_attribute(
    truth: Mapping[str, Any], sequences: Mapping[str, Mapping[str, float]]
) -> dict[str, dict[str, float]]:
    groups: dict[str, list[Mapping[str, float]]] = {}
    for name, one in truth["sequences"].items():
        for attribute in one.get("attributes") or ():
            groups.setdefault(str(attribute), []).append(sequences[name])
    return {
        attribute: {
            "sequences": float(len(members)),
            **{key: float(np.mean([one[key] for one in members])) for key in members[0]},
        }
        for attribute, members in sorted(groups.items())
    }


_BY_RULES: dict[str, Callable[[_Frames], TrackingScores]] = {
    "got10k": _got10k,
    "trackingnet": _trackingnet,
    "lasot": _lasot,
    "swintrack": _swintrack,
}
