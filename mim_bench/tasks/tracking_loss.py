"""SwinTrack's losses: varifocal on the scores, GIoU on the boxes of positive cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from mim_bench.tasks.ranks import sum_over_ranks

if TYPE_CHECKING:
    from torch import Tensor

ALPHA, GAMMA = 0.75, 2.0
LEAST = 1e-4
"""What a sum over positives is at least divided by."""

_TINY = 1e-6


def overlaps(boxes: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """Return IoU and GIoU of pairs of boxes.

    Args:
        boxes: (..., 4) centre x, centre y, width, height.
        others: (..., 4) likewise.

    Returns:
        IoU 0..1 and GIoU -1..1, each (...).
    """
    low, high = boxes[..., :2] - boxes[..., 2:] / 2, boxes[..., :2] + boxes[..., 2:] / 2
    low2, high2 = others[..., :2] - others[..., 2:] / 2, others[..., :2] + others[..., 2:] / 2
    common = (torch.minimum(high, high2) - torch.maximum(low, low2)).clamp(min=0).prod(-1)
    union = boxes[..., 2:].prod(-1) + others[..., 2:].prod(-1) - common
    union = union.clamp(min=_TINY)
    hull = (torch.maximum(high, high2) - torch.minimum(low, low2)).clamp(min=0).prod(-1)
    hull = hull.clamp(min=_TINY)
    iou = common / union
    return iou, iou - (hull - union) / hull


def varifocal(logits: Tensor, target: Tensor) -> Tensor:
    """Return the varifocal loss of each score (Zhang et al., "VarifocalNet").

    Args:
        logits: Any shape.
        target: The same shape: an overlap above 0 where positive, 0 elsewhere.

    Returns:
        The same shape: cross entropy, weighted by the target where positive, by 0.75 p^2 elsewhere.
    """
    # of the probability, as published: the weight has a gradient too
    scores = logits.sigmoid()
    positive = target > 0
    weight = torch.where(positive, target, ALPHA * (scores - target).abs().pow(GAMMA))
    entropy = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return entropy * weight


def tracking_losses(
    logits: Tensor, boxes: Tensor, positives: Tensor, truth: Tensor
) -> dict[str, Tensor]:
    """Return both losses of a batch (SwinTrack, section 3.4, as its released code computes them).

    Under several ranks the sums are those of the joint batch, divided by its joint norm: the mean
    over ranks of the published code, in expectation and gradient.

    Args:
        logits: (B, H, W).
        boxes: (B, H, W, 4) centre x, centre y, width, height in shares.
        positives: (B, H, W) bool.
        truth: (B, 4) in the same form as `boxes`.

    Returns:
        `score`: the varifocal loss over all cells, whose positives' target is the overlap of
        their box, divided by the number of positives; `box`: 1 - GIoU of positive cells, weighted
        by their scores, divided by the sum of these. Scalars.
    """
    logits, boxes = logits.float(), boxes.float()
    wanted = truth.float()[:, None, None].expand_as(boxes)
    iou, giou = overlaps(boxes, wanted)
    target = torch.where(positives, iou.detach().clamp(min=_TINY), torch.zeros_like(iou))
    weights = torch.where(positives, logits.detach().sigmoid(), torch.zeros_like(logits))
    entropy = varifocal(logits, target).sum()
    distance = ((1 - giou) * weights).sum()
    norms = torch.stack([positives.sum().to(weights), weights.sum()])
    sums = sum_over_ranks(torch.stack([entropy, distance, *norms]))
    return {
        "score": sums[0] / sums[2].clamp(min=LEAST),
        "box": sums[1] / sums[3].clamp(min=LEAST),
    }
