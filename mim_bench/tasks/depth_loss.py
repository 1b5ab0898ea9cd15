"""The scale-invariant logarithmic loss of depth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from mim_bench.tasks.ranks import sum_over_ranks

if TYPE_CHECKING:
    from torch import Tensor

SMALLEST = 1e-6
"""Predictions below this many metres count as this, since a sigmoid can round to zero."""


def silog(
    prediction: Tensor,
    target: Tensor,
    valid: Tensor | None = None,
    focus: float = 0.5,
    over_ranks: bool = False,
) -> Tensor:
    """Return sqrt(mean(d^2) - focus mean(d)^2) with d = ln target - ln prediction.

    The means run over all valid pixels of the batch together, not image by image. Where no pixel
    is valid, or all are hit exactly, the loss is 0 and so is its gradient (the root's own would
    not be finite). Nothing here waits for the device. Source: the authors' code.

    Args:
        prediction: Metres, above 0, any shape.
        target: Metres, same shape; 0 where it is unknown.
        valid: Bool, same shape: pixels that may count where the target is known.
        focus: Share of the mean's square that is taken away, 0 to 1; published 0.5.
        over_ranks: Join the batches of all ranks, so that the number of devices changes nothing;
            every rank must call it then.

    Returns:
        The loss, a scalar in float32.
    """
    known = target > 0
    if valid is not None:
        known = known & valid
    logs = prediction.float().clamp_min(SMALLEST).log()
    wanted = torch.where(known, target.float(), 1.0).log()
    difference = torch.where(known, wanted - logs, 0.0)
    sums = torch.stack([known.sum().float(), difference.sum(), difference.square().sum()])
    if over_ranks:
        sums = sum_over_ranks(sums)
    count, total, squares = sums.unbind()
    count = count.clamp_min(1.0)
    spread = squares / count - focus * (total / count).square()
    positive = spread > 0
    return torch.where(positive, torch.where(positive, spread, 1.0).sqrt(), 0.0 * spread)
