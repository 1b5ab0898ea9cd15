"""What `list` and `show` print: suites, recipes, datasets, tasks, backbones. (No torch.)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mim_bench.backbones.catalogue import DEFAULT_BACKBONES, catalogue
from mim_bench.benchmarks.recipe import load_recipe, recipe_files
from mim_bench.benchmarks.suite import load_suite, suite_names
from mim_bench.datamodules.readers import READERS, get_reader_class
from mim_bench.errors import UserError, nearest, unknown
from mim_bench.verbs.printing import plain, print_json, print_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

TASKS = {"depth": ("mim_bench.tasks.depth.DepthTask", "monocular depth: SiLog, deconvolution head")}
"""Task families: name -> (class path, what it is)."""


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
                    "pretraining": entry.pretraining,
                    "file": entry.file,
                    "licence": entry.licence,
                    "note": "; ".join(part for part in (default, entry.note) if part),
                }
            )
    names = _timm_names() if what == "backbones" and (all_names or as_json) else []
    if as_json:
        print_json(rows + [{"name": name, "architecture": name} for name in names])
        return
    wide = ("title", "note") if what == "backbones" else ()  # `show NAME` and --json tell them
    print_rows(rows, tuple(key for key in rows[0] if key not in wide) if rows else ())
    for name in names:
        print(name)
    if what == "backbones" and not all_names:
        print(
            "The first three are the default rows; `mim-bench show NAME` says where a file is had."
        )
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
        found["backbone"] = {
            key: value
            for key, value in {**vars(entry), "arguments": dict(entry.arguments)}.items()
            if value not in ("", (), {})
        }
        if entry.file:
            found["backbone"]["to get it"] = entry.how_to_get
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
        print_json(found)
        return
    import yaml

    print(
        yaml.safe_dump(
            json.loads(json.dumps(found, default=plain)),
            sort_keys=False,
            width=100,
            allow_unicode=True,
        ).rstrip()
    )
