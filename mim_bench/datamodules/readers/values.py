"""Takes labels and names out of what a file holds, whatever else it may hold."""

from __future__ import annotations

from reprlib import repr as short
from typing import TYPE_CHECKING, Any

import numpy as np

from mim_bench.datamodules.readers.folders import is_text
from mim_bench.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

_MOST = 2**31 - 1  # a listing's labels have 32 bits: more would become another class


def whole_numbers(values: Any, what: str, where: Path, obtain: str) -> npt.NDArray[np.int64]:
    """Return a list or an array of numbers as (N,) int64.

    MATLAB keeps whole numbers as doubles; 1.5 or NaN is refused, where a cast would give a class.

    Args:
        values: What the file holds.
        what: What one of them is, for the error.
        where: The file.
        obtain: Where the file comes from.

    Raises:
        UserError: It is no flat list, or one of them is no whole number of 32 bits.
    """
    listed = _listed(values)
    odd = [one for one in listed if not _is_whole(one)]
    if odd:
        raise _refused(what, odd[0], where, "whole numbers", obtain)
    return np.array(listed, dtype=np.int64)


def texts(values: Any, what: str, where: Path, obtain: str, once: bool = False) -> list[str]:
    """Return a list or an array of texts as strings.

    Args:
        values: What the file holds.
        what: What one of them is, for the error.
        where: The file.
        obtain: Where the file comes from.
        once: Whether each may be there only once.

    Raises:
        UserError: One of them is no text, is empty or breaks a line, or is there twice.
    """
    listed = _listed(values)
    odd = [one for one in listed if not (isinstance(one, str) and one and is_text(one))]
    if odd:
        raise _refused(what, odd[0], where, "texts of one line", obtain)
    if once and len(set(listed)) < len(listed):
        twice = next(one for one in listed if listed.count(one) > 1)
        raise UserError(
            f"has the {what} {twice!r} twice", where=str(where), expected="each once", action=obtain
        )
    return [str(one) for one in listed]


def _listed(values: Any) -> list[Any]:
    found = values.tolist() if isinstance(values, np.ndarray) else values
    return found if isinstance(found, list) else [found]


def _is_whole(one: Any) -> bool:
    if not isinstance(one, (int, float, np.integer, np.floating)):
        return False
    return bool(-_MOST <= one <= _MOST) and int(one) == one


def _refused(what: str, one: Any, where: Path, expected: str, obtain: str) -> UserError:
    return UserError(
        f"has the {what} {short(one)}", where=str(where), expected=expected, action=obtain
    )
