"""Attention windows of Swin and SwinV2 at an input size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
