"""Contents of official checkpoints of plain ViTs, made from a state dict with timm's names.

Each function takes the weights a loader must find again and hides them as that project does, among
other networks' weights under other prefixes. "Read in" names the authors' file a layout was checked
against; the others follow the released files' documented contents.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .foreign import options, training_state
from .parts import (
    INNER,
    State,
    batch_norm,
    features,
    head,
    linear,
    moco_mlp,
    prefixed,
)
from .simmim_vit import bias_rows
from .weights import another, noise


def width(state: State) -> int:
    """Channels of the tokens."""
    return state["patch_embed.proj.weight"].shape[0]


def headless(state: State) -> State:
    """Without a classifier."""
    return {k: v.clone() for k, v in state.items() if not k.startswith(("head.", "fc_norm."))}


def deit(state: State, classes: int = 10) -> dict[str, Any]:
    """DeiT: the classifier's weights under `model`."""
    return {"model": {**headless(state), **head(width(state), classes)}}


def mocov3(state: State, which: str = "base") -> dict[str, Any]:
    """MoCo v3 (ViT, or ResNet by its names): the base encoder, its momentum copy, a predictor.

    `which` of the two, "base" or "momentum", holds the given weights; the other holds random ones.
    """
    convolutional = "conv1.weight" in state
    name = "fc" if convolutional else "head"
    skipped = ("fc.",) if convolutional else ("head.", "fc_norm.")
    inner = {k: v.clone() for k, v in state.items() if not k.startswith(skipped)}
    channels = features(state) if convolutional else width(state)
    encoders = {"base": another(inner, 21), "momentum": another(inner, 22)}
    encoders[which] = inner
    found: State = {}
    for branch, weights in encoders.items():
        projector = moco_mlp(name, channels, 2 if convolutional else 3)
        found |= prefixed(f"module.{branch}_encoder.", {**weights, **projector})
    found |= moco_mlp("module.predictor", INNER, 2)
    arch = "resnet50" if convolutional else "vit_base"
    scaler = {"scale": 65536.0}
    return {
        "epoch": 300,
        "arch": arch,
        "state_dict": found,
        "optimizer": training_state(),
        "scaler": scaler,
    }


def mae(state: State, full: bool = False) -> dict[str, Any]:
    """MAE: the encoder under `model`; a full file adds the decoder, the training state, options."""
    encoder, channels = headless(state), width(state)
    if not full:
        return {"model": encoder}
    block = {k[9:]: v for k, v in another(encoder, 23).items() if k.startswith("blocks.0.")}
    decoder: State = {
        "mask_token": torch.full((1, 1, channels), 0.02),
        "decoder_pos_embed": torch.zeros_like(encoder["pos_embed"]),
        **linear("decoder_embed", channels, channels),
        **prefixed("decoder_blocks.0.", block),
        "decoder_norm.weight": torch.ones(channels),
        "decoder_norm.bias": torch.zeros(channels),
        **linear("decoder_pred", channels, 768),
    }
    return {
        "model": {**encoder, **decoder},
        "optimizer": training_state(),
        "epoch": 799,
        "scaler": {"scale": 65536.0},
        "args": options(model="mae_vit_base_patch16", mask_ratio=0.75),
    }


def beit(state: State, classes: int = 10) -> dict[str, Any]:
    """BEiT under `model`, with its index buffers.

    A shared bias table means a pretraining file (mask token, `lm_head`), tables in the blocks a
    fine-tuned one (`head`). The grid is taken to be square.
    """
    found = {k: v.clone() for k, v in state.items() if not k.startswith("head.")}
    for name in [k for k in found if k.endswith("relative_position_bias_table")]:
        side = (round((found[name].shape[0] - 3) ** 0.5) + 1) // 2
        found[name.replace("bias_table", "index")] = bias_rows((side, side))
    if "rel_pos_bias.relative_position_bias_table" in found:
        found["mask_token"] = torch.full((1, 1, width(state)), 0.02)
        return {"model": {**found, **linear("lm_head", width(state), 32)}}
    return {"model": {**found, **head(width(state), classes)}}


