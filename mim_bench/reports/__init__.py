"""Tables made from the store alone: collect, build, render, and a live view. Loads no torch."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mim_bench.reports.build import build_tables, reference_table
    from mim_bench.reports.formats import FORMATS, open_console, render
    from mim_bench.reports.live import LiveView
    from mim_bench.reports.own import other_columns_tables
    from mim_bench.reports.records import Progress, RunRecord, ScoreRecord, collect
    from mim_bench.reports.table import Cell, Column, Row, Table

_HOMES = {
    "build": ("build_tables", "reference_table"),
    "live": ("LiveView",),
    "own": ("other_columns_tables",),
    "records": ("Progress", "RunRecord", "ScoreRecord", "collect"),
    "formats": ("FORMATS", "open_console", "render"),
    "table": ("Cell", "Column", "Row", "Table"),
}

__all__ = [
    "FORMATS",
    "Cell",
    "Column",
    "LiveView",
    "Progress",
    "Row",
    "RunRecord",
    "ScoreRecord",
    "Table",
    "build_tables",
    "collect",
    "open_console",
    "other_columns_tables",
    "reference_table",
    "render",
]


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
