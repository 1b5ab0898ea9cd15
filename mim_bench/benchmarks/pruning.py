"""A trial's validations: kept for the search, and ended early where they are hopeless."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from lightning.pytorch import Callback

from mim_bench.benchmarks import sampling, study
from mim_bench.files import write_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lightning.pytorch import Trainer

    from mim_bench.benchmarks.store import RunFolder


class Pruned(Exception):  # noqa: N818 - no error
    """The search has seen enough of this trial."""


class WatchTrial(Callback):
    """Keeps the searched metric of each validation, and ends the trial when the pruner says so.

    Args:
        folder: The trial's run folder.
        job: Its job (see `Node.job`).
    """

    def __init__(self, folder: RunFolder, job: Mapping[str, Any]) -> None:
        self.folder = folder
        self.metric = job["scores"][0]["metric"]
        self.study = study.study_folder(folder.path.parent, job["study"])

    def on_validation_end(self, trainer: Trainer, *_: Any) -> None:
        """Write the metric down; all ranks have the same one.

        Raises:
            Pruned: The others did better at this step.
        """
        value = float(trainer.callback_metrics.get(f"val/{self.metric}", math.nan))
        if not math.isfinite(value) or trainer.global_step >= trainer.estimated_stepping_batches:
            return  # at the end there is nothing to save
        steps = {**study.read_validations(self.folder), trainer.global_step: value}
        if trainer.is_global_zero:
            content = {"metric": self.metric, "steps": sorted(steps.items())}
            write_json(self.folder.path / study.VALIDATIONS, content, durable=False)
        hopeless = trainer.is_global_zero and self._is_hopeless()
        if trainer.strategy.broadcast(hopeless):
            raise Pruned

    def _is_hopeless(self) -> bool:
        content = study.read_study(self.study)
        if content is None:
            return False
        trials = study.read_trials(self.study, content["trials"])
        mine = [trial for trial in trials if trial.run == self.folder.id]
        return bool(mine) and sampling.is_hopeless(content, trials, mine[0])
