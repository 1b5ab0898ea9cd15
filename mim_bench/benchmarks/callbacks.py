"""What a worker watches during training: progress, seeds, speed, checkpoints, a finite loss."""

from __future__ import annotations

import hashlib
import math
import time
from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch import Callback

from mim_bench.benchmarks.checkpoints import BEST, LAST, save_weights

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer

    from mim_bench.benchmarks.stopping import StopRequest
    from mim_bench.benchmarks.store import RunFolder

PROGRESS_SECONDS = 0.5


class Interrupted(Exception):  # noqa: N818 - no error
    """The worker was asked to stop; the run goes on from its last checkpoint another time."""


def step_seed(seed: int, batch: int, rank: int) -> int:
    """Return the seed that torch gets before a training batch, from run seed, batch and rank."""
    text = f"{seed}/{batch}/{rank}".encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big") % 2**63


class ReseedEachStep(Callback):
    """Reseeds torch before each batch, so that a resumed run draws what an unbroken one draws."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_batch_start(self, trainer: Trainer, *_: Any) -> None:
        """Reseed from (seed, batch, rank)."""
        batch = trainer.fit_loop.epoch_loop.total_batch_idx
        torch.manual_seed(step_seed(self.seed, batch, trainer.global_rank))


class Progress(Callback):
    """Writes how far the run is, at most twice a second."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self._written = 0.0

    def _write(self, trainer: Trainer, phase: str, step: int, total: float) -> None:
        now = time.monotonic()
        last = step >= total
        if trainer.is_global_zero and (last or now - self._written > PROGRESS_SECONDS):
            self._written = now
            self.folder.progress(phase, step, int(total))

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        """Write the optimiser steps done."""
        self._write(trainer, "fit", trainer.global_step, trainer.estimated_stepping_batches)

    def on_test_batch_end(
        self, trainer: Trainer, module: Any, outputs: Any, batch: Any, batch_idx: int, *_: Any
    ) -> None:
        """Write the test batches done."""
        self._write(trainer, "test", batch_idx + 1, sum(trainer.num_test_batches))


class Speed(Callback):
    """Logs images per second and the share of time in which training waits for data.

    The wait is the time between a batch's end and the next one's start; validation and
    checkpoints in between are left out.

    Args:
        every: Steps between two logs.
    """

    def __init__(self, every: int) -> None:
        self.every = every
        self.images = 0
        self.seconds = 0.0
        self.waited = 0.0
        self._started = 0.0
        self._ended: float | None = None
        self._warm = False
        self._logged = (0, 0.0, 0.0)

    def on_train_batch_start(self, *_: Any) -> None:
        """Count the wait since the last batch."""
        self._started = time.perf_counter()
        if self._ended is not None:
            self.waited += self._started - self._ended
            self.seconds += self._started - self._ended

    def on_train_batch_end(
        self, trainer: Trainer, module: LightningModule, outputs: Any, batch: Any, *_: Any
    ) -> None:
        """Count the step, and log over the last interval."""
        self._ended = time.perf_counter()
        if not self._warm:  # the first step starts threads, allocator, compiler: not counted
            self._warm = True
            return
        self.images += len(batch["id"]) * trainer.world_size
        self.seconds += self._ended - self._started
        if trainer.global_step % self.every == 0:
            images, seconds, waited = self._logged
            span = self.seconds - seconds
            if span > 0:
                module.log_dict(
                    {
                        "speed/images_per_second": (self.images - images) / span,
                        "speed/data_wait": (self.waited - waited) / span,
                    }
                )
            self._logged = (self.images, self.seconds, self.waited)

    def on_validation_start(self, *_: Any) -> None:
        """Leave validation out of the wait."""
        self._ended = None

    def summary(self) -> dict[str, float | None]:
        """Return the averages over the run."""
        if self.seconds <= 0:
            return {"images_per_second": None, "data_wait": None}
        return {
            "images_per_second": self.images / self.seconds,
            "data_wait": self.waited / self.seconds,
        }


