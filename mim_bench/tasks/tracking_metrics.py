"""The metrics of tracking benchmarks as a torchmetrics metric, exact over ranks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities.data import dim_zero_cat

from mim_bench.errors import UserError, unknown
from mim_bench.tasks.tracking_rules import METRICS, RULES, evaluate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class TrackingBenchmark(Metric):
    """Scores whole sequences under the rules of a benchmark (see `tracking_rules.evaluate`).

    Args:
        rules: One of `tracking_rules.RULES`.
        truth: See `SequenceReader.ground_truth`; sequences that get no track are left out.

    Raises:
        UserError: There are no such rules.
    """

    full_state_update = False
    rows: list[Tensor]

    def __init__(self, rules: str, truth: Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if rules not in METRICS:
            raise UserError([unknown("rules", rules, RULES)])
        self.rules = rules
        self.truth = truth
        self.names = list(truth["sequences"])
        self.places = {name: place for place, name in enumerate(self.names)}
        # a sequence's place and a box: float64 holds both exactly
        self.add_state("rows", [], "cat")
        self._start()

    def _start(self) -> None:
        """Give every rank a part to share, also one that never sees a sequence."""
        self.rows.append(torch.empty(0, 5, dtype=torch.float64, device=self.device))

    def reset(self) -> None:
        """Forget all tracks."""
        super().reset()
        self._start()

    def update(self, names: Sequence[str], tracks: Sequence[Tensor]) -> None:
        """Add sequences.

        Args:
            names: Their names.
            tracks: (N, 4) each: x, y, width, height in pixels, the first pixel being 0.

        Raises:
            UserError: The truth has no sequence of that name.
        """
        for name, track in zip(names, tracks, strict=True):
            if name not in self.places:
                raise UserError(f"the truth has no sequence {name!r}", where="TrackingBenchmark")
            boxes = track.detach().to(self.device, torch.float64).reshape(-1, 4)
            place = boxes.new_full((len(boxes), 1), self.places[name])
            self.rows.append(torch.cat([place, boxes], dim=1))

    def compute(self) -> dict[str, Tensor]:
        """Return metric -> percent, of the sequences that were added on all ranks.

        Raises:
            UserError: There are none, or one has another number of boxes than frames.
        """
        rows = dim_zero_cat(self.rows).cpu().numpy()
        rows = rows[np.argsort(rows[:, 0], kind="stable")]
        places, starts = np.unique(rows[:, 0].astype(int), return_index=True)
        parts = np.split(rows[:, 1:], starts[1:]) if len(places) else []
        found = {self.names[place]: part for place, part in zip(places, parts, strict=True)}
        held = self.truth["sequences"]
        truth = {**self.truth, "sequences": {name: held[name] for name in found}}
        values = evaluate(self.rules, truth, found).values
        return {
            name: torch.tensor(100 * value, dtype=torch.float64, device=self.device)
            for name, value in values.items()
        }
