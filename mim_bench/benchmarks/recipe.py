"""Recipes: one YAML file is the protocol of one training; presets and `--set` overlay it."""

from __future__ import annotations

import copy
import dataclasses
import importlib.metadata
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mim_bench.benchmarks import search, settings
from mim_bench.errors import Problem, UserError, unknown
from mim_bench.yamlfiles import read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

PRESETS = ("paper", "miniature")
DIRECTIONS = ("min", "max")
CHECKPOINTS = ("last", "best")
_FOLDER = Path(__file__).parent / "recipes"
_KEYS = {
    "name": str,
    "title": str,
    "protocol": int,
    "task": dict,
    "data": dict,
    "trainer": dict,
    "by_size": dict,
    "tests": dict,
    "search": dict,
    "miniature": dict,
}
_REQUIRED = ("name", "task", "data", "trainer", "tests")


@dataclass(frozen=True)
class ColumnTest:
    """How one column is scored: an entry of a recipe's `tests:` block.

    Attributes:
        column: The column's name.
        split: The split that is tested.
        metric: The metric's name, as the task knows it.
        direction: `min` or `max`: which is better.
        options: The task's test options (flip, windows, crop ...).
        checkpoint: `last` or `best` (by this metric on the validation split).
        heading: What the column is called in tables.
        unit: The unit of its values.
        instead: A split that is tested where `split` is not there; empty for none.
        stands_for: The split in whose place `split` is tested; empty where it is its own.
    """

    column: str
    split: str
    metric: str
    direction: str
    options: dict[str, Any]
    checkpoint: str = "last"
    heading: str = ""
    unit: str = ""
    instead: str = ""
    stands_for: str = ""


