"""Random values for every parameter of a network, sized so that each of them matters."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

# by the end of the name: mean, deviation
KINDS = {
    "running_var": (1.0, 0.1),
    "running_mean": (0.0, 0.1),
    "bias": (0.0, 0.2),
    "logit_scale": (math.log(10), 0.5),
    "relative_position_bias_table": (0.0, 1.0),
    "gamma_1": (0.5, 0.1),
    "gamma_2": (0.5, 0.1),
    "gamma": (0.5, 0.1),
    "pos_embed": (0.0, 0.5),
    "_token": (0.0, 0.5),
}


def noise(generator: torch.Generator, *shape: int, scale: float = 1.0) -> Tensor:
    """Normal values from the generator."""
    return scale * torch.randn(shape, generator=generator)


def values(name: str, like: Tensor, generator: torch.Generator) -> Tensor:
    """Random values for one tensor; whole numbers (counters) stay."""
    if not like.is_floating_point():
        return like.clone()
    for end, (mean, deviation) in KINDS.items():
        if name.endswith(end):
            drawn = mean + noise(generator, *like.shape, scale=deviation)
            if end == "logit_scale":  # one head beyond the clamp at ln 100
                drawn[-1] = math.log(150)
            return drawn.abs() + 0.1 if end == "running_var" else drawn
    if like.dim() == 1:  # the weights of norms
        return 1 + noise(generator, *like.shape, scale=0.2)
    return noise(generator, *like.shape, scale=max(like[0].numel(), 1) ** -0.5)


def randomise(net: nn.Module, seed: int = 0) -> nn.Module:
    """The network itself with random parameters and running statistics, in evaluation mode."""
    generator = torch.Generator().manual_seed(seed)
    state = {name: values(name, value, generator) for name, value in net.state_dict().items()}
    net.load_state_dict(state, strict=True)
    return net.eval()


def another(state: dict[str, Tensor], seed: int) -> dict[str, Tensor]:
    """Other random values under the same names."""
    generator = torch.Generator().manual_seed(seed)
    return {name: values(name, value, generator) for name, value in state.items()}
