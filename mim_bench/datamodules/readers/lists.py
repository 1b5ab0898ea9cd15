"""Reads list files: one sample a line, paths in columns, or one sequence a line."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mim_bench.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

NOTHING = "None"
"""What some lists have in the second column of a frame without ground truth."""


@dataclass(frozen=True)
class Pair:
    """One line of a list: a picture and its depth map, relative to the dataset's folder.

    Attributes:
        image: Path of the picture, with forward slashes.
        depth: Path of the depth map; empty where the list says that there is none.
        place: The list and the line that name them, for errors.
    """

    image: str
    depth: str
    place: str

    def files(self, folder: Path) -> tuple[Path, Path]:
        """Return where picture and depth map lie, or belong, in the dataset's folder."""
        return folder / self.image, folder / self.depth

    def looked_for(self) -> str:
        """Return where else the two were looked for, in words."""
        return ""


def find_list(root: Path, folder: Path, kind: str, name: str) -> Path:
    """Return a list as it was found, or where it belongs.

    Args:
        root: The data root.
        folder: The dataset's folder, where it is looked for first.
        kind: Folder below `filenames/`, which is looked for below `root`, then below `folder`.
        name: The list's name.
    """
    bases = (folder, root / "filenames" / kind, folder / "filenames" / kind)
    places = [base / name for base in bases]
    return next((place for place in places if place.is_file()), places[0])


def read_pairs(list_file: Path, base: str = "", obtain: str = "") -> list[Pair]:
    """Read a list whose lines name a picture and its depth map.

    Line ends of either kind, leading slashes, empty lines and further columns (a focal length)
    do no harm. A line with `None` for the depth map gives a pair without one.

    Args:
        list_file: The list.
        base: Folder that its paths are relative to, itself relative to the dataset's folder; a
            path that already begins with it is taken as it is.
        obtain: Where the list comes from, for the error.

    Raises:
        UserError: The list is missing, can't be read, is empty, has a line with fewer than two
            columns, or leads out of the dataset's folder.
    """
    pairs = []
    for number, line in enumerate(read_text(list_file, obtain).splitlines(), start=1):
        columns = line.split()
        if not columns:
            continue
        where = f"{list_file}:{number}"
        if len(columns) < 2:
            raise UserError(
                f"the line has one column: {line.strip()!r}",
                where=where,
                expected="two paths with a space between them: picture, depth map",
                action="mend the line, or copy the list again",
            )
        image = _inside(columns[0], base, where)
        depth = "" if columns[1] == NOTHING else _inside(columns[1], base, where)
        pairs.append(Pair(image, depth, where))
    if not pairs:
        raise UserError(
            "the list is empty",
            where=str(list_file),
            expected="a line per sample",
            action=obtain or "copy or download the list again",
        )
    return pairs


def read_names(path: Path, obtain: str) -> list[str]:
    """Return the names that a list file has, one a line.

    Raises:
        UserError: It is missing or empty, has a name twice, or one that leads elsewhere.
    """
    names = [
        line.strip()
        for line in read_text(path, obtain, "a sequence's name on each line").splitlines()
        if line.strip()
    ]
    if not names:
        raise UserError("the list is empty", where=str(path), action=obtain)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UserError(f"has {twice!r} twice", where=str(path), action=obtain)
    for number, name in enumerate(names, start=1):
        if "/" in name or "\\" in name or name in (".", ".."):
            raise UserError(
                f"{name!r} is no name of a sequence",
                where=f"{path}:{number}",
                expected="a folder's name on each line",
                action=obtain,
            )
    return names


def require_division(number: object, most: int) -> int:
    """Return the number of an official division of a dataset.

    Raises:
        UserError: It is no whole number from 1 to `most`.
    """
    if type(number) is not int or not 1 <= number <= most:
        raise UserError(
            f"is {number!r}",
            where="data.reader.init_args.partition",
            expected=f"1 to {most}",
        )
    return number


def read_lines(path: Path, obtain: str, expected: str = "a text file") -> list[tuple[int, str]]:
    """Return the lines of a list with their numbers, ends and blanks around them stripped.

    Raises:
        UserError: It is missing, empty or no text.
    """
    text = read_text(path, obtain, expected)
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1)]
    found = [(number, line) for number, line in lines if line]
    if not found:
        raise UserError("the list is empty", where=str(path), expected=expected, action=obtain)
    return found


def read_text(
    list_file: Path, obtain: str, expected: str = "a line per frame: picture, space, depth map"
) -> str:
    """Return the text of a list.

    Raises:
        UserError: It is missing or no text.
    """
    if not list_file.is_file():
        raise UserError(
            "the list is missing",
            where=str(list_file),
            expected=expected,
            action=obtain,
        )
    try:
        text = list_file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        wrong = f"can't be read: {error}"
    else:
        if "\0" not in text:
            return text
        wrong = "can't be read: holds bytes that are no text"
    raise UserError(
        wrong,
        where=str(list_file),
        expected="a text file in UTF-8",
        action=obtain or "copy or download the list again",
    )


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
            action="mend the line, or copy the list again",
        )
    return path
