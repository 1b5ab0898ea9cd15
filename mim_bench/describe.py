"""What `list`, `show`, `status`, `explain`, `plan`, `report` and `data check` print. (No torch.)"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mim_bench import reports
from mim_bench.backbones.catalogue import DEFAULT_BACKBONES, catalogue
from mim_bench.benchmarks import claims
from mim_bench.benchmarks.published import load_published
from mim_bench.benchmarks.recipe import load_recipe, recipe_files
from mim_bench.benchmarks.store import RunFolder, Store
from mim_bench.benchmarks.suite import TABLE_SUITES, load_suite, suite_names
from mim_bench.datamodules.readers import READERS, get_reader_class
from mim_bench.errors import Problem, UserError, nearest, unknown
from mim_bench.files import read_json, write_atomic

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mim_bench.benchmarks.plan import Plan

TASKS = {"depth": ("mim_bench.tasks.depth.DepthTask", "monocular depth: SiLog, deconvolution head")}
"""Task families: name -> (class path, what it is)."""


def show_plan(plan: Plan, store: Store, as_json: bool) -> None:
    """Print a plan's runs and which of their columns the store holds."""
    rows = []
    for node in plan.nodes:
        missing = {score.test.column for score in node.missing(store)}
        columns = [score.test.column for score in node.scores]
        state = node.folder(store).read().get("state", "planned")
        rows.append(
            {
                "id": node.id,
                "kind": node.kind,
                "recipe": node.recipe,
                "backbone": node.backbone.title,
                "seed": node.seed,
                "preset": node.source.preset,
                "data": node.source.title,
                "columns": columns,
                "to do": [column for column in columns if column in missing],
                "state": state if missing else "cached",
            }
        )
    if as_json:
        _json({"runs": rows, "left_out": dict(plan.reasons)})
        return
    _table(rows, ("id", "recipe", "backbone", "seed", "preset", "data", "columns", "state"))
    for column, reason in plan.reasons.items():
        print(f"{column}: {reason}")


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


def _unbuilt(suite: Any) -> dict[str, str]:
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
        rows.append(
            {
                "id": folder.id,
                "recipe": run.get("recipe"),
                "backbone": run.get("backbone", {}).get("title"),
                "seed": run.get("seed"),
                "preset": run.get("preset"),
                "state": state,
                "progress": _progress(folder, state),
                "scores": {score["column"]: score.get("value") for score in _scores(folder)},
                "cause": (run.get("error") or {}).get("cause"),
                "folder": str(folder.path),
            }
        )
    if as_json:
        _json(rows)
        return
    if not rows:
        print(f"{store}: no runs")
        return
    shown = ("id", "recipe", "backbone", "seed", "preset", "state", "progress", "scores")
    _table(rows, shown)
    for row in rows:
        if row["cause"]:
            print(f"{row['id']} failed: {row['cause']} (log: {row['folder']}/log.txt)")


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
            _json({key: list(pair) for key, pair in changes.items()})
        elif not changes:
            print("the two runs are one")
        else:
            rows = [{"field": key, folder.id: a, second.id: b} for key, (a, b) in changes.items()]
            _table(rows, ("field", folder.id, second.id))
        return
    scores = _scores(folder)
    if as_json:
        _json({"folder": str(folder.path), "run": content, "scores": scores})
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
        "seed": content.get("seed"),
        "started": _when(timings.get("started")),
        "training": f"{timings['fit_s']:.1f} s" if "fit_s" in timings else None,
        "testing": f"{timings['test_s']:.1f} s" if "test_s" in timings else None,
        "images per second": content.get("images_per_second"),
        "waiting for data": content.get("data_wait"),
        "peak memory": f"{content['peak_memory_mb']} MB" if "peak_memory_mb" in content else None,
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
    _print_mapping(content.get("identity", {}), 2)
    for score in scores:
        print(f"\nScore {score['column']}: {score.get('value')} ({score['state']})")
        _print_mapping(score.get("card", {}), 2)


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


def _print_mapping(content: dict[str, Any], indent: int) -> None:
    for key, value in content.items():
        if isinstance(value, dict) and value:
            print(f"{' ' * indent}{key}:")
            _print_mapping(value, indent + 2)
        else:
            print(f"{' ' * indent}{key}: {value}")


