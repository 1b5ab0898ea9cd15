"""Pieces of checkpoint contents: prefixes, classifiers, layers of projectors."""

from __future__ import annotations

import torch
from torch import Tensor

from .weights import noise

State = dict[str, Tensor]
INNER = 16


def prefixed(prefix: str, state: State) -> State:
    """The prefix before every name."""
    return {prefix + name: value for name, value in state.items()}


def head(channels: int, classes: int) -> State:
    """A classifier's last layer."""
    generator = torch.Generator().manual_seed(92)
    return {
        "head.weight": noise(generator, classes, channels, scale=0.02),
        "head.bias": noise(generator, classes, scale=0.02),
    }


def linear(name: str, channels: int, out: int, bias: bool = True, seed: int = 7) -> State:
    """The weights of one linear layer."""
    generator = torch.Generator().manual_seed(seed)
    found = {f"{name}.weight": noise(generator, out, channels)}
    return {**found, f"{name}.bias": noise(generator, out)} if bias else found


def batch_norm(name: str, channels: int, affine: bool = True) -> State:
    """The weights and statistics of one batch norm."""
    found: State = {
        f"{name}.running_mean": torch.zeros(channels),
        f"{name}.running_var": torch.ones(channels),
        f"{name}.num_batches_tracked": torch.tensor(5),
    }
    if affine:
        found |= {f"{name}.weight": torch.ones(channels), f"{name}.bias": torch.zeros(channels)}
    return found


def features(state: State) -> int:
    """Channels of a ResNet's last map (2048 of a ResNet-50)."""
    norms = [k for k in state if k.startswith("layer4.0.bn") and k.endswith(".weight")]
    return state[max(norms)].shape[0]


def moco_mlp(name: str, channels: int, layers: int) -> State:
    """MoCo v3's projector or predictor: linear layers without bias, each with a batch norm."""
    found: State = {}
    for i in range(layers):
        last = i == layers - 1
        found |= linear(f"{name}.{3 * i}", channels, INNER, bias=False)
        found |= batch_norm(f"{name}.{3 * i + 1}", INNER, affine=not last)
        channels = INNER
    return found
