"""Looks at a backbone's features once per run, as its first test begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch import Callback
from torch import Tensor, nn

from mim_bench.tasks.features import collapsed, feature_statistics

if TYPE_CHECKING:
    from mim_bench.benchmarks.store import RunFolder
    from mim_bench.tasks.base import Task


class MeasureFeatures(Callback):
    """Writes `features` into run.json: `feature_statistics` of the first test batch.

    The batch goes through `Task.glance`, so that the backbone is given what it is
    given in the test. Random states are left as they were, weights and mode are the test's. Where
    the network has no `backbone`, or that yields no maps, nothing is written.

    Args:
        task: In evaluation, without gradients, on its device: what a test makes of it.
        folder: The run's folder.
    """

    def __init__(self, task: Task, folder: RunFolder) -> None:
        self.task = task
        self.folder = folder

    def on_test_batch_start(
        self, trainer: Any, module: Any, batch: Any, batch_idx: int, *_: Any
    ) -> None:
        """Measure the first batch; every rank passes it on, as parts may lie on others."""
        if batch_idx:
            return
        maps = self._maps(trainer, batch)
        if maps and trainer.is_global_zero:
            found = feature_statistics(maps)
            self.folder.update(features={**found, "collapsed": collapsed(found)})

    def _maps(self, trainer: Any, batch: Any) -> list[Tensor]:
        """Return what the backbone returns when it is first asked."""
        backbone = getattr(self.task.network, "backbone", None)
        if not isinstance(backbone, nn.Module):
            return []
        seen: list[Any] = []
        handle = backbone.register_forward_hook(lambda *call: seen.append(call[-1]))
        device = self.task.device
        forked = [device] if device.type == "cuda" else []
        try:
            with (
                torch.random.fork_rng(forked),
                # a compiled graph passes a new hook by, or is compiled once more for it
                torch.compiler.set_stance("force_eager"),
                torch.no_grad(),
                trainer.precision_plugin.forward_context(),
            ):
                self.task.glance(batch, self.task.test_options)
        finally:
            handle.remove()
        maps = list(seen[0]) if seen and isinstance(seen[0], (list, tuple)) else []
        good = all(isinstance(level, Tensor) and level.ndim == 4 for level in maps)
        return maps if good else []
