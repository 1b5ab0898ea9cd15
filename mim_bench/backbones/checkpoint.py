"""Reading weights files safely: only tensors are taken, whatever wrapped them."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mim_bench.errors import UserError

_WRAPPERS = ("state_dict", "model", "module", "model_state", "model_state_dict")
_PREFIXES = ("_orig_mod.", "module.")  # of torch.compile and DistributedDataParallel
_ASK = "download the file again, or check that it is a checkpoint of PyTorch or safetensors"


def read_state_dict(path: str | Path) -> dict[str, Tensor]:
    """Read the tensors of a checkpoint onto the CPU.

    A `.safetensors` file, or whatever `torch.save` wrote: then nothing that the file's pickle
    asks for is executed. Dictionaries around the tensors (`state_dict`, `model`, `module`) are
    opened, prefixes of wrappers (`module.`, `_orig_mod.`) removed, everything that is no tensor
    left out.

    Raises:
        UserError: The file is missing, truncated, no checkpoint (a web page, say), holds more
            than plain data and tensors, or holds no named tensors.
    """
    path = Path(path).expanduser()
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as error:
        raise UserError(
            f"the weights can't be read: {error.strerror or error}",
            where=str(path),
            expected="a checkpoint of PyTorch or safetensors",
            action="check the path (it is taken relative to the current folder)",
        ) from error
    content = _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path, head)
    state = _unwrap(content)
    if not state:
        raise UserError(
            "holds no named tensors",
            where=str(path),
            expected="a state dict, or one under " + ", ".join(_WRAPPERS),
        )
    return state


def _read_safetensors(path: Path) -> Any:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise UserError(
            f"is no complete safetensors file: {error}", where=str(path), action=_ASK
        ) from error


def _read_torch(path: Path, head: bytes) -> Any:
    start = head.lstrip()[:64].lower()
    if not head or start.startswith((b"<", b"{", b"version https://git-lfs")):
        kind = "an empty file" if not head else "text, perhaps the web page or pointer of a file"
        raise UserError(f"is no checkpoint but {kind}", where=str(path), action=_ASK)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if names := _foreign(path):
            raise UserError(
                "holds more than tensors and plain data: " + ", ".join(names),
                where=str(path),
                expected="a file that loads without running code of its own",
                action="if you trust it, load it once with torch.load(..., weights_only=False) "
                "and save its state dict alone",
            ) from error
        raise UserError("is truncated or no checkpoint", where=str(path), action=_ASK) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, IndexError) as error:
        raise UserError(
            f"is truncated or no checkpoint: {_first_line(error)}", where=str(path), action=_ASK
        ) from error
    except (zipfile.BadZipFile, TypeError, AttributeError, AssertionError) as error:
        raise UserError("is truncated or no checkpoint", where=str(path), action=_ASK) from error


def _foreign(path: Path) -> list[str]:
    """Name what the file's pickle would import; [] where that can't be found out."""
    try:
        return sorted(torch.serialization.get_unsafe_globals_in_checkpoint(str(path)))
    except (RuntimeError, ValueError, EOFError, OSError, KeyError, pickle.UnpicklingError):
        return []  # old formats have no list


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _unwrap(content: Any) -> dict[str, Tensor]:
    for _ in range(3):  # {"state_dict": {"model": {...}}} is the deepest seen
        if not isinstance(content, Mapping):
            return {}
        inner = [content[key] for key in _WRAPPERS if isinstance(content.get(key), Mapping)]
        if not inner:
            break
        content = inner[0]
    if not isinstance(content, Mapping):
        return {}
    return {
        _strip(name): value.detach()
        for name, value in content.items()
        if isinstance(name, str) and isinstance(value, Tensor)
    }


def _strip(name: str) -> str:
    while name.startswith(_PREFIXES):
        name = name.partition(".")[2]
    return name
