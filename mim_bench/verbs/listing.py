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

    from mim_bench.backbones.catalogue import Entry

TASKS = {
    "classification": (
        "mim_bench.tasks.classification.ClassificationTask",
        "classes of pictures, one or several: a linear layer, Mixup and CutMix",
    ),
    "depth": ("mim_bench.tasks.depth.DepthTask", "monocular depth: SiLog, deconvolution head"),
    "pose": ("mim_bench.tasks.pose.PoseTask", "top-down pose: heat-maps, deconvolution head, OKS"),
    "tracking": ("mim_bench.tasks.tracking.TrackingTask", "object tracking: SwinTrack"),
}
"""Task families: name -> (class path, what it is)."""

_LONG = 10_000
_PRETRAINED_COLUMNS = ("name", "architecture", "pretraining", "file", "licence")


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
        _list_backbones(all_names, as_json)
        return
    if as_json:
        print_json(rows)
        return
    print_rows(rows, tuple(rows[0]) if rows else ())


def _list_backbones(all_names: bool, as_json: bool) -> None:
    """Print our own backbones, then the pretrained ones, then timm's names if asked for."""
    names = _timm_names() if all_names or as_json else []
    if as_json:
        rows = [
            {**_backbone(entry), "default row": name in DEFAULT_BACKBONES}
            for name, entry in catalogue().items()
        ]
        print_json(rows + [{"name": name, "architecture": name} for name in names])
        return
    own, pretrained = [], []
    for entry in catalogue().values():
        if entry.file:
            pretrained.append({key: getattr(entry, key) for key in _PRETRAINED_COLUMNS})
            continue
        default = "default row" if entry.name in DEFAULT_BACKBONES else ""
        own.append(
            {
                "name": entry.name,
                "architecture": entry.architecture,
                "parameters": f"{entry.params:,}",
                "note": "; ".join(part for part in (default, entry.note) if part),
            }
        )
    print("Our own, made for a CPU:")
    print_rows(own, tuple(own[0]))
    print("With pretrained weights (NAME=FILE, or NAME=pretrained once the file is in its place):")
    left_out = print_rows(pretrained, _PRETRAINED_COLUMNS, spare=("architecture", "file"))
    for name in names:
        print(name)
    if left_out:
        print(f"A wider terminal shows more: {' and '.join(left_out)}.")
    print("`mim-bench show NAME` says where a file is had and where it belongs.")
    if not all_names:
        print("Any timm model that yields features works by its name; --all lists them.")


def _backbone(entry: Entry) -> dict[str, Any]:
    """Return all that is known of an entry of the catalogue, without what is empty."""
    known: dict[str, Any] = {**vars(entry), "arguments": dict(entry.arguments)}
    known = {key: value for key, value in known.items() if value}
    if entry.file:
        known["direct"] = entry.direct
        known["weights"] = str(entry.weights_file)
        known["to get it"] = entry.how_to_get
        if windows := _windows(entry):
            known["windows per task"] = windows
    return known


def _windows(entry: Entry) -> dict[str, str]:
    """Return by recipe the windows that its attention gets there, such as 30, 30, 30, 15."""
    windows = {}
    for recipe in map(load_recipe, recipe_files()):
        arguments = recipe.content["task"].get("init_args", {})
        window, size = arguments.get("window"), arguments.get("image_size")
        if window and size and (stages := entry.windows_at(window, size)):
            said = ", ".join(
                f"{high}" if high == wide else f"{high}x{wide}" for high, wide in stages
            )
            windows[recipe.name] = f"{said} at {size[0]}x{size[1]}"
    return windows


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
        found["backbone"] = _backbone(entry)
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

    class Dumper(yaml.SafeDumper):
        """Writes a list of plain values in one line."""

        def represent_sequence(self, tag: str, sequence: Any, flow_style: Any = None) -> Any:
            plain_values = not any(isinstance(value, (dict, list)) for value in sequence)
            return super().represent_sequence(tag, sequence, flow_style or plain_values)

    content = json.loads(json.dumps(found, default=plain))
    # nothing is wrapped, so that a command can be copied
    print(
        yaml.dump(content, Dumper=Dumper, sort_keys=False, width=_LONG, allow_unicode=True), end=""
    )
