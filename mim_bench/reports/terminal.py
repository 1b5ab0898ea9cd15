"""A table on a terminal, of any width: wide ones are divided between groups of columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.table import Table as RichTable
from rich.text import Text

from mim_bench.reports.signs import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.align import VerticalAlignMethod
    from rich.console import Console, JustifyMethod, RenderableType

    from mim_bench.reports.table import Cell, Column, Row, Table

_HEADING = "Backbone"
_GAP = 2
_STYLES = {
    "running": "cyan",
    "failed": "red",
    "interrupted": "yellow",
    "pending": "yellow",
    "planned": "dim",
    "missing": "dim",
    "reference": "dim",
}


def print_table(table: Table, console: Console) -> None:
    """Print a table with its title and notes, in the console's width."""
    for part in renderables(table, console):
        console.print(part, emoji=False, highlight=False)


def renderables(table: Table, console: Console, references: bool = True) -> list[RenderableType]:
    """Return a table's parts for a console: title, one or several grids, notes.

    Args:
        table: The table.
        console: Its width decides how the columns are divided.
        references: Whether reference rows are shown.
    """
    parts: list[RenderableType] = [_text(console, table.title, "bold")]
    for layout in _layouts(table, console, references):
        parts += _grids(table, layout, console, references)
    return parts + [_text(console, note, "dim") for note in table.notes]


def _text(console: Console, content: str, style: str = "") -> Text:
    return Text(plain(content, console.encoding), style, overflow="fold")


@dataclass(frozen=True)
class _Layout:
    """Columns that stand side by side, and the widths of the label and of each of them."""

    columns: list[Column]
    label: int
    widths: list[int]

    @property
    def total(self) -> int:
        return self.label + sum(self.widths) + _GAP * len(self.widths)

    @property
    def groups(self) -> list[tuple[str, int]]:
        """Each group's title and the width of its columns together."""
        groups: list[tuple[str, int]] = []
        for column, width in zip(self.columns, self.widths, strict=True):
            if groups and groups[-1][0] == column.group:
                groups[-1] = (column.group, groups[-1][1] + _GAP + width)
            else:
                groups.append((column.group, width))
        return groups


def _layouts(table: Table, console: Console, references: bool) -> list[_Layout]:
    """Put as many whole groups of columns side by side as the console has room for."""
    groups = [columns for _, columns in table.groups]
    layouts: list[_Layout] = []
    for columns in groups:
        if layouts:
            wider = _layout(table, layouts[-1].columns + columns, console, references)
            if wider.total <= console.width:
                layouts[-1] = wider
                continue
        layouts.append(_layout(table, list(columns), console, references))
    return layouts


def _layout(table: Table, columns: list[Column], console: Console, references: bool) -> _Layout:
    rows = table.rows_of("measured") + _references(table, columns, references)
    labels = [_HEADING, *(row.label for row in rows)]
    texts = [
        [column.heading, column.metric_text, *(row.cells[column.name].marked for row in rows)]
        for column in columns
    ]
    labels = [plain(text, console.encoding) for text in labels]
    texts = [[plain(text, console.encoding) for text in column] for column in texts]
    whole = [max(map(cell_len, column)) for column in texts]
    words = [max(cell_len(word) for text in column for word in text.split()) for column in texts]
    words = [max(word, 6) for word in words]  # room for an arrow behind the metric
    whole = _room_for_groups(columns, whole, lambda title: [title])
    words = _room_for_groups(columns, words, str.split)
    label = max(map(cell_len, labels))
    short = min(label, max(20, console.width // 4))
    least = min(label, 20)
    choices = [(label, whole), (short, whole), (label, words), (short, words), (least, words)]
    found = [_Layout(columns, *choice) for choice in choices]
    return next((choice for choice in found if choice.total <= console.width), found[-1])


def _room_for_groups(
    columns: Sequence[Column], widths: list[int], parts: Callable[[str], list[str]]
) -> list[int]:
    """Widen each group's first column until the parts of the group's title fit above the group."""
    widths = list(widths)
    for group in dict.fromkeys(column.group for column in columns):
        members = [index for index, column in enumerate(columns) if column.group == group]
        width = sum(widths[index] for index in members) + _GAP * (len(members) - 1)
        wanted = max(map(cell_len, parts(group)), default=0)
        widths[members[0]] += max(0, wanted - width)
    return widths


def _references(table: Table, columns: Sequence[Column], shown: bool) -> list[Row]:
    if not shown:
        return []
    return [
        row
        for row in table.rows_of("reference")
        if any(row.cells[column.name].value is not None for column in columns)
    ]


def _grids(
    table: Table, layout: _Layout, console: Console, references: bool
) -> list[RenderableType]:
    # three grids of equal widths: the library has no cells that span columns
    grids: list[RenderableType] = []
    if any(title for title, _ in layout.groups):
        top = _grid([layout.label, *(width for _, width in layout.groups)], vertical="bottom")
        top.add_row("", *(_text(console, _span(*group), "dim") for group in layout.groups))
        grids.append(top)
    head = _grid([layout.label, *layout.widths], vertical="bottom")
    titles = [_text(console, column.heading, "bold") for column in layout.columns]
    head.add_row("", *titles)
    metrics = [_text(console, column.metric_text) for column in layout.columns]
    head.add_row(_text(console, _HEADING, "bold"), *metrics)
    body = _grid([layout.label, *layout.widths], vertical="top")
    for row in table.rows_of("measured"):
        body.add_row(*_line(console, row, layout.columns))
    lines = _references(table, layout.columns, references)
    rule = _text(console, "─" * layout.total, "dim")
    grids.append(head)
    if body.row_count:
        grids += [rule, body]
    if lines:
        paper = _grid([layout.label, *layout.widths], vertical="top")
        for row in lines:
            paper.add_row(*_line(console, row, layout.columns))
        grids += [rule, _text(console, table.reference_heading, "dim italic"), paper]
    return [*grids, ""]


def _grid(widths: Sequence[int], vertical: VerticalAlignMethod) -> RichTable:
    grid = RichTable.grid(padding=(0, _GAP, 0, 0))
    for number, width in enumerate(widths):
        side: JustifyMethod = "right" if number else "left"
        grid.add_column(width=width, justify=side, overflow="fold", vertical=vertical)
    return grid


def _span(title: str, width: int) -> str:
    line = f" {title} ".center(width, "─") if title else ""
    return line if cell_len(line) <= width else title


def _line(console: Console, row: Row, columns: Sequence[Column]) -> list[Text]:
    style = "dim" if row.kind == "reference" else ""
    cells = [row.cells[column.name] for column in columns]
    return [
        _text(console, row.label, style),
        *(_text(console, cell.marked, _style(cell)) for cell in cells),
    ]


def _style(cell: Cell) -> str:
    if cell.best:
        return "bold green"
    return "yellow" if cell.doubtful else _STYLES.get(cell.state, "")
