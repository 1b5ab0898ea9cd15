"""Object keypoint similarity, its suppression of duplicates, and scores of poses. (No torch.)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

Floats = npt.NDArray[np.floating[Any]]


def oks(
    pose: Floats,
    others: Floats,
    area: float,
    areas: Floats,
    sigmas: Sequence[float] | Floats,
) -> npt.NDArray[np.float64]:
    """Return how alike predicted poses are: 1 for the same, towards 0 with distance.

    All joints count, and a pair's area is the mean of both. Source: the NMS of Simple Baseline,
    HRNet and MMPose; COCO's evaluation has the labelled joints and the label's area instead.

    Args:
        pose: (K, 2 or more) column and row in pixels.
        others: (N, K, 2 or more).
        area: Of the pose, in square pixels.
        areas: (N,) of the others.
        sigmas: (K,) of the joints.

    Returns:
        (N,).
    """
    spread = (2 * np.asarray(sigmas, dtype=np.float64)) ** 2
    away = ((others[..., :2] - pose[:, :2]) ** 2).sum(-1)
    mean = (area + np.asarray(areas, dtype=np.float64)) / 2 + np.spacing(1)
    return np.asarray(np.exp(-away / spread / mean[:, None] / 2).mean(-1))


def oks_nms(
    keypoints: Floats,
    scores: Floats,
    areas: Floats,
    sigmas: Sequence[float] | Floats,
    threshold: float = 0.9,
) -> list[int]:
    """Return which poses of a picture are kept, the best first.

    The best one is taken, those more alike to it than the threshold are dropped, and so on. Of
    poses with the same score, the first one given is taken first.

    Args:
        keypoints: (N, K, 2 or more).
        scores: (N,).
        areas: (N,) in square pixels.
        sigmas: (K,).
        threshold: Poses with an OKS above it are one and the same.
    """
    order = np.argsort(-np.asarray(scores), kind="stable")
    kept: list[int] = []
    while len(order):
        best, order = int(order[0]), order[1:]
        kept.append(best)
        alike = oks(keypoints[best], keypoints[order], float(areas[best]), areas[order], sigmas)
        order = order[alike <= threshold]
    return kept


def instance_scores(
    box_scores: Floats, peaks: Floats, threshold: float = 0.2
) -> npt.NDArray[np.float64]:
    """Return people's scores: the box's, times the mean of the joints' peaks above a threshold.

    Args:
        box_scores: (N,).
        peaks: (N, K) of the heat-maps.
        threshold: Lower peaks don't count; a person without a higher one scores 0.

    Returns:
        (N,).
    """
    peaks = np.asarray(peaks, dtype=np.float64)
    sure = peaks > threshold
    means = np.where(sure, peaks, 0.0).sum(1) / np.maximum(sure.sum(1), 1)
    return np.asarray(np.asarray(box_scores, dtype=np.float64) * means)
