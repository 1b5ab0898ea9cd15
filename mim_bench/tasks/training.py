"""The optimiser's side of a task: groups, and the rate of each step from the schedule."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch import LightningModule

from mim_bench.tasks.optimisation import parameter_groups
from mim_bench.tasks.schedules import Budget

if TYPE_CHECKING:
    from mim_bench.tasks.network import Network
    from mim_bench.tasks.schedules import Schedule

Batch = Mapping[str, Any]


class ScheduledModule(LightningModule):
    """Sets every parameter group's learning rate before each optimiser step.

    Attributes:
        network: What is trained.
        schedule: From step, budget and layer scale to a rate.
        budget: The training's length, known from its start on.
    """

    network: Network
    schedule: Schedule
    lr: float
    weight_decay: float
    betas: tuple[float, float]
    layer_decay: float
    decay_convention: str
    backbone_lr: float
    decay_on: str

    def __init__(self) -> None:
        super().__init__()
        self.budget: Budget | None = None

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return AdamW over the groups of backbone and head."""
        groups = parameter_groups(
            self.network,
            self.decay_convention,
            self.layer_decay,
            self.weight_decay,
            backbone_lr=self.backbone_lr,
            decay_on=self.decay_on,
        )
        for group in groups:
            group["lr"] = self.lr * group["scale"]
        return torch.optim.AdamW(groups, lr=self.lr, betas=self.betas, fused=self._fuses())

    def _fuses(self) -> bool:
        """Tell whether the optimiser may take a group's step at once, which is faster."""
        # with mixed precision Lightning clips no gradients for an optimiser that is fused
        mixed = self._trainer is not None and "mixed" in str(self._trainer.precision)
        return not mixed and self.device.type in ("cpu", "cuda")

    def on_train_start(self) -> None:
        """Fix the schedule's length, unless a resumed training brought it along."""
        if self.budget is None:
            epochs = self.trainer.max_epochs or 0
            steps = int(self.trainer.estimated_stepping_batches)
            self.budget = Budget(steps, epochs if epochs > 0 else None)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the schedule's length: a loader that goes on in mid-epoch looks shorter."""
        if self.budget is not None:
            checkpoint["budget"] = dataclasses.asdict(self.budget)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take over the schedule's length."""
        if "budget" in checkpoint:
            self.budget = Budget(**checkpoint["budget"])

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Set each group's learning rate for the optimiser step to come."""
        del batch
        if self.budget is None:
            raise RuntimeError("on_train_start has not run")
        if batch_idx % self.trainer.accumulate_grad_batches:
            return
        step = self.trainer.global_step + 1
        groups = self.trainer.optimizers[0].param_groups
        for group in groups:
            group["lr"] = self.schedule(step, self.budget, group["scale"])
        if self.logs_now():
            rates = {f"lr/{group['name']}": group["lr"] for group in groups}
            for logger in self.loggers:  # directly: no trip of host numbers to the device
                logger.log_metrics(rates, step=step - 1)

    def logs_now(self) -> bool:
        """Tell whether the trainer writes its logs after the step to come."""
        every: int = getattr(self.trainer, "log_every_n_steps", 0)
        return every > 0 and (self.trainer.global_step + 1) % every == 0
