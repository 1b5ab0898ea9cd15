"""Metrics of classification: accuracies, their mean over classes, VOC's average precision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Numbers = npt.NDArray[np.floating[Any]]

SINGLE = {"top1": "max", "top5": "max", "mean_per_class": "max"}
"""Metrics of pictures with one class, in percent."""

MULTI = {"map": "max"}
"""Metrics of pictures with several, in percent."""


def per_class(labels: npt.NDArray[np.int64], right: Numbers, classes: int) -> Numbers:
    """Return the share of right answers among the pictures of each class.

    Args:
        labels: (N,) the true classes.
        right: (N,) 1 where the answer was right, else 0.
        classes: C.

    Returns:
        (C,) 0..1, NaN for a class without a picture.
    """
    counts = np.bincount(labels, minlength=classes)
    found = np.bincount(labels, weights=right, minlength=classes)
    shares = np.full(classes, np.nan)
    np.divide(found, counts, out=shares, where=counts > 0)
    return shares


def eleven_point_precision(scores: Numbers, truth: npt.NDArray[np.integer[Any]]) -> float:
    """Return the average precision of one class as PASCAL VOC 2007 defines it.

    The mean, over the recalls 0, 0.1 ... 1, of the highest precision at that recall or a higher
    one (VOC 2007 development kit; Everingham et al., IJCV 2010, section 4.2). Later years take the
    area instead, and so does scikit-learn without interpolation.

    Args:
        scores: (N,) how sure the classifier is.
        truth: (N,) 1 there, 0 not there, negative: the picture is left out (the class is in it,
            but only as objects that are marked difficult).

    Returns:
        0..1; NaN where no picture has the class.
    """
    counted = truth >= 0
    scores, truth = scores[counted], truth[counted]
    positives = int((truth == 1).sum())
    if not positives:
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(truth[order] == 1)
    recall = hits / positives
    precision = hits / np.arange(1, len(hits) + 1)
    total = 0.0
    for step in range(11):
        reached = precision[recall >= step / 10]
        total += float(reached.max()) if len(reached) else 0.0
    return total / 11


def precisions(scores: Numbers, truth: npt.NDArray[np.integer[Any]]) -> list[float]:
    """Return `eleven_point_precision` of each class, of scores and truth (N, C)."""
    return [eleven_point_precision(one, true) for one, true in zip(scores.T, truth.T, strict=True)]


def score_records(records: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return all metrics of stored records in percent (see `ClassificationTask.records`).

    `mean_per_class` and `map` leave out classes that no picture shows.
    """
    if records and "scores" in records[0]:
        scores = np.array([record["scores"] for record in records])
        truth = np.array([record["truth"] for record in records])
        return {"map": 100 * float(np.nanmean(precisions(scores, truth)))}
    labels = np.array([record["label"] for record in records], np.int64)
    right = np.array([record["top1"] for record in records], float)
    five = np.array([record["top5"] for record in records], float)
    shares = per_class(labels, right, int(labels.max()) + 1)
    return {
        "top1": 100 * float(right.mean()),
        "top5": 100 * float(five.mean()),
        "mean_per_class": 100 * float(np.nanmean(shares)),
    }
