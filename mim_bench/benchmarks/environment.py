"""What a run was made with: versions, machine, git commit, peak memory. (Loads no torch itself.)"""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import mim_bench

PACKAGES = (
    "torch",
    "torchvision",
    "lightning",
    "timm",
    "torchmetrics",
    "albumentations",
    "numpy",
    "opencv-python-headless",
)


def environment() -> dict[str, Any]:
    """Describe versions and machine as plain content."""
    found: dict[str, Any] = {
        "mim_bench": mim_bench.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "host": socket.gethostname(),
        "cpus": os.cpu_count(),
        "command": sys.argv,
    }
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = None
    if torch := sys.modules.get("torch"):
        found["threads"] = torch.get_num_threads()
        if torch.cuda.is_available():
            found["gpus"] = [
                torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())
            ]
            found["cuda"] = torch.version.cuda
    return found


def git_state(folder: Path | None = None) -> dict[str, Any] | None:
    """Return commit and dirtiness of the checkout that holds a folder (default: this package).

    None where there is no checkout or no git.
    """
    place = folder or Path(mim_bench.__file__).parent
    git = ["git", "-C", str(place)]
    try:
        # a folder that an enclosing checkout does not track (site-packages) is none of its
        subprocess.run(
            [*git, "ls-files", "--error-unmatch", "."], check=True, capture_output=True, timeout=10
        )
        commit = subprocess.run(
            [*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True, timeout=10
        ).stdout.strip()
        changes = subprocess.run(
            [*git, "status", "--porcelain", "."],
            check=True,
            capture_output=True,
            text=True,
            timeout=10,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return {"commit": commit, "dirty": bool(changes.strip())}


def reset_peak_memory() -> None:
    """Begin a new measurement of the peak: one worker runs many runs."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.reset_peak_memory_stats()
    with contextlib.suppress(OSError):  # Linux alone has it
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak_memory_mb() -> float:
    """Return the largest memory since the last reset.

    The GPU's where one is used, else this process's (since its start where the system can't
    reset it).
    """
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        return float(torch.cuda.max_memory_allocated()) / 2**20
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) / 2**10
    except (OSError, IndexError, ValueError):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
