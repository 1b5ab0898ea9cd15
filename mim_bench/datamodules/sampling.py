"""What an epoch draws and how ranks share it, as samplers for torch's DataLoader."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import torch.distributed
from torch.utils.data import Sampler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Plan = npt.NDArray[np.int64]


class Draw(NamedTuple):
    """One request to a dataset.

    Attributes:
        epoch: The epoch, from 0.
        position: The place in the whole epoch over all ranks, from 0.
        sample: The number of the sample in its split.
    """

    epoch: int
    position: int
    sample: int


def epoch_plan(seed: int, epoch: int, count: int) -> Plan:
    """Return the order of an epoch's samples: (count,) int64, a permutation."""
    # a longer key than a sample's (see `sample_generator`), so that no stream is used twice
    return np.random.default_rng(np.random.SeedSequence((seed, epoch, 0, 1))).permutation(count)


def ranks() -> tuple[int, int]:
    """Return (rank, number of ranks) of this process, (0, 1) where there is one only."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    return 0, 1


class EpochSampler(Sampler[Draw]):
    """Yields an epoch's draws; ranks take turns, so that together they see the epoch in order.

    Args:
        plan: Epoch -> indices of samples.
        count: Samples of an epoch that are drawn, over all ranks; what the plan has beyond is
            left out, and so is what ranks can't share evenly.
        epoch: The first epoch.
        skip: Draws over all ranks that are left out of the first epoch, when a training goes on
            in its middle. The length stays that of a whole epoch, as trainers count from it.
        shard: Tells (rank, number of ranks); asked with every iteration.
    """

    def __init__(
        self,
        plan: Callable[[int], Plan],
        count: int,
        epoch: int = 0,
        skip: int = 0,
        shard: Callable[[], tuple[int, int]] = ranks,
    ) -> None:
        self.plan = plan
        self.count = count
        self.shard = shard
        self.start_at(epoch, skip)

    def start_at(self, epoch: int, skip: int) -> None:
        """Begin in an epoch after `skip` draws over all ranks.

        Where that is the whole epoch, asking for it gives the next one: a trainer that was
        stopped behind an epoch's last batch still counts it as the current one.
        """
        self.epoch = epoch
        self.skip = (epoch, skip)

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch that the next iteration draws (the trainer calls it)."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[Draw]:
        rank, world = self.shard()
        epoch, skip = self.epoch, 0
        if epoch == self.skip[0]:
            skip = self.skip[1]
            if skip >= self.count:
                epoch, skip = epoch + 1, 0
        plan = self.plan(epoch)
        for position in range(skip + rank, self.count - self.count % world, world):
            yield Draw(epoch, position, int(plan[position]))

    def __len__(self) -> int:
        return self.count // self.shard()[1]


class EvalSampler(Sampler[Draw]):
    """Yields each sample once over all ranks, in order: nothing is padded or repeated.

    Args:
        indices: The samples of the split.
        shard: Tells (rank, number of ranks); asked with every iteration.
    """

    def __init__(
        self, indices: Sequence[int], shard: Callable[[], tuple[int, int]] = ranks
    ) -> None:
        self.indices = list(indices)
        self.shard = shard

    def __iter__(self) -> Iterator[Draw]:
        rank, world = self.shard()
        for position in range(rank, len(self.indices), world):
            yield Draw(0, position, self.indices[position])

    def __len__(self) -> int:
        rank, world = self.shard()
        return len(range(rank, len(self.indices), world))
