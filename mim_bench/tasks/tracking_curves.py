"""Overlaps, distances and their curves over many sequences at once. (No torch.)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Iterator

Numbers = npt.NDArray[np.float64]


_BLOCK = 8192
"""Frames that are looked at together, so that what is between stays in the processor's cache."""


def overlaps(
    boxes: Numbers, others: Numbers, tiny: float = 0.0, within: Numbers | None = None
) -> Numbers:
    """Return the intersection over union of pairs of boxes.

    Args:
        boxes: (N, 4) x, y, width, height.
        others: (N, 4) likewise.
        tiny: Added to the union, as some toolkits do.
        within: (N, 2) width and height of pictures that both are cut to before, as GOT-10k's
            toolkit does: a corner that moves keeps its box's side.

    Returns:
        (N,); NaN where both are empty and `tiny` is 0, or a side is NaN.
    """
    found = np.empty(len(boxes))
    with np.errstate(invalid="ignore", divide="ignore"):
        for rows in _blocks(len(boxes)):
            one, other = _columns(boxes[rows]), _columns(others[rows])
            if within is not None:
                one, other = (_cut(part, _columns(within[rows])) for part in (one, other))
            common = _common(one[::2], other[::2]) * _common(one[1::2], other[1::2])
            areas = one[2] * one[3] + other[2] * other[3]
            found[rows] = common / (areas - common + tiny)
    return found


def distances(boxes: Numbers, others: Numbers) -> tuple[Numbers, Numbers]:
    """Return how far the centres of pairs of boxes are from each other.

    Whether a toolkit's centre is x + w / 2, or half a pixel off that, cancels out.

    Args:
        boxes: (N, 4) x, y, width, height.
        others: (N, 4) likewise.

    Returns:
        (N,) in pixels, and (N,) where each axis is divided by the side of the other box.
    """
    pixels, shares = np.empty(len(boxes)), np.empty(len(boxes))
    with np.errstate(invalid="ignore", divide="ignore"):
        for rows in _blocks(len(boxes)):
            one, other = _columns(boxes[rows]), _columns(others[rows])
            apart = (one[:2] + one[2:] / 2) - (other[:2] + other[2:] / 2)
            scaled = apart / other[2:]
            pixels[rows] = np.sqrt(apart[0] * apart[0] + apart[1] * apart[1])
            shares[rows] = np.sqrt(scaled[0] * scaled[0] + scaled[1] * scaled[1])
    return pixels, shares


def _blocks(count: int) -> Iterator[slice]:
    return (slice(start, start + _BLOCK) for start in range(0, count, _BLOCK))


def _columns(table: Numbers) -> Numbers:
    return np.ascontiguousarray(table.T)


def _common(one: Numbers, other: Numbers) -> Numbers:
    """Return what two segments, each (2, N) start and length, have in common."""
    # a number that is NaN leaves the other box's, as in MATLAB and in pandas
    high = np.fmin(one[0] + one[1], other[0] + other[1])
    return np.asarray(np.maximum(high - np.fmax(one[0], other[0]), 0.0), np.float64)


def _cut(boxes: Numbers, size: Numbers) -> Numbers:
    corners = np.minimum(np.maximum(boxes[:2], 0), size)
    return np.concatenate([corners, np.minimum(np.maximum(boxes[2:], 0), size - corners)])


def shares_above(
    values: Numbers, thresholds: Numbers, starts: npt.NDArray[np.int64], strict: bool
) -> npt.NDArray[np.int64]:
    """Count for each sequence the values above (or at) each threshold.

    Args:
        values: (N,) of all sequences, one after the other; NaN counts for none.
        thresholds: (K,) rising evenly from 0.
        starts: (S + 1,) where each sequence begins, and N.
        strict: Whether a value at a threshold is not above it.

    Returns:
        (S, K).
    """
    held = np.where(np.isnan(values), -np.inf, values)
    passed = _passed(held, thresholds, strict)
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
    first = _passed(held, thresholds, strict=True)
    return _by_bin(first, len(thresholds), starts).cumsum(axis=1)[:, :-1]


def sums(values: npt.NDArray[Any], starts: npt.NDArray[np.int64]) -> Numbers:
    """Return the sum of the values of each sequence, none of which is empty: (S,)."""
    return np.asarray(np.add.reduceat(values, starts[:-1], dtype=np.float64))


def _passed(values: Numbers, thresholds: Numbers, strict: bool) -> npt.NDArray[np.intp]:
    """Return how many thresholds lie below (or at) each value, as `searchsorted` would.

    The place is computed, and then put right where rounding moved it by one.
    """
    last, step = len(thresholds) - 1, thresholds[1]
    below = np.less if strict else np.less_equal
    ends = np.concatenate([thresholds, [np.nan]])  # which nothing is above
    found = np.empty(len(values), np.intp)
    for rows in _blocks(len(values)):
        part = values[rows]
        guess = np.clip(part / step, 0, last).astype(np.intp)
        found[rows] = guess + below(ends[guess], part)
        found[rows] += below(ends[guess + 1], part)
    return found


def _by_bin(
    bins: npt.NDArray[np.intp], count: int, starts: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Count the values of each sequence in each of count + 1 bins: (S, count + 1)."""
    sequences = len(starts) - 1
    owner = np.repeat(np.arange(sequences), np.diff(starts))
    found = np.bincount(owner * (count + 1) + bins, minlength=sequences * (count + 1))
    return found.reshape(sequences, count + 1)
