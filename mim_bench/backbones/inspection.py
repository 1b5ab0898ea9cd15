"""What a weights file is: format, sizes, and where its names go in a network."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mim_bench.backbones import network
from mim_bench.backbones.accounting import account
from mim_bench.backbones.checkpoint import read_checkpoint
from mim_bench.backbones.formats import Format, recognise
from mim_bench.backbones.loading import adapt_state, refuse_surplus
from mim_bench.backbones.names import timm_names
from mim_bench.backbones.spec import BackboneSpec
from mim_bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from torch import Tensor, nn


def inspect_file(path: str | Path, name: str | None = None) -> dict[str, Any]:
    """Describe a weights file.

    Args:
        path: The file.
        name: The backbone to hold it against; None takes timm's name for what it looks like.

    Returns:
        Plain content: `file`, `bytes`, `format`, `looks_like`, sizes, `tensors`, `parameters`,
        `opened`, `beside`, `foreign`, `prefix`, `encoder`, `normalisation`, and where a network
        is known `as` with `mapped` (name with numbers as `*` -> name in the network and count),
        `resampled`, `misfits`, `dropped`, `missing`; or `problem`, why a run refuses the file
        (alone where nothing could be mapped).

    Raises:
        UserError: The file can't be read, or the name is unknown.
    """
    path = Path(path).expanduser()
    checkpoint = read_checkpoint(path)
    state = checkpoint.state
    found = recognise(state)
    inner = [tensor for key, tensor in state.items() if key.startswith(found.prefix)]
    content: dict[str, Any] = {
        "file": str(path),
        "bytes": path.stat().st_size,
        "format": found.title,
        "looks_like": found.guess or "unknown",
        **{
            key: list(value) if isinstance(value, tuple) else value
            for key, value in found.facts.items()
        },
        "tensors": len(state),
        "parameters": sum(t.numel() for t in inner if t.is_floating_point()),
        "types": sorted({str(t.dtype).removeprefix("torch.") for t in state.values()}),
        "opened": list(checkpoint.opened),
        "beside": list(checkpoint.beside),
        "foreign": list(checkpoint.foreign),
        "prefix": found.prefix,
        "encoder": found.encoder,
        "normalisation": found.normalisation or "not said by the file",
    }
    name = name or _candidate(found)
    if name is None:
        return {**content, "names": _counted(state)}
    return {**content, "as": name, **_held_against(name, state)}


def _candidate(found: Format) -> str | None:
    """Return a timm name for what a file looks like, of its own window or size if there is one."""
    if not found.guess:
        return None
    names = [n for n in timm_names() if n == found.guess or n.startswith(f"{found.guess}_")]
    window: Any = found.facts.get("pretraining_window") or found.facts.get("window") or [12]
    wanted = (f"window{window[0]}_", f"_{found.facts.get('resolution', 224)}")
    best = sorted(names, key=lambda n: (-sum(word in n for word in wanted), len(n)))
    return best[0] if best else None


def _held_against(name: str, state: Mapping[str, Tensor]) -> dict[str, Any]:
    spec = BackboneSpec(name)
    if problems := spec.check():
        raise UserError(problems)
    net, _ = network.create(spec, {}, device="meta")
    try:
        adapted = adapt_state(net, state, "the file")
    except UserError as error:
        return {"problem": str(error)}
    wanted = net.state_dict()
    report = account(wanted, adapted, state)
    pairs = Counter((_starred(old), _starred(new)) for new, old in report.taken.items())
    shapes = [
        f"{key}: {tuple(adapted[key].shape)} for {tuple(wanted[key].shape)}"
        for key in report.used
        if adapted[key].shape != wanted[key].shape
    ]
    return {
        **_surplus(net, adapted),
        "mapped": [{"name": old, "to": new, "count": count} for (old, new), count in pairs.items()],
        "resampled": _counted(report.resampled),
        "misfits": shapes,
        "dropped": _counted(report.dropped),
        "missing": _counted(report.missing),
    }


def _surplus(net: nn.Module, adapted: Mapping[str, Tensor]) -> dict[str, str]:
    """Return why a run refuses blocks that the network lacks, as `problem`."""
    try:
        refuse_surplus(net, adapted, "the file")
    except UserError as error:
        return {"problem": str(error)}
    return {}


def _starred(name: str) -> str:
    return re.sub(r"(?<![a-z_])\d+(?=\.)", "*", name)


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(Counter(_starred(name) for name in names))
