"""The trivial predictor of tracking: the target stays where it was in the first frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mim_bench.tasks.tracker import Followed
from mim_bench.tasks.trivial import TrivialPredictor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mim_bench.tasks.training import Batch


class FirstBox(TrivialPredictor):
    """Keeps the first box in all frames."""

    name = "first box kept"

    def predict(self, batch: Batch, options: Mapping[str, Any]) -> list[Followed]:
        """Return the first box of each sequence, as often as it has frames."""
        del options
        boxes = batch["box"].double().cpu().numpy()
        return [
            Followed(np.tile(box, (len(frames), 1)), np.ones(len(frames)))
            for box, frames in zip(boxes, batch["frames"], strict=True)
        ]
