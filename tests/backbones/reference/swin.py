"""Swin v1 from its description: dot-product attention, a bias table per block, norms before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from .windows import (
    Mlp,
    Network,
    Pair,
    fit,
    in_windows,
    pair,
    table_rows,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


class Attention(nn.Module):
    """Scaled dot-product attention; a window smaller than the table's reads the table's centre."""

    def __init__(self, channels: int, heads: int, table: Pair) -> None:
        super().__init__()
        self.heads, self.table = heads, table
        rows = (2 * table[0] - 1) * (2 * table[1] - 1)
        self.relative_position_bias_table = nn.Parameter(torch.zeros(rows, heads))
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)

    def bias(self, window: Pair) -> Tensor:
        """(heads, tokens, tokens)."""
        return self.relative_position_bias_table[table_rows(window, self.table)].permute(2, 0, 1)

    def forward(self, tokens: Tensor, window: Pair, mask: Tensor | None) -> Tensor:
        shape = tokens.shape  # (images, windows, tokens, channels)
        qkv = self.qkv(tokens).view(*shape[:3], 3, self.heads, -1)
        q, k, v = qkv.permute(3, 0, 1, 4, 2, 5)
        logits = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5 + self.bias(window)
        if mask is not None:
            logits = logits + mask[:, None]
        mixed = logits.softmax(-1) @ v
        return self.proj(mixed.transpose(2, 3).reshape(shape))


class Block(nn.Module):
    """Attention and MLP, each normed before."""

    def __init__(self, attn: Attention, channels: int, window: Pair, odd: bool, eps: float) -> None:
        super().__init__()
        self.window, self.odd, self.order = window, odd, "official"
        self.norm1 = nn.LayerNorm(channels, eps)
        self.attn = attn
        self.norm2 = nn.LayerNorm(channels, eps)
        self.mlp = Mlp(channels)

    def forward(self, maps: Tensor) -> Tensor:
        rows = fit(maps.shape[1], self.window[0], self.odd)
        columns = fit(maps.shape[2], self.window[1], self.odd)
        window, shift = (rows[0], columns[0]), (rows[1], columns[1])
        maps = maps + in_windows(self.norm1(maps), window, shift, self.order, self.attn)
        return maps + self.mlp(self.norm2(maps))


class Swin(Network):
    """Swin v1 of any size; `tables` are the windows the bias tables are made for."""

    def __init__(
        self,
        embed_dim: int,
        depths: Sequence[int],
        heads: Sequence[int],
        windows: Sequence[int | Pair],
        tables: Sequence[int | Pair] | None = None,
        patch: int = 4,
        eps: float = 1e-5,
        pad_order: str = "official",
    ) -> None:
        sides = [pair(w) for w in tables or windows]

        def block(stage: int, channels: int, window: Pair, odd: bool) -> Block:
            attn = Attention(channels, heads[stage], sides[stage])
            return Block(attn, channels, window, odd, eps)

        super().__init__(embed_dim, depths, windows, block, True, patch, eps, pad_order)
        self.tables = sides

    def attention_buffers(self, stage: int, side: int) -> dict[str, Tensor]:
        """The same at any side: the rows of the whole table."""
        table = self.tables[stage]
        return {"relative_position_index": table_rows(table, table)}
