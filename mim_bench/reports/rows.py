"""Rows of a table: measured ones, one per backbone and mode, and those of the paper."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from mim_bench.reports import guards, trivial
from mim_bench.reports.cells import SeedCell, choose, combine, covers, of_values
from mim_bench.reports.table import Cell, Column, Row

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from mim_bench.benchmarks.published import Published
    from mim_bench.benchmarks.suite import ColumnRef, Suite
    from mim_bench.reports.records import RunRecord


@dataclass
class Draft:
    """A measured row in the making: its runs, and for each column what its seeds say.

    `backbone` is a key that rows of one backbone share, whatever their titles and modes.
    """

    title: str
    mode: str
    runs: list[RunRecord]
    backbone: str = ""
    seeds: dict[str, list[SeedCell]] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    cells: dict[str, Cell] = field(default_factory=dict)


def fill(draft: Draft, columns: Sequence[ColumnRef], planned: bool) -> None:
    """Make a row's cells, derived columns last.

    Args:
        draft: The row.
        columns: The columns, and before them all that derived ones are made of.
        planned: Whether the runs are those of a plan (see `cells.choose`).
    """
    for column in columns:
        if column.mean_of:
            draft.cells[column.name] = _mean(draft, column)
            continue
        mine = [run for run in draft.runs if covers(run, column.recipe, column.name)]
        seeds, left_out = choose(mine, column.name, planned)
        draft.seeds[column.name], draft.left_out[column.name] = seeds, left_out
        cell = combine(seeds, column.decimals)
        cell = trivial.compare(cell, seeds, column.direction, column.decimals)
        draft.cells[column.name] = guards.judge(cell, seeds)


def make_drafts(runs: Sequence[RunRecord], planned: bool) -> list[Draft]:
    """Divide runs into rows: one per backbone (name, weights, options) and mode."""
    drafts: dict[tuple[str, str], Draft] = {}
    newest_last = runs if planned else sorted(runs, key=lambda run: run.started)
    for run in newest_last:
        options = run.backbone.get("options") or {}
        weights = run.backbone.get("weights_sha256") or run.backbone.get("weights")
        key = json.dumps([run.backbone.get("name") or run.title, weights, options], default=str)
        draft = drafts.setdefault((key, run.mode), Draft(run.title, run.mode, [], key))
        labelled = any(known.backbone.get("label") for known in draft.runs)
        if run.backbone.get("label") or not labelled:
            draft.title = run.title  # the label given last; giving none takes none away
        draft.runs.append(run)
    titles = [(draft.title, draft.mode) for draft in drafts.values()]
    for draft in drafts.values():
        if titles.count((draft.title, draft.mode)) > 1:
            slug = draft.runs[-1].backbone.get("slug")
            draft.title = f"{draft.title} [{slug or draft.runs[-1].id[:8]}]"
    return list(drafts.values())


def _mean(draft: Draft, column: ColumnRef) -> Cell:
    """The mean of some columns, where one seed at least has them all."""
    values: dict[int, list[float]] = {}
    for part in column.mean_of:
        for cell in draft.seeds[part]:
            if cell.state == "done" and cell.value is not None:
                values.setdefault(cell.run.seed, []).append(cell.value)
    total = max((len(draft.seeds[part]) for part in column.mean_of), default=0)
    whole = [sum(v) / len(v) for v in values.values() if len(v) == len(column.mean_of)]
    if not whole:
        return Cell()
    runs = tuple(run for part in column.mean_of for run in draft.cells[part].runs)
    recorded = any(draft.cells[part].recorded for part in column.mean_of)
    return replace(of_values(whole, column.decimals, total), runs=runs, recorded=recorded)


def mark_best(drafts: Sequence[Draft], columns: Sequence[Column], mixed: Collection[str]) -> None:
    """Mark the best of two or more measured values of a column; what is printed alike ties.

    The best is not marked where it is not above the trivial predictor, or where the features
    have collapsed: it is no success.
    """
    for column in columns:
        values = {
            id(draft): round(cell.value, column.decimals)  # what looks equal is equal
            for draft in drafts
            if (cell := draft.cells[column.name]).value is not None and math.isfinite(cell.value)
        }
        if len(values) < 2 or column.name in mixed or column.direction not in ("min", "max"):
            continue
        best = min(values.values()) if column.direction == "min" else max(values.values())
        for draft in drafts:
            cell = draft.cells[column.name]
            fails = cell.above_trivial is False or cell.collapsed is True
            if values.get(id(draft)) == best and not fails:
                draft.cells[column.name] = replace(cell, best=True)


def measured_row(draft: Draft, columns: Sequence[Column]) -> Row:
    """Finish a row; how many seeds it stands for is said once where all its cells agree."""
    cells = {column.name: draft.cells[column.name] for column in columns}
    counts = {cell.n for cell in cells.values() if cell.n}
    same = counts.pop() if len(counts) == 1 else 0
    if any(cell.state == "partial" for cell in cells.values()):
        same = 0
    if not same:  # the row's label can't say it for all of its cells
        cells = {
            name: replace(cell, text=f"{cell.text} (n={cell.n})")
            if cell.state == "done" and cell.n > 1
            else cell
            for name, cell in cells.items()
        }
    return Row("measured", draft.title, draft.mode, cells, same)


def reference_rows(
    suite: Suite, columns: Sequence[Column], published: Published
) -> tuple[tuple[Row, ...], str, tuple[str, ...]]:
    """Return the published rows of a suite, what stands above them, and their notes."""
    rows, said, places = [], [], []
    for line in published.select(suite.published, f"suite {suite.name}"):
        cells = {
            column.name: Cell("reference", f"{value:.{column.decimals}f}", value)
            if (value := line.values.get(column.name)) is not None
            else Cell()
            for column in columns
        }
        if all(cell.value is None for cell in cells.values()):
            continue
        rows.append(Row("reference", line.title, "", cells, source=line.where))
        places.append(line.where.split(",")[0])
        if line.note:
            said.append(f"{line.title}: {line.note}")
    heading = f"Published ({', '.join(dict.fromkeys(places))})" if rows else ""
    return tuple(rows), heading, tuple(said)
