"""Tables from records: which runs share a table, a row, a cell; best marks and notes."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import TYPE_CHECKING

from mim_bench.errors import UserError
from mim_bench.reports import cards, guards, notes
from mim_bench.reports.cells import covers
from mim_bench.reports.rows import fill, make_drafts, mark_best, measured_row, reference_rows
from mim_bench.reports.table import Column, Row, Table

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from mim_bench.benchmarks.published import Published
    from mim_bench.benchmarks.suite import ColumnRef, Suite
    from mim_bench.reports.records import RunRecord
    from mim_bench.reports.rows import Draft


def build_tables(
    records: Sequence[RunRecord],
    suite: Suite,
    *,
    published: Published | None = None,
    reasons: Mapping[str, str] | None = None,
    expected_rows: Sequence[RunRecord] | None = None,
    columns: Collection[str] | None = None,
    mixed_cards: bool = False,
) -> list[Table]:
    """Build the tables of a suite, one for each setting (preset, data, changed settings).

    Args:
        records: The store's runs.
        suite: The columns.
        published: Whose numbers stand below the measured rows; None for no reference rows.
        reasons: For columns that can't be filled (recipe not built, data missing): why.
        expected_rows: The runs of a plan, in its order. The tables then show these and no others;
            title, setting, mode and seed are the plan's, states and scores the store's.
        columns: Show these columns of the suite only.
        mixed_cards: Show scores of different protocols in one column, with a note and without
            a best mark, instead of refusing.

    Returns:
        The tables; none when no run belongs to the suite.

    Raises:
        UserError: A column would mix protocol cards (all such columns and the fields that differ
            are named), an unknown column or published row.
    """
    shown = [suite.column(name) for name in columns] if columns is not None else suite.columns
    shown = [column for column in suite.columns if column in shown]
    runs = list(records) if expected_rows is None else merge_plan(records, expected_rows)
    needed = {(column.recipe, column.name) for column in _needed(suite, shown)}
    runs = [run for run in runs if any(covers(run, *place) for place in needed)]
    return [
        _table(
            group, suite, shown, published, reasons or {}, expected_rows is not None, mixed_cards
        )
        for group in by_setting(runs)
    ]


def reference_table(suite: Suite, published: Published) -> Table:
    """Build a suite's table with the published rows alone."""
    columns = tuple(_column(column) for column in suite.columns)
    rows, heading, said = reference_rows(suite, columns, published)
    return Table(suite.name, suite.title, columns, rows, said, reference_heading=heading)


def merge_plan(records: Sequence[RunRecord], expected: Sequence[RunRecord]) -> list[RunRecord]:
    """Return the plan's runs, each with what the store knows of it by now."""
    stored = {record.id: record for record in records}
    kept = ["state", "scores", "features", "progress", "cause", "log", "started", "folder"]
    kept += ["identity"]
    return [
        replace(plan, **{name: getattr(stored[plan.id], name) for name in kept})
        if plan.id in stored
        else plan
        for plan in expected
    ]


def by_setting(runs: Sequence[RunRecord]) -> list[list[RunRecord]]:
    """Divide runs by what a table's title states: preset, data, changed settings."""
    groups: dict[tuple[bool, int, str], list[RunRecord]] = {}
    for run in runs:
        overrides = json.dumps(run.overrides, sort_keys=True, default=str)
        # the paper's protocol first, then what departs from it
        key = (
            run.preset == "miniature",
            len(run.overrides),
            f"{run.preset} {run.data} {overrides}",
        )
        groups.setdefault(key, []).append(run)
    return [groups[key] for key in sorted(groups)]


def _needed(suite: Suite, shown: Sequence[ColumnRef]) -> list[ColumnRef]:
    names = {part for column in shown for part in (column.name, *column.mean_of)}
    return [column for column in suite.columns if column.name in names and column.recipe]


def _table(
    runs: Sequence[RunRecord],
    suite: Suite,
    shown: Sequence[ColumnRef],
    published: Published | None,
    reasons: Mapping[str, str],
    planned: bool,
    mixed_cards: bool,
) -> Table:
    first = runs[0]
    changed = ", ".join(f"{key}={value}" for key, value in sorted(first.overrides.items()))
    title = " · ".join(
        part
        for part in (
            suite.title,
            f"{first.preset} preset",
            first.data,
            changed and f"with {changed}",
        )
        if part
    )
    columns = tuple(_column(column) for column in shown)
    drafts = make_drafts(runs, planned)
    needed = _needed(suite, shown)
    for draft in drafts:
        fill(draft, [*needed, *(column for column in shown if column.mean_of)], planned)
    mixed = _compare_cards(drafts, [_column(c) for c in needed], title, mixed_cards)
    guards.mark_identical(drafts, columns)
    mark_best(drafts, columns, mixed)
    rows: tuple[Row, ...] = ()
    heading, said = "", tuple[str, ...]()
    if published is not None:
        rows, heading, said = reference_rows(suite, columns, published)
    return Table(
        name=suite.name,
        title=title,
        columns=columns,
        rows=(*(measured_row(draft, columns) for draft in drafts), *rows),
        notes=(*notes.of_table(drafts, columns, reasons, mixed, first.preset), *said),
        preset=first.preset,
        data=first.data,
        overrides=first.overrides,
        reference_heading=heading,
    )


def _column(ref: ColumnRef) -> Column:
    return Column(**{f.name: getattr(ref, f.name) for f in fields(Column)})


def _compare_cards(
    drafts: Sequence[Draft], columns: Sequence[Column], where: str, allowed: bool
) -> dict[str, str]:
    problems, mixed = [], dict[str, str]()
    for column in columns:
        scores = [
            (draft.title, cell.score)
            for draft in drafts
            for cell in draft.seeds[column.name]
            if cell.score is not None and cell.state in ("done", "pending")
        ]
        strange, found = cards.foreign(column, scores), cards.differences(scores)
        if strange:
            problems.append(cards.alien(column, strange, where))
            mixed[column.name] = strange
        elif found:
            problems.append(cards.mixed(column, found, where))
            mixed[column.name] = cards.describe(found)
    if problems and not allowed:
        raise UserError(problems)
    return mixed
