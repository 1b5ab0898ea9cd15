"""BEiT and SimMIM's ViT at several input sizes: a forward pass of our own over timm's modules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mim_bench.backbones.padding import padded
from mim_bench.backbones.relative import by_pair, split_heads, table_index
from mim_bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mim_bench.backbones.windows import Size

_SPECIAL = 3  # last rows of a table: class to patch, patch to class, class to class


def token_index(grid: Size, table: Size) -> Tensor:
    """Return the rows of a bias table for a grid of patches and the class token before them.

    Returns:
        (N + 1, N + 1) int64 with N patches, query first; the table holds the offsets of a grid
        of size `table` and three rows more for the class token.
    """
    rows = (2 * table[0] - 1) * (2 * table[1] - 1) + _SPECIAL
    index = F.pad(table_index(grid, table), (1, 0, 1, 0))
    index[0, :] = rows - 3
    index[:, 0] = rows - 2
    index[0, 0] = rows - 1
    return index


class BeitForward(nn.Module):
    """The forward pass of a BEiT of timm built for the largest of several input sizes.

    Args:
        net: The network; its bias tables belong to its own grid, smaller grids read the centre.
        sizes: Height and width of the inputs, in pixels.
    """

    def __init__(self, net: Any, sizes: Sequence[Size]) -> None:
        super().__init__()
        self.table: Size = tuple(net.patch_embed.grid_size)
        self.patch: Size = tuple(net.patch_embed.patch_size)
        for size in sizes:
            grid = self._grid(size)
            index = token_index(grid, self.table)
            self.register_buffer(_name(grid), index, persistent=False)

    def forward(
        self, net: Any, images: Tensor, indices: Sequence[int]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Return maps (B, C, H, W) and class tokens (B, 1, C) after the blocks in `indices`.

        Raises:
            UserError: The image is larger than the network was built for.
        """
        grid = self._grid((images.shape[-2], images.shape[-1]))
        if grid[0] > self.table[0] or grid[1] > self.table[1]:
            raise UserError(
                f"the network is built for grids of up to {self.table[0]}x{self.table[1]} patches "
                f"and got {grid[0]}x{grid[1]}",
                expected="the sizes that the task named",
            )
        images = padded(images, self.patch)
        patches = net.patch_embed.norm(net.patch_embed.proj(images).flatten(2).transpose(1, 2))
        tokens = torch.cat((net.cls_token.expand(len(patches), -1, -1), patches), dim=1)
        tokens = net.pos_drop(tokens)
        index = getattr(self, _name(grid), None)
        if index is None:
            index = token_index(grid, self.table).to(images.device)
        found = []
        for depth, block in enumerate(net.blocks):
            tokens = _block(block, tokens, index)
            if depth in indices:
                found.append(tokens)
        return (
            [x[:, 1:].transpose(1, 2).reshape(len(x), -1, *grid).contiguous() for x in found],
            [x[:, :1] for x in found],
        )

    def _grid(self, size: Size) -> Size:
        return (-(-size[0] // self.patch[0]), -(-size[1] // self.patch[1]))


def fits(net: Any) -> bool:
    """Say whether it is one: a bias table per block, a class token, no position embedding."""
    return (
        type(net).__name__ == "Beit"
        and net.pos_embed is None
        and net.rel_pos_bias is None
        and net.blocks[0].attn.relative_position_bias_table is not None
    )


def _name(grid: Size) -> str:
    return f"index_{grid[0]}x{grid[1]}"


def _block(block: Any, tokens: Tensor, index: Tensor) -> Tensor:
    attended = _attention(block.attn, block.norm1(tokens), index)
    first = 1 if block.gamma_1 is None else block.gamma_1
    second = 1 if block.gamma_2 is None else block.gamma_2
    tokens = tokens + block.drop_path1(first * attended)
    mixed: Tensor = block.drop_path2(second * block.mlp(block.norm2(tokens)))
    return tokens + mixed


def _attention(attn: Any, tokens: Tensor, index: Tensor) -> Tensor:
    bias = None
    if attn.q_bias is not None:
        bias = torch.cat((attn.q_bias, attn.k_bias, attn.v_bias))
    query, key, value = split_heads(F.linear(tokens, attn.qkv.weight, bias), attn.num_heads)
    offsets = by_pair(attn.relative_position_bias_table, index)
    mixed = F.scaled_dot_product_attention(
        query,
        key,
        value,
        attn_mask=offsets.to(query.dtype),
        dropout_p=attn.attn_drop.p if attn.training else 0.0,
        scale=attn.scale,
    )
    answer: Tensor = attn.proj_drop(attn.proj(mixed.transpose(1, 2).flatten(2)))
    return answer
