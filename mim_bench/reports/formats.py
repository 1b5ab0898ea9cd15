"""A table as text for the terminal, Markdown, CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
import math
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mim_bench.errors import UserError, unknown
from mim_bench.files import SCHEMA
from mim_bench.reports.table import FULL_WIDTH, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

FORMATS = ("terminal", "md", "csv", "json")

CSV_FIELDS = (
    "table", "title", "preset", "data", "overrides", "kind", "backbone", "mode", "column",
    "metric", "unit", "direction", "state", "mean", "std", "n", "best", "recorded", "trivial",
    "above_trivial", "identical", "collapsed", "stands_in", "runs",
)  # fmt: skip
"""The fields of the CSV: one line per cell, numbers unrounded, empty where there is none."""


def open_console(file: Any = None) -> Console:
    """Return a console for a stream (default: standard output).

    A stream that is no terminal gets its full width: nothing is wrapped, cut or coloured.
    """
    from rich.console import Console

    stream = file if file is not None else sys.stdout
    if stream.isatty():
        return Console(file=file, highlight=False)
    return Console(file=file, highlight=False, width=FULL_WIDTH, force_terminal=False)


def render(
    tables: Table | Sequence[Table],
    format: str = "terminal",  # noqa: A002 - the command line's word
    console: Console | None = None,
) -> str | None:
    """Render tables in one of `FORMATS`.

    Args:
        tables: One table or several. Of several, CSV has one header and JSON one list.
        format: `terminal`, `md`, `csv` or `json`.
        console: For `terminal`: where to print, in its width. Without one the text comes back,
            in its full width and without colours.

    Returns:
        The text, ending in a line break; None when it was printed to a console.

    Raises:
        UserError: Unknown format.
    """
    if format not in FORMATS:
        raise UserError([unknown("format", format, FORMATS)])
    listed = [tables] if isinstance(tables, Table) else list(tables)
    if format == "csv":
        return _csv(listed)
    if format == "json":
        return _json(listed)
    if format == "md":
        from mim_bench.reports.markdown import markdown

        return "\n".join(markdown(table) for table in listed)
    from mim_bench.reports.terminal import print_table

    buffer = None
    if console is None:
        buffer = io.StringIO()
        console = open_console(buffer)
    for number, table in enumerate(listed):
        if number:
            console.print()
        print_table(table, console)
    return None if buffer is None else buffer.getvalue()


def _csv(tables: Iterable[Table]) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, CSV_FIELDS, lineterminator="\n")
    writer.writeheader()
    for table in tables:
        for row in table.rows:
            for column in table.columns:
                cell = row.cells[column.name]
                writer.writerow(
                    {
                        "table": table.name,
                        "title": table.title,
                        "preset": table.preset if row.kind == "measured" else "",
                        "data": table.data if row.kind == "measured" else "",
                        "overrides": _overrides(table) if row.kind == "measured" else "",
                        "kind": row.kind,
                        "backbone": row.title,
                        "mode": row.mode,
                        "column": column.name,
                        "metric": column.metric,
                        "unit": column.unit,
                        "direction": column.direction,
                        "state": cell.state,
                        "mean": "" if cell.value is None else repr(cell.value),
                        "std": "" if cell.std is None else repr(cell.std),
                        "n": cell.n or "",
                        "best": int(cell.best),
                        "recorded": int(cell.recorded),
                        "trivial": "" if cell.trivial is None else repr(cell.trivial),
                        "above_trivial": ""
                        if cell.above_trivial is None
                        else int(cell.above_trivial),
                        "identical": int(cell.identical),
                        "collapsed": "" if cell.collapsed is None else int(cell.collapsed),
                        "stands_in": cell.stands_in or cell.part,
                        "runs": " ".join(cell.runs),
                    }
                )
    return buffer.getvalue()


def _overrides(table: Table) -> str:
    if not table.overrides:
        return ""
    return json.dumps(dict(table.overrides), sort_keys=True, default=str, ensure_ascii=False)


def _json(tables: Iterable[Table]) -> str:
    content = {"schema": SCHEMA, "tables": [_finite(asdict(table)) for table in tables]}
    return json.dumps(content, indent=1, ensure_ascii=False, default=str, allow_nan=False) + "\n"


def _finite(content: Any) -> Any:
    # JSON has no NaN; the cell's text still says it
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content
