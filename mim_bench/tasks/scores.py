"""Scores from stored records, in plain Python. (No torch: what reports repeat of a metric.)"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from mim_bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def mean_score(records: Iterable[Mapping[str, Any]], metric: str) -> float:
    """Return the mean of a metric over samples, each with the same weight.

    The sum is exact before it is rounded once, so the order of the records does not matter.

    Args:
        records: One flat record per sample; a metric that is None could not be computed for its
            sample, which is then left out.
        metric: The metric's key in the records.

    Raises:
        UserError: No record has the metric.
    """
    values = [float(record[metric]) for record in records if record.get(metric) is not None]
    if not values:
        raise UserError(
            f"no sample has a {metric}",
            expected="samples with ground truth inside the crop and the depth range",
            action="look at the test options crop and max_depth",
        )
    return math.fsum(values) / len(values)
