"""Contents of official checkpoints of Swin, SwinV2 and SimMIM, made from a reference network.

Key names, prefixes and containers as the authors' training scripts and released files have them:
the repositories microsoft/SimMIM and microsoft/Swin-Transformer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from .foreign import config, training_state
from .parts import State, head, prefixed
from .weights import noise

if TYPE_CHECKING:
    from .simmim_vit import SimMIMViT
    from .swin import Swin
    from .swinv2 import SwinV2

BIAS_NAMES = ("cpb_mlp", "rpe_mlp")


def copied(net: SwinV2 | Swin | SimMIMViT) -> State:
    """The parameters of a network, cut off from it."""
    return {name: value.detach().clone() for name, value in net.state_dict().items()}


def renamed(state: State, bias_name: str) -> State:
    """The same with the bias MLP of SwinV2 under the given name."""
    if bias_name not in BIAS_NAMES:
        raise ValueError(bias_name)
    other = BIAS_NAMES[1 - BIAS_NAMES.index(bias_name)]
    return {name.replace(f".{other}.", f".{bias_name}."): v for name, v in state.items()}


def as_trained(model: State, name: str, epoch: int = 799) -> dict[str, Any]:
    """A file of the training script: weights, optimiser, schedule, configuration."""
    return {
        "model": model,
        "optimizer": training_state(),
        "lr_scheduler": {"milestones": [700], "last_epoch": epoch, "base_values": [1e-4]},
        "scaler": {"scale": 65536.0, "growth_factor": 2.0},
        "max_accuracy": 0.0,
        "epoch": epoch,
        "config": config(
            BASE=[""],
            MODEL={"TYPE": name, "NAME": f"simmim_pretrain__{name}", "DROP_PATH_RATE": 0.1},
            DATA={"IMG_SIZE": 192, "MASK_RATIO": 0.6, "INTERPOLATION": "bicubic"},
            TRAIN={"EPOCHS": epoch + 1, "BASE_LR": 1e-4},
        ),
    }


def pretraining_extras(width: int, channels: int, stride: int) -> State:
    """The mask token (of the patch embedding's width) and the one-layer decoder."""
    generator = torch.Generator().manual_seed(91)
    pixels = 3 * stride**2
    return {
        "encoder.mask_token": noise(generator, 1, 1, width, scale=0.02),
        "decoder.0.weight": noise(generator, pixels, channels, 1, 1, scale=0.02),
        "decoder.0.bias": noise(generator, pixels, scale=0.02),
    }


def simmim_swinv2(
    net: SwinV2, bias_name: str = "rpe_mlp", stripped: bool = False, size: int = 64
) -> dict[str, Any]:
    """SimMIM's SwinV2, pretrained at size x size pixels: as trained, or weights alone."""
    state = renamed(copied(net), bias_name)
    if stripped:
        return {"model": state}
    encoder = prefixed("encoder.", {**state, **net.official_buffers(size)})
    extras = pretraining_extras(net.channels[0], net.channels[-1], _stride(net))
    return as_trained({**encoder, **extras}, "swinv2")


def simmim_swin(net: Swin, size: int = 64) -> dict[str, Any]:
    """SimMIM's Swin v1, pretrained at size x size pixels, as trained."""
    encoder = prefixed("encoder.", {**copied(net), **net.official_buffers(size)})
    extras = pretraining_extras(net.channels[0], net.channels[-1], _stride(net))
    return as_trained({**encoder, **extras}, "swin")


def simmim_vit(net: SimMIMViT) -> dict[str, Any]:
    """SimMIM's ViT, as trained."""
    encoder = prefixed("encoder.", {**copied(net), **net.official_buffers()})
    channels = net.channels[0]
    patch = net.patch_embed.proj.kernel_size[0]
    return as_trained({**encoder, **pretraining_extras(channels, channels, patch)}, "vit")


def supervised_swinv2(
    net: SwinV2, size: int = 64, classes: int = 10, bias_name: str = "cpb_mlp"
) -> dict[str, Any]:
    """A released SwinV2 classifier, trained at size x size pixels."""
    state = renamed(copied(net), bias_name)
    return {"model": {**state, **net.official_buffers(size), **head(net.channels[-1], classes)}}


def supervised_swin(net: Swin, size: int = 64, classes: int = 10) -> dict[str, Any]:
    """A released Swin v1 classifier, trained at size x size pixels."""
    state = copied(net)
    return {"model": {**state, **net.official_buffers(size), **head(net.channels[-1], classes)}}


def _stride(net: SwinV2 | Swin) -> int:
    return net.patch * 2 ** (len(net.channels) - 1)
