"""Depth metrics: which pixels count, nine numbers per image, and their mean over images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torchmetrics import Metric

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

METRICS = {
    "rmse": "min",
    "d1": "max",
    "d2": "max",
    "d3": "max",
    "abs_rel": "min",
    "sq_rel": "min",
    "rmse_log": "min",
    "log10": "min",
    "silog": "min",
}
"""The metrics and whether less or more is better."""

MIN_DEPTH = 1e-3
"""Metres; ground truth must lie above, and an undefined prediction counts as this."""

Box = tuple[int, int, int, int]


def _part(value: int, size: int, reference: int) -> int:
    """Scale a pixel border from `reference` to `size` pixels, halves up; exact where equal."""
    return (2 * value * size + reference) // (2 * reference)


def _nyu_eigen(height: int, width: int) -> Box:
    rows = (_part(45, height, 480), _part(471, height, 480))
    return (*rows, _part(41, width, 640), _part(601, width, 640))


def _fractions(top: float, bottom: float, left: float, right: float) -> Callable[[int, int], Box]:
    def box(height: int, width: int) -> Box:
        return int(top * height), int(bottom * height), int(left * width), int(right * width)

    return box


CROPS: dict[str, Callable[[int, int], Box]] = {
    "eigen": _nyu_eigen,
    "garg": _fractions(0.40810811, 0.99189189, 0.03594771, 0.96405229),
    "kitti-eigen": _fractions(0.3324324, 0.91351351, 0.0359477, 0.96405229),
    "none": lambda height, width: (0, height, 0, width),
}
"""Evaluation crops: (height, width) of the frame -> (top, bottom, left, right), ends excluded.

`eigen` is NYU's (rows 45:471, columns 41:601 of 480x640; scaled with the frame, borders rounded
half up), `garg` and `kitti-eigen` are KITTI's, fractions of the frame that are rounded down.
"""


def crop_box(kind: str, height: int, width: int) -> Box:
    """Return (top, bottom, left, right) of a crop of `CROPS` on a frame, ends excluded."""
    return CROPS[kind](height, width)


def crop_mask(kind: str, height: int, width: int, device: Any = None) -> Tensor:
    """Return a crop of `CROPS` as a bool mask (height, width), true inside."""
    top, bottom, left, right = crop_box(kind, height, width)
    mask = torch.zeros(height, width, dtype=torch.bool, device=device)
    mask[top:bottom, left:right] = True
    return mask


def scored_pixels(
    target: Tensor, crop: str, max_depth: float, valid: Tensor | None = None
) -> Tensor:
    """Return which pixels count: inside the crop, and `MIN_DEPTH` < target < `max_depth`.

    Args:
        target: (..., H, W) metres.
        crop: A name of `CROPS`.
        max_depth: The cap in metres; both bounds are excluded themselves.
        valid: (..., H, W) bool: pixels that may count at all.
    """
    mask = (target > MIN_DEPTH) & (target < max_depth)
    mask = mask & crop_mask(crop, target.shape[-2], target.shape[-1], target.device)
    return mask if valid is None else mask & valid


def mend(prediction: Tensor, max_depth: float) -> Tensor:
    """Replace NaN by `MIN_DEPTH` and infinities by `max_depth`, else change nothing."""
    return prediction.float().nan_to_num(nan=MIN_DEPTH, posinf=max_depth, neginf=max_depth)


def depth_metrics(prediction: Tensor, target: Tensor, mask: Tensor) -> dict[str, Tensor]:
    """Compute the metrics of each image over its scored pixels.

    Source of the formulas: the authors' code. `silog` is not multiplied by 100, its mean is
    subtracted by half. Predictions are clipped nowhere.

    Args:
        prediction: (..., H, W) metres, finite (see `mend`).
        target: (..., H, W) metres.
        mask: (..., H, W) bool, see `scored_pixels`.

    Returns:
        Name -> (...,) float32, by the names of `METRICS`; NaN for images without a scored pixel.
    """
    guess = torch.where(mask, prediction.float(), 1.0)
    truth = torch.where(mask, target.float(), 1.0)
    count = mask.sum((-2, -1)).float()

    def mean(values: Tensor) -> Tensor:
        return torch.where(mask, values, 0.0).sum((-2, -1)) / count

    ratio = torch.maximum(truth / guess, guess / truth)
    difference = guess - truth
    logs = guess.log() - truth.log()
    return {
        "rmse": mean(difference.square()).sqrt(),
        "d1": mean((ratio < 1.25).float()),
        "d2": mean((ratio < 1.25**2).float()),
        "d3": mean((ratio < 1.25**3).float()),
        "abs_rel": mean(difference.abs() / truth),
        "sq_rel": mean(difference.square() / truth),
        "rmse_log": mean(logs.square()).sqrt(),
        "log10": mean((guess.log10() - truth.log10()).abs()),
        "silog": (mean(logs.square()) - 0.5 * mean(logs).square()).clamp_min(0.0).sqrt(),
    }


def log_bias(prediction: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Return the mean of ln prediction - ln target over each image's scored pixels: (...,)."""
    guess = torch.where(mask, prediction.float(), 1.0)
    truth = torch.where(mask, target.float(), 1.0)
    return (guess.log() - truth.log()).sum((-2, -1)) / mask.sum((-2, -1))


class DepthMetrics(Metric):
    """The metrics per image, averaged over images: exact over ranks and in any order of batches.

    Images without a scored pixel are left out.
    """

    full_state_update = False
    totals: Tensor
    images: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("totals", torch.zeros(len(METRICS), dtype=torch.float64), "sum")
        self.add_state("images", torch.zeros((), dtype=torch.float64), "sum")

    def update(self, prediction: Tensor, target: Tensor, mask: Tensor) -> None:
        """Add images: all (B, H, W), as `depth_metrics` takes them."""
        found = depth_metrics(prediction, target, mask)
        values = torch.stack([found[name] for name in METRICS]).to(self.totals.dtype)
        scored = mask.any(-1).any(-1)
        self.totals += torch.where(scored, values, 0.0).sum(-1)
        self.images += scored.sum()

    def compute(self) -> dict[str, Tensor]:
        """Return name -> mean over images, a scalar; NaN before any image is scored."""
        return dict(zip(METRICS, (self.totals / self.images).unbind(), strict=True))
