"""Swin and SwinV2 at any input size: a forward pass of our own over timm's modules.

timm prepares windows for one input size. Here every stage has a layout per size (a template and
a search region, say), and padding can follow the official dense code.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mim_bench.backbones.padding import padded
from mim_bench.backbones.relative import (
    by_pair,
    join,
    log_coordinates,
    partition,
    region_mask,
    split_heads,
    table_index,
)
from mim_bench.backbones.windows import Layout, Size, layout_of, map_sizes

if TYPE_CHECKING:
    from collections.abc import Sequence


class SwinForward(nn.Module):
    """The forward pass of a Swin or SwinV2 of timm, whose blocks were given their windows.

    Buffers for the sizes it is built for are kept and shared by a stage's blocks; for another
    size they are made during the pass.

    Args:
        net: The network: its blocks' `window_size` is each stage's largest window, to which a
            bias table belongs.
        sizes: Height and width of the inputs, in pixels.
        pad_order: `timm` shifts a map, then pads it to whole windows; `official` pads, then
            shifts, as the authors' dense code does. Without padding both are the same.
    """

    def __init__(self, net: Any, sizes: Sequence[Size], pad_order: str = "timm") -> None:
        super().__init__()
        self.official = pad_order == "official"
        self.patch: Size = tuple(net.patch_embed.patch_size)
        self.windows: list[Size] = [tuple(stage.blocks[0].window_size) for stage in net.layers]
        self.units = [_pretraining_window(stage) for stage in net.layers]
        self.cosine = hasattr(net.layers[0].blocks[0].attn, "cpb_mlp")
        for image in sizes:
            for stage, size in enumerate(map_sizes(image, self.patch, len(self.windows))):
                layout = layout_of(size, self.windows[stage])
                for name, tensor in self._tensors(stage, layout).items():
                    if not hasattr(self, name):
                        self.register_buffer(name, tensor, persistent=False)
        _forget_windows(net)

    def forward(
        self, net: Any, images: Tensor, indices: Sequence[int]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Return the maps (B, C_i, H_i, W_i) of the stages in `indices`, and no prefix tokens."""
        patches = net.patch_embed.proj(padded(images, self.patch))
        maps = net.patch_embed.norm(patches.permute(0, 2, 3, 1))
        found = []
        for stage, layer in enumerate(net.layers):
            maps = layer.downsample(maps)
            layout = layout_of((maps.shape[1], maps.shape[2]), self.windows[stage])
            tensors = self._prepared(stage, layout, maps)
            for depth, block in enumerate(layer.blocks):
                maps = self._block(block, maps, layout, depth % 2 == 1, tensors)
            if stage in indices:
                found.append(maps.permute(0, 3, 1, 2).contiguous())
        return found, []

    def _block(
        self, block: Any, maps: Tensor, layout: Layout, shifted: bool, tensors: _Tensors
    ) -> Tensor:
        if self.cosine:
            attended = self._windowed(block.attn, maps, layout, shifted, tensors)
            maps = maps + block.drop_path1(block.norm1(attended))
            return maps + block.drop_path2(block.norm2(block.mlp(maps)))  # type: ignore[no-any-return]
        attended = self._windowed(block.attn, block.norm1(maps), layout, shifted, tensors)
        maps = maps + block.drop_path1(attended)
        return maps + block.drop_path2(block.mlp(block.norm2(maps)))  # type: ignore[no-any-return]

    def _windowed(
        self, attn: Any, maps: Tensor, layout: Layout, shifted: bool, tensors: _Tensors
    ) -> Tensor:
        (height, width), (down, across) = layout.size, layout.shift
        shifted = shifted and any(layout.shift)
        below, right = layout.padded[0] - height, layout.padded[1] - width
        pads = bool(below or right)
        if pads and self.official:
            maps = F.pad(maps, (0, 0, 0, right, 0, below))
        if shifted:
            maps = torch.roll(maps, (-down, -across), (1, 2))
        if pads and not self.official:
            maps = F.pad(maps, (0, 0, 0, right, 0, below))
        attend = cosine_attention if self.cosine else table_attention
        windows = attend(
            attn,
            partition(maps, layout.window),
            tensors.index,
            tensors.coordinates,
            tensors.mask if shifted else None,
        )
        maps = join(windows, layout.window, layout.padded)
        if pads and not self.official:
            maps = maps[:, :height, :width]
        if shifted:
            maps = torch.roll(maps, (down, across), (1, 2))
        return maps[:, :height, :width] if pads and self.official else maps

    def _names(self, stage: int, layout: Layout) -> tuple[str, str, str]:
        (h, w), (y, x), (big_h, big_w) = layout.window, layout.shift, layout.padded
        table = self.windows[stage]
        index = f"index_{h}x{w}" if self.cosine else f"index_{h}x{w}_in_{table[0]}x{table[1]}"
        return index, f"coordinates_{stage}_{h}x{w}", f"mask_{big_h}x{big_w}_{h}x{w}_{y}x{x}"

    def _tensors(self, stage: int, layout: Layout) -> dict[str, Tensor | None]:
        index, coordinates, mask = self._names(stage, layout)
        table = layout.window if self.cosine else self.windows[stage]
        made: dict[str, Tensor | None] = {index: table_index(layout.window, table)}
        if self.cosine:
            made[coordinates] = log_coordinates(layout.window, self.units[stage])
        made[mask] = region_mask(layout.padded, layout.window, layout.shift)
        return made

    def _prepared(self, stage: int, layout: Layout, like: Tensor) -> _Tensors:
        names = self._names(stage, layout)
        if not hasattr(self, names[2]):  # a size it was not built for
            made = self._tensors(stage, layout)
            found = [made.get(name) for name in names]
            moved = [None if tensor is None else tensor.to(like.device) for tensor in found]
        else:
            moved = [getattr(self, name, None) for name in names]
        index, coordinates, mask = moved
        assert index is not None
        # under autocast the maps are of lower precision than what the bias is computed from
        return _Tensors(index, coordinates, mask)


