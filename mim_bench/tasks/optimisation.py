"""The optimiser's parameter groups: the backbone's by layer, the head's at the full rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import nn

    from mim_bench.tasks.network import Network


DECAY_ON = ("weights", "all")
"""What has weight decay: what a convention says, no vectors and biases; or every parameter."""


class Groups:
    """Gathers an optimiser's groups.

    Args:
        weight_decay: Of what has any.
        decay_on: One of `DECAY_ON`; with "all" groups are not told apart by their decay.
    """

    def __init__(self, weight_decay: float, decay_on: str = "weights") -> None:
        self.weight_decay = weight_decay
        self.everything = decay_on == "all"
        self._found: dict[tuple[str, float], dict[str, Any]] = {}

    def add(self, name: str, params: list[nn.Parameter], scale: float, decays: bool) -> None:
        """Add parameters to the group of a name (`..._decay`, `..._no_decay`) and a scale."""
        if self.everything:
            name = name.removesuffix("_decay").removesuffix("_no")
        own = self.weight_decay if decays or self.everything else 0.0
        fresh = {"name": name, "params": [], "scale": scale, "weight_decay": own}
        if params:
            self._found.setdefault((name, scale), fresh)["params"] += params

    def all(self) -> list[dict[str, Any]]:
        """Return the groups, in the order in which they came."""
        return list(self._found.values())


def head_groups(
    head: nn.Module, weight_decay: float, decay_on: str = "weights"
) -> list[dict[str, Any]]:
    """Return a head's groups; what is 1-D or ends in `.bias` has no weight decay.

    With `decay_on` "all" it is one group, all of which has. Source: the authors' code for depth,
    section "layer decay" of its optimiser.
    """
    named = list(head.named_parameters())
    plain = {name for name, one in named if one.ndim == 1 or name.endswith(".bias")}
    groups = Groups(weight_decay, decay_on)
    groups.add("head_decay", [one for name, one in named if name not in plain], 1.0, True)
    groups.add("head_no_decay", [one for name, one in named if name in plain], 1.0, False)
    return groups.all()


def parameter_groups(
    network: Network,
    convention: str,
    layer_decay: float,
    weight_decay: float,
    *,
    backbone_lr: float = 1.0,
    decay_on: str = "weights",
) -> list[dict[str, Any]]:
    """Return the groups for an optimiser, each with `name`, `scale` and `weight_decay`.

    Args:
        network: Backbone and head.
        convention: How layers are numbered (`mim_bench.backbones.groups`).
        layer_decay: A layer's scale is this to the power of its distance from the head.
        weight_decay: Of the parameters that have any.
        backbone_lr: What the backbone's scales are multiplied with besides; norms that were put on
            its levels (`out_norm`) keep the head's rate. SwinTrack's released code: 0.1.
        decay_on: One of `DECAY_ON`. SwinTrack's released code: "all".

    Raises:
        RuntimeError: A parameter is in no group or in two.
    """
    groups = head_groups(network.head, weight_decay, decay_on)
    if not network.frozen:
        backbone: Any = network.backbone
        added = _added(backbone) if backbone_lr != 1 else set()
        found = Groups(weight_decay, decay_on)
        for group in backbone.param_groups(convention, layer_decay):
            own = [one for one in group.params if id(one) not in added]
            norms = [one for one in group.params if id(one) in added]
            found.add(group.name, own, float(group.scale) * backbone_lr, group.decay)
            name = f"out_norm_{'decay' if group.decay else 'no_decay'}"
            found.add(name, norms, float(group.scale), group.decay)
        groups += found.all()
    _check_complete(network, (item for group in groups for item in group["params"]))
    return groups


def _added(backbone: nn.Module) -> set[int]:
    """Return which parameters were put behind a pretrained network, by their identity."""
    inside = getattr(backbone, "net", backbone)
    known = {id(parameter) for parameter in inside.parameters()}
    return {id(one) for one in backbone.parameters() if id(one) not in known}


def _check_complete(network: Network, grouped: Iterable[nn.Parameter]) -> None:
    every = [id(parameter) for parameter in grouped]
    seen = set(every)
    if len(every) != len(seen):
        raise RuntimeError("a parameter is in two groups of the optimiser")
    lost = [
        name
        for name, parameter in network.named_parameters()
        if parameter.requires_grad and id(parameter) not in seen
    ]
    if lost:
        raise RuntimeError(f"parameters in no group of the optimiser: {', '.join(lost[:20])}")
