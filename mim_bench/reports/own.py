"""Tables of the columns that no suite knows: those of people's own recipes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mim_bench.benchmarks.suite import ColumnRef, Suite
from mim_bench.reports.build import build_tables, by_setting, merge_plan
from mim_bench.reports.trivial import decimals_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mim_bench.reports.records import RunRecord
    from mim_bench.reports.table import Table


def other_columns_tables(
    records: Sequence[RunRecord],
    suites: Iterable[Suite],
    *,
    columns: Sequence[ColumnRef] = (),
    reasons: Mapping[str, str] | None = None,
    expected_rows: Sequence[RunRecord] | None = None,
    mixed_cards: bool = False,
) -> list[Table]:
    """Build the tables of columns that none of the suites knows: those of people's own recipes.

    Args:
        records: The store's runs.
        suites: The suites whose columns are left out.
        columns: What is known of such columns before they have a score (heading, metric,
            direction, decimals); others say it by their scores.
        reasons: See `build_tables`.
        expected_rows: See `build_tables`.
        mixed_cards: See `build_tables`.
    """
    runs = list(records) if expected_rows is None else merge_plan(records, expected_rows)
    known = {(column.recipe, column.name) for suite in suites for column in suite.columns}
    told = {(column.recipe, column.name): column for column in columns}
    tables = []
    for group in by_setting(runs):
        found: dict[tuple[str, str], ColumnRef] = {}
        for run in group:
            for name in (*run.columns, *(score.column for score in run.scores)):
                place = (run.recipe, name)
                if place not in known and (place not in found or not found[place].metric):
                    found[place] = told.get(place) or _own_column(run, name)
        names = [name for _, name in found]
        refs = tuple(
            replace(ref, heading=f"{ref.heading} of {ref.recipe}")
            if names.count(ref.name) > 1
            else ref
            for ref in sorted(found.values(), key=lambda ref: (ref.recipe, ref.name))
        )
        for part in _unambiguous(refs):
            suite = Suite("other", "Columns of other recipes", part)
            tables += build_tables(
                group,
                suite,
                reasons=reasons,
                expected_rows=None if expected_rows is None else group,
                mixed_cards=mixed_cards,
            )
    return tables


def _unambiguous(refs: tuple[ColumnRef, ...]) -> list[tuple[ColumnRef, ...]]:
    # a table knows its columns by name: the same name of another recipe goes into the next table
    parts: list[dict[str, ColumnRef]] = []
    for ref in refs:
        part = next((part for part in parts if ref.name not in part), None)
        if part is None:
            part = {}
            parts.append(part)
        part[ref.name] = ref
    return [tuple(part.values()) for part in parts]


def _own_column(run: RunRecord, name: str) -> ColumnRef:
    score = next((s for s in run.scores if s.column == name and s.metric), None)
    if score is None:
        return ColumnRef(name, name, run.recipe, "", direction="", group=run.recipe)
    unit, decimals = score.unit, decimals_of(score.unit)
    label = f"{score.metric} ({unit})" if unit else score.metric
    return ColumnRef(
        name,
        score.heading or name,
        run.recipe,
        score.metric,
        label,
        unit,
        decimals,
        score.direction,
        run.recipe,
    )
