"""Reads list files: one sample a line, paths in columns."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mim_bench.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Pair:
    """One line of a list: a picture and its depth map, relative to the dataset's folder.

    Attributes:
        image: Path of the picture, with forward slashes.
        depth: Path of the depth map.
        place: The list and the line that name them, for errors.
    """

    image: str
    depth: str
    place: str


def read_pairs(list_file: Path, base: str = "") -> list[Pair]:
    """Read a list whose lines name a picture and its depth map.

    Line ends of either kind, leading slashes, empty lines and further columns (a focal length)
    do no harm.

    Args:
        list_file: The list.
        base: Folder that its paths are relative to, itself relative to the dataset's folder; a
            path that already begins with it is taken as it is.

    Raises:
        UserError: The list can't be read, is empty, has a line with fewer than two columns, or
            leads out of the dataset's folder.
    """
    try:
        text = list_file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"can't be read: {error}", where=str(list_file)) from error
    pairs = []
    for number, line in enumerate(text.splitlines(), start=1):
        columns = line.split()
        if not columns:
            continue
        where = f"{list_file}:{number}"
        if len(columns) < 2:
            raise UserError(
                f"the line has one column: {line.strip()!r}",
                where=where,
                expected="two paths with a space between them: picture, depth map",
            )
        image, depth = (_inside(column, base, where) for column in columns[:2])
        pairs.append(Pair(image, depth, where))
    if not pairs:
        raise UserError(
            "the list is empty",
            where=str(list_file),
            expected="a line per sample",
            action="copy or download the list again",
        )
    return pairs


def _inside(column: str, base: str, where: str) -> str:
    """Return a listed path relative to the dataset's folder."""
    relative = column.lstrip("/")
    if base and not relative.startswith(f"{base}/"):
        relative = f"{base}/{relative}"
    path = posixpath.normpath(relative)
    if path == ".." or path.startswith("../"):
        raise UserError(
            f"the path {column!r} leads out of the dataset's folder",
            where=where,
            expected="a path below it",
        )
    return path
