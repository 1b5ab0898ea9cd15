"""SwinTrack's head: template and search tokens attend to each other, then say where it is."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from mim_bench.errors import UserError
from mim_bench.tasks.swintrack_positions import AttentionBias

if TYPE_CHECKING:
    from torch import Tensor

    from mim_bench.tasks.swintrack_positions import Grid


class DropPath(nn.Module):
    """Leaves a branch out for some samples of a batch, the rate being switched on and off.

    Args:
        rate: Share of samples, when it is on.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self.on = True

    def forward(self, branch: Tensor) -> Tensor:
        """Return the branch (B, T, C), zero for some samples and larger for the others."""
        if not (self.training and self.on and self.rate > 0):
            return branch
        keep = 1 - self.rate
        mask = branch.new_empty(len(branch), 1, 1).bernoulli_(keep)
        return branch * (mask / keep)


class Attention(nn.Module):
    """Multi-head attention with a bias on its logits.

    Args:
        dim: Width of the tokens.
        heads: Heads.
        itself: Whether a token set asks itself; else queries and keys come from two sets.
    """

    def __init__(self, dim: int, heads: int, itself: bool) -> None:
        super().__init__()
        self.heads = heads
        if itself:
            self.qkv = nn.Linear(dim, 3 * dim)
        else:
            self.q = nn.Linear(dim, dim)
            self.kv = nn.Linear(dim, 2 * dim)
        self.itself = itself
        self.proj = nn.Linear(dim, dim)

    def forward(self, asks: Tensor, asked: Tensor, bias: Tensor) -> Tensor:
        """Attend.

        Args:
            asks: (B, Q, C).
            asked: (B, K, C); not looked at where the set asks itself.
            bias: (1, heads, Q, K).
        """
        if self.itself:
            query, key, value = self.qkv(asks).chunk(3, dim=-1)
        else:
            query = self.q(asks)
            key, value = self.kv(asked).chunk(2, dim=-1)
        parts = (self._split(query), self._split(key), self._split(value))
        out = attend(*parts, bias.to(query.dtype))
        projected: Tensor = self.proj(out.transpose(1, 2).flatten(2))
        return projected

    def _split(self, tokens: Tensor) -> Tensor:
        return tokens.view(*tokens.shape[:2], self.heads, -1).transpose(1, 2)


def attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor) -> Tensor:
    """Return attention with a bias that is learned: (B, heads, Q, C / heads).

    On a CPU it is written out: torch has no kernel there that gives the bias a gradient, and what
    it falls back on looks for rows without any key, of which there are none.
    """
    if query.device.type != "cpu":
        return functional.scaled_dot_product_attention(query, key, value, bias)
    logits = query * query.shape[-1] ** -0.5 @ key.transpose(-2, -1) + bias
    mixed: Tensor = logits.softmax(-1) @ value
    return mixed


class Layer(nn.Module):
    """A pre-norm transformer layer; a decoder's has norms of its own for what is asked.

    Args:
        dim: Width of the tokens.
        heads: Heads of attention.
        mlp_ratio: Width of the hidden layer in units of `dim`.
        drop_path: Rate of both branches.
        itself: Whether it is an encoder's layer.
    """

    def __init__(
        self, dim: int, heads: int, mlp_ratio: float, drop_path: float, itself: bool
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.norm_asked = None if itself else nn.LayerNorm(dim)
        self.attention = Attention(dim, heads, itself)
        self.norm2 = nn.LayerNorm(dim)
        hidden = int(dim * mlp_ratio)
        self.mlp = nn.Sequential(nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, dim))
        self.drop_path = DropPath(drop_path)

    def forward(self, asks: Tensor, asked: Tensor, bias: Tensor) -> Tensor:
        """Return the tokens that ask (B, Q, C), changed."""
        known = asked if self.norm_asked is None else self.norm_asked(asked)
        asks = asks + self.drop_path(self.attention(self.norm1(asks), known, bias))
        changed: Tensor = asks + self.drop_path(self.mlp(self.norm2(asks)))
        return changed


