"""Where things lie: the user's data root and the cache."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """Return `MIM_BENCH_CACHE`, by default `mim-bench` in the user's cache folder."""
    if chosen := os.environ.get("MIM_BENCH_CACHE"):
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base).expanduser() if base else Path.home() / ".cache") / "mim-bench"


def default_data_root() -> Path | None:
    """Return `MIM_BENCH_DATA` as a path, or None when it is not set."""
    chosen = os.environ.get("MIM_BENCH_DATA")
    return Path(chosen).expanduser() if chosen else None
