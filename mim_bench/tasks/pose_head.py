"""The pose head: deconvolutions to a quarter of the input, then one map per joint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from mim_bench.tasks.deconvolutions import deconvolutions, initialise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class PoseHead(nn.Module):
    """Heat-maps from a backbone's last level (Simple Baseline, Xiao et al. 2018).

    Args:
        channels: Channels of the last level.
        stride: Stride of the last level.
        joints: Number of joints.
        deconv_channels: Width of each deconvolution; as many are used as the stride needs.
        deconv_kernel: 2 (the authors' code), 3 or 4 (Simple Baseline).

    Raises:
        UserError: The stride can't be brought to 4 by doublings, or a setting makes no sense.
    """

    def __init__(
        self,
        channels: int,
        stride: int,
        joints: int,
        deconv_channels: Sequence[int] = (32, 32, 32),
        deconv_kernel: int = 2,
    ) -> None:
        super().__init__()
        self.deconvs, channels = deconvolutions(
            channels, stride, deconv_channels, deconv_kernel, "pose"
        )
        self.predict = nn.Conv2d(channels, joints, 1)
        self.apply(initialise)

    def forward(self, levels: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        """Predict heat-maps.

        Args:
            levels: The backbone's levels; the last one, (B, C, ceil(H / s), ceil(W / s)), is used.
            size: (H, W) of the images.

        Returns:
            (B, K, ceil(H / 4), ceil(W / 4)) float32.
        """
        maps: Tensor = self.predict(self.deconvs(levels[-1])).float()
        return maps[..., : -(-size[0] // 4), : -(-size[1] // 4)]
