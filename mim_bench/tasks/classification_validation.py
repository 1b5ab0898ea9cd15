"""The validation's metric of classification, exact over ranks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torchmetrics import Metric

from mim_bench.tasks.classification_metrics import eleven_point_precision

if TYPE_CHECKING:
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

    def compute(self) -> dict[str, Tensor]:
        """Return the metrics in percent: `top1`, `top5`, `mean_per_class`, or `map`."""
        if self.multi_label:
            scores, truth = torch.cat(list(self.scores)), torch.cat(list(self.truth))
            pairs = zip(scores.T.cpu().numpy(), truth.T.cpu().numpy(), strict=True)
            found = torch.tensor([eleven_point_precision(one, true) for one, true in pairs])
            return {"map": 100 * found.nanmean()}
        shown = self.count > 0
        total = self.count.sum().clamp(min=1)
        shares = self.right[shown] / self.count[shown]
        return {
            "top1": 100 * self.right.sum() / total,
            "top5": 100 * self.five.sum() / total,
            "mean_per_class": 100 * shares.mean(),
        }
