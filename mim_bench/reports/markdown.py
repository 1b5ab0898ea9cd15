"""A table as Markdown (GitHub's kind)."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from mim_bench.reports.table import FULL_WIDTH

if TYPE_CHECKING:
    from mim_bench.reports.table import Row, Table


def markdown(table: Table) -> str:
    """Render a table: a heading, the grid, its notes as a list. The best values are bold."""
    # one line for the whole heading: Markdown knows no second, and no groups
    grid = RichTable(box=box.MARKDOWN)
    grid.add_column(Text("Backbone"))
    for column in table.columns:
        grid.add_column(Text(_escape(f"{column.heading}, {column.metric_text}")), justify="right")
    for row in table.rows_of("measured"):
        grid.add_row(*_line(table, row))
    lines = table.rows_of("reference")
    if lines:
        grid.add_row(Text(f"*{_escape(table.reference_heading)}*"))
    for row in lines:
        grid.add_row(*_line(table, row))
    buffer = io.StringIO()
    Console(file=buffer, width=FULL_WIDTH, force_terminal=False, color_system=None).print(grid)
    drawn = [line.strip() for line in buffer.getvalue().splitlines() if line.strip()]
    # the library draws the line below the heading without saying that numbers stand to the right
    drawn[1] = re.sub(r"-(?=\|)", ":", drawn[1]).replace(":", "-", 1)
    notes = [f"- {_escape(note)}" for note in table.notes]
    return "\n".join(
        [f"### {_escape(table.title)}", "", *drawn, *([""] if notes else []), *notes, ""]
    )


def _line(table: Table, row: Row) -> list[Text]:
    texts = [_escape(row.label)]
    for column in table.columns:
        cell = row.cells[column.name]
        text = _escape(cell.marked)
        texts.append(f"**{text}**" if cell.best else text)
    return [Text(text) for text in texts]


def _escape(text: str) -> str:
    return re.sub(r"([|*\\])", r"\\\1", text).replace("<", "&lt;")
