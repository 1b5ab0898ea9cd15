"""What both Swin references share: window attention on any map, patches, merging, the MLP."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Pair = tuple[int, int]
MASKED = -100.0


def pair(value: int | Sequence[int]) -> Pair:
    """One number for both axes, or (rows, columns)."""
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def pad_to(maps: Tensor, multiple: int | Sequence[int]) -> Tensor:
    """(B,H,W,C) with zeros below and right, so that both sides are multiples."""
    rows, columns = pair(multiple)
    return F.pad(maps, (0, 0, 0, -maps.shape[2] % columns, 0, -maps.shape[1] % rows))


def fit(size: int, window: int, shifted: bool) -> Pair:
    """(window, shift) along one axis: a window that covers the map is the map, unshifted."""
    if size <= window:
        return size, 0
    return window, window // 2 if shifted else 0


def split(maps: Tensor, window: Pair) -> Tensor:
    """(B,H,W,C) -> (B, windows, tokens, C), windows and tokens row by row."""
    batch, height, width, channels = maps.shape
    rows, columns = window
    cut = maps.view(batch, height // rows, rows, width // columns, columns, channels)
    return cut.transpose(2, 3).reshape(batch, -1, rows * columns, channels)


def join(tokens: Tensor, window: Pair, size: Pair) -> Tensor:
    """The inverse of `split`."""
    rows, columns = window
    grid = (size[0] // rows, size[1] // columns)
    cut = tokens.reshape(tokens.shape[0], *grid, rows, columns, tokens.shape[-1])
    return cut.transpose(2, 3).reshape(tokens.shape[0], *size, tokens.shape[-1])


def shift_mask(size: Pair, window: Pair, shift: Pair) -> Tensor:
    """(windows, tokens, tokens): -100 between tokens the roll brought together from two ends."""

    def parts(length: int, width: int, step: int) -> Tensor:
        at = torch.arange(length)
        if not step:
            return torch.zeros_like(at)
        return (at >= length - width).long() + (at >= length - step).long()

    rows = parts(size[0], window[0], shift[0])
    columns = parts(size[1], window[1], shift[1])
    region = (3 * rows[:, None] + columns[None, :]).view(1, *size, 1)
    label = split(region, window)[0, :, :, 0]
    return MASKED * (label[:, :, None] != label[:, None, :]).float()


def in_windows(
    maps: Tensor,
    window: Pair,
    shift: Pair,
    order: str,
    attend: Callable[[Tensor, Pair, Tensor | None], Tensor],
) -> Tensor:
    """Attention within (shifted) windows of (B,H,W,C); `order` says how padding and roll follow."""
    height, width = maps.shape[1:3]
    away, back = (-shift[0], -shift[1]), shift
    if order == "official":
        maps = torch.roll(pad_to(maps, window), away, (1, 2))
    elif order == "timm":
        maps = pad_to(torch.roll(maps, away, (1, 2)), window)
    else:
        raise ValueError(order)
    size = (maps.shape[1], maps.shape[2])
    mask = shift_mask(size, window, shift).to(maps) if any(shift) else None
    maps = join(attend(split(maps, window), window, mask), window, size)
    if order == "official":
        return torch.roll(maps, back, (1, 2))[:, :height, :width]
    return torch.roll(maps[:, :height, :width], back, (1, 2))


def offsets(window: Pair) -> Tensor:
    """(tokens, tokens, 2): row and column of the query less those of the key."""
    rows, columns = torch.meshgrid(torch.arange(window[0]), torch.arange(window[1]), indexing="ij")
    at = torch.stack([rows.flatten(), columns.flatten()], -1)
    return at[:, None] - at[None, :]


def table_rows(window: Pair, table: Pair) -> Tensor:
    """(tokens, tokens): row of a table made for window `table`, its centre for smaller ones."""
    down, right = offsets(window).unbind(-1)
    return (down + table[0] - 1) * (2 * table[1] - 1) + right + table[1] - 1


def attention_mask_buffer(size: Pair, window: int | Sequence[int], index: int) -> Tensor | None:
    """The `attn_mask` a network built for one input keeps in block `index`, None if unshifted."""
    fitted = [fit(s, w, index % 2 == 1) for s, w in zip(size, pair(window), strict=True)]
    shift = (fitted[0][1], fitted[1][1])
    if not any(shift):
        return None
    inside = (fitted[0][0], fitted[1][0])
    whole = (size[0] + -size[0] % inside[0], size[1] + -size[1] % inside[1])
    return shift_mask(whole, inside, shift)


class PatchEmbed(nn.Module):
    """Pixels (B,3,H,W), zero-padded below and right, to normed patches (B,h,w,C)."""

    def __init__(self, channels: int, patch: int, eps: float) -> None:
        super().__init__()
        self.patch = patch
        self.proj = nn.Conv2d(3, channels, patch, patch)
        self.norm = nn.LayerNorm(channels, eps)

    def forward(self, images: Tensor) -> Tensor:
        images = pad_to(images.permute(0, 2, 3, 1), self.patch).permute(0, 3, 1, 2)
        return self.norm(self.proj(images).permute(0, 2, 3, 1))


class PatchMerging(nn.Module):
    """Four neighbours to one, twice the channels; the norm is `first` (v1) or last (v2)."""

    def __init__(self, channels: int, eps: float, first: bool) -> None:
        super().__init__()
        self.first = first
        self.reduction = nn.Linear(4 * channels, 2 * channels, bias=False)
        self.norm = nn.LayerNorm((4 if first else 2) * channels, eps)

    def forward(self, maps: Tensor) -> Tensor:
        maps = pad_to(maps, 2)
        four = [maps[:, row::2, column::2] for column in (0, 1) for row in (0, 1)]
        joined = torch.cat(four, -1)
        if self.first:
            return self.reduction(self.norm(joined))
        return self.norm(self.reduction(joined))


class Mlp(nn.Module):
    """Two linear layers with a GELU, four times as wide inside."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, 4 * channels)
        self.fc2 = nn.Linear(4 * channels, channels)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(tokens)))


