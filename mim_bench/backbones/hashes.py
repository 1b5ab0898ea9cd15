"""The sha256 of weights files, kept in the cache so that a gigabyte is read once."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mim_bench.errors import UserError
from mim_bench.files import read_json, sha256_file, write_json
from mim_bench.locations import cache_folder

if TYPE_CHECKING:
    from pathlib import Path


def weights_hash(path: Path) -> str:
    """Return a file's sha256 in hexadecimal, remembered by path, size and time of change.

    Raises:
        UserError: The file is missing or can't be read.
    """
    try:
        path = path.expanduser().resolve()
        state = path.stat()
        key = f"{path}|{state.st_size}|{state.st_mtime_ns}"
        known = _read()
        sha = known.get(key)
        if not isinstance(sha, str):
            sha = sha256_file(path)
            _remember(key, sha)
    except OSError as error:
        raise UserError(
            f"the weights can't be read: {error.strerror or error}",
            where=str(path),
            expected="a checkpoint of PyTorch or safetensors",
            action="check the path (it is taken relative to the current folder)",
        ) from error
    return sha


def _read() -> dict[str, Any]:
    try:
        hashes = read_json(cache_folder() / "hashes.json").get("hashes")
    except (OSError, UnicodeDecodeError, UserError):
        return {}  # a cache that can't be read is only a slower start
    return hashes if isinstance(hashes, dict) else {}


def _remember(key: str, sha: str) -> None:
    # another process may add its own between the two lines: it is then hashed once more
    hashes = {**_read(), key: sha}
    with suppress(UserError):  # the hash is known all the same
        write_json(cache_folder() / "hashes.json", {"hashes": hashes}, durable=False)
