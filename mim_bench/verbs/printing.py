"""How verbs print: plain tables in full width, mappings, JSON. (No torch.)."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from mim_bench import reports

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def print_rows(
    rows: Iterable[dict[str, Any]], columns: Sequence[str], spare: Sequence[str] = ()
) -> list[str]:
    """Print rows as a plain table, nothing cut.

    Args:
        rows: Values by column.
        columns: The columns in their order.
        spare: Those that a terminal too narrow for all goes without, the first one first.

    Returns:
        The columns that were left out.
    """
    from rich import box
    from rich.table import Table

    from mim_bench.reports.table import FULL_WIDTH

    rows = list(rows)
    console = reports.open_console(sys.stdout)
    for left_out in range(len(spare) + 1):
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        shown = [column for column in columns if column not in spare[:left_out]]
        for column in shown:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*(text_of(row[column]) for column in shown))
        unbounded = console.options.update(width=FULL_WIDTH)
        if console.measure(table, options=unbounded).maximum <= console.width:
            break
    console.print(table, markup=False)
    return list(spare[:left_out])


def text_of(value: Any) -> str:
    """Return a cell's text."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {text_of(inner)}" for key, inner in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)


def print_mapping(content: dict[str, Any], indent: int) -> None:
    """Print keys and values, nested ones deeper."""
    for key, value in content.items():
        if isinstance(value, dict) and value:
            print(f"{' ' * indent}{key}:")
            print_mapping(value, indent + 2)
        else:
            print(f"{' ' * indent}{key}: {value}")


def plain(value: Any) -> Any:
    """Return what JSON can hold for a value that it does not know."""
    return dict(value) if hasattr(value, "items") else str(value)


def print_json(content: Any) -> None:
    """Print content as JSON."""
    print(json.dumps(content, indent=1, default=plain))
