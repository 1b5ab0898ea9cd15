"""What `plan`, `report`, `status` and `explain` print of the store and the plan. (No torch.)."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mim_bench import reports
from mim_bench.benchmarks import claims
from mim_bench.benchmarks.published import load_published
from mim_bench.benchmarks.recipe import recipe_files
from mim_bench.benchmarks.searching import trials_of
from mim_bench.benchmarks.store import RunFolder, Store
from mim_bench.benchmarks.suite import TABLE_SUITES, Suite, load_suite, suite_names
from mim_bench.errors import Problem, UserError
from mim_bench.files import read_json, write_atomic
from mim_bench.reports import guards, trivial
from mim_bench.reports.signs import plain
from mim_bench.reports.table import COLLAPSED, NOT_ABOVE
from mim_bench.verbs.printing import print_json, print_mapping, print_rows, text_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from mim_bench.benchmarks.plan import Node, Plan


def show_plan(plan: Plan, store: Store, as_json: bool) -> None:
    """Print a plan's runs and which of their columns the store holds."""
    rows: list[dict[str, Any]] = []
    for node in [*trials_of(plan), *plan.nodes]:
        missing = {score.test.column for score in node.missing(store)}
        state = node.folder(store).read().get("state", "planned")
        rows.append(_planned(node, node.id, missing, state if missing else "cached"))
    rows += [
        _planned(node, "after search", {score.test.column for score in node.scores}, "planned")
        for one in plan.awaiting
        for node in one.examples
    ]
    searches = [
        {
            "id": study.id,
            "recipe": study.recipe,
            "backbone": study.title,
            "trials": plan.trials,
            "ended": sum(trial.ended for trial in study.trials(plan.trials)),
        }
        for study in plan.studies
    ]
    if as_json:
        print_json({"runs": rows, "searches": searches, "left_out": dict(plan.reasons)})
        return
    kinds = ("kind",) if plan.trials else ()
    shown = ("id", *kinds, "recipe", "backbone", "seed", "preset", "data", "columns", "state")
    print_rows(rows, shown)
    for one in searches:
        print(
            f"search {one['id']}: {one['recipe']}, {one['backbone']}: {one['ended']} of "
            f"{one['trials']} trials have ended"
        )
    for column, reason in plan.reasons.items():
        print(f"{column}: {reason}")


def _planned(node: Node, name: str, missing: Collection[str], state: str) -> dict[str, Any]:
    """Return the row of a plan's run."""
    columns = [score.test.column for score in node.scores]
    return {
        "id": name,
        "kind": node.kind,
        "recipe": node.recipe,
        "backbone": node.backbone.title,
        "seed": node.seed,
        "preset": node.source.preset,
        "data": node.source.title,
        "columns": columns,
        "to do": [column for column in columns if column in missing],
        "state": state,
        "needs": list(node.needs),
    }


def show_report(store: str, suite: str | None, form: str, mixed: bool, out: Path | None) -> None:
    """Print or write the tables of a store."""
    if not Path(store).is_dir():
        raise UserError("there is no store", where=store, action="`mim-bench run` makes one")
    records = reports.collect(store)
    names = suite_names() if suite is None else list(TABLE_SUITES) if suite == "all" else [suite]
    suites = [load_suite(name) for name in names]
    published = load_published()
    tables: list[reports.Table] = []
    refused: list[Problem] = []
    for one in suites:
        try:
            tables += reports.build_tables(
                records, one, published=published, reasons=_unbuilt(one), mixed_cards=mixed
            )
        except UserError as error:  # the other suites' tables are shown all the same
            refused += error.problems
    if suite is None:
        tables += reports.other_columns_tables(records, suites, mixed_cards=mixed)
    if not tables and not refused:
        raise UserError(
            "the store holds no run" + (f" of the suite {suite!r}" if suite else ""),
            where=store,
            action="`mim-bench status` lists what it holds",
        )
    if form == "terminal" and out is None:
        reports.render(tables, "terminal", reports.open_console(sys.stdout))
    else:
        text = (reports.render(tables, form) or "").rstrip("\n") + "\n"
        if out is None:
            print(text, end="")
        else:
            write_atomic(out, text)
            print(out)
    if refused:
        raise UserError(refused)


def _unbuilt(suite: Suite) -> dict[str, str]:
    known = recipe_files()
    return {
        column.name: "not built yet in this release"
        for column in suite.columns
        if column.recipe and column.recipe not in known
    }


