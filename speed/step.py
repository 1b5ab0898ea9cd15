"""A training step through Lightning, logging on, against a bare PyTorch loop: same model, batches.

Run: python -m speed.step [--batch 8] [--steps 30] [--rounds 5]
Claim: at most 1.05 where the bare step takes 70 ms or more.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import torch
from lightning.pytorch import Callback
from torch.utils.data import DataLoader

from mim_bench.backbones.spec import BackboneSpec
from mim_bench.benchmarks.callbacks import (
    FiniteLoss,
    KeepBest,
    Progress,
    ReseedEachStep,
    SaveAndStop,
    Speed,
)
from mim_bench.benchmarks.execution import build_trainer
from mim_bench.benchmarks.settings import TRAINER_OTHER, TRAINER_SCORED
from mim_bench.benchmarks.stopping import StopRequest
from mim_bench.benchmarks.store import RunFolder
from mim_bench.tasks.depth import DepthTask


class Clock(Callback):
    """Notes when each training batch ends."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_train_batch_end(self, *_: object) -> None:
        """Note the time."""
        self.ends.append(time.perf_counter())


def make_task(backbone: str) -> DepthTask:
    torch.manual_seed(0)
    return DepthTask(
        BackboneSpec.parse(backbone), image_size=(96, 96), window=6, drop_path=0.0, pictures=0
    )


def make_batches(size: int, count: int) -> list[dict]:
    made = torch.Generator().manual_seed(0)
    return [
        {
            "id": [str(index) for index in range(size)],
            "image": torch.randint(0, 256, (size, 3, 96, 96), generator=made, dtype=torch.uint8),
            "depth": torch.rand(size, 96, 96, generator=made) * 9 + 0.5,
            "valid": torch.ones(size, 96, 96, dtype=torch.bool),
        }
        for _ in range(count)
    ]


def bare(task: DepthTask, batches: list[dict], steps: int) -> list[float]:
    """What people write by hand: the same loss and optimiser, no schedule, no logging."""
    optimizer = task.configure_optimizers()
    task.train()
    ends = []
    for step in range(steps):
        optimizer.zero_grad(set_to_none=True)
        loss = task.loss(batches[step % len(batches)])
        loss.backward()
        optimizer.step()
        ends.append(time.perf_counter())
    return ends


def through_lightning(task: DepthTask, batches: list[dict], steps: int) -> list[float]:
    """A worker's trainer with all its callbacks and TensorBoard."""
    clock = Clock()
    with tempfile.TemporaryDirectory() as scratch:
        folder = RunFolder(Path(scratch))
        every = 10
        settings = {**TRAINER_SCORED, **TRAINER_OTHER, "max_steps": steps}
        settings |= {"log_every_n_steps": every, "accelerator": "cpu"}
        watchers = [
            ReseedEachStep(0),
            Speed(every),
            Progress(folder),
            FiniteLoss(every),
            KeepBest(folder, {}),
            SaveAndStop(folder, StopRequest(), 60.0),
            clock,
        ]
        trainer = build_trainer(settings, folder, watchers)
        data = [batches[step % len(batches)] for step in range(steps)]
        trainer.fit(task, DataLoader(data, batch_size=None))
    return clock.ends


def spans(ends: list[float]) -> list[float]:
    return [after - before for before, after in pairwise(ends[2:])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backbone", default="swinv2_mini")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    batches = make_batches(options.batch, 4)
    task = make_task(options.backbone)
    times: dict[str, list[float]] = {"bare": [], "lightning": []}
    ratios = []
    for _ in range(options.rounds):
        plain = spans(bare(task, batches, options.steps))
        measured = spans(through_lightning(task, batches, options.steps))
        ratios.append(statistics.median(measured) / statistics.median(plain))
        times["bare"] += plain
        times["lightning"] += measured
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, value in medians.items():
        print(f"{name:10} median step {value * 1e3:.1f} ms")
    print(
        f"ratio of medians {medians['lightning'] / medians['bare']:.3f}, "
        f"median of rounds {statistics.median(ratios):.3f}: {[f'{r:.3f}' for r in ratios]}"
    )


if __name__ == "__main__":
    main()
