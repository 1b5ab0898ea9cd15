"""Samplers: an epoch's order as a function of (seed, epoch), over ranks, going on in mid-epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.utils.data import Sampler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np

Place = tuple[int, int, int]
"""(epoch, position in the epoch, index in the split): all that a sample's randomness hangs on."""


class EpochSampler(Sampler[Place]):
    """Yields this rank's share of an epoch.

    Ranks take positions in turn, so that one step of all ranks covers the same samples however
    many there are; what does not divide is left out.

    Args:
        plan: Epoch -> the indices that it visits, in order.
        rank: This process.
        ranks: How many there are.
        epoch: The first epoch.
        skip: Samples of this rank that the first epoch leaves out, since they are done.
    """

    def __init__(
        self,
        plan: Callable[[int], np.ndarray],
        rank: int = 0,
        ranks: int = 1,
        epoch: int = 0,
        skip: int = 0,
    ) -> None:
        self.plan = plan
        self.rank = rank
        self.ranks = ranks
        self.epoch = epoch
        self.skip = skip
        self._count = len(plan(epoch)) // ranks

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Place]:
        epoch, skip, self.skip = self.epoch, self.skip, 0
        order = self.plan(epoch)
        whole = len(order) // self.ranks * self.ranks
        for position in range(self.rank + skip * self.ranks, whole, self.ranks):
            yield epoch, position, int(order[position])

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch of the next iteration (Lightning calls this)."""
        self.epoch = epoch


class EvalSampler(Sampler[Place]):
    """Yields this rank's share of a split: each sample once over all ranks, none repeated.

    Args:
        indices: The samples that are left to evaluate.
        rank: This process.
        ranks: How many there are.
    """

    def __init__(self, indices: Sequence[int], rank: int = 0, ranks: int = 1) -> None:
        self.indices = list(indices)[rank::ranks]

    def __len__(self) -> int:
        return len(self.indices)

    def __iter__(self) -> Iterator[Place]:
        for index in self.indices:
            yield 0, index, index