def show_status(store: str, as_json: bool) -> None:
    """Print the runs of a store."""
    rows = []
    for folder in Store(store).runs():
        run = folder.read()
        state = run.get("state", "?")
        claim = claims.holder(folder.path)
        if state == "running" and not (claim and claims.is_alive(claim)):
            state = "interrupted"  # its process is gone
        scores = _scores(folder)
        verdicts = {score["column"]: trivial.verdict(score) for score in scores}
        rows.append(
            {
                "id": folder.id,
                "recipe": run.get("recipe"),
                "backbone": run.get("backbone", {}).get("title"),
                "mode": run.get("mode"),
                "seed": run.get("seed"),
                "preset": run.get("preset"),
                "kind": run.get("kind", "train"),
                "settings": {**(run.get("overrides") or {}), **(run.get("values") or {})},
                "state": state,
                "progress": _progress(folder, state),
                "scores": {score["column"]: score.get("value") for score in scores},
                "not_above_trivial": {
                    column: words for column, (above, words) in verdicts.items() if above is False
                },
                "cause": (run.get("error") or {}).get("cause"),
                "folder": str(folder.path),
            }
        )
    if as_json:
        print_json(rows)
        return
    if not rows:
        print(f"{store}: no runs")
        return
    kinds = ["kind"] if any(row["kind"] != "train" for row in rows) else []
    shown = ["id", *kinds, "recipe", "backbone", "mode", "seed", "preset", "settings", "state"]
    print_rows(map(_marked, rows), [*shown, "progress", "scores"])
    for words in dict.fromkeys(
        f"{column}: {words}" for row in rows for column, words in row["not_above_trivial"].items()
    ):
        print(f"{_mark()} {words}")
    for row in rows:
        if row["cause"]:
            print(f"{row['id']} failed: {row['cause']} (log: {row['folder']}/log.txt)")


def _marked(row: dict[str, Any]) -> dict[str, Any]:
    scores = {
        column: text_of(value) + _mark(column in row["not_above_trivial"])
        for column, value in row["scores"].items()
    }
    return {**row, "scores": scores}


def _mark(shown: bool = True) -> str:
    return plain(NOT_ABOVE, sys.stdout.encoding) if shown else ""


def _progress(folder: RunFolder, state: str) -> str:
    if state not in ("running", "interrupted"):
        return ""
    try:
        progress = read_json(folder.path / "progress.json")
    except FileNotFoundError:
        return ""
    return f"{progress['phase']} {progress['step']}/{progress['total']}"


def _scores(folder: RunFolder) -> list[dict[str, Any]]:
    return [read_json(path) for path in sorted((folder.path / "scores").glob("*.json"))]


def show_run(store: str, run: str, other: str | None, as_json: bool) -> None:
    """Print what a run is, or how two runs differ."""
    folder = Store(store).find(run)
    content = folder.read()
    if other is not None:
        second = Store(store).find(other)
        changes = _differences(content.get("identity", {}), second.read().get("identity", {}))
        if as_json:
            print_json({key: list(pair) for key, pair in changes.items()})
        elif not changes:
            print("the two runs are one")
        else:
            rows = [{"field": key, folder.id: a, second.id: b} for key, (a, b) in changes.items()]
            print_rows(rows, ("field", folder.id, second.id))
        return
    scores = _scores(folder)
    if as_json:
        print_json({"folder": str(folder.path), "run": content, "scores": scores})
        return
    backbone = content.get("backbone", {})
    timings = content.get("timings") or {}
    facts = {
        "run": f"{folder.id}  ({folder.path})",
        "state": content.get("state"),
        "cause": (content.get("error") or {}).get("cause"),
        "recipe": f"{content.get('recipe')}  ({content.get('source')})",
        "backbone": backbone.get("title"),
        "weights": backbone.get("weights_sha256") or "random",
        "mode": content.get("mode"),
        "preset": content.get("preset"),
        "data": content.get("data"),
        "overrides": content.get("overrides") or None,
        "found by a search": content.get("values") or None,
        "seed": content.get("seed"),
        "started": _when(timings.get("started")),
        "training": f"{timings['fit_s']:.1f} s" if "fit_s" in timings else None,
        "testing": f"{timings['test_s']:.1f} s" if "test_s" in timings else None,
        "images per second": content.get("images_per_second"),
        "waiting for data": content.get("data_wait"),
        "peak memory": f"{content['peak_memory_mb']} MB" if "peak_memory_mb" in content else None,
        "features": _features(content),
        "git": content.get("git"),
        "log": folder.log,
    }
    for key, value in facts.items():
        if value is not None:
            print(
                f"{key + ':':20}{value:.3f}"
                if isinstance(value, float)
                else f"{key + ':':20}{value}"
            )
    print("\nWhat makes its identity (anything else can change without a new run):")
    print_mapping(content.get("identity", {}), 2)
    for score in scores:
        above, words = trivial.verdict(score)
        mark = _mark(above is False)
        print(f"\nScore {score['column']}: {score.get('value')}{mark} ({score['state']})")
        if words:
            print(f"  {mark}{' ' * bool(mark)}{words}")
        for note in score.get("notes", ()):
            print(f"  note: {note}")
        print_mapping(score.get("card", {}), 2)


def _features(content: dict[str, Any]) -> str | None:
    words = guards.words(content.get("features"))
    if not words or not guards.has_collapsed(content):
        return words or None
    return plain(f"{COLLAPSED} collapsed: {words}", sys.stdout.encoding)


def _when(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def _differences(first: Any, second: Any, path: str = "") -> dict[str, tuple[Any, Any]]:
    if isinstance(first, dict) and isinstance(second, dict):
        found: dict[str, tuple[Any, Any]] = {}
        for key in dict.fromkeys([*first, *second]):
            place = f"{path}.{key}" if path else str(key)
            found |= _differences(first.get(key), second.get(key), place)
        return found
    return {} if first == second else {path: (first, second)}
