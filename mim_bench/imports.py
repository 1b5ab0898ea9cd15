"""Finding a user's or our own class by its dotted name."""

from __future__ import annotations

import importlib
import sys
import traceback
from pathlib import Path
from typing import Any

from mim_bench.errors import UserError, nearest


def import_object(path: str, where: str = "", kind: str = "class") -> Any:
    """Import `package.module.Name`; modules of the current folder are found too.

    Raises:
        UserError: The module or the name does not exist, or a module of the user's fails while
            it is imported.
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
            raise UserError(
                f"importing {module_name!r} failed: there is no module {missing!r}", where=where
            ) from error
        raise UserError(
            f"there is no module {missing!r} for the {kind} {path!r}",
            where=where,
            action="install its package, or run mim-bench in the folder that holds it",
        ) from error
    except (Exception, SystemExit) as error:
        if module_name.partition(".")[0] == __name__.partition(".")[0]:
            raise  # a mistake of our own keeps its traceback
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = getattr(error, "filename", None) or last.filename
        line = getattr(error, "lineno", None) or last.lineno
        raise UserError(
            f"importing {module_name!r} failed: {type(error).__name__}: {error}",
            where=f"{place}, line {line}",
            action="mend the module; `python -c 'import …'` shows its whole traceback",
        ) from error
    try:
        return getattr(module, name)
    except AttributeError as error:
        raise UserError(
            f"module {module_name!r} has no {kind} {name!r}",
            where=where,
            action=nearest(name, dir(module)),
        ) from error
