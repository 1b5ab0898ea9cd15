"""Layer-wise learning-rate decay: layer ids under three named conventions, parameter groups."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from timm.models._manipulate import group_with_matcher

from mim_bench.backbones.blocks import find_blocks
from mim_bench.errors import UserError, unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from torch import nn

CONVENTIONS = ("mim-depth", "simmim", "timm")
"""mim-depth: the authors' depth and pose code. simmim: SimMIM's code. timm: timm's own groups.

The first two name Swin, SwinV2 and plain ViTs; other families have timm's ids under each, and
those that timm has no groups for (MetaFormer) are numbered by block.
"""

_SWINS = ("SwinTransformer", "SwinTransformerV2")
_SWIN_BLOCK = re.compile(r"layers\.(\d+)\.blocks\.(\d+)\.")
_SWIN_MERGE = re.compile(r"layers\.(\d+)\.downsample\.")
_VIT_BLOCK = re.compile(r"blocks\.(\d+)\.")
_TOKENS = ("cls_token", "dist_token", "reg_token", "mask_token")
_VIT_STEM = (*_TOKENS, "pos_embed", "patch_embed", "norm_pre")
_UNDECAYED = ("relative_position_bias_table", "rpe_mlp", "cpb_mlp", "logit_scale")
_UNDECAYED_VIT = ("pos_embed", "cls_token")
_HEAD = "mim_bench_head"  # stands for a task's head among timm's groups
_Ids = tuple[dict[str, int], int]  # of each parameter, and their number


@dataclass(frozen=True)
class ParamGroup:
    """Parameters with one learning-rate scale and one kind of weight decay.

    Attributes:
        params: The parameters.
        names: Their names, with the prefix asked for.
        layer: The layer id, from 0 (stem) to N - 1 (head).
        scale: What the learning rate is multiplied with: decay ** (N - 1 - layer).
        decay: Whether weight decay applies.
        name: Such as "layer_07_decay" or "layer_07_no_decay".
    """

    params: list[nn.Parameter]
    names: list[str]
    layer: int
    scale: float
    decay: bool
    name: str


def layer_ids(net: nn.Module, convention: str) -> _Ids:
    """Return the layer id of each parameter and the number N of ids.

    The stem has id 0, a task's head N - 1. For depths 2, 2, 18, 2 of a Swin, N is 29 under
    "mim-depth", where each patch merging has an id of its own (3, 6, 25), and 26 under "simmim",
    where it has that of the last block before it (2, 4, 22). For a ViT N is its depth + 2.

    Args:
        net: A timm network; stages that were removed don't count.
        convention: One of `CONVENTIONS`.

    Raises:
        UserError: The convention is unknown, or the order of the network's layers is.
    """
    ids = _find_ids(net, convention)
    if ids is None:
        raise UserError(
            f"timm has no layer groups for {type(net).__name__}, and its blocks are not known",
            expected="layer decay 1",
        )
    return ids


def _find_ids(net: nn.Module, convention: str) -> _Ids | None:
    """Return what `layer_ids` does, or None where the order of the layers is not known."""
    if convention not in CONVENTIONS:
        raise UserError([unknown("decay convention", convention, CONVENTIONS)])
    names = [name for name, _ in net.named_parameters()]
    if convention != "timm":
        if type(net).__name__ in _SWINS:  # FocalNet's names are the same
            return _swin_ids(names, _depths(names), merging=convention == "mim-depth")
        if _is_vit(names):
            return _vit_ids(names)
    return _timm_ids(net, names)


def _depths(names: Iterable[str]) -> list[int]:
    """Return the number of blocks of each stage of a Swin."""
    depths: dict[int, int] = {}
    for name in names:
        if match := _SWIN_BLOCK.match(name):
            stage, block = int(match[1]), int(match[2])
            depths[stage] = max(depths.get(stage, 0), block + 1)
    return [depths[stage] for stage in sorted(depths)]


def _is_vit(names: Iterable[str]) -> bool:
    names = list(names)
    blocks = [name for name in names if _VIT_BLOCK.match(name)]
    nested = [name for name in blocks if name.split(".")[2].isdigit()]  # EfficientNet's
    return bool(blocks) and not nested and any(name.startswith("patch_embed.") for name in names)


def _swin_ids(names: list[str], depths: list[int], merging: bool) -> _Ids:
    # where the ids of a stage's blocks start, less one
    before = [sum(depths[:stage]) + (stage if merging else 0) for stage in range(len(depths))]
    count = before[-1] + depths[-1] + 2

    def layer(name: str) -> int:
        if match := _SWIN_BLOCK.match(name):
            return before[int(match[1])] + int(match[2]) + 1
        if match := _SWIN_MERGE.match(name):
            # timm keeps the merging at the start of the stage that follows
            return before[int(match[1])]
        return (
            0 if name.startswith(("patch_embed", "mask_token", "absolute_pos_embed")) else count - 1
        )

    return {name: layer(name) for name in names}, count


def _vit_ids(names: list[str]) -> _Ids:
    depth = 1 + max(int(match[1]) for name in names if (match := _VIT_BLOCK.match(name)))

    def layer(name: str) -> int:
        if match := _VIT_BLOCK.match(name):
            return int(match[1]) + 1
        return 0 if name.startswith(_VIT_STEM) else depth + 1

    return {name: layer(name) for name in names}, depth + 2


def _timm_ids(net: nn.Module, names: list[str]) -> _Ids | None:
    matcher: Any = getattr(net, "group_matcher", None)
    if matcher is None:
        return _ids_by_block(net, names)
    pairs = ((name, None) for name in [*names, _HEAD])
    ids: Mapping[str, int] = group_with_matcher(pairs, matcher(coarse=False), reverse=True)
    return {name: ids[name] for name in names}, max(ids.values()) + 1


def _ids_by_block(net: nn.Module, names: list[str]) -> _Ids | None:
    """Number a network that timm has no groups for by its blocks, as timm does others.

    What stands before the first block is the stem; a stage's merging has the id of the block
    that follows it.
    """
    blocks = find_blocks(net)
    count = len(blocks) + 2
    starts = {f"{block.name}.": block.depth + 1 for block in blocks}
    ids: dict[str, int] = {}
    following = count - 1
    for name in reversed(names):  # in the order of the forward pass
        own = next((layer for start, layer in starts.items() if name.startswith(start)), None)
        following = own or following
        ids[name] = own or (0 if following == 1 else following)
    stray = [n for n, i in ids.items() if i == count - 1 and not n.startswith(("norm", "head"))]
    single = [block for block in blocks if not list(block.module.children())]
    if not blocks or stray or single:  # a block that is one layer is none
        return None
    return {name: ids[name] for name in names}, count


def decayed(net: nn.Module, convention: str) -> set[str]:
    """Return the names of a network's parameters to which weight decay applies.

    Never vectors and biases. Nor what the convention's code names: bias tables, the bias
    network and logit scale of Swin (SimMIM's code has no such list for ViTs), position embedding
    and class token of ViTs, and under "timm" what the network itself excludes.
    """
    params = [
        (name, param)
        for name, param in net.named_parameters()
        if param.ndim > 1 and not name.endswith(".bias")
    ]
    if convention == "timm":
        own: set[str] = getattr(net, "no_weight_decay", set)()
        return {name for name, _ in params if name not in own}
    vit = _is_vit(name for name, _ in params)
    words = () if vit and convention == "simmim" else _UNDECAYED
    return {
        name
        for name, _ in params
        if not (vit and name in _UNDECAYED_VIT) and not any(word in name for word in words)
    }


def make_groups(
    backbone: nn.Module, convention: str, decay: float, prefix: str
) -> list[ParamGroup]:
    """Group a backbone's trainable parameters by layer and weight decay, stem first.

    Args:
        backbone: A module with the timm network as `net`; all else in it (its norms) is taken
            for part of the head side, id N - 1.
        convention: One of `CONVENTIONS`.
        decay: Factor between neighbouring layers, in (0, 1]; at 1 layers don't differ.
        prefix: Put before each name, so that names are those of the surrounding module.

    Raises:
        UserError: The convention is unknown, the decay out of range, or it is not 1 and the order
            of the network's layers is not known.
    """
    if not 0 < decay <= 1:
        raise UserError(f"layer decay is {decay}", expected="above 0, at most 1")
    net = backbone.get_submodule("net")
    if decay == 1 and _find_ids(net, convention) is None:  # layers don't differ: no order is needed
        ids, count = {name: 0 for name, _ in net.named_parameters()}, 2
    else:
        ids, count = layer_ids(net, convention)
    with_decay = decayed(net, convention)
    members: dict[tuple[int, bool], list[tuple[str, nn.Parameter]]] = {}
    for name, param in backbone.named_parameters():
        if not param.requires_grad:
            continue
        inner = name.removeprefix("net.")
        layer = ids[inner] if inner != name else count - 1
        key = (layer, inner not in with_decay)
        members.setdefault(key, []).append((prefix + name, param))
    return [
        ParamGroup(
            params=[param for _, param in found],
            names=[name for name, _ in found],
            layer=layer,
            scale=decay ** (count - 1 - layer),
            decay=not exempt,
            name=f"layer_{layer:02d}_{'no_decay' if exempt else 'decay'}",
        )
        for (layer, exempt), found in sorted(members.items(), key=lambda item: item[0])
    ]
