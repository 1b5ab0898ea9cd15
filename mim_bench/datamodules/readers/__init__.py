"""Readers of the datasets' official layouts, by name. (No torch.)"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mim_bench.errors import UserError
from mim_bench.imports import import_object

if TYPE_CHECKING:
    from mim_bench.datamodules.readers.base import Reader

READERS = {"nyuv2": "mim_bench.datamodules.readers.nyuv2.NYUv2"}
"""Dataset name -> reader class."""


def get_reader_class(name: str) -> type[Reader]:
    """Return a reader class by the dataset's name or by its dotted path.

    Raises:
        UserError: There is no such class, or it is no reader.
    """
    from mim_bench.datamodules.readers.base import Reader

    found = import_object(READERS.get(name, name), "reader")
    if not (isinstance(found, type) and issubclass(found, Reader)):
        raise UserError(
            f"{name} is no reader",
            where="reader",
            expected="a subclass of mim_bench.datamodules.readers.base.Reader",
        )
    return found
