"""A feature pyramid from the one map of a plain network (ViT): deconvolutions and pooling."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch.nn.functional as F
from timm.layers.norm import LayerNorm2d
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Sequence


class Pyramid(nn.Module):
    """Makes maps of several strides from the last map of a plain network.

    The simple feature pyramid of "Exploring Plain Vision Transformer Backbones for Object
    Detection" (section 3): finer levels by deconvolutions of 2 x 2, each halving the channels,
    with layer norm and GELU between two of them; coarser ones by max pooling. Where the patch
    is no power of two (14), the level is then resampled to its grid.

    Args:
        channels: Channels of the map.
        stride: Its stride, the patch size.
        levels: Strides of the wanted maps, finest first.

    Attributes:
        channels: Channels of each level.
    """

    def __init__(self, channels: int, stride: int, levels: Sequence[int]) -> None:
        super().__init__()
        self.levels = tuple(levels)
        self.exact = stride & (stride - 1) == 0  # a power of two
        steps = [round(math.log2(stride / level)) for level in levels]
        self.scales = nn.ModuleList(_scale(channels, step) for step in steps)
        self.channels = tuple(channels // 2 ** max(step, 0) for step in steps)

    def forward(self, level: Tensor, size: tuple[int, int]) -> list[Tensor]:
        """Return a map (B, C_i, ceil(H / s_i), ceil(W / s_i)) per level.

        Args:
            level: (B, C, h, w), the network's map.
            size: Height H and width W of the images in pixels.
        """
        maps = []
        for stride, scale in zip(self.levels, self.scales, strict=True):
            grid = (-(-size[0] // stride), -(-size[1] // stride))
            made = scale(level)
            if self.exact:
                made = made[..., : grid[0], : grid[1]]  # less what padding of the input added
            else:
                made = F.interpolate(made, size=grid, mode="bilinear", align_corners=False)
            maps.append(made)
        return maps


def _scale(channels: int, step: int) -> nn.Module:
    if step < 0:
        return nn.Sequential(*(nn.MaxPool2d(2, ceil_mode=True) for _ in range(-step)))
    layers: list[nn.Module] = []
    for index in range(step):
        if index:
            layers += [LayerNorm2d(channels), nn.GELU()]
        layers.append(nn.ConvTranspose2d(channels, channels // 2, 2, stride=2))
        channels //= 2
    return nn.Sequential(*layers)
