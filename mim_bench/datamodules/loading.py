"""Between a datamodule and torch's DataLoader: samples, batches, worker processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from mim_bench.datamodules.sampling import Draw, EpochSampler
from mim_bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Sample = dict[str, Any]
Batch = dict[str, Any]


class SampleDataset(Dataset[Sample]):
    """Makes the sample that a sampler asks for.

    Args:
        make: Draw -> sample.
        length: Number of samples of the split.
    """

    def __init__(self, make: Callable[[Draw], Sample], length: int) -> None:
        self.make = make
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, draw: Draw) -> Sample:
        if not isinstance(draw, Draw):
            raise UserError(
                "the trainer has replaced the data's sampler by its own, which repeats samples "
                "where ranks can't share them evenly",
                action="pass use_distributed_sampler=False to the Trainer",
            )
        return self.make(draw)


class EpochLoader(DataLoader[Sample]):
    """A training loader whose place can be saved in a checkpoint and restored.

    The place is the trainer's count of batches: workers have fetched more than that.

    Args:
        sampler: The order; draws of all ranks are skipped.
        place: Returns (epoch, batches done in it).
        kwargs: See `torch.utils.data.DataLoader`.
    """

    def __init__(
        self, *, sampler: EpochSampler, place: Callable[[], tuple[int, int]], **kwargs: Any
    ) -> None:
        self.draws = sampler
        self.place = place
        super().__init__(sampler=sampler, **kwargs)

    def state_dict(self) -> dict[str, int]:
        """Return where the trainer is."""
        epoch, batches = self.place()
        return {"epoch": epoch, "batches": batches}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Begin where a state was taken, with the same batch size and number of ranks."""
        per_batch = (self.batch_size or 1) * self.draws.shard()[1]
        self.draws.start_at(int(state["epoch"]), int(state["batches"]) * per_batch)


def collate(samples: Sequence[Mapping[str, Any]], lists: frozenset[str] = frozenset()) -> Batch:
    """Put samples together to a batch.

    Arrays become tensors with a first dimension B, pictures (H, W, 3) under `image`, `template`
    and `search` become (B, 3, H, W), numbers a tensor (B,); texts and the keys of `lists` become
    lists.

    Raises:
        UserError: Arrays of one key differ in size.
    """
    return {key: _join(key, [sample[key] for sample in samples], lists) for key in samples[0]}


_PICTURES = ("image", "template", "search")


def _join(key: str, values: list[Any], lists: frozenset[str]) -> Any:
    if isinstance(values[0], str) or key in lists:
        return values
    if not isinstance(values[0], np.ndarray):
        return torch.tensor(values)
    shapes = {value.shape for value in values}
    if len(shapes) > 1:
        raise UserError(
            f"samples of one batch differ in size: {key} is "
            + ", ".join(" x ".join(map(str, shape)) for shape in sorted(shapes)),
            action="crop them to one size, or set data.eval_batch_size to 1",
        )
    tensors = [torch.from_numpy(np.ascontiguousarray(value)) for value in values]
    if key in _PICTURES:
        tensors = [tensor.permute(2, 0, 1) for tensor in tensors]
    # stacking into a tensor of plain strides: a permuted one would stay permuted in the batch
    batch = torch.empty((len(tensors), *tensors[0].shape), dtype=tensors[0].dtype)
    return torch.stack(tensors, out=batch)


def start_worker(worker: int) -> None:
    """Keep a loader process to one thread: many of them share the machine."""
    del worker
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
