"""The depth metrics over all pixels of a split, from per-image records. (No torch.)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SUFFIX = "_per_pixel"
"""What stands behind a metric's name when pixels, not images, have the same weight."""

_ROOTS = ("rmse", "rmse_log")


def per_pixel(records: Iterable[Mapping[str, Any]], metric: str) -> float:
    """Return a metric over all scored pixels of a split, as if it were one image.

    The published numbers are means over images; other toolboxes report this one. Where images
    have different numbers of scored pixels, or errors of very different size, the two differ.

    Args:
        records: One per image: `pixels`, the metrics, and for silog `log_bias`, the mean of
            ln prediction - ln ground truth. Images without a scored pixel are left out.
        metric: A metric's name without `SUFFIX`.

    Returns:
        NaN where no record has what is needed.
    """
    scored = [record for record in records if record.get(metric) is not None]
    weights = [float(record["pixels"]) for record in scored]
    if not scored or (metric == "silog" and any("log_bias" not in record for record in scored)):
        return math.nan

    def mean(values: Iterable[float]) -> float:
        pairs = zip(values, weights, strict=True)
        return math.fsum(value * weight for value, weight in pairs) / math.fsum(weights)

    if metric == "silog":
        square = mean(float(record["rmse_log"]) ** 2 for record in scored)
        bias = mean(float(record["log_bias"]) for record in scored)
        return math.sqrt(max(square - 0.5 * bias**2, 0.0))
    if metric in _ROOTS:
        return math.sqrt(mean(float(record[metric]) ** 2 for record in scored))
    return mean(float(record[metric]) for record in scored)
