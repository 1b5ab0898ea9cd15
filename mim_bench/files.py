"""Files that are written whole, JSON with a schema version, canonical JSON and hashes."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from mim_bench.errors import UserError

SCHEMA = 1
"""Version of every JSON file that this release writes."""


def write_atomic(path: Path, content: bytes | str, durable: bool = True) -> None:
    """Write a file whole: readers see the old content or the new, never a part.

    Args:
        path: The file; its folder is made when missing.
        content: Bytes, or text that is encoded as UTF-8.
        durable: Wait until the disk has it (not worth it for a progress file).

    Raises:
        UserError: The disk is full or the folder can't be written; the old file is untouched.
    """
    data = content.encode() if isinstance(content, str) else content
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())  # noqa: PTH101 - mkstemp makes it private
        os.replace(temporary, path)  # noqa: PTH105 - one atomic call
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise UserError(
            f"can't be written: {error.strerror or error}",
            where=str(path),
            action="free space on the disk, or choose a folder that you may write to; "
            "nothing that was written before is lost",
        ) from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_json(path: Path, content: dict[str, Any], durable: bool = True) -> None:
    """Write a JSON object with the schema version, whole (see `write_atomic`)."""
    text = json.dumps({"schema": SCHEMA, **content}, indent=1, default=str)
    write_atomic(path, text + "\n", durable)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object that `write_json` wrote.

    Raises:
        UserError: The file is no JSON object, or a newer release wrote it.
        FileNotFoundError: There is no such file.
    """
    text = path.read_text(encoding="utf-8")
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(
            f"is no valid JSON: {error}",
            where=str(path),
            action="move the file away; what it described is then made again",
        ) from error
    if not isinstance(content, dict):
        raise UserError("holds no JSON object", where=str(path), action="move the file away")
    schema = content.get("schema", 0)
    if not isinstance(schema, int) or schema > SCHEMA:
        raise UserError(
            f"was written by a newer mim-bench (schema {schema}, this release knows {SCHEMA})",
            where=str(path),
            action="update mim-bench, or choose another store with --store",
        )
    return content


def canonical_json(content: Any) -> str:
    """Return JSON in one spelling: sorted keys, no spaces, whole floats as integers.

    Raises:
        ValueError: A number is not finite.
    """
    return json.dumps(_canonical(content), sort_keys=True, separators=(",", ":"), allow_nan=False)


def _canonical(content: Any) -> Any:
    if isinstance(content, dict):
        return {str(key): _canonical(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_canonical(value) for value in content]
    if isinstance(content, float) and content.is_integer():
        return int(content)
    return content


def digest(content: Any) -> str:
    """Return the sha256 of the canonical JSON of some plain content, in hexadecimal."""
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()


def sha256_file(path: Path) -> str:
    """Return a file's sha256 in hexadecimal, read in pieces."""
    state = hashlib.sha256()  # hashlib.file_digest comes with Python 3.11
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            state.update(piece)
    return state.hexdigest()
