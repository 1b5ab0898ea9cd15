"""Making a timm network for given input sizes, and taking from it what is not wanted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import timm
import torch
from timm.layers.blur_pool import BlurPool2d
from timm.layers.conv2d_same import Conv2dSame
from timm.layers.drop import DropPath
from timm.layers.pool2d_same import AvgPool2dSame, MaxPool2dSame
from timm.layers.std_conv import ScaledStdConv2dSame, StdConv2dSame
from timm.models import is_model_in_modules
from timm.models.hrnet import HighResolutionNet
from torch import nn

from mim_bench.backbones.catalogue import catalogue
from mim_bench.backbones.hub import hub_model, is_hub
from mim_bench.backbones.spec import PRETRAINED, BackboneSpec
from mim_bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mim_bench.backbones.windows import Size

Tap = tuple[int, int, int]
"""Index among a network's feature maps, stride, channels."""
_SAME = (Conv2dSame, StdConv2dSame, ScaledStdConv2dSame, MaxPool2dSame, AvgPool2dSame)
_BROKEN = (RuntimeError, ValueError, TypeError, KeyError, AssertionError, AttributeError)
# Python's own message, and that of classes that list all they don't know
_UNEXPECTED = re.compile(r"unexpected keyword argument(?:\(s\): \[)? ?'(\w+)'")


def architecture(spec: BackboneSpec) -> tuple[str, dict[str, Any]]:
    """Return the timm name that a spec stands for and the arguments it is built with.

    Raises:
        UserError: It is a repository of the Hub that can't be had.
    """
    if is_hub(spec.name):
        return hub_model(spec.name).pinned, {}
    entry = catalogue().get(spec.name)
    return (entry.architecture, dict(entry.arguments)) if entry else (spec.name, {})


def is_windowed(spec: BackboneSpec) -> bool:
    """Say whether a spec is a Swin or SwinV2, whose windows are set per stage."""
    name = hub_model(spec.name).architecture if is_hub(spec.name) else architecture(spec)[0]
    base = name.partition(".")[0]
    return bool(is_model_in_modules(base, ["swin_transformer", "swin_transformer_v2"]))


def create(
    spec: BackboneSpec, optional: Mapping[str, Any], device: str | None = None
) -> tuple[nn.Module, set[str]]:
    """Create the complete network of a spec without a classifier.

    Args:
        spec: The backbone; only weights "pretrained" are loaded here.
        optional: Arguments that not every architecture knows.
        device: "meta" for a network without values, to look at.

    Returns:
        The network and the names of optional arguments that it does not know.

    Raises:
        UserError: timm can't build it, or its own weights can't be fetched.
    """
    name, arguments = architecture(spec)
    given = {**optional, **arguments, "num_classes": 0}
    given.update({key: optional[key] for key in ("img_size",) if key in optional})
    refused: set[str] = set()
    pretrained = spec.weights == PRETRAINED and device is None
    while True:
        try:
            with torch.device(device or "cpu"):
                return timm.create_model(name, pretrained=pretrained, **given), refused
        except TypeError as error:
            unexpected = _UNEXPECTED.search(str(error))
            if unexpected is None or unexpected[1] not in given or unexpected[1] in arguments:
                raise _failure(spec, error) from error
            refused.add(unexpected[1])
            del given[unexpected[1]]
        except (OSError, *_BROKEN) as error:
            raise _failure(spec, error) from error


def _failure(spec: BackboneSpec, error: Exception) -> UserError:
    first = str(error).partition("\n")[0] or type(error).__name__
    if spec.weights == PRETRAINED:
        return UserError(
            f"timm's weights for {spec.name!r} can't be had: {first}",
            action="check the connection and that timm has weights for this name; or download "
            "them and give the file (NAME=FILE)",
        )
    return UserError(f"timm can't build {spec.name!r}: {first}")


def features(net: nn.Module, name: str) -> list[tuple[int, int]]:
    """Return (stride, channels) of every feature map that a timm network yields, in order.

    Raises:
        UserError: The network yields none.
    """
    info = getattr(net, "feature_info", None)
    dicts = getattr(info, "info", info)
    if not dicts or not hasattr(net, "prune_intermediate_layers"):
        raise UserError(f"{name!r} yields no feature maps", action="choose another architecture")
    return [(int(entry["reduction"]), int(entry["num_chs"])) for entry in dicts]


