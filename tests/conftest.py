"""What all tests share: a cache of their own, one thread, the real photographs where they are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"


@pytest.fixture(autouse=True)
def _own_surroundings(tmp_path_factory, monkeypatch):
    """No test reads the user's cache, data root or colours."""
    monkeypatch.setenv("MIM_BENCH_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.delenv("MIM_BENCH_DATA", raising=False)
    monkeypatch.setenv("COLUMNS", "120")


@pytest.fixture
def real_data() -> Path:
    """A data root with a few real photographs."""
    root = os.environ.get("MIM_BENCH_REAL_DATA")
    if not root:
        pytest.skip("MIM_BENCH_REAL_DATA is not set")
    return Path(root)
