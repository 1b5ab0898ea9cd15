"""Contents of official checkpoints of ResNets, made from a state dict with torchvision's names.

Layouts were read in the authors' repositories where a docstring names the file; released files
themselves were not opened.
"""

from __future__ import annotations

from typing import Any

import torch

from .foreign import options, training_state
from .parts import INNER, State, batch_norm, features, linear, prefixed
from .weights import another


def trunk(state: State) -> State:
    """Without the classifier."""
    return {k: v.clone() for k, v in state.items() if not k.startswith("fc.")}


def queue(name: str = "queue") -> State:
    """Keys kept from earlier batches, and where the next go."""
    return {name: torch.full((INNER, 8), 0.1), f"{name}_ptr": torch.zeros(1, dtype=torch.long)}


def mocov2_resnet(state: State) -> dict[str, Any]:
    """MoCo v2: the query encoder with its two-layer projector `fc`, the key encoder, the queue."""
    projector = {**linear("fc.0", features(state), INNER), **linear("fc.2", INNER, INNER)}
    found = prefixed("module.encoder_q.", {**trunk(state), **projector})
    found |= prefixed("module.encoder_k.", {**another(trunk(state), 31), **projector})
    found |= prefixed("module.", queue())
    return {
        "epoch": 800,
        "arch": "resnet50",
        "state_dict": found,
        "optimizer": training_state(),
    }


def densecl(state: State, full: bool = False) -> dict[str, Any]:
    """DenseCL: the extracted backbone under bare names, or the training file.

    In the training file the query encoder stands twice: as `encoder_q.0` and as `backbone`. Read
    in WXinlong/DenseCL: tools/extract_backbone_weights.py (the file that is for transfer),
    openselfsup/models/densecl.py and necks.py (the names of the full one).
    """
    inner = trunk(state)
    if not full:
        return {"state_dict": inner, "author": "DenseCL"}
    neck: State = {}
    for name, shape in (("mlp", ()), ("mlp2", (1, 1))):
        for i, channels in ((0, features(state)), (2, INNER)):
            layer = linear(f"{name}.{i}", channels, INNER)
            weight = f"{name}.{i}.weight"
            neck |= {**layer, weight: layer[weight].reshape(INNER, channels, *shape)}
    found = {**queue(), **queue("queue2")}
    found |= {**prefixed("encoder_q.0.", inner), **prefixed("encoder_q.1.", neck)}
    found |= prefixed("encoder_k.0.", another(inner, 32))
    found |= {**prefixed("encoder_k.1.", neck), **prefixed("backbone.", inner)}
    return {"meta": {"epoch": 200}, "state_dict": found, "optimizer": training_state()}


def detco(state: State) -> dict[str, Any]:
    """DetCo: bare names under `state_dict`.

    Inferred from xieenze/DetCo, benchmarks/detection/convert-pretrain-to-detectron2.py, which
    reads that; the pretraining code was never published. The README's examples pass a .pkl that
    has already gone through the conversion: `detectron2`.
    """
    return {"state_dict": trunk(state)}


def detectron2(state: State, author: str = "OpenSelfSup") -> dict[str, Any]:
    """The conversion those detection benchmarks ask for: arrays, res2 ... res5, to be pickled.

    Read in xieenze/DetCo and zdaxie/PixPro: transfer or benchmarks/detection/convert*.py.
    """
    found = {}
    for name, value in trunk(state).items():
        new = name if "layer" in name else f"stem.{name}"
        for stage in (1, 2, 3, 4):
            new = new.replace(f"layer{stage}", f"res{stage + 1}")
            new = new.replace(f"bn{stage}", f"conv{stage}.norm")
        new = new.replace("downsample.0", "shortcut").replace("downsample.1", "shortcut.norm")
        found[new] = value.numpy()
    return {"model": found, "__author__": author, "matching_heuristics": True}


def pixpro(state: State, full: bool = False) -> dict[str, Any]:
    """PixPro: two encoders, their projectors, one transform; state in a full file.

    Read in zdaxie/PixPro: main_pretrain.py (what is saved), publish_model.py (what is taken out for
    release), contrast/models/PixPro.py (names), transfer/detection (which encoder is used).
    """
    head = {
        **linear("linear1", features(state), INNER),
        **batch_norm("bn1", INNER),
        **linear("linear2", INNER, INNER),
    }
    for name, channels in (("linear1", features(state)), ("linear2", INNER)):
        head[f"{name}.weight"] = head[f"{name}.weight"].reshape(INNER, channels, 1, 1)
    transform = linear("value_transform", INNER, INNER)
    transform["value_transform.weight"] = torch.full((INNER, INNER, 1, 1), 0.1)
    found: State = {}
    for end, weights in (("", trunk(state)), ("_k", another(trunk(state), 33))):
        found |= prefixed(f"encoder{end}.", weights)
        found |= prefixed(f"projector{end}.", head)
    model = prefixed("module.", {**found, **transform})
    if not full:
        return {"model": model}
    return {
        "opt": options(arch="resnet50", model="PixPro"),
        "model": model,
        "optimizer": training_state(),
        "scheduler": {"last_epoch": 100},
        "epoch": 100,
    }