def show_list(what: str, all_names: bool, as_json: bool) -> None:
    """Print the suites, recipes, datasets, tasks or backbones that there are."""
    rows: list[dict[str, Any]] = []
    if what == "suites":
        for suite in map(load_suite, suite_names()):
            columns = [column.name for column in suite.columns]
            rows.append({"name": suite.name, "title": suite.title, "columns": columns})
    elif what == "recipes":
        for recipe in map(load_recipe, recipe_files()):
            rows.append({"name": recipe.name, "title": recipe.title, "columns": recipe.columns})
    elif what == "datasets":
        for name in READERS:
            info = get_reader_class(name).info
            rows.append(
                {"name": name, "title": info.title, "task": info.task, "licence": info.licence}
            )
    elif what == "tasks":
        rows = [{"name": name, "class": path, "what": text} for name, (path, text) in TASKS.items()]
    else:
        for name, entry in catalogue().items():
            default = "default row" if name in DEFAULT_BACKBONES else ""
            rows.append(
                {
                    "name": name,
                    "title": entry.title,
                    "architecture": entry.architecture,
                    "parameters": entry.params,
                    "note": "; ".join(part for part in (default, entry.note) if part),
                }
            )
    names = _timm_names() if what == "backbones" and (all_names or as_json) else []
    if as_json:
        _json(rows + [{"name": name, "architecture": name} for name in names])
        return
    _table(rows, tuple(rows[0]) if rows else ())
    for name in names:
        print(name)
    if what == "backbones" and not all_names:
        print("Any timm model that yields features works by its name; --all lists them.")


def _timm_names() -> Sequence[str]:
    from mim_bench.backbones.names import timm_names

    return sorted(timm_names())


def show_name(name: str, as_json: bool) -> None:
    """Print one thing by its name: recipe and dataset may share one, and are then both shown."""
    found: dict[str, Any] = {}
    if name in suite_names():
        suite = load_suite(name)
        found["suite"] = {
            "title": suite.title,
            "columns": {
                column.name: f"{column.heading}: {column.label}, recipe {column.recipe}"
                if column.recipe
                else f"{column.heading}: mean of {', '.join(column.mean_of)}"
                for column in suite.columns
            },
        }
    recipes = {recipe.name: recipe for recipe in map(load_recipe, recipe_files())}
    by_column = {column: recipe for recipe in recipes.values() for column in recipe.columns}
    recipe = recipes.get(name) or by_column.get(name)
    if recipe is not None:
        found["recipe"] = {"file": str(recipe.source), **recipe.content}
    if name in READERS:
        info = get_reader_class(name).info
        found["dataset"] = {
            key: value for key, value in vars(info).items() if value not in (None, (), {}, "")
        }
    if name in TASKS:
        path, text = TASKS[name]
        found["task"] = {"class": path, "what": text}
    if entry := catalogue().get(name):
        found["backbone"] = {**vars(entry), "arguments": dict(entry.arguments)}
    elif name.partition(".")[0] in _timm_names():
        found["backbone"] = {"architecture": name, "from": "timm"}
    if not found:
        known = [*suite_names(), *recipes, *by_column, *READERS, *TASKS, *catalogue()]
        problem = unknown("name", name, known)
        raise UserError(
            [problem]
            if problem.action
            else [unknown("name", name, _timm_names())]
            if nearest(name, _timm_names())
            else [problem]
        )
    if as_json:
        _json(found)
        return
    import yaml

    print(
        yaml.safe_dump(
            json.loads(json.dumps(found, default=_plain)),
            sort_keys=False,
            width=100,
            allow_unicode=True,
        ).rstrip()
    )


def check_data(root: Path, names: Sequence[str], as_json: bool) -> int:
    """Print what a data root holds and lacks.

    Returns:
        The exit status: 1 when a dataset that was named, or that has a folder, lacks something.
    """
    if not root.is_dir():
        raise UserError("there is no such folder", where=str(root))
    problems = [unknown("dataset", name, READERS) for name in names if name not in READERS]
    if problems:
        raise UserError(problems)
    report: list[dict[str, Any]] = []
    lacking = False
    for name in names or READERS:
        reader = get_reader_class(name)(root)
        found = reader.check()
        absent = not reader.folder.is_dir()
        lacking = lacking or (bool(found) and (bool(names) or not absent))
        counts = {} if found else {split: reader.count(split) for split in reader.info.splits}
        state = "not there" if absent else "incomplete" if found else "complete"
        report.append({"dataset": name, "state": state, "counts": counts})
        report[-1]["problems"] = [vars(problem) for problem in found]
        if not as_json:
            listed = ", ".join(f"{split} {count}" for split, count in counts.items())
            print(f"{name}: {state} {listed}".rstrip())
            for problem in found:
                print("  " + str(problem).replace("\n", "\n  "))
    if as_json:
        _json(report)
    return int(lacking)


def _table(rows: Iterable[dict[str, Any]], columns: Sequence[str]) -> None:
    """Print rows as a plain table, nothing cut."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(_text(row[column]) for column in columns))
    reports.open_console(sys.stdout).print(table, markup=False)


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(inner)}" for key, inner in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)


def _plain(value: Any) -> Any:
    return dict(value) if hasattr(value, "items") else str(value)


def _json(content: Any) -> None:
    print(json.dumps(content, indent=1, default=_plain))
