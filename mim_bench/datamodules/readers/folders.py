"""Lists the pictures of a folder per class: names sorted, strays counted."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

ENDINGS = (".jpeg", ".jpg", ".png", ".webp", ".bmp", ".ppm", ".gif", ".tif", ".tiff")
"""Of pictures; upper case too."""


def class_folders(folder: Path) -> list[str]:
    """Return the names of the folders inside a folder, sorted; hidden ones are passed over."""
    try:
        with os.scandir(folder) as entries:
            return sorted(
                one.name
                for one in entries
                if one.is_dir() and not one.name.startswith(".") and is_text(one.name)
            )
    except OSError:
        return []


def pictures_in(folder: Path) -> tuple[list[str], int]:
    """Return the names of the pictures in a folder, sorted, and how many other files it has."""
    try:
        with os.scandir(folder) as entries:
            names = [one.name for one in entries if not one.is_dir()]
    except OSError:
        return [], 0
    found = sorted(
        name
        for name in names
        if name.lower().endswith(ENDINGS) and not name.startswith(".") and is_text(name)
    )
    return found, len(names) - len(found)


def is_text(name: str) -> bool:
    """Tell whether a listing can hold a file's name: UTF-8 without line feeds."""
    try:
        return b"\n" not in name.encode()
    except UnicodeEncodeError:  # bytes of another encoding
        return False
