"""OKS-AP as a torchmetrics metric: of COCO and CrowdPose, exact over ranks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torchmetrics import Metric

from mim_bench.errors import UserError
from mim_bench.tasks.oks_evaluation import (
    COCO_METRICS,
    CROWD_METRICS,
    evaluate_keypoints,
    read_ground_truth,
)
from mim_bench.tasks.pose_results import results_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

METRICS = tuple(dict.fromkeys(COCO_METRICS + CROWD_METRICS))
"""All that either dataset has."""


class OKSAveragePrecision(Metric):
    """AP and AR over OKS.

    ```python
    metric = OKSAveragePrecision("annotations/person_keypoints_val2017.json")
    metric.update(image_ids, keypoints, scores)
    metric.compute()["ap"]
    ```

    The order of the updates and their spread over ranks change nothing.

    Args:
        ground_truth: An annotation file in COCO's format, or what `evaluate_keypoints` takes;
            None if the attribute is set later.
        dataset: `coco` (17 joints) or `crowdpose` (14, area rule, easy, medium and hard), for
            an annotation file.
        peaks_above: A pose's score is multiplied by the mean of its joints' third numbers above
            this; None leaves scores as they are.
        oks_nms: Of two poses of a picture with a higher OKS than this, the better one is kept;
            None keeps all.
        kwargs: See `torchmetrics.Metric`.

    Raises:
        UserError: The file can't be read, or there is no such dataset.
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False

    image_ids: list[Tensor]
    keypoints: list[Tensor]
    scores: list[Tensor]
    areas: list[Tensor]

    def __init__(
        self,
        ground_truth: Mapping[str, Any] | str | Path | None = None,
        dataset: str = "coco",
        peaks_above: float | None = None,
        oks_nms: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        read = ground_truth is None or hasattr(ground_truth, "keys")
        self.ground_truth: Any = ground_truth if read else read_ground_truth(ground_truth, dataset)  # type: ignore[arg-type]
        self.peaks_above = peaks_above
        self.oks_nms = oks_nms
        for name in ("image_ids", "keypoints", "scores", "areas"):
            self.add_state(name, default=[], dist_reduce_fx="cat")

    def update(
        self, image_ids: Tensor, keypoints: Tensor, scores: Tensor, areas: Tensor | None = None
    ) -> None:
        """Add poses.

        Args:
            image_ids: (B,) integers: their pictures.
            keypoints: (B, K, 3) column and row in the picture's pixels, and how sure it is.
            scores: (B,).
            areas: (B,) in square pixels, only for `oks_nms`.

        Raises:
            UserError: Shapes do not fit, or areas are needed and not given.
        """
        if keypoints.ndim != 3 or keypoints.shape[-1] != 3 or len(keypoints) != len(image_ids):
            raise UserError(
                f"keypoints have the shape {tuple(keypoints.shape)}",
                expected=f"({len(image_ids)}, joints, 3)",
            )
        if areas is None:
            if self.oks_nms is not None:
                raise UserError("no areas are given", expected="(B,) areas, as oks_nms is set")
            areas = torch.zeros_like(scores)
        self.image_ids.append(image_ids.detach().long())
        self.keypoints.append(keypoints.detach().double())
        self.scores.append(scores.detach().double())
        self.areas.append(areas.detach().double())

    def compute(self) -> dict[str, Tensor]:
        """Return the metrics of the dataset (see `evaluate_keypoints`) as scalars from 0 to 1.

        Raises:
            UserError: There is no ground truth, or a pose is on an unknown picture.
        """
        if self.ground_truth is None:
            raise UserError("there is no ground truth", action="give it, or set `ground_truth`")
        found = evaluate_keypoints(self.ground_truth, results_of(self._records(), *self._rules()))
        return {name: torch.tensor(value) for name, value in found.items()}

    def _rules(self) -> tuple[list[float], dict[str, float | None]]:
        options = {"peaks_above": self.peaks_above, "oks_nms": self.oks_nms}
        return list(self.ground_truth["sigmas"]), options

    def _records(self) -> list[dict[str, Any]]:
        """Return all ranks' poses in one order, whichever rank had them."""
        images, poses, scores, areas = (
            _whole(state) for state in (self.image_ids, self.keypoints, self.scores, self.areas)
        )
        if not len(images):
            return []
        flat = poses.reshape(len(poses), -1)
        # the last key of a lexsort is the first to sort by
        order = np.lexsort([*flat.T[::-1], -scores, images])
        return [
            {
                "image": int(images[index]),
                "keypoints": flat[index].tolist(),
                "score": float(scores[index]),
                "area": float(areas[index]),
            }
            for index in order
        ]


def _whole(state: Any) -> Any:
    """Return a state as one array: a list before ranks are joined, a tensor after it."""
    parts = [state] if isinstance(state, torch.Tensor) else list(state)
    return torch.cat(parts).cpu().numpy() if parts else np.zeros((0,))
