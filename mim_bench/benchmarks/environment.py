"""What a run was made with: versions, machine, git commit, peak memory. (Loads no torch itself.)"""

from __future__ import annotations

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


def peak_memory_mb() -> float:
    """Return this process's largest resident memory, or the GPU's allocations where it has one."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        return float(torch.cuda.max_memory_allocated()) / 2**20
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
