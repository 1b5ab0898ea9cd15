"""The validation's metric of classification, exact over ranks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torchmetrics import Metric

from mim_bench.tasks.classification_metrics import precisions
from mim_bench.tasks.classification_plots import MOST_CLASSES

if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import Tensor


class ClassificationScores(Metric):
    """Counts right answers by class, or keeps scores where a picture shows several classes.

    Args:
        classes: How many there are.
        multi_label: Whether a picture may show several.
    """

    full_state_update = False

    scores: list[Tensor]
    truth: list[Tensor]
    right: Tensor
    five: Tensor
    count: Tensor
    pairs: Tensor

    def __init__(self, classes: int, multi_label: bool) -> None:
        super().__init__()
        self.multi_label = multi_label
        if multi_label:
            self.add_state("scores", [], dist_reduce_fx="cat")
            self.add_state("truth", [], dist_reduce_fx="cat")
            return
        for name in ("right", "five", "count"):
            zeros = torch.zeros(classes, dtype=torch.long)
            self.add_state(name, zeros, dist_reduce_fx="sum")
        few = classes if classes <= MOST_CLASSES else 0
        self.add_state("pairs", torch.zeros(few, few, dtype=torch.long), dist_reduce_fx="sum")

    def update(self, logits: Tensor, labels: Tensor, valid: Tensor | None = None) -> None:
        """Add a batch.

        Args:
            logits: (B, C).
            labels: (B,) int64, or (B, C) of 0 and 1.
            valid: (B, C) where a class is scored.
        """
        if self.multi_label:
            known = labels.long()
            truth = known if valid is None else torch.where(valid, known, -1)
            self.scores.append(logits.float())
            self.truth.append(truth)
            return
        best = logits.topk(min(5, logits.shape[1]), dim=1).indices
        hits = best == labels[:, None]
        self.count.index_add_(0, labels, torch.ones_like(labels))
        self.right.index_add_(0, labels, hits[:, 0].long())
        self.five.index_add_(0, labels, hits.any(dim=1).long())
        if len(self.pairs):
            places = labels * len(self.pairs) + best[:, 0]
            self.pairs.view(-1).index_add_(0, places, torch.ones_like(labels))

    def by_class(self) -> list[float | None]:
        """Return each class's accuracy or average precision on this rank, 0..1; None for none."""
        found = self._precisions() if self.multi_label else (self.right / self.count).tolist()
        return [None if math.isnan(one) else one for one in found]

    def confusion(self) -> npt.NDArray[Any] | None:
        """Return (C, C) pictures of this rank by true and predicted class; None for many."""
        if self.multi_label or not len(self.pairs):
            return None
        return np.asarray(self.pairs.cpu())

    def _precisions(self) -> list[float]:
        scores, truth = torch.cat(list(self.scores)), torch.cat(list(self.truth))
        return precisions(scores.cpu().numpy(), truth.cpu().numpy())

    def compute(self) -> dict[str, Tensor]:
        """Return the metrics in percent: `top1`, `top5`, `mean_per_class`, or `map`."""
        if self.multi_label:
            return {"map": 100 * torch.tensor(self._precisions()).nanmean()}
        shown = self.count > 0
        total = self.count.sum().clamp(min=1)
        shares = self.right[shown] / self.count[shown]
        return {
            "top1": 100 * self.right.sum() / total,
            "top5": 100 * self.five.sum() / total,
            "mean_per_class": 100 * shares.mean(),
        }
