"""What every datamodule is: loaders over a reader, whose samples depend on nothing but the seed.

Batches are dictionaries. The keys, with B samples:

| key | what |
|---|---|
| `id` | list of B texts, unique in the split |
| `image` | uint8 (B, 3, H, W), RGB, not normalised |
| `depth` | float32 (B, H, W), metres, 0 for unknown |
| `valid` | bool (B, H, W), where the depth was measured |

Later families add `label`, `keypoints`, `weight`, `center`, `scale`, `box`, `score`, `boxes`,
`labels`, `masks`, `area`, `crowd`, `template`, `search`, `sequence`, `mask`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import cv2
import torch
from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader, Dataset, default_collate

from mim_bench.datamodules.randomness import epoch_generator, sample_generator
from mim_bench.datamodules.readers import get_reader_class
from mim_bench.datamodules.readers.base import DatasetInfo, Reader, Sample
from mim_bench.datamodules.sampling import EpochSampler, EvalSampler, Place
from mim_bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    import numpy as np


class SplitDataset(Dataset[Sample]):
    """A split's samples by place: read, transformed, ready to be batched."""

    def __init__(
        self, reader: Reader, split: str, transform: Callable[[Sample, Place], Sample]
    ) -> None:
        self.reader = reader
        self.split = split
        self.transform = transform

    def __getitem__(self, place: Place) -> Sample:
        return self.transform(self.reader.sample(self.split, place[2]), place)


class BenchDataModule(LightningDataModule, ABC):
    """The base of all datamodules. A family writes `train_transform` and `eval_transform`.

    A sample's randomness comes from (seed, epoch, position) alone: workers, ranks and resuming
    change nothing in it.

    Args:
        reader: A reader's dotted path or dataset name, `{class_path, init_args}`, or a reader;
            None takes the class's own `reader_class`.
        root: The data root.
        batch_size: Samples of one optimiser step over all devices.
        num_workers: Loader processes; changes speed alone.
        seed: The run's seed.
        train_split: What is trained on.
        val_split: What is looked at during training.
        eval_batch_size: Samples of one batch at validation and test; changes speed alone.

    Attributes:
        device_batch_size: Samples of one batch of one device; the worker divides `batch_size`.
        shard: (rank, ranks), set by the worker.
    """

    reader_class: ClassVar[type[Reader] | None] = None

    def __init__(
        self,
        reader: str | dict[str, Any] | Reader | None = None,
        root: str | Path | None = None,
        batch_size: int = 1,
        num_workers: int = 0,
        seed: int = 0,
        train_split: str = "train",
        val_split: str = "test",
        eval_batch_size: int = 8,
    ) -> None:
        super().__init__()
        self.reader = self._open(reader, root)
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.seed = seed
        self.train_split = train_split
        self.val_split = val_split
        self.eval_batch_size = eval_batch_size
        self.device_batch_size: int | None = None
        self.batch_report: dict[str, int] = {}
        self.shard = (0, 1)
        self._start = (0, 0)

    @classmethod
    def _open(cls, reader: str | dict[str, Any] | Reader | None, root: str | Path | None) -> Reader:
        if isinstance(reader, Reader):
            return reader
        arguments: dict[str, Any] = {}
        if isinstance(reader, dict):
            arguments = dict(reader.get("init_args") or {})
            reader = str(reader["class_path"])
        reader_class = get_reader_class(reader) if reader is not None else cls.reader_class
        if reader_class is None or root is None:
            lacking = "reader" if reader_class is None else "root"
            raise UserError(f"the datamodule {cls.__name__} has no {lacking}", where="data")
        return reader_class(root, **arguments)

    @property
    def info(self) -> DatasetInfo:
        """Facts about the dataset."""
        return self.reader.info

    @property
    def effective_batch_size(self) -> int:
        """Samples of one optimiser step: `batch_size`, or the whole split where it is smaller."""
        return min(self.batch_size, self.reader.count(self.train_split))

    @abstractmethod
    def train_transform(self, sample: Sample, generator: np.random.Generator, place: Place) -> Sample:
        """Augment a training sample.

        Args:
            sample: What the reader gives.
            generator: The sample's own stream.
            place: (epoch, position, index).
        """

    @abstractmethod
    def eval_transform(self, sample: Sample) -> Sample:
        """Prepare a sample for validation or test."""

    def epoch_plan(self, epoch: int) -> np.ndarray:
        """Return the indices that an epoch visits, in order: a permutation from (seed, epoch)."""
        count = self.reader.count(self.train_split)
        return epoch_generator(self.seed, epoch).permutation(count)

    def resume_at(self, epoch: int, batches: int) -> None:
        """Let the next training loader begin after `batches` batches of an epoch."""
        self._start = (epoch, batches)

    def train_dataloader(self) -> DataLoader[Sample]:
        """Return the loader of the training split; the last incomplete batch is left out."""
        rank, ranks = self.shard
        size = self.device_batch_size or self.effective_batch_size
        epoch, batches = self._start
        sampler = EpochSampler(self.epoch_plan, rank, ranks, epoch)
        if batches >= len(sampler) // size:  # the epoch had just ended
            sampler.set_epoch(epoch + (batches > 0))
        else:
            sampler.skip = batches * size
        self._start = (0, 0)
        dataset = SplitDataset(self.reader, self.train_split, self._train)
        return self._loader(dataset, sampler, size, drop_last=True)

    def eval_dataloader(self, split: str, skip: Collection[str] = ()) -> DataLoader[Sample]:
        """Return a loader of a split: each sample once over all ranks.

        Args:
            split: The split.
            skip: Ids that are done already.
        """
        left = [index for index, name in enumerate(self.reader.ids(split)) if name not in skip]
        dataset = SplitDataset(self.reader, split, self._eval)
        return self._loader(dataset, EvalSampler(left, *self.shard), self.eval_batch_size)

    def val_dataloader(self) -> DataLoader[Sample]:
        """Return the loader of the validation split."""
        return self.eval_dataloader(self.val_split)

    def test_dataloader(self) -> dict[str, DataLoader[Sample]]:
        """Return a loader for each split that is not trained on, by its name."""
        names = [name for name in self.reader.info.splits if name != self.train_split]
        return {name: self.eval_dataloader(name) for name in names}

    def _train(self, sample: Sample, place: Place) -> Sample:
        epoch, position, _ = place
        return self.train_transform(sample, sample_generator(self.seed, epoch, position), place)

    def _eval(self, sample: Sample, _: Place) -> Sample:
        return self.eval_transform(sample)

    def _loader(
        self, dataset: SplitDataset, sampler: Any, size: int, drop_last: bool = False
    ) -> DataLoader[Sample]:
        return DataLoader(
            dataset,
            batch_size=size,
            sampler=sampler,
            drop_last=drop_last,
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0 and drop_last,
            pin_memory=torch.cuda.is_available(),
            worker_init_fn=_start_worker,
            collate_fn=default_collate,
        )


def _start_worker(_: int) -> None:
    cv2.setNumThreads(0)  # the processes are the parallelism
    torch.set_num_threads(1)
