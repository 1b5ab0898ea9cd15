"""Object keypoint similarity (OKS), suppression of double poses, rescoring. (NumPy, no torch.)"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

_LIMBS = (0.79, 0.79, 0.72, 0.72, 0.62, 0.62, 1.07, 1.07, 0.87, 0.87, 0.89, 0.89)
_TENFOLD = {
    # nose, eyes, ears; shoulders, elbows, wrists, hips, knees, ankles
    "coco": (0.26, 0.25, 0.25, 0.35, 0.35, *_LIMBS),
    # the same from the shoulders to the ankles; head, neck
    "crowdpose": (*_LIMBS, 0.79, 0.79),
}
SIGMAS = {name: tuple(value / 10 for value in values) for name, values in _TENFOLD.items()}
"""How far people disagree about each joint, as a part of the square root of the person's area."""


def _similarities(
    squares: NDArray[np.float64], areas: ArrayLike, sigmas: Sequence[float]
) -> NDArray[np.float64]:
    """Return each joint's similarity from squared distances, all (N, K); areas (N,) or one."""
    variances = (2 * np.asarray(sigmas, np.float64)) ** 2
    area = np.asarray(areas, np.float64)[..., None] + np.spacing(1)
    return np.asarray(np.exp(-(squares / variances / area / 2)))


def oks(
    keypoints: ArrayLike, truths: ArrayLike, areas: ArrayLike, sigmas: Sequence[float]
) -> NDArray[np.float64]:
    """Compare a pose with others: the mean over joints of exp(-d² / (2 (2 sigma)² area)).

    Source: the COCO keypoint evaluation.

    Args:
        keypoints: The pose, (K, 2) or (K, 3): x, y in pixels; a third value is not looked at.
        truths: The others, (N, K, 2) or (N, K, 3): x, y in pixels and whether the joint is
            labelled (> 0). Without a third value all joints count.
        areas: (N,) or one number, in square pixels.
        sigmas: (K,), see `SIGMAS`.

    Returns:
        (N,) float64 in 0..1; 0 where no joint is labelled. (The evaluation compares such people by
        their box, see `oks_evaluation`.)
    """
    pose, others = np.asarray(keypoints, np.float64), np.asarray(truths, np.float64)
    squares = ((others[..., :2] - pose[..., :2]) ** 2).sum(-1)
    found = _similarities(squares, areas, sigmas)
    if others.shape[-1] < 3:
        return np.asarray(found.mean(-1))
    counts = others[..., 2] > 0
    return np.asarray((found * counts).sum(-1) / np.maximum(counts.sum(-1), 1))


def oks_nms(
    keypoints: ArrayLike,
    scores: ArrayLike,
    areas: ArrayLike,
    sigmas: Sequence[float],
    threshold: float = 0.9,
) -> NDArray[np.intp]:
    """Keep the best of poses that lie on each other, greedily from the highest score down.

    A pose goes if its OKS to a kept one is above the threshold; equal to it stays. All joints
    count, however low their peaks, and the area is the mean of both poses'. Source: the code of
    Simple Baselines and HRNet, whose areas are those of the padded boxes. Of equal scores the
    first comes first, which their code leaves to its sort.

    Args:
        keypoints: One image's poses, (N, K, 2) or (N, K, 3): x, y in pixels.
        scores: (N,).
        areas: (N,) square pixels.
        sigmas: (K,), see `SIGMAS`.
        threshold: The highest OKS at which both poses stay.

    Returns:
        The indices of the kept poses, highest score first.
    """
    poses = np.asarray(keypoints, np.float64)[..., :2]
    sizes = np.asarray(areas, np.float64)
    order = np.argsort(-np.asarray(scores, np.float64), kind="stable")
    kept: list[int] = []
    while order.size:
        best, order = int(order[0]), order[1:]
        kept.append(best)
        overlap = oks(poses[best], poses[order], (sizes[best] + sizes[order]) / 2, sigmas)
        order = order[overlap <= threshold]
    return np.asarray(kept, np.intp)


def instance_scores(
    box_scores: ArrayLike, peaks: ArrayLike, threshold: float = 0.2
) -> NDArray[np.float64]:
    """Rescore poses: the box's score times the mean of the peaks above the threshold.

    Source: the code of Simple Baselines and HRNet. A pose without such a peak scores 0.

    Args:
        box_scores: (N,), the detector's scores; 1 for boxes of the ground truth.
        peaks: (N, K), the heat maps' highest values.
        threshold: Peaks at or below count for nothing.
    """
    found: NDArray[Any] = np.asarray(peaks, np.float64)
    counts = found > threshold
    means = (found * counts).sum(-1) / np.maximum(counts.sum(-1), 1)
    return np.asarray(np.asarray(box_scores, np.float64) * means)
