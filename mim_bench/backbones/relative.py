"""Attention inside windows: indices and coordinates of offsets, masks, cutting and joining."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from mim_bench.backbones.windows import Size

_APART = -100.0  # added to the logits of tokens from different regions, as published


@lru_cache(maxsize=64)
def table_index(window: Size, table: Size) -> Tensor:
    """Return where each pair of a window's tokens stands in a table of offsets.

    The table holds the offsets of a window of size `table`, row by row: a smaller window reads
    the table's centre.

    Args:
        window: Height and width in tokens, each at most the table's.
        table: Height and width of the window that the table is for.

    Returns:
        (N, N) int64 with N = height * width: rows of the table, query first.
    """
    rows, columns = (torch.arange(length) for length in window)
    row = rows.repeat_interleave(window[1])
    column = columns.repeat(window[0])
    down = row[:, None] - row[None, :] + table[0] - 1
    across = column[:, None] - column[None, :] + table[1] - 1
    return down * (2 * table[1] - 1) + across


def log_coordinates(window: Size, pretrained: Size) -> Tensor:
    """Return the log-spaced offsets of a window, in units of the pretraining window.

    SwinV2, section 3.3: 8 d / (pretrained - 1), then sign * log2(1 + |.|) / log2(8).

    Returns:
        (1, 2 h - 1, 2 w - 1, 2) float32.
    """
    axes = []
    for length, unit in zip(window, pretrained, strict=True):
        offsets = torch.arange(1 - length, length, dtype=torch.float32) / max(unit - 1, 1) * 8
        axes.append(torch.sign(offsets) * torch.log2(offsets.abs() + 1.0) / math.log2(8))
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)[None]


def region_mask(size: Size, window: Size, shift: Size) -> Tensor | None:
    """Return what keeps tokens apart that only a cyclic shift brought into one window.

    Args:
        size: Height and width of the map, whole windows.
        window: Height and width of a window.
        shift: How far the windows are shifted; (0, 0) needs no mask.

    Returns:
        (windows, N, N) float32 of 0 and -100, or None.
    """
    if not any(shift):
        return None
    regions = []
    for length, extent, moved in zip(size, window, shift, strict=True):
        place = torch.arange(length)
        regions.append((place >= length - extent).long() + (place >= length - moved).long())
    region = regions[0][:, None] * 3 + regions[1][None, :]
    windows = partition(region[None, :, :, None], window)[..., 0]
    apart = windows[:, None, :] != windows[:, :, None]
    return torch.zeros(apart.shape).masked_fill(apart, _APART)


def partition(maps: Tensor, window: Size) -> Tensor:
    """Cut (B, H, W, C) maps of whole windows into (B * windows, h * w, C), row by row."""
    batch, height, width, channels = maps.shape
    cut = maps.view(
        batch, height // window[0], window[0], width // window[1], window[1], channels
    ).transpose(2, 3)
    return cut.reshape(-1, window[0] * window[1], channels)


def join(windows: Tensor, window: Size, size: Size) -> Tensor:
    """Put the windows that `partition` cut back into (B, H, W, C) maps of a size."""
    rows, columns = size[0] // window[0], size[1] // window[1]
    cut = windows.view(-1, rows, columns, window[0], window[1], windows.shape[-1]).transpose(2, 3)
    return cut.reshape(-1, size[0], size[1], windows.shape[-1])


def split_heads(qkv: Tensor, heads: int) -> tuple[Tensor, Tensor, Tensor]:
    """Cut the answer (B, N, 3 C) of a joint projection into query, key, value.

    Returns:
        Three of (B, heads, N, C / heads).
    """
    count, tokens, _ = qkv.shape
    parts = qkv.reshape(count, tokens, 3, heads, -1).permute(2, 0, 3, 1, 4)
    return parts[0], parts[1], parts[2]


def by_pair(table: Tensor, index: Tensor) -> Tensor:
    """Return the biases (1, heads, N, N) of all pairs: the `index` (N, N) of a (rows, heads)."""
    return table[index.view(-1)].view(*index.shape, -1).permute(2, 0, 1).contiguous()[None]
