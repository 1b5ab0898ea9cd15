"""A table as plain data: what every format prints."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

DASH = "\N{EN DASH}"
"""What an empty cell shows."""

RECORDED = "†"
"""What marks a value that was entered by hand."""

NOT_ABOVE = "‡"
"""What marks a value that is not better than the trivial predictor's."""

IDENTICAL = "§"
"""What marks values that are those of another backbone to the last digit."""

COLLAPSED = "¶"
"""What marks a value of a backbone whose features have collapsed."""

STANDS_IN = "◊"
"""What marks a value that was measured on another split than the column's own."""

FULL_WIDTH = 100_000
"""Columns of a "terminal" that is none: wide enough that nothing is ever wrapped or cut."""


@dataclass(frozen=True)
class Cell:
    """A place in a table.

    Attributes:
        state: `done`, `partial` (some seeds are done), `running`, `pending` (to be scored
            elsewhere), `failed`, `interrupted`, `planned`, `missing` or `reference`.
        text: What is printed.
        value: The value, or the mean over seeds, unrounded, in the column's unit.
        std: The sample standard deviation over seeds (n - 1); None for fewer than two.
        n: How many seeds the value is a mean of.
        best: Whether it is the best measured value of its column, above the trivial one, and of
            features that have not collapsed.
        recorded: Whether the value was entered by hand.
        trivial: The trivial predictor's value, or its mean over seeds; None where not known.
        above_trivial: Whether the value is better than that; None where not known.
        trivial_predictor: What that predicts, in words.
        stands_in: The split it was measured on, where that is not the column's own.
        part: How much of the official split it was measured on, in words; empty for all of it.
        identical: Whether another backbone of the column has this value to the last digit.
        collapsed: Whether the features of a run behind it have collapsed; None where not known.
        features: What is known of those features, in words; empty unless they have collapsed.
        progress: For running cells the share done, 0..1, where known.
        cause: For failed cells, why.
        runs: The training ids behind it.
    """

    state: str = "missing"
    text: str = DASH
    value: float | None = None
    std: float | None = None
    n: int = 0
    best: bool = False
    recorded: bool = False
    progress: float | None = None
    cause: str = ""
    runs: tuple[str, ...] = ()
    trivial: float | None = None
    above_trivial: bool | None = None
    trivial_predictor: str = ""
    stands_in: str = ""
    part: str = ""
    identical: bool = False
    collapsed: bool | None = None
    features: str = ""

    @property
    def marked(self) -> str:
        """The text with its marks, as every format prints it."""
        marks = RECORDED * self.recorded + STANDS_IN * bool(self.stands_in or self.part)
        marks += NOT_ABOVE * (self.above_trivial is False) + IDENTICAL * self.identical
        marks += COLLAPSED * (self.collapsed is True)
        return f"{self.text}{marks}"

    @property
    def doubtful(self) -> bool:
        """Whether a mark says that the value may be no measure of its backbone."""
        return self.above_trivial is False or self.identical or self.collapsed is True


@dataclass(frozen=True)
class Column:
    """A column's heading: see `mim_bench.benchmarks.suite.ColumnRef` for the fields."""

    name: str
    heading: str
    group: str
    metric: str
    label: str
    unit: str
    direction: str
    decimals: int
    recipe: str

    @property
    def arrow(self) -> str:
        """Which values are better: an arrow up or down, nothing where it is not known."""
        return {"min": "↓", "max": "↑"}.get(self.direction, "")

    @property
    def metric_text(self) -> str:
        """The metric and its arrow (`RMSE ↓`)."""
        return f"{self.label} {self.arrow}".strip()


@dataclass(frozen=True)
class Row:
    """One backbone, or one line of the paper.

    Attributes:
        kind: `measured` or `reference`.
        title: The backbone as the user named it, or as the paper prints it.
        mode: `finetune` or `frozen`; empty for a reference row.
        cells: By column name, one for each column.
        seeds: The number of seeds behind every value of the row when they agree, else 0.
        source: For a reference row, where the paper prints it.
    """

    kind: str
    title: str
    mode: str
    cells: Mapping[str, Cell]
    seeds: int = 0
    source: str = ""

    @property
    def label(self) -> str:
        """What a table prints at the row's left end."""
        parts = [self.title]
        if self.mode and self.mode != "finetune":
            parts.append(self.mode)
        if self.seeds > 1:
            parts.append(f"{self.seeds} seeds")
        return ", ".join(parts)


@dataclass(frozen=True)
class Table:
    """A table of one setting (preset, data, changed settings).

    Attributes:
        name: The suite's name.
        title: Names the suite, the preset, the data and every changed setting.
        columns: From left to right; neighbours with equal `group` belong together.
        rows: Measured rows, then reference rows.
        notes: Lines under the table.
        preset: The preset of all its runs; empty when there are none.
        data: The data of all its runs.
        overrides: The settings changed for all its runs.
        reference_heading: What stands above the reference rows.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    preset: str = ""
    data: str = ""
    overrides: Mapping[str, object] = field(default_factory=dict)
    reference_heading: str = ""

    @property
    def groups(self) -> list[tuple[str, list[Column]]]:
        """The columns under their shared headings, in order."""
        groups: list[tuple[str, list[Column]]] = []
        for column in self.columns:
            if not groups or groups[-1][0] != column.group:
                groups.append((column.group, []))
            groups[-1][1].append(column)
        return groups

    def rows_of(self, kind: str) -> list[Row]:
        """Return the rows of one kind (`measured` or `reference`)."""
        return [row for row in self.rows if row.kind == kind]
