"""The metrics of tracking benchmarks as a torchmetrics metric, exact over ranks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torchmetrics import Metric

from mim_bench.tasks.tracking_rules import evaluate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class TrackingBenchmark(Metric):
    """Scores whole sequences under the rules of a benchmark (see `tracking_rules.evaluate`).

    Args:
        rules: One of `tracking_rules.RULES`.
        truth: See `SequenceReader.ground_truth`; sequences that get no track are left out.
    """

    full_state_update = False
    tracks: list[Tensor]
    places: list[Tensor]

    def __init__(self, rules: str, truth: Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rules = rules
        self.truth = truth
        self.names = list(truth["sequences"])
        self.add_state("tracks", default=[], dist_reduce_fx="cat")
        self.add_state("places", default=[], dist_reduce_fx="cat")

    def update(self, names: Sequence[str], tracks: Sequence[Tensor]) -> None:
        """Add sequences.

        Args:
            names: Their names.
            tracks: (N, 4) each: x, y, width, height in pixels.
        """
        for name, track in zip(names, tracks, strict=True):
            place = self.names.index(name)
            self.tracks.append(track.to(self.device, torch.float64).reshape(-1, 4))
            rows = torch.full((len(track),), place, dtype=torch.int64, device=self.device)
            self.places.append(rows)

    def compute(self) -> dict[str, Tensor]:
        """Return metric -> percent, of the sequences that were added on all ranks."""
        tracks = _joined(self.tracks).cpu().numpy()
        places = _joined(self.places).cpu().numpy()
        found = {
            self.names[place]: tracks[places == place] for place in sorted(set(places.tolist()))
        }
        truth = {
            **self.truth,
            "sequences": {name: self.truth["sequences"][name] for name in found},
        }
        values = evaluate(self.rules, truth, found).values
        return {name: torch.tensor(100 * value) for name, value in values.items()}


def _joined(parts: list[Tensor] | Tensor) -> Tensor:
    return parts if isinstance(parts, Tensor) else torch.cat(parts)
