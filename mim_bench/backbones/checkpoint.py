"""Reading weights files safely: only tensors and plain data are taken, whatever wrapped them."""

from __future__ import annotations

import pickle
import re
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mim_bench.backbones.formats import WRAPPERS
from mim_bench.errors import UserError

_WRAPPERS = ("state_dict", "model", "module", "model_state", "model_state_dict")
# networks that lie side by side in one file: which is read is the format's matter
_PAIRED = ("student", "teacher", "encoder", "target_encoder")
_ASK = "download the file again, or check that it is a checkpoint of PyTorch or safetensors"
_FOREIGN = re.compile(r"GLOBAL ([\w.]+) was not an allowed global")
_MOST_FOREIGN = 100
# what torch raises on a file that is damaged or something else
_TELLING = (RuntimeError, EOFError, OSError, ValueError, KeyError, IndexError)
_BROKEN = (*_TELLING, zipfile.BadZipFile, TypeError, AttributeError, AssertionError)
# what only a file that wants to do harm asks for
_HARMFUL = frozenset(
    (
        *("os", "posix", "nt", "sys", "subprocess", "builtins", "__builtin__", "socket", "shutil"),
        *("importlib", "runpy", "pty", "ctypes", "code", "pickle", "marshal", "webbrowser"),
        *("asyncio", "multiprocessing", "threading", "http", "urllib", "requests"),
    )
)


@dataclass(frozen=True)
class Checkpoint:
    """What a weights file holds.

    Attributes:
        state: Its tensors by name, on the CPU.
        opened: The dictionaries that were opened on the way to them, outermost first.
        beside: Names of what lay beside them (optimizer, epoch ...).
        foreign: Classes that the file's pickle names; they were replaced by plain data.
    """

    state: dict[str, Tensor]
    opened: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()


def read_state_dict(path: str | Path) -> dict[str, Tensor]:
    """Read the tensors of a checkpoint: the `state` of `read_checkpoint`."""
    return read_checkpoint(path).state


def read_checkpoint(path: str | Path) -> Checkpoint:
    """Read a checkpoint onto the CPU.

    A `.safetensors` file, or whatever `torch.save` wrote: then nothing that the file's pickle
    asks for is executed, and objects of other classes (argparse's, yacs's) become plain data.
    Dictionaries around the tensors (`state_dict`, `model`, `module`) are opened, prefixes of
    wrappers (`module.`, `_orig_mod.`) removed, everything that is no tensor left out. Networks
    side by side (`student` and `teacher`) keep their names as prefixes. Files of the current
    format are mapped into memory, so that what is not used is never read.

    Raises:
        UserError: The file is missing, truncated, no checkpoint (a web page, say), asks for
            harmful functions, or holds no named tensors.
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
    foreign: tuple[str, ...] = ()
    if path.suffix == ".safetensors":
        content = _read_safetensors(path)
    else:
        content, foreign = _read_torch(path, head)
    checkpoint = _unwrap(content, foreign)
    if not checkpoint.state:
        raise UserError(
            "holds no named tensors",
            where=str(path),
            expected="a state dict, or one under " + ", ".join(_WRAPPERS),
        )
    return checkpoint


def _read_safetensors(path: Path) -> Any:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise UserError(
            f"is no complete safetensors file: {error}", where=str(path), action=_ASK
        ) from error


def _read_torch(path: Path, head: bytes) -> tuple[Any, tuple[str, ...]]:
    start = head.lstrip()[:64].lower()
    if not head or start.startswith((b"<", b"{", b"version https://git-lfs")):
        kind = "an empty file" if not head else "text, perhaps the web page or pointer of a file"
        raise UserError(f"is no checkpoint but {kind}", where=str(path), action=_ASK)
    foreign: dict[str, type] = {}
    while True:
        try:
            with torch.serialization.safe_globals(list(foreign.values())):
                mapped = head.startswith(b"PK")
                content = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
            return content, tuple(sorted(foreign))
        except pickle.UnpicklingError as error:
            named = _FOREIGN.search(str(error))
            name = named[1] if named else _blocked(error)
            if name is None or name in foreign or len(foreign) >= _MOST_FOREIGN:
                raise UserError(
                    "is truncated or no checkpoint", where=str(path), action=_ASK
                ) from error
            foreign[name] = _inert(name, path)
        except _BROKEN as error:
            # torch's messages name what is wrong, those of bare Python nothing a user knows
            said = f": {_first_line(error)}" if isinstance(error, _TELLING) else ""
            raise UserError(
                f"is truncated or no checkpoint{said}", where=str(path), action=_ASK
            ) from error


def _blocked(error: Exception) -> str | None:
    found = re.search(r"unsupported GLOBAL ([\w.]+) whose module", str(error))
    return found[1] if found else None


def _inert(name: str, path: Path) -> type:
    """Return what stands for a class or function of a file: it makes an empty mapping.

    What the file says of such an object (its items, its attributes) is data and is put there;
    the class itself is never imported.

    Raises:
        UserError: No weights file has a reason to name it.
    """
    module, _, own = name.rpartition(".")
    if not module or module.partition(".")[0] in _HARMFUL:
        raise UserError(
            f"asks to run {name}; nothing of it was run",
            where=str(path),
            expected="tensors and plain data",
            action="do not use this file",
        )

    def make(cls: type, *args: Any, **kwargs: Any) -> OrderedDict[Any, Any]:
        del cls, args, kwargs
        return OrderedDict()  # torch's restricted unpickler fills no other mapping

    return type(own, (), {"__new__": make, "__module__": module, "__qualname__": own})


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _unwrap(content: Any, foreign: tuple[str, ...]) -> Checkpoint:
    opened: list[str] = []
    beside: list[str] = []
    for _ in range(3):  # {"state_dict": {"model": {...}}} is the deepest seen
        if not isinstance(content, Mapping):
            return Checkpoint({})
        inner = [key for key in _WRAPPERS if isinstance(content.get(key), Mapping)]
        if not inner:
            break
        beside += [str(key) for key in content if key != inner[0]]
        opened.append(inner[0])
        content = content[inner[0]]
    if not isinstance(content, Mapping):
        return Checkpoint({})
    state: dict[str, Tensor] = {}
    for name, value in content.items():
        if isinstance(name, str) and isinstance(value, Tensor):
            state[_strip(name)] = value.detach()
        elif name in _PAIRED and isinstance(value, Mapping):
            tensors = {n: v for n, v in value.items() if isinstance(v, Tensor)}
            state.update({f"{name}.{_strip(n)}": v.detach() for n, v in tensors.items()})
        elif isinstance(name, str) and not opened:
            beside.append(name)
    return Checkpoint(state, tuple(opened), tuple(beside), foreign)


def _strip(name: str) -> str:
    while name.startswith(WRAPPERS):
        name = name.partition(".")[2]
    return name
