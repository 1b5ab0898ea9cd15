"""Reads large annotation files once: what is needed of them is kept in the cache folder."""

from __future__ import annotations

import hashlib
import io
import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from mim_bench.errors import UserError
from mim_bench.files import digest, sha256_file, write_atomic
from mim_bench.locations import cache_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

Arrays = dict[str, npt.NDArray[Any]]

_VERSION = 1  # of what is kept
_SHA = "sha256"


def read_json_file(path: Path, obtain: str) -> Any:
    """Return the content of a JSON file.

    Raises:
        UserError: It is missing, can't be read, or is no JSON.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        absent = isinstance(error, (FileNotFoundError, NotADirectoryError))
        raise UserError(
            "is missing" if absent else f"can't be read: {error.strerror}",
            where=str(path),
            expected="an annotation file in JSON",
            action=obtain,
        ) from error
    start = content[:200].lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        wrong = "is a web page, not the file: the download failed"
    else:
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            wrong = f"is no valid JSON ({len(content):,} bytes): {error}"
    raise UserError(
        wrong,
        where=str(path),
        expected="a whole JSON file",
        action=f"download it again; {obtain}",
    ) from None


def kept(path: Path, what: str, parse: Callable[[], Arrays]) -> Arrays:
    """Return the arrays that were parsed from a file, parsing it only if it has changed.

    They are kept under the file's path, size and time of change, without pickles; a kept file
    that is damaged is made again.

    Args:
        path: The file.
        what: What is parsed from it, and how: another text is another entry.
        parse: Parses it.

    Returns:
        The arrays, and under `sha256` the file's hash.

    Raises:
        UserError: What `parse` raises.
    """
    return _kept([path], what, parse, lambda: sha256_file(path))


def kept_of_many(
    paths: Sequence[Path], what: str, parse: Callable[[], Arrays], folders: Sequence[Path] = ()
) -> Arrays:
    """Return the arrays that were parsed from many small files, see `kept`.

    Args:
        paths: The files.
        what: What is parsed from them.
        parse: Parses them.
        folders: Folders whose listing enters as well: a change in them means parsing again.

    Returns:
        The arrays, and under `sha256` a hash of the files' names and content: their folder's path
        is no part of it.
    """
    base = os.path.commonpath(paths) if paths else ""

    def hashed() -> str:
        return digest([[os.path.relpath(path, base), sha256_file(path)] for path in paths])

    return _kept([*paths, *folders], what, parse, hashed)


def mapped(path: Path, what: str, parse: Callable[[], npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Return an array that was parsed from a file, from the disk as far as it is looked at.

    Processes that ask for the same share its memory. Where the cache can't be written, the parsed
    array itself is returned.

    Args:
        path: The file.
        what: What is parsed from it: another text is another entry.
        parse: Parses it.

    Raises:
        UserError: What `parse` raises.
    """
    try:
        key = digest([_VERSION, what, _state([path])])
    except OSError:
        return parse()
    note = cache_folder() / "arrays" / f"{key[:32]}.npy"
    with suppress(OSError, ValueError, EOFError):
        held: npt.NDArray[Any] = np.load(note, mmap_mode="r", allow_pickle=False)
        return held
    found = np.asarray(parse())
    buffer = io.BytesIO()
    np.save(buffer, found, allow_pickle=False)
    with suppress(UserError):
        write_atomic(note, buffer.getvalue(), durable=False)
    return found


def _kept(
    paths: Sequence[Path], what: str, parse: Callable[[], Arrays], hashed: Callable[[], str]
) -> Arrays:
    try:
        key = digest([_VERSION, np.__version__, what, _state(paths)])
    except OSError:
        return parse()  # which says what is wrong with it
    note = cache_folder() / "annotations" / f"{key[:32]}.npz"
    with suppress(OSError, ValueError, KeyError, BadZipFile, EOFError):
        with np.load(note, allow_pickle=False) as held:
            arrays = {name: held[name] for name in held.files}
        if _SHA in arrays:
            return arrays
    arrays = parse()
    arrays[_SHA] = np.array(hashed())
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]  # names are ours, none is an option
    with suppress(UserError):  # a full cache only makes the next start slower
        write_atomic(note, buffer.getvalue(), durable=False)
    return arrays


def _state(paths: Sequence[Path]) -> str:
    """Return a hash of the paths, sizes and times of change of files and folders.

    Raises:
        OSError: One isn't there.
    """
    state = hashlib.sha256()
    for path in paths:
        status = os.stat(path)  # noqa: PTH116 - of tens of thousands
        place = os.path.abspath(path)  # noqa: PTH100 - links stay, as they are what is named
        state.update(f"{place}\0{status.st_size}\0{status.st_mtime_ns}\0".encode())
    return state.hexdigest()
