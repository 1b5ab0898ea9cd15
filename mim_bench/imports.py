"""Finding a user's or our own class by its dotted name."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from mim_bench.errors import UserError, nearest


def import_object(path: str, where: str = "", kind: str = "class") -> Any:
    """Import `package.module.Name`; modules of the current folder are found too.

    Raises:
        UserError: The module or the name does not exist; a module that exists but fails while
            it is imported raises its own error.
    """
    module_name, _, name = path.rpartition(".")
    if not module_name:
        raise UserError(
            f"{path!r} is no dotted name", where=where, expected=f"package.module.{kind.title()}"
        )
    here = str(Path.cwd())
    if here not in sys.path:  # a console script, unlike `python -m`, does not look here
        sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if module_name != missing and not module_name.startswith(f"{missing}."):
            raise  # the module is there and something that it imports is not
        raise UserError(
            f"there is no module {missing!r} for the {kind} {path!r}",
            where=where,
            action="install its package, or run mim-bench in the folder that holds it",
        ) from error
    try:
        return getattr(module, name)
    except AttributeError as error:
        raise UserError(
            f"module {module_name!r} has no {kind} {name!r}",
            where=where,
            action=nearest(name, dir(module)),
        ) from error
