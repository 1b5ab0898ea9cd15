"""SwinV2 from its description: cosine attention, log-spaced coordinates, norms after."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .windows import (
    Mlp,
    Network,
    Pair,
    fit,
    in_windows,
    offsets,
    pair,
    table_rows,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

HIDDEN = 512


def log_coordinates(window: Pair, pretrained: Pair) -> Tensor:
    """(2h-1, 2w-1, 2): sign(u) log2(1+|u|)/3 with u = 8 d/(pretraining window - 1), float32."""
    axes = []
    for now, then in zip(window, pretrained, strict=True):
        distance = torch.arange(1 - now, now).float() / max((then or now) - 1, 1)
        u = 8 * distance
        axes.append(u.sign() * torch.log2(1 + u.abs()) / 3)
    rows, columns = torch.meshgrid(*axes, indexing="ij")
    return torch.stack([rows, columns], -1)


class Attention(nn.Module):
    """Scaled cosine attention with the bias of a small MLP."""

    def __init__(self, channels: int, heads: int, pretrained: Pair, bias_name: str) -> None:
        super().__init__()
        self.heads, self.pretrained, self.bias_name = heads, pretrained, bias_name
        self.logit_scale = nn.Parameter(torch.full((heads, 1, 1), math.log(10)))
        self.qkv = nn.Linear(channels, 3 * channels, bias=False)
        self.q_bias = nn.Parameter(torch.zeros(channels))
        self.v_bias = nn.Parameter(torch.zeros(channels))
        self.proj = nn.Linear(channels, channels)
        mlp = nn.Sequential(nn.Linear(2, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, heads, bias=False))
        self.add_module(bias_name, mlp)

    def bias(self, window: Pair) -> Tensor:
        """(heads, tokens, tokens) at any window."""
        table = log_coordinates(window, self.pretrained).to(self.qkv.weight)
        values = 16 * torch.sigmoid(self.get_submodule(self.bias_name)(table))
        down, right = offsets(window).unbind(-1)
        return values[down + window[0] - 1, right + window[1] - 1].permute(2, 0, 1)

    def forward(self, tokens: Tensor, window: Pair, mask: Tensor | None) -> Tensor:
        shape = tokens.shape  # (images, windows, tokens, channels)
        bias = torch.cat([self.q_bias, torch.zeros_like(self.q_bias), self.v_bias])
        qkv = F.linear(tokens, self.qkv.weight, bias).view(*shape[:3], 3, self.heads, -1)
        q, k, v = qkv.permute(3, 0, 1, 4, 2, 5)
        scale = self.logit_scale.clamp(max=math.log(100)).exp()
        logits = F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-1, -2) * scale
        logits = logits + self.bias(window)
        if mask is not None:
            logits = logits + mask[:, None]
        mixed = logits.softmax(-1) @ v
        return self.proj(mixed.transpose(2, 3).reshape(shape))


class Block(nn.Module):
    """Attention and MLP, each normed after and then added."""

    def __init__(self, attn: Attention, channels: int, window: Pair, odd: bool, eps: float) -> None:
        super().__init__()
        self.window, self.odd, self.order = window, odd, "official"
        self.attn = attn
        self.norm1 = nn.LayerNorm(channels, eps)
        self.mlp = Mlp(channels)
        self.norm2 = nn.LayerNorm(channels, eps)

    def forward(self, maps: Tensor) -> Tensor:
        rows = fit(maps.shape[1], self.window[0], self.odd)
        columns = fit(maps.shape[2], self.window[1], self.odd)
        window, shift = (rows[0], columns[0]), (rows[1], columns[1])
        maps = maps + self.norm1(in_windows(maps, window, shift, self.order, self.attn))
        return maps + self.norm2(self.mlp(maps))


class SwinV2(Network):
    """SwinV2 of any size for inputs of any size; a window is a number or (rows, columns)."""

    def __init__(
        self,
        embed_dim: int,
        depths: Sequence[int],
        heads: Sequence[int],
        windows: Sequence[int | Pair],
        pretrained_windows: Sequence[int | Pair] | None = None,
        patch: int = 4,
        eps: float = 1e-5,
        bias_name: str = "cpb_mlp",
        pad_order: str = "official",
    ) -> None:
        pretrained = [pair(w) for w in pretrained_windows or (0,) * len(depths)]

        def block(stage: int, channels: int, window: Pair, odd: bool) -> Block:
            attn = Attention(channels, heads[stage], pretrained[stage], bias_name)
            return Block(attn, channels, window, odd, eps)

        super().__init__(embed_dim, depths, windows, block, False, patch, eps, pad_order)
        self.pretrained = pretrained

    def attention_buffers(self, stage: int, side: int) -> dict[str, Tensor]:
        """Coordinates and rows of the window, which is clamped to the map."""
        rows, columns = (min(side, w) for w in self.windows[stage])
        window = (rows, columns)
        return {
            "relative_coords_table": log_coordinates(window, self.pretrained[stage])[None],
            "relative_position_index": table_rows(window, window),
        }
