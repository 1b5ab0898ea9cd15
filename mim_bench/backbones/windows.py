"""Attention windows of Swin and SwinV2 at an input size (importing this loads no torch)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

Size = tuple[int, int]
"""Height and width."""


@dataclass(frozen=True)
class Layout:
    """How one stage cuts its map at one input size.

    Attributes:
        size: Height and width of the map in tokens.
        window: Height and width of a window: the stage's, clamped to the map.
        shift: Shift of every other block; 0 along an axis that one window covers.
        padded: Height and width of the map in whole windows.
    """

    size: Size
    window: Size
    shift: Size
    padded: Size


def layout_of(size: Size, window: Size) -> Layout:
    """Return the layout of a map for a stage whose largest window is given."""
    height, width = (min(s, w) for s, w in zip(size, window, strict=True))
    shift = tuple(0 if s <= w else w // 2 for s, w in zip(size, (height, width), strict=True))
    padded = (-(-size[0] // height) * height, -(-size[1] // width) * width)
    return Layout(size, (height, width), (shift[0], shift[1]), padded)


def map_sizes(image: Size, patch: Size, stages: int) -> list[Size]:
    """Return the height and width of each stage's map: rounded up at every step."""
    sizes = [(-(-image[0] // patch[0]), -(-image[1] // patch[1]))]
    while len(sizes) < stages:
        sizes.append(((sizes[-1][0] + 1) // 2, (sizes[-1][1] + 1) // 2))
    return sizes


def keep_pretraining_windows(net: nn.Module) -> None:
    """Take the windows a SwinV2 has now for those it was pretrained with, unless it names them.

    Its relative coordinates are divided by the pretraining window (SwinV2, section 3.3; the
    authors' code), so a checkpoint must be told its own when the window changes.
    """
    attentions: list[Any] = [
        module for module in net.modules() if hasattr(module, "pretrained_window_size")
    ]
    if any(size > 0 for module in attentions for size in module.pretrained_window_size):
        return
    for module in attentions:
        module.pretrained_window_size = module.window_size


def set_windows(net: nn.Module, size: tuple[int, int], window: int | None) -> None:
    """Prepare windows, shifts, masks and coordinates for one input size.

    Args:
        net: A Swin or SwinV2 of timm.
        size: Height and width of the (padded) input in pixels.
        window: Window in tokens, clamped to each stage's map (which then is not shifted); None
            keeps the share of the map that the architecture's windows have at its own size.
    """
    stages: Any = net.layers
    for block in (block for stage in stages for block in stage.blocks):
        block.dynamic_mask = True  # else timm makes one mask per block; `SwinForward` has its own
    net.set_input_size(img_size=size, window_size=window)  # type: ignore[operator]
