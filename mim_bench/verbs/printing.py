"""How verbs print: plain tables in full width, mappings, JSON. (No torch.)."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from mim_bench import reports

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def print_rows(rows: Iterable[dict[str, Any]], columns: Sequence[str]) -> None:
    """Print rows as a plain table, nothing cut."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(text_of(row[column]) for column in columns))
    reports.open_console(sys.stdout).print(table, markup=False)


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
