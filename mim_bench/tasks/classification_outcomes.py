"""What becomes of classified pictures: scores, those of each class, a confusion matrix."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from mim_bench.tasks.classification_metrics import (
    per_class,
    precisions,
    score_records,
)
from mim_bench.tasks.classification_plots import MOST_CLASSES, confusion_plot, per_class_plot
from mim_bench.tasks.outcomes import Outcomes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class ClassificationOutcomes(Outcomes):
    """The classification task's side that needs records alone. (No torch.).

    Attributes:
        classes: Names, in the order of labels.
    """

    classes: tuple[str, ...]

    @classmethod
    def scores(
        cls,
        records: Sequence[Mapping[str, Any]],
        ground_truth: Any = None,
        options: Mapping[str, Any] | None = None,
    ) -> dict[str, float]:
        """Return all metrics of a split in percent."""
        del ground_truth, options
        return score_records(records)

    def details(
        self, records: Sequence[Mapping[str, Any]], ground_truth: Any, options: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return each class's score 0..1, how many pictures it has, and the confusion matrix."""
        del ground_truth, options
        count = len(self.classes)
        if "scores" in records[0]:
            scores = np.array([record["scores"] for record in records])
            truth = np.array([record["truth"] for record in records])
            shares = precisions(scores, truth)
            pictures = (truth == 1).sum(axis=0)
            matrix = None
        else:
            labels = np.array([record["label"] for record in records], np.int64)
            right = np.array([record["top1"] for record in records], float)
            shares = per_class(labels, right, count).tolist()
            pictures = np.bincount(labels, minlength=count)
            matrix = self._confusion(labels, records)
        known = [None if math.isnan(one) else round(one, 6) for one in shares]
        found: dict[str, Any] = {
            "by_class": {
                name: {"score": one, "pictures": int(number)}
                for name, one, number in zip(self.classes, known, pictures, strict=True)
            }
        }
        return found if matrix is None else {**found, "confusion": matrix}

    def _confusion(
        self, labels: np.ndarray[Any, Any], records: Sequence[Mapping[str, Any]]
    ) -> list[list[int]] | None:
        count = len(self.classes)
        if count > MOST_CLASSES:
            return None
        predicted = np.array([record["predicted"] for record in records], np.int64)
        matrix = np.bincount(labels * count + predicted, minlength=count * count)
        rows: list[list[int]] = matrix.reshape(count, count).tolist()
        return rows

    def figures(self, details: Mapping[str, Any], name: str) -> dict[str, bytes]:
        """Draw the classes' scores, and the confusion matrix where there is one."""
        shares = [one["score"] for one in details["by_class"].values()]
        found = {"per_class": per_class_plot(shares, name)}
        if "confusion" in details:
            matrix = np.array(details["confusion"])
            found["confusion"] = confusion_plot(matrix, list(details["by_class"]), name)
        return found