def choose_levels(found: list[tuple[int, int]], levels: tuple[int, ...], name: str) -> list[int]:
    """Return the index of the feature map for each asked stride: the last one at that stride.

    A network with one stride only answers with its last map, whatever is asked.

    Raises:
        UserError: A stride is not there, or none is asked.
    """
    strides = [stride for stride, _ in found]
    if len(set(strides)) == 1 and levels:
        return [len(strides) - 1]
    absent = [level for level in levels if level not in strides]
    if absent or not levels:
        raise UserError(
            f"{name!r} has no features at stride {', '.join(map(str, absent)) or '(none asked)'}",
            where="levels",
            expected=f"among {', '.join(map(str, sorted(set(strides))))}",
        )
    last = {stride: index for index, stride in enumerate(strides)}
    return [last[level] for level in sorted(set(levels))]


def padding_multiple(net: nn.Module, stride: int) -> int:
    """Return what the input must be a multiple of for maps of ceil(size / stride): 1 or stride.

    Where maps of several strides are added to each other (HRNet), it is the coarsest of them,
    whichever maps are asked for.

    A strided layer gives ceil(n / s) for every n if twice its padding is its extent less one,
    as in ResNets. Where one does not (patches that don't overlap), the input is padded.
    """
    if isinstance(net, HighResolutionNet):
        return max(stride for stride, _ in features(net, type(net).__name__))
    for module in net.modules():
        if isinstance(module, BlurPool2d):
            return stride
        if isinstance(module, _SAME):
            continue
        if isinstance(module, (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d)) and not _keeps(module):
            return stride
    return 1


def _keeps(module: nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d) -> bool:
    kernels, strides = _two(module.kernel_size), _two(module.stride)
    dilations = _two(getattr(module, "dilation", 1))
    if isinstance(module.padding, str):  # "same" and "valid" belong to stride 1
        return strides == (1, 1)
    pads = _two(module.padding)
    return all(
        s == 1 or 2 * p - d * (k - 1) == (1 - s if getattr(module, "ceil_mode", False) else 0)
        for k, s, p, d in zip(kernels, strides, pads, dilations, strict=True)
    )


def _two(value: Any) -> Size:
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)


def rounded(size: Size, multiple: int) -> Size:
    """Return height and width rounded up to a multiple."""
    height, width = (-(-length // multiple) * multiple for length in size)
    return (height, width)


def prune(net: nn.Module, indices: list[int]) -> None:
    """Remove what feature maps `indices` don't need: later stages, final norm, classifier."""
    net.prune_intermediate_layers(indices, prune_norm=True, prune_head=True)  # type: ignore[operator]
    if isinstance(net, HighResolutionNet):
        _prune_branches(net, indices)


def _prune_branches(net: HighResolutionNet, indices: list[int]) -> None:
    """Remove what a HRNet's last fusion makes for maps that are not wanted; timm leaves it."""
    increased: Any = net.incre_modules
    fusions: Any = net.stage4[-1].fuse_layers
    for branch in range(len(fusions)):
        if branch + 1 in indices:  # map 0 is the stem's
            continue
        fusions[branch] = nn.ModuleList([nn.Identity()])
        if increased is not None and branch < len(increased):
            increased[branch] = nn.Identity()


def spread_drop_path(net: nn.Module, rate: float) -> None:
    """Scale the drop path of the blocks that are left so that it rises linearly from 0 to rate."""
    paths = [module for module in net.modules() if isinstance(module, DropPath)]
    highest = max((path.drop_prob for path in paths), default=0.0)
    for path in paths:
        path.drop_prob = path.drop_prob * rate / highest if highest else 0.0


def set_norm_eps(net: nn.Module, eps: float) -> None:
    """Set eps of every LayerNorm of a network with attention; others are left alone."""
    if not any("attention" in type(module).__name__.lower() for module in net.modules()):
        return
    for module in net.modules():
        if isinstance(module, nn.LayerNorm):
            module.eps = eps


def final_norm(net: nn.Module, channels: int) -> tuple[str, nn.LayerNorm] | None:
    """Return name and module of the LayerNorm that a complete network ends in, if it has one."""
    modules = dict(net.named_modules())
    for name in ("norm", "fc_norm", "head.norm"):
        module = modules.get(name)
        if isinstance(module, nn.LayerNorm) and module.normalized_shape == (channels,):
            return name, module
    return None
