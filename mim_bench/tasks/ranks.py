"""Sums over all devices that keep their gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import distributed

if TYPE_CHECKING:
    from torch import Tensor


def sum_over_ranks(local: Tensor) -> Tensor:
    """Return the sum over ranks of a small tensor, for losses that join the whole batch.

    The value is the sum; the gradient reaches this rank's part alone, times the number of ranks,
    because data-parallel training averages gradients over ranks. The averaged gradient is then
    that of the joint loss, as if one device had held the whole batch.

    Args:
        local: This rank's sums, any shape; the same shape on every rank.

    Returns:
        The sums over ranks; `local` itself where there is one process.
    """
    if not (distributed.is_available() and distributed.is_initialized()):
        return local
    ranks = distributed.get_world_size()
    if ranks == 1:
        return local
    total = local.detach().clone()
    distributed.all_reduce(total)
    return total + ranks * (local - local.detach())
