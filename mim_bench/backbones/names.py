"""The names of timm's models, read from its source files without importing it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
from contextlib import suppress
from functools import cache
from pathlib import Path

from mim_bench.errors import UserError
from mim_bench.files import read_json, write_json
from mim_bench.locations import cache_folder

_REGISTERED = re.compile(r"^@register_model\b[^\n]*\n(?:@[^\n]*\n)*def\s+(\w+)\s*\(", re.MULTILINE)


def timm_version() -> str:
    """Return the version of the installed timm.

    Raises:
        UserError: timm is not installed.
    """
    try:
        return importlib.metadata.version("timm")
    except importlib.metadata.PackageNotFoundError as error:
        raise UserError("timm is not installed", action="pip install 'timm>=1.0.31'") from error


def timm_names() -> list[str]:
    """Return the names of all architectures of the installed timm, sorted, without tags.

    They are found in its source text (importing timm imports torch, which takes seconds) and
    kept in the cache folder, one file per version of timm. Names that timm only keeps as
    deprecated aliases are left out.

    Raises:
        UserError: timm is not installed.
    """
    return list(_names(cache_folder() / f"timm-names-{timm_version()}.json"))


@cache
def _names(kept: Path) -> tuple[str, ...]:
    names = _read(kept)
    if not names:
        names = _scan()
        with suppress(UserError):  # a cache that can't be written only costs the scan again
            write_json(kept, {"names": list(names)}, durable=False)
    return names


def _read(path: Path) -> tuple[str, ...]:
    try:
        names = read_json(path).get("names")
    except (OSError, UnicodeDecodeError, UserError):
        return ()
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return ()
    return tuple(names)


def _scan() -> tuple[str, ...]:
    found = importlib.util.find_spec("timm")  # finds the package without running it
    if found is None or not found.submodule_search_locations:
        raise UserError("timm is not installed", action="pip install 'timm>=1.0.31'")
    folder = Path(next(iter(found.submodule_search_locations))) / "models"
    names: set[str] = set()
    for source in folder.glob("*.py"):
        names.update(_REGISTERED.findall(source.read_text(encoding="utf-8")))
    return tuple(sorted(names))
