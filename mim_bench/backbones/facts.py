"""What a checkpoint's tensors say of their network: its sizes, and which architecture has them."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


def _swin_facts(inner: Mapping[str, Tensor]) -> dict[str, object]:
    depths = _counts(inner, r"layers\.(\d+)\.blocks\.(\d+)\.")
    facts: dict[str, object] = {"depths": depths}
    if "patch_embed.proj.weight" in inner:
        weight = inner["patch_embed.proj.weight"]
        facts |= {"embed_dim": weight.shape[0], "patch": weight.shape[-1]}
    windows, heads = [], []
    for stage in range(len(depths)):
        start = f"layers.{stage}.blocks.0.attn."
        table = inner.get(start + "relative_position_bias_table")
        index = inner.get(start + "relative_position_index")
        scale = inner.get(start + "logit_scale")
        if table is not None:
            windows.append((math.isqrt(len(table)) + 1) // 2)
            heads.append(table.shape[1])
        elif index is not None:
            windows.append(math.isqrt(len(index)))
        if scale is not None:
            heads.append(len(scale))
    if heads:
        facts["heads"] = heads
    if len(windows) == len(depths):
        facts["window"] = windows
    mask = inner.get("layers.0.blocks.1.attn_mask")
    if mask is not None and windows and "patch" in facts:
        facts["resolution"] = (
            math.isqrt(len(mask)) * windows[0] * inner["patch_embed.proj.weight"].shape[-1]
        )
    coordinates = [
        inner.get(f"layers.{s}.blocks.0.attn.relative_coords_table") for s, _ in enumerate(depths)
    ]
    if windows and all(table is not None for table in coordinates):
        # undo sign * log2(1 + 8 d / (w - 1)) / 3 at the largest offset
        facts["pretraining_window"] = [
            round(8 * (window - 1) / (2 ** (3 * float(table.max())) - 1)) + 1
            for window, table in zip(windows, coordinates, strict=True)
            if table is not None
        ]
    return facts


def _vit_facts(inner: Mapping[str, Tensor]) -> dict[str, object]:
    facts: dict[str, object] = {"depth": len(_found(inner, r"blocks\.(\d+)\."))}
    weight = inner.get("patch_embed.proj.weight")
    if weight is not None:
        facts |= {"embed_dim": weight.shape[0], "patch": weight.shape[-1]}
    positions = inner.get("pos_embed")
    table = inner.get("rel_pos_bias.relative_position_bias_table")
    if table is None:
        table = inner.get("blocks.0.attn.relative_position_bias_table")
    side = 0
    if positions is not None and positions.ndim == 3:
        side = math.isqrt(positions.shape[1])
    elif table is not None:
        side = (math.isqrt(len(table) - 3) + 1) // 2
        facts["heads"] = table.shape[1]
    if side and weight is not None:
        facts["resolution"] = side * weight.shape[-1]
    return facts


def _resnet_facts(inner: Mapping[str, Tensor]) -> dict[str, object]:
    depths = _counts(inner, r"layer(\d+)\.(\d+)\.")
    return {"depths": depths, "bottleneck": "layer1.0.conv3.weight" in inner}


def _convnext_facts(inner: Mapping[str, Tensor]) -> dict[str, object]:
    depths = _counts(inner, r"stages\.(\d+)\.(?:blocks\.)?(\d+)\.")
    first = inner.get("downsample_layers.0.0.weight", inner.get("stem.0.weight"))
    return {"depths": depths, **({} if first is None else {"embed_dim": first.shape[0]})}


_READERS = {
    "swinv2": _swin_facts,
    "swin": _swin_facts,
    "beit": _vit_facts,
    "vit": _vit_facts,
    "resnet": _resnet_facts,
    "convnext": _convnext_facts,
}
_SWINS = {
    (96, (2, 2, 6, 2)): "tiny",
    (96, (2, 2, 18, 2)): "small",
    (128, (2, 2, 18, 2)): "base",
    (192, (2, 2, 18, 2)): "large",
    (352, (2, 2, 18, 2)): "huge",
}
_VITS = {
    (192, 12): "tiny",
    (384, 12): "small",
    (768, 12): "base",
    (1024, 24): "large",
    (1280, 32): "huge",
    (1408, 40): "giant",
    (1536, 40): "giant",
}
_CONVNEXTS = {
    (96, (3, 3, 9, 3)): "tiny",
    (96, (3, 3, 27, 3)): "small",
    (128, (3, 3, 27, 3)): "base",
    (192, (3, 3, 27, 3)): "large",
    (256, (3, 3, 27, 3)): "xlarge",
}
_RESNETS = {
    ((2, 2, 2, 2), False): "18",
    ((3, 4, 6, 3), False): "34",
    ((3, 4, 6, 3), True): "50",
    ((3, 4, 23, 3), True): "101",
    ((3, 8, 36, 3), True): "152",
}


def read_facts(family: str, inner: Mapping[str, Tensor]) -> dict[str, object]:
    """Return the sizes that a family's tensors show, as `Format.facts` holds them.

    Args:
        family: One of `Format.family`; "" has none.
        inner: The backbone's tensors, without prefix.
    """
    return _READERS[family](inner) if family else {}


def guess_name(family: str, facts: Mapping[str, object]) -> str:
    """Return the timm name, or its beginning, that a family's sizes belong to."""
    depths, dim = facts.get("depths"), facts.get("embed_dim")
    if family == "resnet":
        return f"resnet{_RESNETS.get((depths, facts['bottleneck']), '')}"  # type: ignore[arg-type]
    sizes = {"swin": _SWINS, "swinv2": _SWINS, "convnext": _CONVNEXTS}.get(family)
    if sizes is not None:
        size = sizes.get((dim, depths))  # type: ignore[arg-type]
        return f"{family}_{size}" if size else family
    size = _VITS.get((dim, facts.get("depth")))  # type: ignore[arg-type]
    if not size:
        return family
    patch = f"_patch{facts['patch']}" if "patch" in facts else ""
    return f"{family}_{size}{patch}"


def _found(inner: Mapping[str, Tensor], pattern: str) -> set[str]:
    return {match[1] for name in inner if (match := re.match(pattern, name))}


def _counts(inner: Mapping[str, Tensor], pattern: str) -> tuple[int, ...]:
    depths: dict[int, int] = {}
    for name in inner:
        if match := re.match(pattern, name):
            stage = int(match[1])
            depths[stage] = max(depths.get(stage, 0), int(match[2]) + 1)
    return tuple(depths[stage] for stage in sorted(depths))
