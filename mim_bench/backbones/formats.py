"""Recognising whose format a checkpoint has: what lies in it, and which part is the backbone."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mim_bench.backbones.facts import guess_name, read_facts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
NORMALISATIONS = {"imagenet": IMAGENET, "half": HALF}
"""Mean and deviation of colours in 0..1 by name: ImageNet's, or 0.5 for all."""

ENCODERS = ("base", "momentum")
"""The network that gradients trained, or its moving average."""

# prefixes of the trained network and of its average; which of them the authors evaluate
_PAIRS = (
    ("base_encoder.", "momentum_encoder.", "base"),  # MoCo v3
    ("encoder_q.", "encoder_k.", "base"),  # MoCo, DetCo
    ("student.", "teacher.", "momentum"),  # DINO, iBOT
    ("encoder.", "target_encoder.", "momentum"),  # MSN
    ("encoder.", "encoder_k.", "base"),  # PixPro
)
_WRAPS = ("network.backbone.net.", "backbone.net.", "encoder.", "net.", "backbone.", "0.")
WRAPPERS = ("_orig_mod.", "module.")
"""Prefixes of torch.compile and DistributedDataParallel."""

_TITLES = {
    "simmim-swinv2": "SimMIM, SwinV2",
    "simmim-swin": "SimMIM, Swin",
    "simmim-vit": "SimMIM, ViT",
    "swinv2": "SwinV2, official",
    "swin": "Swin, official",
    "timm-swinv2": "SwinV2, timm",
    "timm-swin": "Swin, timm",
    "beit": "BEiT",
    "mae": "MAE with its decoder",
    "dinov2": "DINOv2",
    "vit": "plain ViT (DeiT, MAE, MoCo v3, DINO, iBOT, MSN, timm)",
    "resnet": "ResNet, torchvision's names (MoCo, DenseCL, DetCo, PixPro)",
    "convnext": "ConvNeXt, official",
    "timm-convnext": "ConvNeXt, timm",
    "unknown": "no format known",
}


@dataclass(frozen=True)
class Format:
    """What a checkpoint was recognised as.

    Attributes:
        name: A key such as "simmim-swinv2"; "unknown" where nothing fits.
        title: The same in words.
        prefix: What stands before the backbone's names in the file.
        encoder: Which of two networks was taken: base, momentum, or "" where there is one.
        family: swinv2, swin, beit, vit, resnet, convnext or "".
        facts: Sizes read from the tensors: embed_dim, depths, heads, patch, window, grid ...
        normalisation: A key of `NORMALISATIONS` that the format prescribes; "" where it doesn't.
        guess: A timm name or part of one that the sizes belong to; "" where unknown.
    """

    name: str
    title: str
    prefix: str = ""
    encoder: str = ""
    family: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)
    normalisation: str = ""
    guess: str = ""

    @property
    def looks_like(self) -> str:
        """What the file looks like, in one phrase for messages."""
        if not self.family:
            return "a network of another kind"
        said = ", ".join(
            f"{key.replace('_', ' ')} {_text(self.facts[key])}"
            for key in ("embed_dim", "depths", "depth", "patch", "window")
            if key in self.facts
        )
        guess = f" {self.guess}" if self.guess else ""
        return f"{self.title}:{guess} ({said})" if said else f"{self.title}{guess}"


def split(
    state: Mapping[str, Tensor], own: set[str] | None = None, encoder: str = ""
) -> tuple[dict[str, Tensor], str, str]:
    """Take the backbone out of a checkpoint.

    Args:
        state: Tensors by name.
        own: Names of the network to fill: a prefix that begins any of them stays.
        encoder: base or momentum, where there are two; "" for the one the authors evaluate.

    Returns:
        The backbone's tensors without prefix, the prefix, and which encoder was taken.
    """
    names = set(state)
    taken, prefix = "", ""
    for base, momentum, usual in _PAIRS:
        both = [any(name.startswith(p) for name in names) for p in (base, momentum)]
        # the trained one may stand alone; an average alone is the file's only network
        alone = both[0] and base not in ("encoder.",)
        if all(both) or alone or (both[1] and momentum != "encoder_k."):
            taken = (encoder or usual) if all(both) else ("base" if both[0] else "momentum")
            prefix = base if taken == "base" else momentum
            break
    inner = _under(state, prefix) if prefix else dict(state)
    changed = True
    while changed:
        changed = False
        for wrap in (*WRAPPERS, *_WRAPS):
            if own is not None and any(name.startswith(wrap) for name in own):
                continue
            if found := _under(inner, wrap):
                inner, prefix, changed = found, prefix + wrap, True
                break
    return inner, prefix, taken


def recognise(state: Mapping[str, Tensor], encoder: str = "") -> Format:
    """Say what a checkpoint's tensors are."""
    inner, prefix, taken = split(state, encoder=encoder)
    name = _name(inner, state, prefix)
    family = {"simmim-vit": "beit", "mae": "vit", "dinov2": "vit"}.get(
        name, name.rpartition("-")[2] if name != "unknown" else ""
    )
    facts = read_facts(family, inner)
    return Format(
        name=name,
        title=_TITLES[name],
        prefix=prefix,
        encoder=taken,
        family=family,
        facts=facts,
        normalisation=_normalisation(name, inner, taken),
        guess=guess_name(family, facts),
    )


def _under(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name[len(prefix) :]: t for name, t in state.items() if name.startswith(prefix)}


def _name(inner: Mapping[str, Tensor], state: Mapping[str, Tensor], prefix: str) -> str:
    def has(pattern: str) -> bool:
        return any(re.search(pattern, name) for name in inner)

    pretext = "decoder.0.weight" in state or ("mask_token" in inner and "encoder." in prefix)
    answer = "unknown"
    if has(r"\.(cpb|rpe)_mlp\."):
        timms = "layers.0.downsample.reduction.weight" not in inner and has(r"downsample\.")
        masked = pretext or has(r"\.rpe_mlp\.") or "mask_token" in inner
        answer = "timm-swinv2" if timms else "simmim-swinv2" if masked else "swinv2"
    elif has(r"^layers\.\d+\.blocks\..*relative_position_bias_table"):
        timms = "layers.0.downsample.reduction.weight" not in inner and has(r"downsample\.")
        answer = "timm-swin" if timms else "simmim-swin" if pretext else "swin"
    elif has(r"rel.*relative_position_bias_table") or has(r"^blocks\..*relative_position_bias"):
        answer = "simmim-vit" if pretext else "beit"
    elif has(r"^decoder_blocks\."):
        answer = "mae"
    elif has(r"^blocks\.\d+\.attn\.") and "patch_embed.proj.weight" in inner:
        answer = "dinov2" if has(r"\.ls1\.") and "mask_token" in inner else "vit"
    elif has(r"^layer1\.0\.conv1\.") and "conv1.weight" in inner:
        answer = "resnet"
    elif has(r"^downsample_layers\."):
        answer = "convnext"
    elif has(r"^stages\.\d+\.blocks\.\d+\.conv_dw\."):
        answer = "timm-convnext"
    return answer


def _normalisation(name: str, inner: Mapping[str, Tensor], taken: str) -> str:
    """Return what the format prescribes, where its code leaves no choice."""
    if name == "beit":
        # the first version's code has 0.5 for all, that of the second ImageNet's; alike else
        return ""
    always = ("simmim", "mae", "dinov2", "convnext")
    if name.startswith(always) or name in ("swin", "swinv2", "resnet"):
        return "imagenet"
    masked = any(key in inner for key in ("masked_embed", "decoder_pos_embed"))
    return "imagenet" if name == "vit" and (taken or masked) else ""


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)
