"""Per-sample test records, appended as they come, so that a killed test goes on where it was."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mim_bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True)
class Records:
    """The records of one pass over a split, in shards: one file per process and attempt.

    Attributes:
        folder: `records/<records id>/` in the run's folder.
    """

    folder: Path

    def read(self) -> dict[str, dict[str, Any]]:
        """Return the records by sample id; a line cut off by a kill is left out."""
        found: dict[str, dict[str, Any]] = {}
        for shard in sorted(self.folder.glob("*.jsonl")):
            for line in shard.read_text(encoding="utf-8").splitlines(keepends=True):
                if line.endswith("\n"):
                    record = json.loads(line)
                    found.setdefault(record["id"], record)
        return found

    def writer(self, rank: int = 0) -> RecordWriter:
        """Open a new shard for this process."""
        return RecordWriter(self.folder, rank)


class RecordWriter:
    """Appends records to a shard of its own.

    Args:
        folder: The shards' folder, made when missing.
        rank: The process's rank.
    """

    def __init__(self, folder: Path, rank: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        attempt = len(list(folder.glob(f"rank{rank}-*.jsonl")))
        self._path = folder / f"rank{rank}-{attempt}.jsonl"
        self._file = self._path.open("a", encoding="utf-8")

    def write(self, records: Iterable[dict[str, Any]]) -> None:
        """Append records; each has an `id`, and all are on their way to the disk on return.

        Raises:
            UserError: The disk is full.
        """
        try:
            self._file.writelines(json.dumps(record) + "\n" for record in records)
            self._file.flush()
        except OSError as error:
            raise UserError(
                f"can't be written: {error.strerror or error}",
                where=str(self._path),
                action="free space on the disk and run again; what was tested is kept",
            ) from error

    def close(self) -> None:
        """Close the shard, its content on the disk."""
        os.fsync(self._file.fileno())
        self._file.close()
