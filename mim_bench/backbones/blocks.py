"""The blocks of a network in order: what layer decay, surgery and attention statistics share."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

# name of a block -> (stage, index in the stage); a later pattern holds only where none before does
_STAGED = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?:layers|stages|levels|network)\.(\d+)\.blocks\.(\d+)",  # Swin, ConvNeXt, MaxViT, PVT
        r"layer(\d+)\.(\d+)",  # ResNet
        r"s(\d+)\.b(\d+)",  # RegNet
        r"(?:blocks|stages|features)\.(\d+)\.(\d+)",  # EfficientNet, MobileNet, ByobNet
    )
)
_PLAIN = re.compile(r"blocks\.(\d+)")  # ViT, BEiT, EVA


@dataclass(frozen=True)
class BlockInfo:
    """One block of a network.

    Attributes:
        name: Its name in the network, such as "layers.2.blocks.5".
        module: The block.
        stage: Its stage, counted from 0 among those built; 0 for a plain ViT.
        depth: Its place among all blocks built, counted from 0.
        window: Height and width of its attention window in tokens; None without windows.
        shift: How far its windows are shifted, in tokens; None without windows.
    """

    name: str
    module: nn.Module
    stage: int
    depth: int
    window: tuple[int, int] | None = None
    shift: tuple[int, int] | None = None


def find_blocks(net: nn.Module) -> list[BlockInfo]:
    """Return a timm network's blocks in order; [] where its names follow no known pattern."""
    modules = dict(net.named_modules())
    for pattern in _STAGED:
        if found := [(name, match) for name in modules if (match := pattern.fullmatch(name))]:
            stages = sorted({int(match[1]) for _, match in found})
            return [
                _info(name, modules[name], stages.index(int(match[1])), depth)
                for depth, (name, match) in enumerate(found)
            ]
    plain = [name for name in modules if _PLAIN.fullmatch(name)]
    return [_info(name, modules[name], 0, depth) for depth, name in enumerate(plain)]


def _info(name: str, module: nn.Module, stage: int, depth: int) -> BlockInfo:
    window = getattr(module, "window_size", None)
    if not (isinstance(window, (tuple, list)) and len(window) == 2):
        return BlockInfo(name, module, stage, depth)
    shift = getattr(module, "shift_size", (0, 0))
    return BlockInfo(name, module, stage, depth, _pair(window), _pair(shift))


def _pair(value: object) -> tuple[int, int]:
    if isinstance(value, (tuple, list)):
        return (int(value[0]), int(value[1]))
    if isinstance(value, int):
        return (value, value)
    return (0, 0)