class SaveAndStop(Callback):
    """Saves a resumable checkpoint every few minutes, and when the worker is asked to stop.

    Args:
        folder: The run's folder.
        stop: Set when the worker is asked to stop.
        minutes: Time between checkpoints.
    """

    def __init__(self, folder: RunFolder, stop: StopRequest, minutes: float) -> None:
        self.path = folder.checkpoints / LAST
        self.stop = stop
        self.seconds = minutes * 60
        self._saved = time.monotonic()

    def on_train_start(self, *_: Any) -> None:
        """Hear of a stop in the trainer's place, which would end without a checkpoint."""
        self.stop.listen()

    def on_test_start(self, *_: Any) -> None:
        """Hear of a stop in the trainer's place."""
        self.stop.listen()

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        """Save when it is time; stop when asked."""
        progress: Any = trainer.fit_loop.epoch_loop.batch_progress
        if progress.current.processed % trainer.accumulate_grad_batches:
            return  # gradients that wait for their step are in no checkpoint
        stopping = self._agreed(trainer)
        if not stopping and time.monotonic() - self._saved < self.seconds:
            return
        trainer.save_checkpoint(self.path)
        self._saved = time.monotonic()
        if stopping:
            raise Interrupted

    def on_validation_batch_end(self, trainer: Trainer, *_: Any) -> None:
        """Stop when asked; the last checkpoint stands.

        Several ranks go on to the next training batch: they may validate unequal numbers of
        batches, so they can't agree here.
        """
        if trainer.world_size == 1 and self.stop.is_set():
            raise Interrupted

    def on_test_batch_end(self, trainer: Trainer, *_: Any) -> None:
        """Stop when asked; what was tested is in the records."""
        if self.stop.is_set():
            raise Interrupted

    def _agreed(self, trainer: Trainer) -> bool:
        """Tell whether any rank was asked to stop or is due, so that all act at the same batch."""
        if trainer.world_size == 1:
            return self.stop.is_set()
        due = time.monotonic() - self._saved >= self.seconds
        flags = torch.tensor([self.stop.is_set(), due], device=trainer.strategy.root_device).float()
        flags = trainer.strategy.reduce(flags, reduce_op="sum")
        if flags[1] > 0:
            self._saved = -math.inf
        return bool(flags[0] > 0)


class KeepBest(Callback):
    """Keeps the weights of the best validation, for columns with `checkpoint: best`.

    Args:
        folder: The run's folder.
        metrics: Metric name -> direction.
    """

    def __init__(self, folder: RunFolder, metrics: dict[str, str]) -> None:
        self.folder = folder
        self.metrics = metrics
        self.best: dict[str, float] = {}

    def state_dict(self) -> dict[str, float]:
        """Return the best values so far."""
        return dict(self.best)

    def load_state_dict(self, state_dict: dict[str, float]) -> None:
        """Take over the best values of the run's earlier part."""
        self.best = dict(state_dict)

    def on_validation_end(self, trainer: Trainer, module: Any) -> None:
        """Save the weights where a metric is better than before."""
        for metric, direction in self.metrics.items():
            value = float(trainer.callback_metrics.get(f"val/{metric}", math.nan))
            old = self.best.get(metric)
            better = old is None or (value < old if direction == "min" else value > old)
            if math.isfinite(value) and better and trainer.is_global_zero:
                self.best[metric] = value
                save_weights(module.network, self.folder.checkpoints / BEST.format(metric=metric))


class FiniteLoss(Callback):
    """Ends a run whose loss is not finite; looked at with each log, so that no step waits.

    Args:
        every: Steps between two looks.
    """

    def __init__(self, every: int) -> None:
        self.every = every

    def on_train_batch_end(
        self, trainer: Trainer, module: Any, outputs: Any, batch: Any, *_: Any
    ) -> None:
        """Raise when the loss is NaN or infinite."""
        if trainer.global_step % self.every == 0:
            loss = outputs["loss"] if isinstance(outputs, dict) else outputs
            if loss is not None and not bool(torch.isfinite(loss)):
                raise FloatingPointError(
                    f"the training loss is {float(loss)} at step {trainer.global_step}; "
                    f"samples of the batch: {', '.join(batch['id'][:8])}"
                )