@dataclass(frozen=True)
class Recipe:
    """A recipe as its file spells it, before overlays.

    Attributes:
        name: The recipe's name (a folder of the store).
        source: The file it was read from.
        content: The whole content.
    """

    name: str
    source: Path
    content: dict[str, Any] = field(repr=False)

    @property
    def columns(self) -> list[str]:
        """Names of the columns that this recipe yields."""
        return list(self.content["tests"])

    @property
    def title(self) -> str:
        """What people call it."""
        return str(self.content.get("title", self.name))

    def resolve(
        self,
        preset: str,
        size: str = "default",
        overrides: dict[str, Any] | None = None,
        more: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Resolved:
        """Apply the overlays in their order: size, preset, overrides, and what comes of a search.

        Args:
            preset: `paper` or `miniature`.
            size: The backbone's size, for `by_size`.
            overrides: Dotted keys with their values (`--set`); only keys that the recipe spells.
            more: By the key of the recipe where they stand: such values again.

        Raises:
            UserError: An overlay names unknown keys or wrong types (all named), or the recipe
                has no `miniature:` block.
        """
        content = copy.deepcopy(self.content)
        by_size = content.pop("by_size", {})
        miniature = content.pop("miniature", None)
        searched = content.pop("search", None) or {}
        problems: list[Problem] = []
        for group in ("default", size) if size != "default" else ("default",):
            place = f"{self.source}, by_size.{group}"
            problems += settings.overlay(content, by_size.get(group, {}), place)
        if preset == "miniature":
            if miniature is None:
                raise UserError(
                    f"the recipe {self.name!r} has no `miniature:` block",
                    where=str(self.source),
                    action="add one, or run it with --preset paper",
                )
            miniature = dict(miniature)
            searched = search.merged(searched, miniature.pop("search", None) or {})
            problems += settings.overlay(content, miniature, f"{self.source}, miniature")
        for key, value in (overrides or {}).items():
            if key.startswith("search."):
                problems += _set_search(searched, key, value)
                continue
            problems += settings.overlay(content, {key: value}, f"--set {key}", known_only=True)
        for place, values in (more or {}).items():
            for key, value in values.items():
                where = f"{self.source}, {place}.{key}"
                problems += settings.overlay(content, {key: value}, where, known_only=True)
        changed = (
            " with --set" if any(key.startswith("trainer.") for key in overrides or {}) else ""
        )
        problems += settings.check_trainer(content["trainer"], f"{self.source}{changed}")
        if problems:
            raise UserError(problems)
        return Resolved(self.name, str(self.source), content, searched)


@dataclass(frozen=True)
class Resolved:
    """A recipe after its overlays: what a worker runs.

    Attributes:
        name: The recipe's name.
        source: The file it came from.
        content: `task`, `data`, `trainer`, `tests` with plain values.
        search: How its settings are searched (see `search.read_search`); empty for not at all.
    """

    name: str
    source: str
    content: dict[str, Any] = field(repr=False)
    search: dict[str, Any] = field(default_factory=dict, repr=False)

    def tests(self) -> dict[str, ColumnTest]:
        """Return the recipe's columns by name."""
        return {
            column: ColumnTest(
                column=column,
                split=test["split"],
                metric=test["metric"],
                direction=test["direction"],
                options=dict(test.get("options") or {}),
                checkpoint=test.get("checkpoint", "last"),
                heading=test.get("heading", ""),
                unit=test.get("unit", ""),
                instead=test.get("instead", ""),
            )
            for column, test in self.content["tests"].items()
        }


def _set_search(searched: dict[str, Any], key: str, value: Any) -> list[Problem]:
    """Change a plain value of a `search:` block; another recipe's search hears of it there."""
    name = key.partition(".")[2]
    if "from" in searched:
        return []
    if not searched:
        return [Problem("the recipe has no search", f"--set {key}")]
    if name not in search.SETTABLE:
        return [unknown("key", name, search.SETTABLE, f"--set {key}")]
    problems = search.check_search({name: value}, f"--set {key}")
    searched[name] = value
    return problems


def recipe_files() -> dict[str, Path]:
    """Return the shipped recipes and those of installed plug-ins (`mim_bench.recipes`)."""
    files = {path.stem: path for path in sorted(_FOLDER.glob("*.yaml"))}
    for entry in importlib.metadata.entry_points(group="mim_bench.recipes"):
        files.setdefault(entry.name, Path(entry.load()))
    return files


def load_recipe(name: str) -> Recipe:
    """Read a recipe by its name or from a YAML file.

    A file may say `extends: NAME`, of a shipped recipe or of a file beside it, and then has only
    what is different.

    Raises:
        UserError: No such recipe or file, or a file with wrong keys or types (all named).
    """
    files = recipe_files()
    if name in files:
        path = files[name]
    elif name.endswith((".yaml", ".yml")):
        path = Path(name)
        if not path.is_file():
            raise UserError("there is no such recipe file", where=name)
    else:
        raise UserError([unknown("recipe", name, files)])
    content = _whole(path)
    problems = _check(content, str(path))
    if problems:
        raise UserError(problems)
    content.setdefault("protocol", 1)
    return Recipe(content["name"], path, content)


def _whole(path: Path, above: tuple[Path, ...] = ()) -> Any:
    """Return a file's content over that of the recipe that it extends.

    Task, data and trainer are overlays on the other's, `by_size`, `miniature` and `search` merge,
    and all else (`tests`, `name`) replaces.

    Raises:
        UserError: What it extends isn't there or extends it in turn, or an overlay is wrong.
    """
    content = read_yaml(path)
    if not isinstance(content, dict) or "extends" not in content:
        return content
    name = str(content.pop("extends"))
    base = recipe_files().get(name, path.parent / name)
    if not base.is_file():
        problem = unknown("recipe", name, recipe_files(), f"{path}, extends")
        raise UserError([dataclasses.replace(problem, expected=f"{problem.expected}, or a file")])
    if base.resolve() in above:
        raise UserError(f"{name!r} extends this recipe in turn", where=f"{path}, extends")
    whole = _whole(base, (*above, path.resolve()))
    if not isinstance(whole, dict):
        return whole
    problems: list[Problem] = []
    for key, value in content.items():
        if str(key).partition(".")[0] in ("task", "data", "trainer"):
            problems += settings.overlay(whole, {key: value}, str(path))
        elif key == "search" and isinstance(value, dict):
            whole[key] = search.merged(whole.get(key) or {}, value)
        elif key in ("by_size", "miniature"):
            whole[key] = _merged(whole.get(key) or {}, value)
        else:
            whole[key] = value
    if problems:
        raise UserError(problems)
    return whole


def _merged(base: Any, own: Any) -> Any:
    if not (isinstance(base, dict) and isinstance(own, dict)):
        return own
    return {**base, **{key: _merged(base.get(key), value) for key, value in own.items()}}


def _check(content: Any, where: str) -> list[Problem]:
    if not isinstance(content, dict):
        return [Problem("is no mapping of keys to values", where)]
    problems = [unknown("key", str(key), _KEYS, where) for key in content if key not in _KEYS]
    problems += [
        Problem(f"the key {key!r} is missing", where) for key in _REQUIRED if key not in content
    ]
    for key, expected in _KEYS.items():
        if key in content and (
            not isinstance(content[key], expected) or isinstance(content[key], bool)
        ):
            found = type(content[key]).__name__
            problems.append(
                Problem(f"is a {found}", f"{where}, {key}", f"a {settings.kind(expected)}")
            )
    if problems:
        return problems
    if not settings.is_file_name(content["name"]):
        problems.append(
            Problem(
                f"{content['name']!r} can't be a folder's name",
                f"{where}, name",
                "letters, digits, '-', '_', '.'",
            )
        )
    for part in ("task", "data"):
        problems += settings.check_class(content[part], f"{where}, {part}")
    problems += search.check_search(content.get("search") or {}, where)
    if "search" in content.get("miniature", {}):
        problems += search.check_search(content["miniature"]["search"], f"{where}, miniature")
    if not content["tests"]:
        problems.append(Problem("names no column", f"{where}, tests"))
    for column, test in content["tests"].items():
        if not settings.is_file_name(str(column)):
            problems.append(
                Problem(
                    f"{column!r} can't be a column's name",
                    f"{where}, tests",
                    "letters, digits, '-', '_', '.'",
                )
            )
        problems += _check_test(test, f"{where}, tests.{column}")
    return problems


def _check_test(test: Any, where: str) -> list[Problem]:
    if not isinstance(test, dict):
        return [Problem("is no mapping", where, "split, metric, direction, options, checkpoint")]
    known = ("split", "metric", "direction", "options", "checkpoint", "heading", "unit", "instead")
    problems = [unknown("key", str(key), known, where) for key in test if key not in known]
    problems += [
        Problem(f"the key {key!r} is missing", where)
        for key in ("split", "metric", "direction")
        if key not in test
    ]
    for key, choices in (("direction", DIRECTIONS), ("checkpoint", CHECKPOINTS)):
        if key in test and test[key] not in choices:
            problems.append(Problem(f"{key} is {test[key]!r}", where, f"one of {choices}"))
    if not isinstance(test.get("options") or {}, dict):
        problems.append(Problem("options is no mapping", where))
    return problems
