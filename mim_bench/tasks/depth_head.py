"""The depth head: deconvolutions to a quarter of the input, then bilinear to all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

from mim_bench.tasks.deconvolutions import deconvolutions, initialise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class DepthHead(nn.Module):
    """Depth from a backbone's last level, as in the authors' code (no skip connections).

    Deconvolutions of stride 2, each with batch norm and ReLU, bring the level to a quarter of
    the input: log2(stride / 4) of them, so 3 for stride 32 and 2 for a ViT's 16. A 3x3
    convolution with batch norm and ReLU follows, two bilinear doublings, and two 3x3
    convolutions with a ReLU between; a sigmoid times `max_depth` is the depth.

    Args:
        channels: Channels of the last level.
        stride: Stride of the last level.
        max_depth: The largest depth in metres.
        embed_dim: Width of the convolutions; None takes `channels // 8` (at least 8), which is
            128 for SwinV2-B and 192 for SwinV2-L as published.
        deconv_channels: Width of each deconvolution; as many are used as the stride needs.
        deconv_kernel: 2 (as published), 3 or 4.

    Raises:
        UserError: The stride can't be brought to 4 by doublings, or a setting makes no sense.
    """

    def __init__(
        self,
        channels: int,
        stride: int,
        max_depth: float,
        embed_dim: int | None = None,
        deconv_channels: Sequence[int] = (32, 32, 32),
        deconv_kernel: int = 2,
    ) -> None:
        super().__init__()
        embed_dim = embed_dim or max(channels // 8, 8)
        self.max_depth = max_depth
        self.deconvs, channels = deconvolutions(
            channels, stride, deconv_channels, deconv_kernel, "depth"
        )
        self.fuse = nn.Sequential(
            nn.Conv2d(channels, embed_dim, 3, padding=1),
            nn.BatchNorm2d(embed_dim),
            nn.ReLU(inplace=True),
        )
        self.predict = nn.Sequential(
            nn.Conv2d(embed_dim, embed_dim, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(embed_dim, 1, 3, padding=1),
        )
        self.apply(initialise)

    def forward(self, levels: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        """Predict depth.

        Args:
            levels: The backbone's levels; the last one, (B, C, ceil(H / s), ceil(W / s)), is used.
            size: (H, W) of the images, to which the output is cropped at the right and below.

        Returns:
            (B, 1, H, W) metres, float32, between 0 and `max_depth`.
        """
        features = self.fuse(self.deconvs(levels[-1]))
        for _ in range(2):
            features = F.interpolate(
                features, scale_factor=2.0, mode="bilinear", align_corners=False
            )
        # in float32: a bfloat16 sigmoid would leave steps of several centimetres
        depth = torch.sigmoid(self.predict(features).float()) * self.max_depth
        return depth[..., : size[0], : size[1]]
