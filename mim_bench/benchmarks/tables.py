"""The tables of a command: its plan as the reports know runs, and what the store has of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mim_bench import reports
from mim_bench.benchmarks.searching import failed_searches
from mim_bench.benchmarks.suite import ColumnRef, Suite

if TYPE_CHECKING:
    from mim_bench.benchmarks.nodes import Node
    from mim_bench.benchmarks.plan import Plan
    from mim_bench.benchmarks.runner import Selection
    from mim_bench.benchmarks.store import Store


def build_tables(selection: Selection, plan: Plan, store: Store) -> list[reports.Table]:
    """Build the tables of a selection, with exactly the rows of a plan."""
    from mim_bench.benchmarks.published import load_published

    expected = [expected_run(node) for node in plan.nodes]
    expected += awaited_runs(plan)
    records = reports.collect(store.root, {node.id for node in plan.nodes})
    tables = []
    for suite in selection.suites:
        tables += reports.build_tables(
            records,
            suite,
            published=load_published(),
            reasons=plan.reasons,
            columns=_columns(selection, suite),
            expected_rows=expected,
        )
    tables += reports.other_columns_tables(
        records, selection.suites, columns=_own_columns(plan), expected_rows=expected
    )
    return tables


def _own_columns(plan: Plan) -> list[ColumnRef]:
    """Return what recipes say of their columns, for those that no suite describes."""
    tests = {
        (node.recipe, score.test.column): score.test for node in plan.nodes for score in node.scores
    }
    return [
        ColumnRef(
            name=column,
            heading=test.heading or column,
            recipe=recipe,
            metric=test.metric,
            label=test.metric,
            unit=test.unit,
            direction=test.direction,
        )
        for (recipe, column), test in tests.items()
    ]


def _columns(selection: Selection, suite: Suite) -> list[str] | None:
    """Return the columns of a suite that were named; None when none was."""
    names = [column.name for column in suite.columns if column.name in selection.columns]
    return names or None


def expected_run(node: Node) -> reports.RunRecord:
    """Return a node as the reports know runs."""
    job = node.job()
    return reports.RunRecord(
        id=node.id,
        title=job["backbone"]["title"],
        recipe=node.recipe,
        columns=tuple(job["columns"]),
        preset=job["preset"],
        data=job["data"],
        overrides=job["overrides"],
        mode=node.mode,
        seed=node.seed,
        backbone=job["backbone"],
        identity=job["identity"],
        wanted={score.test.column: score.id for score in node.scores},
    )


def awaited_runs(plan: Plan) -> list[reports.RunRecord]:
    """Return the runs that wait for a search as the reports know runs: how far the search is."""
    failed = failed_searches(plan)
    trials = {study.id: study.trials(plan.trials) for study in plan.studies}
    found = []
    for one in plan.awaiting:
        known, problems = trials[one.study.id], failed.get(one.study.id)
        share = sum(trial.ended for trial in known) / plan.trials
        found += [
            replace(
                expected_run(node),
                id=f"after-{one.study.id}-{node.id}",
                wanted={},
                state="failed" if problems else "running" if known else "planned",
                cause=problems[0].what if problems else "",
                progress=reports.Progress("search", share, 0.0),
            )
            for node in one.examples
        ]
    return found
