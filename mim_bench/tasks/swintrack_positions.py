"""Where tokens are, as SwinTrack's attention knows it: a bias that all layers share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

Grid = tuple[int, int]
"""Rows and columns of a map of tokens."""


class UntiedPositions(nn.Module):
    """Learned positions of one map, turned into queries and keys of their own.

    A position is the sum of a vector of its row and one of its column, normalised; queries are
    scaled by the square root of the width of a head (SwinTrack, section 3.2; Ke et al., "Rethinking
    Positional Encoding in Language Pre-training").

    Args:
        dim: Width of the tokens.
        heads: Heads of attention.
        grid: Rows and columns.
        queries: Whether the map asks; its keys are always there.
    """

    def __init__(self, dim: int, heads: int, grid: Grid, queries: bool = True) -> None:
        super().__init__()
        self.rows = nn.Parameter(torch.empty(grid[0], dim))
        self.columns = nn.Parameter(torch.empty(grid[1], dim))
        for weight in (self.rows, self.columns):
            nn.init.trunc_normal_(weight, std=0.02)
        self.norm = nn.LayerNorm(dim)
        self.queries = nn.Linear(dim, dim) if queries else None
        self.keys = nn.Linear(dim, dim)
        self.heads = heads

    def forward(self) -> tuple[Tensor | None, Tensor]:
        """Return queries (heads, T, dim / heads), None where it asks nothing, and keys alike."""
        places = self.norm((self.rows[:, None] + self.columns[None]).flatten(0, 1))
        keys = self._split(self.keys(places))
        if self.queries is None:
            return None, keys
        queries = self._split(self.queries(places))
        return queries * queries.shape[-1] ** -0.5, keys

    def _split(self, vectors: Tensor) -> Tensor:
        return vectors.view(len(vectors), self.heads, -1).transpose(0, 1)


class AttentionBias(nn.Module):
    """What is added to the logits of attention over template and search tokens.

    The untied term of `UntiedPositions`, and a learned number for each difference in rows and
    columns and each pair of maps (the one that asks, the one that is asked).

    Args:
        dim: Width of the tokens.
        heads: Heads of attention.
        template: Rows and columns of the template's tokens.
        search: Rows and columns of the search region's tokens.
        all_ask: Whether the template's tokens ask as well (encoder) or the search's alone.
    """

    index: Tensor

    def __init__(
        self, dim: int, heads: int, template: Grid, search: Grid, all_ask: bool = True
    ) -> None:
        super().__init__()
        self.template = UntiedPositions(dim, heads, template, queries=all_ask)
        self.search = UntiedPositions(dim, heads, search)
        index = relative_index(template, search, all_ask)
        self.table = nn.Parameter(torch.empty(heads, int(index.max()) + 1))
        nn.init.trunc_normal_(self.table, std=0.02)
        self.register_buffer("index", index, persistent=False)

    def forward(self) -> Tensor:
        """Return the bias: (1, heads, tokens that ask, all tokens)."""
        template_queries, template_keys = self.template()
        search_queries, search_keys = self.search()
        keys = torch.cat([template_keys, search_keys], dim=1)
        queries = search_queries
        if template_queries is not None:
            queries = torch.cat([template_queries, search_queries], dim=1)
        # indexing both axes at once is the same, with a backward pass of four times the time
        relative = self.table.index_select(1, self.index.flatten()).view(-1, *self.index.shape)
        bias: Tensor = queries @ keys.transpose(-2, -1) + relative
        return bias[None]


def relative_index(template: Grid, search: Grid, all_ask: bool = True) -> Tensor:
    """Number the relations between tokens: same difference, same maps, same number.

    Args:
        template: Rows and columns of the template's tokens, which come first.
        search: Rows and columns of the search region's tokens.
        all_ask: Whether the template's tokens ask as well.

    Returns:
        (tokens that ask, all tokens) int64, numbered in the order of row difference, column
        difference, map that asks, map that is asked.
    """
    places = []
    for branch, (rows, columns) in enumerate((template, search)):
        row, column = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
        places.append(torch.stack([row, column, torch.full_like(row, branch)], dim=-1).view(-1, 3))
    keys = torch.cat(places)
    queries = keys if all_ask else places[1]
    difference = queries[:, None, :2] - keys[None, :, :2]
    shape = difference.shape[:2]
    asks = queries[:, None, 2].expand(shape)
    asked = keys[None, :, 2].expand(shape)
    relation = torch.cat([difference, asks[..., None], asked[..., None]], dim=-1)
    numbered = torch.unique(relation.flatten(0, 1), return_inverse=True, dim=0)[1]
    return torch.as_tensor(numbered).view(shape)
