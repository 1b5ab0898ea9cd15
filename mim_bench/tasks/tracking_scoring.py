"""Each benchmark's own way from overlaps and distances to its numbers. (No torch.)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

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

_OVERLAPS = np.linspace(0, 1, 21)
# MATLAB counts 0:0.05:1 from both ends: an overlap of exactly 0.65 is where this shows
_LASOT_OVERLAPS = np.concatenate([0.05 * np.arange(11), 1 - 0.05 * np.arange(9, -1, -1)])
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
        left_out: Metric -> sequences that its means leave out.
    """

    values: dict[str, float]
    sequences: dict[str, dict[str, float]]
    attributes: dict[str, dict[str, float]] = field(default_factory=dict)
    curves: dict[str, tuple[Numbers, Numbers]] = field(default_factory=dict)
    left_out: dict[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Frames:
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


def _got10k(frames: Frames) -> TrackingScores:
    """GOT-10k's toolkit on its validation sequences."""
    size = frames.others["size"]
    counted = frames.others["cover"] > 0
    counted[frames.first] = False
    found = overlaps(frames.found, frames.truth, _EPS, size)
    known = counted & ~_any(np.isnan(frames.found))  # the toolkit's mean would be NaN
    found = np.where(known, np.clip(found, 0.0, 1.0), 0.0)
    per = np.maximum(sums(counted, frames.starts), 1)
    hits = {"sr50": (found > 0.5) & counted, "sr75": (found > 0.75) & counted}
    total = max(int(counted.sum()), 1)
    values = {"ao": float(found.sum() / total)}
    rows = {"ao": sums(found, frames.starts) / per}
    for name, hit in hits.items():
        values[name] = float(hit.sum() / total)
        rows[name] = sums(hit, frames.starts) / per
    grid = np.linspace(0, 1, 101)
    kept = np.where(counted, found, -1.0)
    whole = np.array([0, len(found)])
    curve = shares_above(kept, grid, whole, strict=True)[0] / total
    return TrackingScores(values, _rows(frames, rows), curves={"overlap": (grid, curve)})


def _trackingnet(frames: Frames) -> TrackingScores:
    """TrackingNet's devkit."""
    truth, found = np.round(frames.truth), np.round(frames.found)
    found[frames.first] = truth[frames.first]
    counts = frames.lengths[:, None]
    success = shares_above(overlaps(found, truth), _OVERLAPS, frames.starts, strict=False) / counts
    pixels, shares = np.linspace(0, 50, 21), np.linspace(0, 0.5, 21)
    near, norm = distances(found, truth)
    near = shares_below(near, pixels, frames.starts) / counts
    norm = shares_below(norm, shares, frames.starts) / counts
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


def _lasot(frames: Frames) -> TrackingScores:
    """LaSOT's toolkit, and the same divided by the frames with the target alone."""
    found = _last_good(frames)
    found[frames.first] = frames.truth[frames.first]
    truth, kept = frames.truth, ~frames.absent
    unboxed = _any(truth <= 0)
    overlap = overlaps(found, truth)
    near, scaled = distances(found, truth)
    for part in (overlap, near, scaled):
        part[unboxed] = -1.0
    return _curves(frames, kept, overlap, near, scaled, strict=True)


def _last_good(frames: Frames) -> Numbers:
    """Put the row before in the place of rows that are NaN or have no size."""
    found = frames.found
    with np.errstate(invalid="ignore"):
        bad = _any(np.isnan(found)) | _any(found[:, 2:] <= 0)
    bad = bad & ~_any(np.isnan(frames.truth))
    bad[frames.first] = False
    rows = np.where(bad, 0, np.arange(len(found)))
    places = np.flatnonzero(bad)
    repeated = np.array(found, np.float64)
    repeated[places] = found[np.maximum.accumulate(rows)[places]]
    return repeated


def _any(table: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return whether any of the few columns holds: (N,)."""
    return np.asarray(np.logical_or.reduce(list(table.T)), np.bool_)


def _swintrack(frames: Frames) -> TrackingScores:
    """SwinTrack's own evaluation, on boxes as they are (its are smaller by a pixel)."""
    found, truth = frames.found.copy(), frames.truth
    found[frames.first] = truth[frames.first]
    kept = ~(frames.absent | _any(~np.isfinite(truth)) | _any(truth[:, 2:] <= 0))
    with np.errstate(invalid="ignore"):
        good = ~(_any(~np.isfinite(found)) | _any(found[:, 2:] <= 0))
    overlap = np.where(good, overlaps(found, truth), 0.0)
    near, scaled = (np.where(good, part, np.inf) for part in distances(found, truth))
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
    frames: Frames,
    kept: npt.NDArray[np.bool_],
    overlap: Numbers,
    near: Numbers,
    scaled: Numbers,
    strict: bool,
) -> TrackingScores:
    """Make the three curves, divided by all frames and by those that are kept.

    Sequences whose curve is 0 everywhere are left out of the mean of LaSOT's toolkit.
    """
    grid = _LASOT_OVERLAPS if strict else _OVERLAPS
    overlap, near, scaled = (np.where(kept, one, np.nan) for one in (overlap, near, scaled))
    counts = {
        "success": shares_above(overlap, grid, frames.starts, strict),
        "precision": shares_below(near, _PIXELS, frames.starts),
        "norm_precision": shares_below(scaled, _PIXELS / 100, frames.starts),
    }
    thresholds = {"success": grid, "precision": _PIXELS, "norm_precision": _PIXELS / 100}
    visible = np.maximum(sums(kept, frames.starts), 1)[:, None]
    values: dict[str, float] = {}
    rows: dict[str, Numbers] = {}
    curves: dict[str, tuple[Numbers, Numbers]] = {}
    left_out: dict[str, frozenset[str]] = {}
    for ending, whole in (("", frames.lengths[:, None]), ("_visible", visible)):
        for name, count in counts.items():
            curve = count / whole
            used = (curve.sum(axis=1) > _EPS) | (not strict)
            mean = curve[used].mean(axis=0) if used.any() else np.zeros(curve.shape[1])
            metric = ("suc" if name == "success" else name) + ending
            left_out[metric] = frozenset(np.array(frames.names)[~used].tolist())
            curves[name + ending] = thresholds[name], mean
            if name == "success":
                values[metric], rows[metric] = float(mean.mean()), curve.mean(axis=1)
            else:
                values[metric], rows[metric] = float(mean[_CUT_PIXELS]), curve[:, _CUT_PIXELS]
    return TrackingScores(values, _rows(frames, rows), curves=curves, left_out=left_out)


def _rows(frames: Frames, rows: Mapping[str, Numbers]) -> dict[str, dict[str, float]]:
    return {
        name: {metric: float(values[k]) for metric, values in rows.items()}
        for k, name in enumerate(frames.names)
    }


BY_RULES: dict[str, Callable[[Frames], TrackingScores]] = {
    "got10k": _got10k,
    "trackingnet": _trackingnet,
    "lasot": _lasot,
    "swintrack": _swintrack,
}
"""Rules -> what scores frames under them."""
