"""Attention windows of Swin and SwinV2 at an input size, and whether they need padding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mim_bench.backbones.blocks import find_blocks
from mim_bench.errors import UserError

if TYPE_CHECKING:
    from torch import nn


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
    net.set_input_size(img_size=size, window_size=window)  # type: ignore[operator]


def refuse_padding(net: nn.Module, name: str, padded: bool) -> None:
    """Refuse what the official code and timm pad in different order.

    The official dense code pads before it shifts the windows, timm after; without padding both
    are the same.

    Raises:
        UserError: The input or a stage's map is no multiple of what divides it.
    """
    for block in find_blocks(net):
        resolution = getattr(block.module, "input_resolution", None)
        if resolution is None or block.window is None:
            continue
        if padded or any(n % w for n, w in zip(resolution, block.window, strict=True)):
            raise UserError(
                f"{name!r} pads a map of {resolution[0]}x{resolution[1]} to windows of "
                f"{block.window[0]}x{block.window[1]} ({block.name}), where only timm's order "
                "of padding and shifting is available",
                where="pad_order: official",
                expected="an input size and a window that divide without rest",
                action="choose them so, or set pad_order: timm",
            )
