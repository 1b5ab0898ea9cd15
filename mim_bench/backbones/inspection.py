"""What a weights file is: format, sizes, and where its names go in a network."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mim_bench.backbones import network
from mim_bench.backbones.checkpoint import read_checkpoint
from mim_bench.backbones.formats import Format, recognise, split
from mim_bench.backbones.loading import adapt_state
from mim_bench.backbones.names import timm_names
from mim_bench.backbones.spec import BackboneSpec
from mim_bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from torch import Tensor


def inspect_file(path: str | Path, name: str | None = None) -> dict[str, Any]:
    """Describe a weights file.

    Args:
        path: The file.
        name: The backbone to hold it against; None takes timm's name for what it looks like.

    Returns:
        Plain content: `file`, `bytes`, `format`, `looks_like`, sizes, `tensors`, `parameters`,
        `opened`, `beside`, `foreign`, `prefix`, `encoder`, `normalisation`, and where a network
        is known `as` with `mapped` (name with numbers as `*` -> name in the network and count),
        `resampled`, `dropped`, `missing`, or `problem`.

    Raises:
        UserError: The file can't be read, or the name is unknown.
    """
    path = Path(path).expanduser()
    checkpoint = read_checkpoint(path)
    state = checkpoint.state
    found = recognise(state)
    inner, prefix, encoder = split(state)
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
        "parameters": sum(t.numel() for t in inner.values() if t.is_floating_point()),
        "types": sorted({str(t.dtype).removeprefix("torch.") for t in state.values()}),
        "opened": list(checkpoint.opened),
        "beside": list(checkpoint.beside),
        "foreign": list(checkpoint.foreign),
        "prefix": prefix,
        "encoder": encoder,
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
    origin = {id(tensor): key for key, tensor in state.items()}
    mapped = {
        origin[id(adapted[key])]: key
        for key in wanted
        if key in adapted and id(adapted[key]) in origin
    }
    changed = [key for key in wanted if key in adapted and id(adapted[key]) not in origin]
    shapes = [
        f"{key}: {tuple(adapted[key].shape)} for {tuple(tensor.shape)}"
        for key, tensor in wanted.items()
        if key in adapted and adapted[key].shape != tensor.shape
    ]
    missing = [k for k in wanted if k not in adapted and not k.endswith("num_batches_tracked")]
    pairs = Counter((_starred(old), _starred(new)) for old, new in mapped.items())
    return {
        "mapped": [{"name": old, "to": new, "count": count} for (old, new), count in pairs.items()],
        "resampled": _counted(changed),
        "misfits": shapes,
        "dropped": _counted(key for key in state if key not in mapped),
        "missing": _counted(missing),
    }


def _starred(name: str) -> str:
    return re.sub(r"(?<![a-z_])\d+(?=\.)", "*", name)


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(Counter(_starred(name) for name in names))