class Stage(nn.Module):
    """Blocks, then the merging that ends the stage (the last stage has none)."""

    def __init__(self, blocks: list[nn.Module], downsample: nn.Module | None) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.downsample = downsample


def run_stages(layers: nn.ModuleList, maps: Tensor) -> list[Tensor]:
    """NCHW outputs of the stages, each before its merging, without a norm."""
    outputs = []
    for stage in layers:
        for block in stage.blocks:
            maps = block(maps)
        outputs.append(maps.permute(0, 3, 1, 2))
        if stage.downsample is not None:
            maps = stage.downsample(maps)
    return outputs


class Network(nn.Module, ABC):
    """A Swin of any version, for inputs of any size; a window is a number or (rows, columns).

    Args:
        block: Makes the block of a stage, width and window with whether it is an odd one.
        windows: The windows of each stage.
        merging_norm_first: Whether the norm of a merging comes before its projection.
    """

    def __init__(
        self,
        embed_dim: int,
        depths: Sequence[int],
        windows: Sequence[int | Pair],
        block: Callable[[int, int, Pair, bool], nn.Module],
        merging_norm_first: bool,
        patch: int,
        eps: float,
        pad_order: str,
    ) -> None:
        super().__init__()
        self.patch, self.windows = patch, [pair(w) for w in windows]
        self.channels = tuple(embed_dim * 2**i for i in range(len(depths)))
        self.patch_embed = PatchEmbed(embed_dim, patch, eps)
        self.layers = nn.ModuleList()
        for i, (depth, dim) in enumerate(zip(depths, self.channels, strict=True)):
            blocks = [block(i, dim, self.windows[i], j % 2 == 1) for j in range(depth)]
            for made in blocks:
                made.order = pad_order
            last = i == len(depths) - 1
            merging = None if last else PatchMerging(dim, eps, merging_norm_first)
            self.layers.append(Stage(blocks, merging))
        self.norm = nn.LayerNorm(self.channels[-1], eps)

    def forward(self, images: Tensor) -> list[Tensor]:
        """(B,3,H,W) -> (B,C_i,h_i,w_i) per stage, before the merging, without a norm."""
        return run_stages(self.layers, self.patch_embed(images))

    @abstractmethod
    def attention_buffers(self, stage: int, side: int) -> dict[str, Tensor]:
        """The buffers of a stage's attention at a map of side x side, by name."""

    def official_buffers(self, size: int) -> dict[str, Tensor]:
        """The buffers the authors' classifier, built for size x size pixels, saves beside these."""
        found = {}
        side = -(-size // self.patch)
        for i, stage in enumerate(self.layers):
            buffers = self.attention_buffers(i, side)
            for j in range(len(stage.blocks)):
                name = f"layers.{i}.blocks.{j}."
                found |= {f"{name}attn.{key}": value for key, value in buffers.items()}
                mask = attention_mask_buffer((side, side), self.windows[i], j)
                if mask is not None:
                    found[name + "attn_mask"] = mask
            side = -(-side // 2)
        return found
