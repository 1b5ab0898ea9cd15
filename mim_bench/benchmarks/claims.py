"""Claims: which process works on a run, so that two never do."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from mim_bench.errors import UserError
from mim_bench.files import read_json, write_json

_FILE = "claim.json"


def _boot() -> str:
    """Return what changes with every start of this machine."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        import psutil

        return str(int(psutil.boot_time()))


def _start_of(pid: int) -> float | None:
    """Return when a process of this machine started (seconds since 1970), None when it is gone."""
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.NoSuchProcess:
        return None
    except psutil.AccessDenied:
        return 0.0


def holder(folder: Path) -> dict[str, Any] | None:
    """Return what the claim of a run's folder says: host, pid, started, boot; None without one."""
    try:
        return read_json(folder / _FILE)
    except FileNotFoundError:
        return None
    except UserError:
        return {}  # a claim that can't be read is nobody's


def is_alive(claim: dict[str, Any]) -> bool:
    """Tell whether a claim's process may still be at work; on another host it always may."""
    if not claim:
        return False
    if claim.get("host") != socket.gethostname():
        return True
    if claim.get("boot") != _boot():
        return False
    started = _start_of(int(claim.get("pid", -1)))
    return started is not None and (
        started == 0.0 or abs(started - float(claim.get("started", 0.0))) < 1.0
    )


@dataclass(frozen=True)
class Claim:
    """A run's folder that this process holds; release it when the work has ended."""

    folder: Path

    @classmethod
    def acquire(cls, folder: Path) -> Claim | None:
        """Claim a run's folder; None when a living process (or another host's) holds it.

        The claim of a dead process of this host, or of one from before the last start of the
        machine, is taken over.
        """
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f".{_FILE}.lock"):
            found = holder(folder)
            if found is not None and is_alive(found):
                return None
            write_json(
                folder / _FILE,
                {
                    "host": socket.gethostname(),
                    "pid": os.getpid(),
                    "started": _start_of(os.getpid()),
                    "boot": _boot(),
                },
            )
        return cls(folder)

    def release(self) -> None:
        """Give the folder free."""
        (self.folder / _FILE).unlink(missing_ok=True)
