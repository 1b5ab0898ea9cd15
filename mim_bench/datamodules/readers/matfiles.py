"""Reads MATLAB's files of the older formats, which hold arrays and structures."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from mim_bench.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path


def read_mat(path: Path, name: str, obtain: str) -> Any:
    """Return a variable of a .mat file, without axes of length 1.

    Raises:
        UserError: It is missing, can't be read, or lacks the variable.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        content = loadmat(str(path), squeeze_me=True, variable_names=[name])
    except (
        OSError,
        ValueError,
        TypeError,
        IndexError,
        KeyError,
        NotImplementedError,
        OverflowError,
        MemoryError,
        EOFError,
        UnboundLocalError,  # SciPy's own, where a tag's type is unknown
        MatReadError,
        zlib.error,
    ) as error:
        absent = isinstance(error, (FileNotFoundError, NotADirectoryError))
        raise UserError(
            "is missing" if absent else f"can't be read as a MATLAB file: {error}",
            where=str(path),
            expected=f"a .mat file with the variable {name!r}",
            action=obtain,
        ) from error
    if name not in content:
        raise UserError(
            f"lacks the variable {name!r}",
            where=str(path),
            expected="the original file",
            action=obtain,
        )
    return content[name]
