"""Reading and changing a recipe's settings by dotted keys (`task.lr`, `trainer.max_steps`)."""

from __future__ import annotations

import re
from typing import Any

from mim_bench.errors import Problem, UserError, unknown
from mim_bench.yamlfiles import parse_yaml

TRAINER_SCORED = {
    "precision": "32-true",
    "max_epochs": None,
    "max_steps": None,
    "gradient_clip_val": None,
    "gradient_clip_algorithm": "norm",
    "accumulate_grad_batches": 1,
    "batch_norm": "device",
}
"""Trainer settings that can change the weights, with their defaults: the identity's allow-list."""

PRECISIONS = ("32-true", "16-mixed", "bf16-mixed", "64-true")
"""Lightning's true half precisions would round ground truth before it is scored."""

TRAINER_OTHER = {
    "accelerator": "auto",
    "devices": 1,
    "num_nodes": 1,
    "strategy": "auto",
    "compile": False,
    "benchmark": None,
    "log_every_n_steps": 50,
    "val_check_interval": None,
    "check_val_every_n_epoch": 1,
    "limit_val_batches": None,
    "checkpoint_minutes": 5.0,
    "logger": None,
}
"""Trainer settings that change speed, safety or logging but no score."""

_NESTED = ("task", "data")
# a budget in steps replaces one in epochs, and the other way round
_BUDGETS = {"max_epochs": "max_steps", "max_steps": "max_epochs"}


def kind(expected: type) -> str:
    """Name a type as people do."""
    names = {dict: "mapping", str: "text", int: "whole number", float: "number", list: "list"}
    return names.get(expected, expected.__name__)


def is_file_name(name: str) -> bool:
    """Tell whether a name is safe as a folder's name on any system."""
    return bool(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name)) and not name.endswith(".")


def check_class(part: Any, where: str) -> list[Problem]:
    """Check a `class_path` / `init_args` block."""
    if not isinstance(part, dict):
        return [Problem("is no mapping", where, "class_path and init_args")]
    known = ("class_path", "init_args")
    problems = [unknown("key", str(key), known, where) for key in part if key not in known]
    if not isinstance(part.get("class_path"), str):
        problems.append(Problem("class_path is missing or no text", where, "package.module.Class"))
    if not isinstance(part.get("init_args", {}), dict):
        problems.append(Problem("init_args is no mapping", where))
    return problems


def check_trainer(trainer: dict[str, Any], where: str) -> list[Problem]:
    """Check the trainer block: known keys, and exactly one budget."""
    known = {**TRAINER_SCORED, **TRAINER_OTHER}
    place = f"{where}, trainer"
    problems = [unknown("key", str(key), known, place) for key in trainer if key not in known]
    budgets = [key for key in ("max_epochs", "max_steps") if trainer.get(key) is not None]
    if len(budgets) != 1:
        problems.append(
            Problem(
                "no budget is set" if not budgets else "two budgets are set",
                place,
                "max_epochs or max_steps, the other null",
            )
        )
    problems += [
        Problem(f"{key} is {trainer[key]!r}", place, "a whole number above 0")
        for key in (*budgets, "accumulate_grad_batches")
        if key in trainer and not (is_number(trainer[key], int) and trainer[key] > 0)
    ]
    if str(trainer.get("precision", "32-true")) not in PRECISIONS:
        problems.append(
            Problem(f"precision is {trainer['precision']!r}", place, f"one of {PRECISIONS}")
        )
    if trainer.get("batch_norm", "device") not in ("device", "sync"):
        problems.append(
            Problem(f"batch_norm is {trainer['batch_norm']!r}", place, "device or sync")
        )
    return problems


def parse_override(text: str) -> tuple[str, Any]:
    """Parse `key=value` of `--set`; the value is YAML.

    Raises:
        UserError: There is no `=`, or the value is no YAML.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise UserError(f"--set {text!r} has no '='", expected="key=value, e.g. task.lr=1e-4")
    return key.strip(), parse_yaml(value, f"--set {key.strip()}") if value else ""


def overlay(
    content: dict[str, Any], changes: Any, where: str, known_only: bool = False
) -> list[Problem]:
    """Change `content` in place by dotted or nested keys and return what was wrong.

    `task.lr` and `data.crop` mean the `init_args` of task and data. A mapping merges, anything
    else replaces; a `class_path` that changes drops the old class's arguments.

    Args:
        content: The recipe's content.
        changes: Dotted or nested keys with their values.
        where: Where they stand, for the problems.
        known_only: Refuse keys that the recipe does not spell out, and values of another type.
    """
    if not isinstance(changes, dict):
        return [Problem("is no mapping of keys to values", where)]
    problems: list[Problem] = []
    for key, value in changes.items():
        problems += _apply(content, _path(content, str(key)), value, where, known_only)
    return problems


def value_of(content: dict[str, Any], key: str) -> Any:
    """Return the value of a dotted setting; None where the recipe doesn't spell it."""
    found: Any = content
    for step in _path(content, key):
        found = found.get(step) if isinstance(found, dict) else None
    return found


