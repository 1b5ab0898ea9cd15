"""The ViT of SimMIM (BEiT's): a class token, one shared table of position biases, layer scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .windows import Mlp, pair, table_rows

if TYPE_CHECKING:
    from collections.abc import Sequence


def bias_rows(grid: tuple[int, int]) -> Tensor:
    """(1+hw, 1+hw) rows of the table; the last three: class to patch, patch to class, itself."""
    rows = (2 * grid[0] - 1) * (2 * grid[1] - 1)
    index = torch.full((grid[0] * grid[1] + 1,) * 2, rows + 2)
    index[0, 1:] = rows
    index[1:, 0] = rows + 1
    index[1:, 1:] = table_rows(grid, grid)
    return index


class PositionBias(nn.Module):
    """The table all blocks share."""

    def __init__(self, grid: tuple[int, int], heads: int) -> None:
        super().__init__()
        rows = (2 * grid[0] - 1) * (2 * grid[1] - 1) + 3
        self.grid = grid
        self.relative_position_bias_table = nn.Parameter(torch.zeros(rows, heads))

    def forward(self) -> Tensor:
        return self.relative_position_bias_table[bias_rows(self.grid)].permute(2, 0, 1)


class Attention(nn.Module):
    """Dot-product attention over all tokens, with no bias on the keys."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(channels, 3 * channels, bias=False)
        self.q_bias = nn.Parameter(torch.zeros(channels))
        self.v_bias = nn.Parameter(torch.zeros(channels))
        self.proj = nn.Linear(channels, channels)

    def forward(self, tokens: Tensor, bias: Tensor) -> Tensor:
        add = torch.cat([self.q_bias, torch.zeros_like(self.q_bias), self.v_bias])
        qkv = F.linear(tokens, self.qkv.weight, add).view(*tokens.shape[:2], 3, self.heads, -1)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        logits = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5 + bias
        return self.proj((logits.softmax(-1) @ v).transpose(1, 2).reshape(tokens.shape))


class Block(nn.Module):
    """Norm, attention, scale; norm, MLP, scale."""

    def __init__(self, channels: int, heads: int, eps: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels, eps)
        self.attn = Attention(channels, heads)
        self.norm2 = nn.LayerNorm(channels, eps)
        self.mlp = Mlp(channels)
        self.gamma_1 = nn.Parameter(torch.full((channels,), 0.1))
        self.gamma_2 = nn.Parameter(torch.full((channels,), 0.1))

    def forward(self, tokens: Tensor, bias: Tensor) -> Tensor:
        tokens = tokens + self.gamma_1 * self.attn(self.norm1(tokens), bias)
        return tokens + self.gamma_2 * self.mlp(self.norm2(tokens))


class Patches(nn.Module):
    """The projection of pixel patches, under its usual name."""

    def __init__(self, channels: int, patch: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, channels, patch, patch)

    def forward(self, images: Tensor) -> Tensor:
        return self.proj(images)


class SimMIMViT(nn.Module):
    """SimMIM's ViT for one grid of patches (rows, columns), which its bias table fits."""

    def __init__(
        self,
        embed_dim: int,
        depth: int,
        heads: int,
        grid: int | Sequence[int] = 14,
        patch: int = 16,
        eps: float = 1e-6,
    ) -> None:
        super().__init__()
        self.channels = (embed_dim,)
        self.patch_embed = Patches(embed_dim, patch)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, embed_dim))
        self.rel_pos_bias = PositionBias(pair(grid), heads)
        self.blocks = nn.ModuleList(Block(embed_dim, heads, eps) for _ in range(depth))
        self.norm = nn.LayerNorm(embed_dim, eps)

    def forward(self, images: Tensor) -> Tensor:
        """(B,3,H,W) of the grid's size -> (B,C,rows,columns) after the last block, not normed."""
        patches = self.patch_embed(images)
        token = self.cls_token.expand(len(images), -1, -1)
        tokens = torch.cat([token, patches.flatten(2).transpose(1, 2)], 1)
        bias = self.rel_pos_bias()
        for block in self.blocks:
            tokens = block(tokens, bias)
        return tokens[:, 1:].transpose(1, 2).reshape(patches.shape)

    def official_buffers(self) -> dict[str, Tensor]:
        """The one buffer the authors' file holds."""
        return {"rel_pos_bias.relative_position_index": bias_rows(self.rel_pos_bias.grid)}
