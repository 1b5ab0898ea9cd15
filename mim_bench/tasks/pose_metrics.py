"""Average precision of poses as a torchmetrics metric, for COCO, CrowdPose and files like them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from mim_bench.errors import UserError
from mim_bench.tasks.oks import oks_nms
from mim_bench.tasks.oks_evaluation import average_precision
from mim_bench.tasks.oks_truth import Truth, keypoint_truth

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor


class OKSAveragePrecision(Metric):
    """AP and AR of poses by OKS; exact over ranks, in any order of batches and of poses.

    ```
    metric = OKSAveragePrecision("person_keypoints_val2017.json", "coco")
    metric.update(image_ids, keypoints, scores)  # for each batch
    metric.compute()["ap"]
    ```

    Equal scores within an image rank by the poses' coordinates, so that no order of arrival
    matters. A sampler must not repeat samples: a pose given twice counts as a wrong one, unless
    `nms` removes it.

    Args:
        ground_truth: An annotation file or its content, with `rule`; or a ground truth as
            `keypoint_truth` returns it, for other joints and sigmas.
        rule: `coco` or `crowdpose`; None where the ground truth says itself.
        nms: Suppress double poses above this OKS (published: 0.9); None leaves all.
        settings: As for every torchmetrics metric.

    Raises:
        UserError: The file or one of its annotations can't be used.
    """

    full_state_update = False
    is_differentiable = False
    higher_is_better = True
    rows: list[Tensor]

    def __init__(
        self,
        ground_truth: str | Path | Mapping[str, Any],
        rule: str | None = None,
        nms: float | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        if rule is not None:
            ground_truth = keypoint_truth(ground_truth, rule)
        if isinstance(ground_truth, (str, Path)):
            raise UserError(
                "a file needs its rule",
                where=str(ground_truth),
                expected="rule: coco or crowdpose",
            )
        self.truth = Truth.check(ground_truth)
        self.nms = nms
        # image id, score, area and the pose: float64 holds ids and float32 values exactly
        self.add_state("rows", [], "cat")
        self._start()

    def _start(self) -> None:
        """Give every rank a part to share, also one that never sees an image."""
        width = 3 + 3 * len(self.truth.sigmas)
        self.rows.append(torch.empty(0, width, dtype=torch.float64, device=self.device))

    def reset(self) -> None:
        """Forget all poses."""
        super().reset()
        self._start()

    def update(
        self,
        image_ids: Tensor | Sequence[int],
        keypoints: Tensor,
        scores: Tensor,
        areas: Tensor | None = None,
    ) -> None:
        """Add poses, any number of them per image and batch.

        Args:
            image_ids: (B,) ids of the annotation file.
            keypoints: (B, K, 3): x, y in pixels of the original image, and a value that is not
                looked at.
            scores: (B,), the poses' scores.
            areas: (B,) square pixels, looked at by `nms` alone: those of the padded boxes as
                published.

        Raises:
            UserError: The poses have another number of joints, or `nms` lacks areas.
        """
        joints = len(self.truth.sigmas)
        if keypoints.ndim != 3 or keypoints.shape[1:] != (joints, 3):
            raise UserError(
                f"keypoints of shape {tuple(keypoints.shape)}",
                expected=f"(poses, {joints}, 3)",
            )
        if areas is None and self.nms is not None:
            raise UserError("nms needs the areas of the poses", action="give update the areas")
        images = torch.as_tensor(image_ids, device=self.device).double()
        ranks = torch.as_tensor(scores, device=self.device).detach().double()
        sizes = torch.zeros_like(ranks)
        if areas is not None:
            sizes = torch.as_tensor(areas, device=self.device).detach().double()
        poses = keypoints.detach().to(self.device).double().flatten(1)
        self.rows.append(torch.cat([torch.stack([images, ranks, sizes], -1), poses], -1))

    def compute(self) -> dict[str, Tensor]:
        """Return AP and AR of all poses so far.

        Returns:
            The names of `oks_evaluation.METRICS` -> a fraction of 1, a scalar; NaN where nobody
            counts.
        """
        rows = _ordered(dim_zero_cat(self.rows).cpu().numpy())
        images, scores, areas = rows[:, 0].astype(np.int64), rows[:, 1], rows[:, 2]
        poses = rows[:, 3:].reshape(len(rows), len(self.truth.sigmas), 3)
        if self.nms is not None:
            kept = _suppress(images, poses, scores, areas, self.truth.sigmas.tolist(), self.nms)
            images, poses, scores = images[kept], poses[kept], scores[kept]
        values = average_precision(self.truth, images, poses, scores)
        return {
            name: torch.tensor(value, dtype=torch.float64, device=self.device)
            for name, value in values.items()
        }


def _ordered(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sort by image, falling score, and whatever else a row says."""
    keys = (*rows[:, 2:].T[::-1], -rows[:, 1], rows[:, 0])
    return rows[np.lexsort(keys)]


def _suppress(
    images: NDArray[np.int64],
    poses: NDArray[np.float64],
    scores: NDArray[np.float64],
    areas: NDArray[np.float64],
    sigmas: list[float],
    threshold: float,
) -> NDArray[np.intp]:
    """Return the indices that `oks_nms` keeps of each image; images are sorted."""
    edges = np.flatnonzero(np.diff(images)) + 1
    kept = [
        part[oks_nms(poses[part], scores[part], areas[part], sigmas, threshold)]
        for part in np.split(np.arange(len(images)), edges)
    ]
    return np.concatenate(kept)
