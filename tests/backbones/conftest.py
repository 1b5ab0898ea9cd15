"""Fixtures of the backbones' tests: a cache of their own and tiny networks by name."""

from __future__ import annotations

import pytest

from .families import entries  # noqa: F401


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setenv("MIM_BENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
    yield
    patch.undo()
