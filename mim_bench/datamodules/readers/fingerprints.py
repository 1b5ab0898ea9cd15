"""Hashes of what a split holds, remembered between runs, and quick looks into large folders."""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mim_bench.errors import UserError
from mim_bench.files import digest, read_json, write_json
from mim_bench.locations import cache_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True)
class Description:
    """What a split's fingerprint is made of.

    Attributes:
        content: Plain content: the parsed lists, counts.
        sources: The list and annotation files that the content was read from.
        files: Listed files whose total size in bytes counts.
    """

    content: Any
    sources: Sequence[Path]
    files: Sequence[Path] = ()


def fingerprint(
    dataset: str, split: str, description: Description, stamp: dict[str, Any] | None
) -> str:
    """Return the sha256 of a description and a world's stamp, in hexadecimal.

    The total size of the listed files is taken once: it is remembered under the path, size and
    time of the sources and the time of every folder that holds a listed file.

    Raises:
        UserError: A listed file is missing.
    """
    held = {"dataset": dataset, "split": split, "content": description.content, "stamp": stamp}
    folders = sorted({str(path.parent) for path in description.files})
    state = [_state(path) for path in [*map(str, description.sources), *folders]]
    key = digest([held, state])
    path = cache_folder() / "fingerprints" / f"{key[:32]}.json"
    try:
        known = read_json(path).get("fingerprint")
    except (FileNotFoundError, UserError):  # a damaged note is written again
        known = None
    if isinstance(known, str):
        return known
    found = digest({**held, "bytes": _total_size(description.files)})
    write_json(path, {"fingerprint": found, "dataset": dataset, "split": split}, durable=False)
    return found


def _state(path: str) -> list[Any]:
    place = os.path.abspath(path)  # noqa: PTH100 - as text, of thousands of folders
    try:
        status = os.stat(place)  # noqa: PTH116
    except OSError:
        return [place, None, None]
    return [place, status.st_size, status.st_mtime_ns]


def _total_size(paths: Iterable[Path]) -> int:
    total = 0
    for path in paths:
        try:
            total += path.stat().st_size
        except OSError as error:
            raise UserError(
                f"can't be read: {error.strerror}",
                where=str(path),
                action="`mim-bench data check` lists everything that is missing",
            ) from error
    return total


def missing_names(base: Path, names: Iterable[str]) -> list[str]:
    """Return the names, relative to a folder, that do not exist; texts, as there may be millions.

    Each folder is listed once, which is fast over NFS.
    """
    folders: dict[str, list[str]] = defaultdict(list)
    for name in names:
        folder, slash, file = name.rpartition("/")
        folders[folder + slash].append(file)
    found = []
    for folder, wanted in folders.items():
        try:
            held = set(os.listdir(base / folder))  # noqa: PTH208 - names are all that is needed
        except OSError:
            held = set()
        found += [folder + file for file in wanted if file not in held]
    return found


def missing(paths: Iterable[Path]) -> list[Path]:
    """Return the files that do not exist (see `missing_names`)."""
    return [Path(name) for name in missing_names(Path(), (path.as_posix() for path in paths))]