def _path(content: dict[str, Any], key: str) -> list[str]:
    """Split a dotted key; the block that follows `tests` is a column, which may hold no dot."""
    path = key.split(".")
    if len(path) > 1 and path[0] in _NESTED and path[1] not in ("class_path", "init_args"):
        path.insert(1, "init_args")
    return path


def _apply(
    content: dict[str, Any], path: list[str], value: Any, where: str, known_only: bool
) -> list[Problem]:
    if path[0] not in ("task", "data", "trainer", "tests"):
        return [unknown("key", path[0], ("task", "data", "trainer", "tests"), where)]
    if isinstance(value, dict) and not (known_only and _is_leaf(content, path)):
        if len(path) == 1 and path[0] in _NESTED:
            _change_class(content, path[0], value)
        problems = []
        for key, inner in value.items():
            deeper = [*path, str(key)]
            if len(path) == 1 and path[0] in _NESTED and key not in ("class_path", "init_args"):
                deeper.insert(1, "init_args")
            problems += _apply(content, deeper, inner, where, known_only)
        if not value and not _is_leaf(content, path):
            _descend(content, path)
        return problems
    parent = content
    for step in path[:-1]:
        inner = parent.get(step)
        if inner is None and not known_only:
            inner = parent[step] = {}
        if not isinstance(inner, dict):
            return [unknown("key", dotted(path), _spelled(content), where)]
        parent = inner
    leaf = path[-1]
    trainer_key = path[0] == "trainer" and leaf in {**TRAINER_SCORED, **TRAINER_OTHER}
    if known_only and leaf not in parent and not trainer_key:
        return [unknown("key", dotted(path), _spelled(content), where)]
    old = parent.get(leaf)
    if known_only and not _same_kind(old, value):
        return [Problem(f"{value!r} is a {kind(type(value))}", where, f"a {kind(type(old))}")]
    parent[leaf] = value
    if path[0] == "trainer" and value is not None and leaf in _BUDGETS:
        parent[_BUDGETS[leaf]] = None
    return []


def _change_class(content: dict[str, Any], part: str, value: dict[str, Any]) -> None:
    old = content[part].get("class_path")
    if value.get("class_path", old) != old:
        content[part] = {"class_path": value["class_path"], "init_args": {}}


def _is_leaf(content: dict[str, Any], path: list[str]) -> bool:
    found: Any = content
    for step in path:
        if not isinstance(found, dict) or step not in found:
            return False
        found = found[step]
    return not isinstance(found, dict)


def _descend(content: dict[str, Any], path: list[str]) -> None:
    for step in path:
        content = content.setdefault(step, {})


def _same_kind(old: Any, new: Any) -> bool:
    if old is None or new is None:
        return True
    if isinstance(old, bool) or isinstance(new, bool):
        return isinstance(old, bool) and isinstance(new, bool)
    if isinstance(old, (int, float)):
        return isinstance(new, (int, float))
    return isinstance(new, type(old))


def is_number(value: Any, expected: type | tuple[type, ...]) -> bool:
    """Tell whether a value is a number of a type; truth values are none."""
    return isinstance(value, expected) and not isinstance(value, bool)


def dotted(path: list[str]) -> str:
    """Return a path as people write it: `task.lr` for task, init_args, lr."""
    return ".".join(step for step in path if step != "init_args")


def _spelled(content: dict[str, Any], path: tuple[str, ...] = ()) -> list[str]:
    names: list[str] = []
    for key, value in content.items():
        if path or key in ("task", "data", "trainer", "tests"):
            if isinstance(value, dict):
                names += _spelled(value, (*path, key))
            elif path:
                names.append(dotted([*path, key]))
    return names
