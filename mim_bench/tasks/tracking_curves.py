"""Overlaps, distances and their curves over many sequences at once. (No torch.)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]


def overlaps(boxes: Numbers, others: Numbers, tiny: float = 0.0) -> Numbers:
    """Return the intersection over union of pairs of boxes.

    Args:
        boxes: (N, 4) x, y, width, height.
        others: (N, 4) likewise.
        tiny: Added to the union, as some toolkits do.

    Returns:
        (N,); NaN where both are empty and `tiny` is 0, or a side is NaN.
    """
    # a corner that is NaN leaves the other box's, as in MATLAB and in pandas
    low = np.fmax(boxes[:, :2], others[:, :2])
    high = np.fmin(boxes[:, :2] + boxes[:, 2:], others[:, :2] + others[:, 2:])
    sides = np.maximum(high - low, 0.0)
    common = sides[:, 0] * sides[:, 1]
    areas = boxes[:, 2] * boxes[:, 3] + others[:, 2] * others[:, 3]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(common / (areas - common + tiny), np.float64)


def distances(boxes: Numbers, others: Numbers, sides: Numbers | None = None) -> Numbers:
    """Return how far the centres of pairs of boxes are from each other.

    Whether a toolkit's centre is x + w / 2, or half a pixel off that, cancels out.

    Args:
        boxes: (N, 4) x, y, width, height.
        others: (N, 4) likewise.
        sides: (N, 2) what each axis is divided by, None for nothing.

    Returns:
        (N,) in pixels, or in shares of `sides`.
    """
    apart = (boxes[:, :2] + boxes[:, 2:] / 2) - (others[:, :2] + others[:, 2:] / 2)
    if sides is not None:
        with np.errstate(invalid="ignore", divide="ignore"):
            apart = apart / sides
    return np.asarray(np.sqrt((apart**2).sum(axis=1)), np.float64)


def shares_above(
    values: Numbers, thresholds: Numbers, starts: npt.NDArray[np.int64], strict: bool
) -> npt.NDArray[np.int64]:
    """Count for each sequence the values above (or at) each threshold.

    Args:
        values: (N,) of all sequences, one after the other; NaN counts for none.
        thresholds: (K,) rising.
        starts: (S + 1,) where each sequence begins, and N.
        strict: Whether a value at a threshold is not above it.

    Returns:
        (S, K).
    """
    held = np.where(np.isnan(values), -np.inf, values)
    passed = np.searchsorted(thresholds, held, side="left" if strict else "right")
    # `passed` thresholds lie below: threshold k is among them for k < passed
    counts = _by_bin(passed, len(thresholds), starts)
    return counts[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]


def shares_below(
    values: Numbers, thresholds: Numbers, starts: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Count for each sequence the values at or below each threshold; NaN counts for none.

    Arguments and result as of `shares_above`.
    """
    held = np.where(np.isnan(values), np.inf, values)
    first = np.searchsorted(thresholds, held, side="left")
    return _by_bin(first, len(thresholds), starts).cumsum(axis=1)[:, :-1]


def sums(values: npt.NDArray[Any], starts: npt.NDArray[np.int64]) -> Numbers:
    """Return the sum of the values of each sequence: (S,)."""
    whole = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    return np.asarray(whole[starts[1:]] - whole[starts[:-1]], np.float64)


def _by_bin(
    bins: npt.NDArray[np.intp], count: int, starts: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Count the values of each sequence in each of count + 1 bins: (S, count + 1)."""
    sequences = len(starts) - 1
    owner = np.repeat(np.arange(sequences), np.diff(starts))
    found = np.bincount(owner * (count + 1) + bins, minlength=sequences * (count + 1))
    return found.reshape(sequences, count + 1)