@dataclass(frozen=True)
class _Tensors:
    """What a layout's attention needs: rows of the bias, coordinates (SwinV2), mask."""

    index: Tensor
    coordinates: Tensor | None
    mask: Tensor | None


def cosine_attention(
    attn: Any, windows: Tensor, index: Tensor, coordinates: Tensor | None, mask: Tensor | None
) -> Tensor:
    """SwinV2's attention (section 3.2 and 3.3): cosine logits, bias from a small network.

    Args:
        attn: timm's module, for its weights.
        windows: (B * windows, N, C).
        index: (N, N) rows of the bias network's answer.
        coordinates: (1, 2 h - 1, 2 w - 1, 2) what the bias network is asked.
        mask: (windows, N, N) added to the logits.

    Returns:
        (B * windows, N, C).
    """
    assert coordinates is not None
    bias = torch.cat((attn.q_bias, attn.k_bias, attn.v_bias))
    query, key, value = split_heads(F.linear(windows, attn.qkv.weight, bias), attn.num_heads)
    logits = F.normalize(query, dim=-1) @ F.normalize(key, dim=-1).transpose(-2, -1)
    logits = logits * torch.clamp(attn.logit_scale, max=math.log(100.0)).exp()
    answers = attn.cpb_mlp(coordinates.to(attn.cpb_mlp[0].weight.dtype)).view(-1, attn.num_heads)
    logits = logits + 16 * torch.sigmoid(by_pair(answers, index))
    return _answer(attn, _masked(logits, mask), value)


def table_attention(
    attn: Any, windows: Tensor, index: Tensor, coordinates: Tensor | None, mask: Tensor | None
) -> Tensor:
    """Swin's attention: scaled logits with a learned bias per offset. See `cosine_attention`."""
    del coordinates
    query, key, value = split_heads(attn.qkv(windows), attn.num_heads)
    logits = (query * attn.scale) @ key.transpose(-2, -1)
    logits = logits + by_pair(attn.relative_position_bias_table, index)
    return _answer(attn, _masked(logits, mask), value)


def _masked(logits: Tensor, mask: Tensor | None) -> Tensor:
    if mask is None:
        return logits
    count, heads, tokens, _ = logits.shape
    by_window = logits.view(-1, len(mask), heads, tokens, tokens) + mask[None, :, None]
    return by_window.view(count, heads, tokens, tokens)


def _answer(attn: Any, logits: Tensor, value: Tensor) -> Tensor:
    weights = attn.attn_drop(attn.softmax(logits))
    mixed = (weights @ value).transpose(1, 2).flatten(2)
    answer: Tensor = attn.proj_drop(attn.proj(mixed))
    return answer


def _pretraining_window(stage: Any) -> Size:
    """Return what SwinV2's offsets are divided by: the pretraining window, else the largest."""
    block = stage.blocks[0]
    declared = tuple(getattr(block.attn, "pretrained_window_size", (0, 0)))
    return declared if declared[0] > 0 else tuple(block.window_size)


def _forget_windows(net: Any) -> None:
    """Free timm's own masks and indices, one per block: at large windows they weigh gigabytes."""
    for stage in net.layers:
        for block in stage.blocks:
            block.attn_mask = None
            for name in ("relative_position_index", "relative_coords_table"):
                if hasattr(block.attn, name):
                    setattr(block.attn, name, None)
