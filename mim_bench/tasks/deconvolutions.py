"""Deconvolutions that bring a backbone's level to a quarter of the input, for pose and depth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from mim_bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

# kernel -> (padding, output padding), so that each deconvolution doubles its input exactly
_PADDING = {2: (0, 0), 3: (1, 1), 4: (1, 0)}


def deconvolutions(
    channels: int, stride: int, widths: Sequence[int], kernel: int, head: str
) -> tuple[nn.Sequential, int]:
    """Build deconvolutions of stride 2 without bias, each with batch norm and ReLU.

    log2(stride / 4) of them are built, so 3 for stride 32 and 2 for a ViT's 16 (Simple Baseline,
    Xiao et al. 2018).

    Args:
        channels: Channels of the level.
        stride: Stride of the level.
        widths: Channels of each deconvolution; as many are used as the stride needs.
        kernel: 2, 3 or 4.
        head: What is built, for errors.

    Returns:
        The layers, and the channels that come out of them.

    Raises:
        UserError: The stride can't be brought to 4 by doublings, or a setting makes no sense.
    """
    doublings = _doublings(stride, len(widths), head)
    if kernel not in _PADDING:
        raise UserError(
            f"deconv_kernel is {kernel}", where="task.deconv_kernel", expected="2, 3 or 4"
        )
    padding, output_padding = _PADDING[kernel]
    layers: list[nn.Module] = []
    for width in widths[:doublings]:
        layers += [
            nn.ConvTranspose2d(channels, width, kernel, 2, padding, output_padding, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
        ]
        channels = width
    return nn.Sequential(*layers), channels


def initialise(module: nn.Module) -> None:
    """Draw a convolution's weights from N(0, 0.001), its bias is 0; for `Module.apply`."""
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, std=0.001)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _doublings(stride: int, available: int, head: str) -> int:
    doublings = max(stride, 1).bit_length() - 3
    if doublings < 0 or stride != 4 * 2**doublings:
        raise UserError(
            f"the {head} head can't stand on a level of stride {stride}",
            where="task.levels",
            expected="a stride of 4, 8, 16, 32, ...",
            action="ask for another level, choose a backbone with such strides (a ViT of patch "
            "size 16), or override build_head",
        )
    if doublings > available:
        raise UserError(
            f"a level of stride {stride} takes {doublings} deconvolutions, {available} are given",
            where="task.deconv_channels",
        )
    return doublings
