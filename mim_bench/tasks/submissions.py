"""Archives for servers that alone know a test's labels. (No torch.)."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from mim_bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MOST_BYTES = 4 << 30
"""The most that a file of an archive may unpack to."""


@dataclass(frozen=True)
class Submission:
    """What a server is sent.

    Attributes:
        name: Name of the archive, as the server wants it.
        files: Name inside the archive -> content.
        server: Where it is to be sent, in words.
    """

    name: str
    files: Mapping[str, bytes]
    server: str

    def archive(self) -> bytes:
        """Return the zip archive: the same bytes for the same content."""
        return zip_archive(self.files)


def zip_archive(files: Mapping[str, bytes]) -> bytes:
    """Return a zip archive of files by their names in it: the same bytes for the same content."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name)  # of 1980: the time is no part of the content
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return packed.getvalue()


def read_archive(path: Path) -> dict[str, bytes]:
    """Return the files of an archive by their names in it; nothing is written to the disk.

    Raises:
        UserError: It is missing, no zip archive, damaged, or unpacks to more than `MOST_BYTES`.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if sum(entry.file_size for entry in entries) > MOST_BYTES:
                raise UserError("unpacks to more than 4 GB", where=str(path))
            return {entry.filename: archive.read(entry) for entry in entries}
    except FileNotFoundError as error:
        raise UserError("there is no such file", where=str(path)) from error
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise UserError(
            f"can't be read as a zip archive: {error}",
            where=str(path),
            action="test the run again; its archive is written anew",
        ) from error