class SwinTrackHead(nn.Module):
    """Everything behind the backbone (SwinTrack, section 3, as its released code builds it).

    Template and search tokens are concatenated and attend to each other; then the search tokens
    ask all of them once more, in a decoder; two perceptrons say for each search token how sure it
    is and where the box is. All layers of the encoder share one bias of positions.

    Args:
        channels: Of the backbone's level.
        template: Rows and columns of the template's tokens.
        search: Rows and columns of the search region's tokens.
        dim: Width of the tokens; None takes `channels`. Where they differ, each branch has a
            projection of its own.
        layers: Of the encoder.
        decoder_layers: Of the decoder.
        heads: Heads of attention.
        mlp_ratio: Width of hidden layers in units of `dim`.
        drop_path: Rate of the last layer; it rises linearly from 0 over encoder and decoder. The
            released configuration says 0.1, but its code multiplies by that twice: 0.01 is what
            it trains with.
        init_std: Of the truncated normal that linear layers start from.

    Raises:
        UserError: `dim` can't be divided by `heads`.
    """

    def __init__(
        self,
        channels: int,
        template: Grid,
        search: Grid,
        *,
        dim: int | None = None,
        layers: int = 8,
        decoder_layers: int = 1,
        heads: int = 8,
        mlp_ratio: float = 4.0,
        drop_path: float = 0.1,
        init_std: float = 0.02,
    ) -> None:
        super().__init__()
        dim = dim or channels
        if dim % heads:
            raise UserError(
                f"{dim} channels can't be divided by {heads} heads",
                where="task.heads",
                expected="a divisor of task.dim, which is the backbone's width unless it is set",
                action="set task.dim to a multiple of task.heads",
            )
        self.search_grid = search
        projected = dim != channels
        self.project_template = nn.Linear(channels, dim) if projected else nn.Identity()
        self.project_search = nn.Linear(channels, dim) if projected else nn.Identity()
        rates = torch.linspace(0, drop_path, layers + decoder_layers).tolist()
        self.encoder_bias = AttentionBias(dim, heads, template, search)
        self.encoder = nn.ModuleList(
            Layer(dim, heads, mlp_ratio, rate, itself=True) for rate in rates[:layers]
        )
        self.decoder_bias = AttentionBias(dim, heads, template, search, all_ask=False)
        self.decoder = nn.ModuleList(
            Layer(dim, heads, mlp_ratio, rate, itself=False) for rate in rates[layers:]
        )
        self.norm = nn.LayerNorm(dim)
        self.score = _perceptron(dim, 1)
        self.box = _perceptron(dim, 4)
        self.apply(partial(_initialise, std=init_std))

    def forward(self, template: Tensor, search: Tensor) -> dict[str, Tensor]:
        """Say where the target is.

        Args:
            template: (B, C, h, w), the backbone's map of the template.
            search: (B, C, H, W), that of the search region.

        Returns:
            `score` (B, H, W): logits; `box` (B, H, W, 4): centre x, centre y, width and height in
            shares 0..1 of the search region.
        """
        kept = self.project_template(_tokens(template))
        asks = self.project_search(_tokens(search))
        count = kept.shape[1]
        tokens, bias = torch.cat([kept, asks], dim=1), self.encoder_bias()
        for layer in self.encoder:
            tokens = layer(tokens, tokens, bias)
        kept, asks = tokens[:, :count], tokens[:, count:]
        bias = self.decoder_bias()
        for layer in self.decoder:
            asks = layer(asks, torch.cat([kept, asks], dim=1), bias)
        asks = self.norm(asks)
        shape = (len(asks), *self.search_grid)
        return {
            "score": self.score(asks).view(shape),
            "box": self.box(asks).sigmoid().view(*shape, 4),
        }

    def set_drop_path(self, on: bool) -> None:
        """Switch drop path on or off: the published training has none in its first half."""
        for module in self.modules():
            if isinstance(module, DropPath):
                module.on = on


def _tokens(level: Tensor) -> Tensor:
    return level.flatten(2).transpose(1, 2)


def _perceptron(dim: int, out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(dim, dim), nn.GELU(), nn.Linear(dim, dim), nn.GELU(), nn.Linear(dim, out)
    )


def _initialise(module: nn.Module, std: float) -> None:
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=std)
        nn.init.zeros_(module.bias)


def drop_path_starts(step: int, steps: int, share: float = 0.5) -> bool:
    """Tell whether a training's first part, which has no drop path, is over.

    Args:
        step: The optimiser step about to be taken, counted from 1.
        steps: Of the whole training.
        share: The first part's share of them (SwinTrack's released code: the half).
    """
    return step > round(share * steps)
