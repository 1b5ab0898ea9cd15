"""Padding images on the right and below to what a network's strides need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch.nn.functional as F

if TYPE_CHECKING:
    from torch import Tensor


def padded(images: Tensor, multiple: tuple[int, int]) -> Tensor:
    """Return (..., H, W) images with zeros below and on the right, whole multiples in size.

    Args:
        images: Any images; those that fit are returned as they are.
        multiple: What height and width become a multiple of.
    """
    below, right = (-n % m for n, m in zip(images.shape[-2:], multiple, strict=True))
    return F.pad(images, (0, right, 0, below)) if below or right else images
