"""Bringing a checkpoint's tensors into a network."""

from __future__ import annotations

import inspect
import re
import sys
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from mim_bench.backbones.accounting import COUNTERS, LoadReport, account
from mim_bench.backbones.formats import recognise, split
from mim_bench.backbones.resampling import resampled_officially
from mim_bench.errors import Problem, UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_SHARED = "rel_pos_bias.relative_position_bias_table"
_BLOCK_TABLE = re.compile(r"blocks\.\d+\.attn\.relative_position_bias_table")
# "blocks.11.", "layers.2.blocks.17.", "layer3.5.": the start of what lies in numbered parts
_PART = re.compile(r"([a-z_]+\d*)\.\d+\.")
_FILTERS = ("checkpoint_filter_fn", "_filter_fn", "_filter_torchvision_pretrained")
_SHOWN = 20


class SkipRandom(TorchFunctionMode):
    """Fills with a constant instead of at random: for networks whose weights are replaced at once.

    Left unfilled, memory could hold what makes torch's rejection sampling draw for ever.
    """

    # those of torch.nn.init are met as a whole: what they call is not seen any more
    _FILLS = frozenset(
        (
            *("normal_", "uniform_", "trunc_normal_", "exponential_"),
            *("kaiming_normal_", "kaiming_uniform_", "xavier_normal_", "xavier_uniform_"),
        )
    )

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[Any],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Answer the tensor filled with a constant for a random fill, else do what was asked."""
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if name not in self._FILLS:
            return func(*args, **kwargs)
        tensor: Tensor = args[0] if args else kwargs["tensor"]
        mean = 0.0
        if name == "normal_":
            mean = args[1] if len(args) > 1 else kwargs.get("mean", 0.0)
        with torch.no_grad():
            return tensor.fill_(mean)


def adapt_state(
    net: nn.Module,
    state: Mapping[str, Tensor],
    where: str = "",
    *,
    encoder: str = "",
    resample: str = "timm",
) -> dict[str, Tensor]:
    """Name and shape a checkpoint's tensors like those of a complete network.

    Prefixes of a pretraining wrapper are removed with all that stands beside them, the two
    spellings of SwinV2's bias network and of its final norm are made one, then timm's own
    filter for the architecture does the rest (official names, resampling).

    Args:
        net: The complete network, before stages are removed.
        state: Tensors by name, as `read_state_dict` gives them.
        where: The file, for messages.
        encoder: base or momentum, where a file holds both; "" for the one its authors evaluate.
        resample: `timm` fits tables and positions to another size by timm's rules, `official` by
            those of the codes that made the weights (see `resampling`).

    Raises:
        UserError: timm's filter can't make sense of it. Blocks that the network lacks are
            `refuse_surplus`'s matter.
    """
    own = set(net.state_dict())
    state, _, _ = split(state, own, encoder)
    state = {_rename(name, own): tensor for name, tensor in state.items()}
    state = _share_table(state, own)
    if resample == "official":
        state = resampled_officially(net, state)
    filter_fn = _filter_of(net)
    if filter_fn is None:
        return state
    try:
        with torch.no_grad():
            # RegNet's takes the tensors alone
            takes_net = len(inspect.signature(filter_fn).parameters) > 1
            return dict(filter_fn(state, net) if takes_net else filter_fn(state))
    except (
        KeyError,
        ValueError,
        RuntimeError,
        IndexError,
        AttributeError,
        AssertionError,
    ) as error:
        raise UserError(
            f"the weights do not belong to a {type(net).__name__}: {error!r}",
            where=where,
            expected="a checkpoint of this architecture",
        ) from error


def _rename(name: str, own: set[str]) -> str:
    name = name.replace(".rpe_mlp.", ".cpb_mlp.")
    if name.startswith("norm3.") and "norm.weight" in own and name not in own:
        return "norm." + name.partition(".")[2]  # dense code numbers Swin's norms by stage
    if name.startswith("norm.") and name not in own and f"fc_{name}" in own:
        return f"fc_{name}"  # timm names the last norm by where it stands
    return name


def _share_table(state: dict[str, Tensor], own: set[str]) -> dict[str, Tensor]:
    """Give each block the one bias table of a SimMIM or BEiT pretraining, as their codes do."""
    table = state.get(_SHARED)
    if table is None or _SHARED in own:
        return state
    shared = {name: table for name in own if _BLOCK_TABLE.fullmatch(name)}
    return {**{name: tensor for name, tensor in state.items() if name != _SHARED}, **shared}


def refuse_surplus(net: nn.Module, state: Mapping[str, Tensor], where: str) -> None:
    """Refuse a checkpoint that holds more of the network's own parts than the network has.

    A deeper network's weights would otherwise fill a shallower one without a word.

    Args:
        net: The complete network, before stages are removed.
        state: What `adapt_state` gave.
        where: The file, for messages.

    Raises:
        UserError: Names of blocks or stages have no place.
    """
    own = set(net.state_dict())
    parts = {match[1] for name in own if (match := _PART.match(name))}
    surplus = [
        name for name in state if name not in own and (m := _PART.match(name)) and m[1] in parts
    ]
    kept = {name for name in own if name in state}
    if surplus and kept:
        raise UserError(
            f"holds {len(surplus)} tensors of blocks that the network lacks: {_listed(surplus, 5)}",
            where=where,
            expected=f"a checkpoint of this architecture, not {recognise(state).looks_like}",
            action="choose the architecture that the weights were made for (`mim-bench backbone "
            "inspect FILE` says what it is)",
        )


def _filter_of(net: nn.Module) -> Callable[..., Mapping[str, Tensor]] | None:
    module = sys.modules[type(net).__module__]
    found = (getattr(module, name, None) for name in _FILTERS)
    return next((function for function in found if function is not None), None)


def load_weights(
    net: nn.Module,
    state: Mapping[str, Tensor],
    source: Mapping[str, Tensor] | None = None,
    *,
    extra: Mapping[str, Tensor] | None = None,
    where: str = "",
    encoder: str = "",
    allow_missing: bool = False,
) -> LoadReport:
    """Fill a network from adapted tensors and account for every name.

    Args:
        net: The network, without the stages that are not wanted.
        state: What `adapt_state` gave.
        source: What it was given, to tell renamed and changed tensors; default `state`.
        extra: More tensors to fill, under the names they have in `state`.
        where: The file, for messages.
        encoder: What `adapt_state` was told of it, for the report.
        allow_missing: Accept that the network is filled only in part.

    Returns:
        The report; its `missing` names still hold what they were initialised with.

    Raises:
        UserError: No name fits, names are missing (all are listed, up to 20), a shape differs,
            or a tensor holds NaN or infinity.
    """
    wanted = {**net.state_dict(), **(extra or {})}
    source = state if source is None else source
    report = account(wanted, state, source, encoder)
    used, missing = {name: state[name] for name in report.used}, report.missing
    looks_like = report.format.looks_like if report.format else ""
    if not any(not name.endswith(COUNTERS) for name in used):
        raise UserError(
            "no name in the weights belongs to the network",
            where=where,
            expected=f"names like {_listed(list(wanted), 3)}",
            action=f"the file has {_listed(list(source), 3)}: "
            f"{looks_like}; choose that architecture, or save the state "
            "dict of the backbone alone",
        )
    problems = [
        Problem(f"{name} has shape {tuple(tensor.shape)}", where, str(tuple(wanted[name].shape)))
        for name, tensor in used.items()
        if tensor.shape != wanted[name].shape
    ]
    problems += [
        Problem(f"{name} holds NaN or infinity", where, "finite weights")
        for name, tensor in used.items()
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all())
    ]
    if len(problems) > _SHOWN:
        problems = [*problems[:_SHOWN], Problem(f"… and {len(problems) - _SHOWN} more", where)]
    if missing and not allow_missing:
        problems.insert(
            0,
            Problem(
                f"{len(missing)} of {len(wanted)} tensors are missing: {_listed(missing)}",
                where,
                "weights for the whole network",
                f"the file looks like {looks_like}: choose the "
                "architecture that the weights were made for, or set the backbone's option "
                "allow_missing",
            ),
        )
    if problems:
        raise UserError(problems)
    with torch.no_grad():
        for name, tensor in used.items():
            wanted[name].copy_(tensor)
    return report


def _listed(names: Sequence[str], shown: int = _SHOWN) -> str:
    more = f" … and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