def dino_head(channels: int) -> State:
    """DINO's head: three linear layers, then one with a weight norm of the older kind."""
    found: State = {}
    for i in (0, 2, 4):
        found |= linear(f"head.mlp.{i}", channels if i == 0 else INNER, INNER)
    last = {"head.last_layer.weight_g": torch.ones(32, 1)}
    return {**found, **last, "head.last_layer.weight_v": torch.full((32, INNER), 0.1)}


def dino(state: State, full: bool = False) -> dict[str, Any]:
    """DINO: the bare backbone; a full file holds it as the teacher's, beside another student."""
    backbone = headless(state)
    if not full:
        return dict(backbone)
    return student_teacher(backbone, another(backbone, 24), dino_head(width(state)), "dino_loss")


def student_teacher(teacher: State, student: State, top: State, loss: str) -> dict[str, Any]:
    """A training file of DINO or iBOT: only the student is wrapped for several processes."""
    return {
        "student": prefixed("module.", {**prefixed("backbone.", student), **top}),
        "teacher": {**prefixed("backbone.", teacher), **top},
        "optimizer": training_state(),
        "epoch": 100,
        "args": options(arch="vit_base", patch_size=16),
        loss: {"center": torch.zeros(1, 32)},
        "fp16_scaler": {"scale": 65536.0},
    }


def dinov2(state: State) -> dict[str, Tensor]:
    """DINOv2: bare, a mask token (1, C); with registers, the class token's position is separate."""
    found = headless(state)
    found["mask_token"] = torch.full((1, width(state)), 0.02)
    if "reg_token" in found:
        found["register_tokens"] = found.pop("reg_token")
        own = noise(torch.Generator().manual_seed(25), 1, 1, width(state), scale=0.1)
        found["cls_token"] = found["cls_token"] - own
        found["pos_embed"] = torch.cat([own, found["pos_embed"]], 1)
    return found


def ibot(state: State, full: bool = False, which: str = "teacher") -> dict[str, Any]:
    """iBOT: the extracted backbone of a teacher or student, or the full training file.

    Only the student's backbone is built for masking and so has `masked_embed` (1, C). Read in
    bytedance/ibot: main_ibot.py, extract_backbone_weights.py, models/{vision_transformer,head}.py.
    """
    given = headless(state)
    other = another(given, 26)
    teacher, student = (given, other) if which == "teacher" else (other, given)
    student = {**student, "masked_embed": torch.full((1, width(state)), 0.02)}
    if not full:
        return {"state_dict": teacher if which == "teacher" else student}
    top = dino_head(width(state))
    patches = {k.replace("last_layer", "last_layer2"): v for k, v in top.items() if "last" in k}
    return student_teacher(teacher, student, {**top, **patches}, "ibot_loss")


def msn(state: State) -> dict[str, Any]:
    """MSN: the target encoder holds the weights; a projector `fc`, prototypes, training state.

    Read in facebookresearch/msn: src/msn_train.py (names and what is saved), logistic_eval.py
    (which of the encoders is used).
    """
    inner = headless(state)
    projector: State = {}
    for i, channels in enumerate((width(state), INNER, INNER), 1):
        projector |= linear(f"fc.fc{i}", channels, INNER)
        projector |= batch_norm(f"fc.bn{i}", INNER) if i < 3 else {}
    return {
        "encoder": prefixed("module.", {**another(inner, 27), **projector}),
        "opt": training_state(),
        "prototypes": torch.full((32, INNER), 0.1),
        "target_encoder": prefixed("module.", {**inner, **projector}),
        "epoch": 600,
        "loss": 1.5,
        "batch_size": 64,
        "world_size": 16,
        "lr": 1e-3,
        "temperature": 0.1,
    }
