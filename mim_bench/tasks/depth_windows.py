"""Depth of wide frames by square windows, and of mirrored ones: the test of the authors' code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from mim_bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


def window_starts(height: int, width: int, windows: int) -> list[int]:
    """Return the first column of each square window of side `height` on a frame.

    The stride is (width - height) / (windows - 1), rounded down, so the last columns may be
    covered by no window: 9 of KITTI's 1216 with 16 windows of 352. That is kept as published.

    Raises:
        UserError: The frame is higher than wide.
    """
    if width < height:
        raise UserError(
            f"windows of side {height} don't fit on a frame of {height} x {width} (height x width)",
            where="option windows",
            expected="frames at least as wide as they are high",
            action="set windows to 1, or crop the frames",
        )
    if width == height:
        return [0]
    stride = (width - height) // (windows - 1)
    return [index * stride for index in range(windows)]


def predict_depth(
    network: Callable[[Tensor], Tensor],
    images: Tensor,
    flip: bool = True,
    windows: int = 2,
    chunk: int = 32,
) -> Tensor:
    """Predict depth with the flip test and the window test.

    Mirrored windows go through the network together with the others; their predictions are
    mirrored back and averaged before the windows are merged, by their sum over how many cover a
    pixel.

    Args:
        network: (N, 3, h, w) -> (N, 1, h, w).
        images: (B, 3, H, W), normalised.
        flip: Average with the mirrored frames' predictions.
        windows: Square windows of side H along the width; 1 gives the network whole frames.
        chunk: The most images in one forward pass; limits memory and changes no prediction.

    Returns:
        (B, 1, H, W) float32 metres; NaN where no window reaches.

    Raises:
        UserError: Windows are asked for on frames that are higher than wide.
    """
    height, width = images.shape[-2:]
    starts = window_starts(height, width, windows) if windows > 1 else [0]
    side = height if windows > 1 else width
    inputs = torch.cat([images[..., start : start + side] for start in starts])
    if flip:
        inputs = torch.cat([inputs, inputs.flip(-1)])
    outputs = torch.cat([network(part).float() for part in torch.split(inputs, max(chunk, 1))])
    if flip:
        straight, mirrored = outputs.chunk(2)
        outputs = (straight + mirrored.flip(-1)) / 2
    if len(starts) == 1:
        return outputs
    return merge_windows(outputs.chunk(len(starts)), starts, width)


def merge_windows(parts: tuple[Tensor, ...], starts: list[int], width: int) -> Tensor:
    """Merge windows' predictions: their sum over the number that cover a column.

    Args:
        parts: Per window (B, 1, H, w).
        starts: Per window its first column.
        width: Of the frame.

    Returns:
        (B, 1, H, width); NaN in columns that no window covers.
    """
    total = parts[0].new_zeros(*parts[0].shape[:-1], width)
    cover = parts[0].new_zeros(width)
    for part, start in zip(parts, starts, strict=True):
        total[..., start : start + part.shape[-1]] += part
        cover[start : start + part.shape[-1]] += 1
    return torch.where(cover > 0, total / cover.clamp_min(1), torch.nan)
