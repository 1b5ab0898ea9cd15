"""The optimiser's parameter groups: the backbone's by layer, the head's at the full rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import nn

    from mim_bench.tasks.network import Network


def head_groups(head: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Return a head's groups; what is 1-D or ends in `.bias` has no weight decay.

    Source: the authors' code for depth, section "layer decay" of its optimiser.
    """
    groups: dict[str, dict[str, Any]] = {
        "head_decay": {"params": [], "scale": 1.0, "weight_decay": weight_decay},
        "head_no_decay": {"params": [], "scale": 1.0, "weight_decay": 0.0},
    }
    for name, parameter in head.named_parameters():
        plain = parameter.ndim == 1 or name.endswith(".bias")
        groups["head_no_decay" if plain else "head_decay"]["params"].append(parameter)
    return [{"name": name, **group} for name, group in groups.items() if group["params"]]


def parameter_groups(
    network: Network, convention: str, layer_decay: float, weight_decay: float
) -> list[dict[str, Any]]:
    """Return the groups for an optimiser, each with `name`, `scale` and `weight_decay`.

    Args:
        network: Backbone and head.
        convention: How layers are numbered (`mim_bench.backbones.groups`).
        layer_decay: A layer's scale is this to the power of its distance from the head.
        weight_decay: Of the parameters that have any.

    Raises:
        RuntimeError: A parameter is in no group or in two.
    """
    groups = head_groups(network.head, weight_decay)
    if not network.frozen:
        backbone: Any = network.backbone
        for group in backbone.param_groups(convention, layer_decay):
            groups.append(
                {
                    "name": group.name,
                    "params": list(group.params),
                    "scale": float(group.scale),
                    "weight_decay": weight_decay if group.decay else 0.0,
                }
            )
    _check_complete(network, (item for group in groups for item in group["params"]))
    return groups


def _check_complete(network: Network, grouped: Iterable[nn.Parameter]) -> None:
    seen = [id(parameter) for parameter in grouped]
    if len(seen) != len(set(seen)):
        raise RuntimeError("a parameter is in two groups of the optimiser")
    lost = [
        name
        for name, parameter in network.named_parameters()
        if parameter.requires_grad and id(parameter) not in set(seen)
    ]
    if lost:
        raise RuntimeError(f"parameters in no group of the optimiser: {', '.join(lost[:20])}")
