"""The base of all datamodules: loaders that give the same samples on any workers and ranks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader

from mim_bench.datamodules.loading import (
    Batch,
    EpochLoader,
    Sample,
    SampleDataset,
    collate,
    start_worker,
)
from mim_bench.datamodules.randomness import sample_generator
from mim_bench.datamodules.readers import get_reader_class
from mim_bench.datamodules.readers.base import DatasetInfo, Reader
from mim_bench.datamodules.sampling import Draw, EpochSampler, EvalSampler, Plan, epoch_plan, ranks
from mim_bench.errors import UserError
from mim_bench.locations import default_data_root

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from pathlib import Path

    import numpy as np


class BenchDataModule(LightningDataModule):
    """A LightningDataModule over a reader.

    A subclass gives `reader_class` and what happens to a sample: `train_transform` and
    `eval_transform`. Batches are dictionaries; pictures are RGB uint8 (B, 3, H, W).

    Args:
        reader: A reader, its name or dotted path, or `{class_path, init_args}`; by default
            `reader_class`.
        root: The data root; by default `MIM_BENCH_DATA`. Changes no sample.
        batch_size: The effective batch size, over all devices and accumulated batches.
        num_workers: Loader processes per device. Changes no sample.
        seed: Of the order of samples and of augmentation.
        eval_batch_size: Samples of an evaluation batch; by default the device's batch size.
            Changes no score.
        train_split: The split that is trained on.
        val_split: The split that is validated on.

    Attributes:
        device_batch_size: Samples of a device's batch; the worker divides the effective batch.
        batch_report: What the worker notes about that division.
        val_view: What of the validation split is validated on (see `Reader.view`).

    Raises:
        UserError: There is no such reader or split, no data root, or a number is out of range.
    """

    reader_class: ClassVar[type[Reader] | None] = None
    list_keys: ClassVar[frozenset[str]] = frozenset()
    """Keys of samples that stay lists in batches, as their sizes differ."""

    def __init__(
        self,
        reader: str | dict[str, Any] | Reader | None = None,
        root: str | Path | None = None,
        batch_size: int = 1,
        num_workers: int = 0,
        seed: int = 0,
        eval_batch_size: int | None = None,
        train_split: str = "train",
        val_split: str = "test",
    ) -> None:
        super().__init__()
        for name, value, least in (
            ("batch_size", batch_size, 1),
            ("num_workers", num_workers, 0),
            ("seed", seed, 0),
            ("eval_batch_size", eval_batch_size, 1),
        ):
            if value is not None and value < least:
                raise UserError(f"is {value}", where=f"data.{name}", expected=f"{least} or more")
        self.reader = self._open(reader, root)
        self.reader.require_split(train_split)
        self.reader.require_split(val_split)
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.seed = seed
        self.eval_batch_size = eval_batch_size
        self.train_split = train_split
        self.val_split = val_split
        self.val_view = val_split
        self.device_batch_size: int | None = None
        self.batch_report: dict[str, Any] = {}
        self.shard: Callable[[], tuple[int, int]] = ranks

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "trainer": None}  # loader processes need no trainer

    # what a subclass writes

    def train_transform(self, sample: Sample, rng: np.random.Generator, position: int) -> Sample:
        """Augment a training sample.

        Args:
            sample: What the reader gives.
            rng: The sample's only source of randomness.
            position: Its place in the epoch, over all ranks.
        """
        del rng, position
        return self.eval_transform(sample)

    def eval_transform(self, sample: Sample) -> Sample:
        """Prepare a sample of an evaluation: nothing is random here."""
        return sample

    def epoch_plan(self, epoch: int) -> Plan:
        """Return which samples an epoch draws, in order: by default a permutation."""
        return epoch_plan(self.seed, epoch, self.reader.count(self.train_split))

    def card(self, split: str) -> dict[str, Any]:
        """Return what a protocol card says of a split's samples, as plain JSON."""
        del split
        return {}

    # what the worker uses

    @property
    def info(self) -> DatasetInfo:
        """The facts of the dataset (see `Reader.facts`)."""
        return self.reader.facts()

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of the dataset's splits."""
        return tuple(self.reader.info.splits)

    @property
    def effective_batch_size(self) -> int:
        """Samples per optimiser step: `batch_size`, or the whole set where it is smaller."""
        return min(self.batch_size, len(self.epoch_plan(0)))

    def train_dataloader(self) -> DataLoader[Sample]:
        """Return the loader of the training split; incomplete batches are dropped."""
        effective = self.effective_batch_size
        size = self.device_batch_size or effective
        # whole steps: with accumulated batches an epoch must not end inside a step
        count = len(self.epoch_plan(0)) // effective * effective
        sampler = EpochSampler(self.epoch_plan, count, shard=self.shard)
        return EpochLoader(
            dataset=SampleDataset(self._train_sample, self.reader.count(self.train_split)),
            sampler=sampler,
            place=self._place,
            batch_size=size,
            drop_last=True,
            **self._loading(),
        )

    def val_dataloader(self) -> DataLoader[Sample]:
        """Return the loader of the validation split."""
        return self.eval_dataloader(self.val_view)

    def test_dataloader(self) -> dict[str, DataLoader[Sample]]:
        """Return the loaders of all splits but the one that is trained on."""
        names = [split for split in self.splits if split != self.train_split]
        return {split: self.eval_dataloader(split) for split in names}

    def eval_dataloader(self, split: str, skip: Collection[str] = ()) -> DataLoader[Sample]:
        """Return a loader that gives each sample of a split once, over all ranks.

        Args:
            split: The split.
            skip: Ids that are left out, as they are tested already.
        """
        left_out = frozenset(skip)
        ids = self.reader.ids(split)
        indices = [index for index, name in enumerate(ids) if name not in left_out]
        size = self.eval_batch_size or self.device_batch_size or self.effective_batch_size

        return DataLoader(
            SampleDataset(partial(self._eval_sample, split), len(ids)),
            sampler=EvalSampler(indices, self.shard),
            batch_size=size,
            **self._loading(),
        )

    def sample_batch(self, split: str, count: int) -> Batch:
        """Return the first samples of a split as one batch, prepared for evaluation."""
        return self.batch_of(split, range(min(count, self.reader.count(split))))

    def batch_of(self, split: str, indices: Iterable[int]) -> Batch:
        """Return chosen samples of a split as one batch, prepared for evaluation."""
        samples = [self._eval_sample(split, Draw(0, index, index)) for index in indices]
        return collate(samples, self.list_keys)

    def some_samples(self, split: str, most: int) -> Iterator[Sample]:
        """Yield at most `most` samples of a split, evenly spaced over its list.

        They are prepared for evaluation and read one by one, in the order of the list.
        """
        count = self.reader.count(split)
        chosen = min(count, most)
        for step in range(chosen):
            index = step * count // chosen
            yield self._eval_sample(split, Draw(0, index, index))

    def _train_sample(self, draw: Draw) -> Sample:
        rng = sample_generator(self.seed, draw.epoch, draw.position)
        sample = self.reader.sample(self.train_split, draw.sample)
        return self.train_transform(sample, rng, draw.position)

    def _eval_sample(self, split: str, draw: Draw) -> Sample:
        return self.eval_transform(self.reader.sample(split, draw.sample))

    def _open(
        self, reader: str | dict[str, Any] | Reader | None, root: str | Path | None
    ) -> Reader:
        if isinstance(reader, Reader):
            return reader
        arguments: dict[str, Any] = {}
        if isinstance(reader, dict):
            if "class_path" not in reader:
                raise UserError(
                    "names no class", where="data.reader", expected="class_path and init_args"
                )
            arguments = dict(reader.get("init_args") or {})
            reader = str(reader["class_path"])
        cls = self.reader_class if reader is None else get_reader_class(reader)
        if cls is None:
            raise UserError(
                f"{type(self).__name__} has no reader",
                where="data.reader",
                action="name a reader, or set `reader_class` in the datamodule",
            )
        place = root or default_data_root()
        if place is None:
            raise UserError(
                "no data root is given",
                where="data.root",
                action="give root, or set MIM_BENCH_DATA",
            )
        return cls(place, **arguments)

    def _place(self) -> tuple[int, int]:
        """Return (epoch, batches done in it), from the trainer's count of all its batches.

        Its count of epochs is not used: in a training that went on it runs ahead.
        """
        if self.trainer is None:
            return 0, 0
        progress: Any = self.trainer.fit_loop.epoch_loop.batch_progress
        done = progress.total.processed
        epoch, batches = divmod(done, int(self.trainer.num_training_batches))
        return epoch, batches

    def _loading(self) -> dict[str, Any]:
        """Return what all loaders have in common."""
        return {
            "num_workers": self.num_workers,
            "collate_fn": partial(collate, lists=self.list_keys),
            "worker_init_fn": start_worker,
            "persistent_workers": self.num_workers > 0,
            "pin_memory": torch.cuda.is_available(),
        }
