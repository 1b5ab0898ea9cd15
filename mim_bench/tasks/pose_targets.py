"""What pose heat-maps are trained towards, and by which loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


def gaussian_targets(
    keypoints: Tensor, weight: Tensor, image_size: Sequence[int], size: Sequence[int], sigma: float
) -> tuple[Tensor, Tensor]:
    """Draw a Gaussian with a peak of 1 around each labelled joint.

    Its middle is the joint's place in heat-map pixels, plus a half and rounded towards zero (not
    down: from -1.5 to -0.5 is pixel 0); it is cut off at a square of 3 sigma around it. Source:
    Simple Baseline and MMPose ("MSRA" encoding).

    Args:
        keypoints: (B, K, 2) column and row in pixels of the input.
        weight: (B, K), 0 where a joint is not labelled.
        image_size: (H, W) of the input.
        size: (h, w) of the heat-maps.
        sigma: In pixels of the heat-maps.

    Returns:
        Targets (B, K, h, w) float32 and weights (B, K): 0 too where the square lies outside.
    """
    height, width = int(size[0]), int(size[1])
    strides = keypoints.new_tensor([image_size[1] / width, image_size[0] / height])
    middles = (keypoints / strides + 0.5).trunc()
    radius = int(3 * sigma)
    ends = keypoints.new_tensor([width, height])
    # compared as in the sources, where a square that ends one pixel before the map still counts
    inside = ((middles - radius < ends) & (middles + radius + 1 >= 0)).all(-1)
    weight = weight * inside

    def along(length: int, axis: int) -> Tensor:
        places = torch.arange(length, device=keypoints.device, dtype=torch.float32)
        away = places - middles[..., axis, None]
        bell = torch.exp(-away.square() / (2 * sigma**2))
        return torch.where(away.abs() <= radius, bell, 0.0)

    maps = along(height, 1)[..., :, None] * along(width, 0)[..., None, :]
    return maps * (weight > 0.5)[..., None, None], weight


def heatmap_loss(prediction: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Return the mean squared error over all pixels of all joints, those without label at zero.

    Source: MMPose's `JointsMSELoss` with target weights; Simple Baseline's has half of it.

    Args:
        prediction: (B, K, h, w).
        target: (B, K, h, w).
        weight: (B, K).
    """
    return ((prediction - target).square().mean((-2, -1)) * weight).mean()
