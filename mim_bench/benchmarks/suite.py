"""Suites: the columns of a table, their grouping and the published rows shown beside them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mim_bench.errors import Problem, UserError, unknown
from mim_bench.yamlfiles import read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = Path(__file__).parent / "suites"

TABLE_SUITES = ("geometric", "semantic", "combined")
"""The suites that `all` stands for, in the order in which their tables are printed."""

ENTRY_POINTS = "mim_bench.suites"
"""Entry points of other packages: a suite's name -> its YAML file's path, or a `Suite`."""

_SUITE_KEYS = ("name", "title", "groups", "published")
_GROUP_KEYS = ("title", "columns")
_TEXTS = ("recipe", "metric", "label", "unit", "heading")
_COLUMN_KEYS = (*_TEXTS, "decimals", "direction", "mean_of")


@dataclass(frozen=True)
class ColumnRef:
    """A place in a table.

    Attributes:
        name: What people type (`nyuv2`).
        heading: What the table prints above it.
        recipe: The recipe whose `tests:` block makes it; empty for a derived column.
        metric: The metric's name in the scores (`rmse`).
        label: The metric's name as the table prints it (`RMSE`).
        unit: The unit of values as stored and printed (`%`, `m`).
        decimals: Decimals printed.
        direction: `min` or `max`: which values are better.
        group: The heading shared with its neighbours.
        mean_of: The columns whose mean a derived column is; empty for one that is measured.
    """

    name: str
    heading: str
    recipe: str
    metric: str
    label: str = ""
    unit: str = ""
    decimals: int = 3
    direction: str = "max"
    group: str = ""
    mean_of: tuple[str, ...] = ()


@dataclass(frozen=True)
class Suite:
    """A table's columns: a view on the store.

    Attributes:
        name: What people type (`geometric`).
        title: The table's title.
        columns: The columns from left to right; neighbours share their `group`.
        published: Ids of the rows of published.yaml that the table shows.
    """

    name: str
    title: str
    columns: tuple[ColumnRef, ...]
    published: tuple[str, ...] = ()

    def column(self, name: str) -> ColumnRef:
        """Return a column by name.

        Raises:
            UserError: The suite has no such column; the nearest is suggested.
        """
        for column in self.columns:
            if column.name == name:
                return column
        names = [column.name for column in self.columns]
        raise UserError([unknown("column", name, names, f"suite {self.name}")])

    @property
    def recipes(self) -> tuple[str, ...]:
        """The recipes that its columns need, each once, in the columns' order."""
        return tuple(dict.fromkeys(column.recipe for column in self.columns if column.recipe))


def suite_names() -> list[str]:
    """Return the names of all suites, the package's own first, then those of plug-ins."""
    own = sorted(path.stem for path in FOLDER.glob("*.yaml"))
    first = [name for name in TABLE_SUITES if name in own]
    rest = [name for name in own if name not in first]
    return first + rest + sorted(set(_plugins()) - set(own))


def load_suite(name_or_path: str | Path) -> Suite:
    """Load a suite by its name, or from a YAML file by its path (anything ending `.yaml`).

    A plug-in can't take the name of one of the package's own suites.

    Raises:
        UserError: There is no such suite, or its file is wrong; all problems are named together.
    """
    text = os.fspath(name_or_path)
    if text.endswith((".yaml", ".yml")):
        return _read(Path(text))
    if text in suite_names():
        path = FOLDER / f"{text}.yaml"
        return _read(path) if path.is_file() else _load_plugin(text)
    raise UserError([unknown("suite", text, suite_names())])


def _plugins() -> Mapping[str, Any]:
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group=ENTRY_POINTS)}


def _load_plugin(name: str) -> Suite:
    point = _plugins()[name]
    where = f"entry point {name} = {point.value} (group {ENTRY_POINTS})"
    try:
        found = point.load()
    except (ImportError, AttributeError) as error:
        raise UserError(f"can't be loaded: {error}", where=where) from error
    if isinstance(found, Suite):
        return found
    if isinstance(found, (str, Path)):
        return _read(Path(found))
    raise UserError(
        f"gives a {type(found).__name__}", where=where, expected="a YAML file's path, or a Suite"
    )


def _read(path: Path) -> Suite:
    content, where = read_yaml(path), str(path)
    problems = _check(content, _SUITE_KEYS, ("groups",), where)
    columns: list[ColumnRef] = []
    groups = content.get("groups") if isinstance(content, dict) else None
    if not problems:
        for key in ("groups", "published"):
            if not isinstance(content.get(key, []), list):
                problems.append(Problem(f"{key} is no list", where))
    for number, group in enumerate(groups if isinstance(groups, list) else [], 1):
        place = f"{where}: group {number}"
        wrong = _check(group, _GROUP_KEYS, ("columns",), place)
        if not wrong and not isinstance(group["columns"], dict):
            wrong.append(Problem("columns is no mapping", place, "name: {recipe: …, metric: …}"))
        problems += wrong
        for name, fields in {} if wrong else group["columns"].items():
            wrong = _check_column(fields, f"{where}: column {name}")
            if any(column.name == name for column in columns):
                wrong.append(Problem("stands twice", f"{where}: column {name}"))
            problems += wrong
            if not wrong:
                columns.append(_column(str(name), str(group.get("title", "")), fields))
    names = [column.name for column in columns]
    if not problems:
        problems += [
            unknown("column", part, names, f"{where}: column {column.name}: mean_of")
            for column in columns
            for part in column.mean_of
            if part not in names
        ]
    if problems:
        raise UserError(problems)
    name = str(content.get("name", path.stem))
    title = str(content.get("title", name))
    return Suite(name, title, tuple(columns), tuple(map(str, content.get("published") or ())))


def _column(name: str, group: str, fields: Mapping[str, Any]) -> ColumnRef:
    metric = str(fields["metric"])
    given = {"heading": name, "recipe": "", "label": metric, **fields}
    given["mean_of"] = tuple(fields.get("mean_of", ()))
    return ColumnRef(name=name, group=group, **given)


def _check(
    content: Any, known: tuple[str, ...], needed: tuple[str, ...], where: str
) -> list[Problem]:
    if not isinstance(content, dict):
        return [Problem("is no mapping", where, ", ".join(known))]
    problems = [unknown("key", str(key), known, where) for key in content if key not in known]
    return problems + [Problem(f"{key} is missing", where) for key in needed if key not in content]


def _check_column(fields: Any, where: str) -> list[Problem]:
    problems = _check(fields, _COLUMN_KEYS, ("metric", "direction"), where)
    if not isinstance(fields, dict):
        return problems
    if ("recipe" in fields) == ("mean_of" in fields):
        problems.append(Problem("needs a recipe or mean_of, not both", where))
    if fields.get("direction", "min") not in ("min", "max"):
        problems.append(Problem(f"direction is {fields['direction']!r}", where, "min or max"))
    decimals = fields.get("decimals", 0)
    if isinstance(decimals, bool) or not isinstance(decimals, int) or not 0 <= decimals <= 9:
        problems.append(Problem(f"decimals is {decimals!r}", where, "a whole number from 0 to 9"))
    for key in _TEXTS:
        if not isinstance(fields.get(key, ""), str):
            problems.append(Problem(f"{key} is {fields[key]!r}", where, "a text"))
    parts = fields.get("mean_of", ["one"])
    if not (isinstance(parts, list) and parts and all(isinstance(part, str) for part in parts)):
        problems.append(Problem("mean_of is no list of columns", where))
    return problems
