"""Reads pickles as data: lists, dictionaries, texts, numbers and NumPy arrays, nothing else."""

from __future__ import annotations

import importlib
import pickle
from typing import TYPE_CHECKING, Any

from mim_bench.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

_ALLOWED = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy", "str_"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy.core.numeric", "_frombuffer"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy._core.numeric", "_frombuffer"),
    ("_codecs", "encode"),  # how old protocols write bytes
}


class _Data(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is no data")
        # NumPy has moved these; either name is read by either release
        other = (
            module.replace("numpy._core", "numpy.core")
            if module.startswith("numpy._core")
            else module.replace("numpy.core", "numpy._core")
        )
        for place in (other, module):
            try:
                return getattr(importlib.import_module(place), name)
            except (ImportError, AttributeError):
                continue
        raise pickle.UnpicklingError(f"this NumPy has no {module}.{name}")


def read_pickle(path: Path, obtain: str) -> Any:
    """Return what a pickle holds; Python 2's texts are read as Latin-1.

    Nothing in it is run: what is neither plain data nor an array of NumPy's is refused.

    Raises:
        UserError: It is missing, damaged, or holds more than data.
    """
    try:
        with path.open("rb") as file:
            return _Data(file, encoding="latin1").load()
    except (
        OSError,
        pickle.UnpicklingError,
        EOFError,
        ValueError,
        TypeError,
        AttributeError,
        LookupError,
        MemoryError,
        OverflowError,
    ) as error:
        absent = isinstance(error, (FileNotFoundError, NotADirectoryError))
        raise UserError(
            "is missing" if absent else f"can't be read as a pickle of data: {error}",
            where=str(path),
            expected="lists, dictionaries, texts, numbers and NumPy arrays",
            action=obtain if absent else f"download it again; {obtain}",
        ) from error
