"""A recipe's `search:` block: which settings are searched, on which split, by what."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mim_bench.benchmarks.settings import dotted, is_number
from mim_bench.errors import Problem, UserError, unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

SAMPLERS = ("tpe", "random")
PRUNERS = ("median", "none")
SETTABLE = ("column", "train_split", "split", "seed", "sampler", "pruner", "study")
"""What `--set search.KEY=VALUE` reaches."""

_KEYS = ("from", *SETTABLE, "set", "space")

_RANGE = ("low", "high", "log", "step")


@dataclass(frozen=True)
class Search:
    """How a recipe's settings are searched.

    Attributes:
        column: The column whose metric is searched for.
        train_split: The split that trials are trained on.
        split: The split that they are validated and scored on.
        space: Dotted setting -> `{choices: [...]}` or `{low, high, log, step}`; two whole numbers
            make whole numbers.
        sampler: `tpe` or `random`, Optuna's.
        pruner: `median` ends trials that are worse than the median of those before them at the
            same step, after five; `none` ends none.
        seed: Of what is drawn, and of the trials' trainings.
        set: What else trials have instead of the recipe's settings.
        study: Tells a search from another one of the same recipe, such as one of another space.
        fixed: Settings of the space that the user gave a value, so that they aren't searched.
    """

    column: str
    train_split: str
    split: str
    space: Mapping[str, Mapping[str, Any]]
    sampler: str = "tpe"
    pruner: str = "median"
    seed: int = 0
    set: Mapping[str, Any] = field(default_factory=dict)
    study: str = ""
    fixed: tuple[str, ...] = ()

    def facts(self) -> dict[str, Any]:
        """Return what the trials of one study have in common, as plain content."""
        return {"space": dict(self.space), "sampler": self.sampler, "pruner": self.pruner}


def merged(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one `search:` block over another: a setting's range replaces the old one, null drops it.

    A block that takes another recipe's winner stays what it is, and replaces what searches.
    """
    if "from" in own or "from" in base:
        return dict(own if "from" in own else base)
    space = {**(base.get("space") or {}), **(own.get("space") or {})}
    whole = {**base, **own}
    if space:
        whole["space"] = {name: entry for name, entry in space.items() if entry is not None}
    return whole


def read_search(
    block: Mapping[str, Any], tests: Mapping[str, Any], overrides: Mapping[str, Any], where: str
) -> Search:
    """Turn a checked `search:` block into a search.

    Args:
        block: The block after overlays.
        tests: The recipe's `tests:` block.
        overrides: What the user set by hand: it is not searched.
        where: The recipe's file, for problems.

    Raises:
        UserError: There is nothing to search, or it isn't said for which column.
    """
    problems = check_search(block, where, whole=True)
    column = block.get("column") or next(iter(tests))
    if column not in tests:
        problems.append(unknown("column", str(column), list(tests), f"{where}, search.column"))
    elif len(tests) > 1 and "column" not in block:
        names = ", ".join(tests)
        place = f"{where}, search.column"
        problems.append(Problem("isn't there, and the recipe has several columns", place, names))
    given = {dotted(key.split(".")) for key in overrides}
    space = {
        name: entry
        for name, entry in block.get("space", {}).items()
        if dotted(name.split(".")) not in given
    }
    if not space and not problems:
        problems.append(
            Problem(
                "there is nothing to search: --set gives every setting of the space",
                f"{where}, search.space",
                action="leave one to the search, or run with --trials 0",
            )
        )
    if problems:
        raise UserError(problems)
    parts = [key for key in (*SETTABLE, "set") if key != "column" and block.get(key) is not None]
    chosen = {key: block[key] for key in parts}
    fixed = tuple(sorted(set(block["space"]) - set(space)))
    return Search(column=str(column), space=space, fixed=fixed, **chosen)


def example(entry: Mapping[str, Any]) -> Any:
    """Return a value of a setting's range."""
    return entry["choices"][0] if "choices" in entry else entry["low"]


def check_search(block: Any, where: str, whole: bool = False) -> list[Problem]:
    """Return what is wrong with a `search:` block.

    Args:
        block: The block.
        where: The recipe's file.
        whole: Ask for all that a search needs; an overlay may leave parts out.
    """
    place = f"{where}, search"
    if not isinstance(block, dict):
        return [Problem("is no mapping", place, ", ".join(_KEYS))]
    problems = [unknown("key", str(key), _KEYS, place) for key in block if key not in _KEYS]
    if "from" in block:
        return problems + _check_source(block, place)
    for key in ("train_split", "split", "space"):
        if whole and not block.get(key):
            problems.append(Problem(f"the key {key!r} is missing", place))
    for key, known in (("sampler", SAMPLERS), ("pruner", PRUNERS)):
        if key in block and block[key] not in known:
            problems.append(unknown(key, str(block[key]), known, f"{place}.{key}"))
    problems += [
        Problem(f"is {block[key]!r}", f"{place}.{key}", "a text")
        for key in ("column", "train_split", "split", "study")
        if not isinstance(block.get(key, ""), str)
    ]
    seed = block.get("seed", 0)
    if type(seed) is not int or not 0 <= seed < 2**32:
        problems.append(Problem(f"is {seed!r}", f"{place}.seed", "a whole number, 0 or more"))
    problems += [
        Problem("is no mapping", f"{place}.{key}", expected)
        for key, expected in (("set", "setting: value"), ("space", "setting: {low, high, log}"))
        if not isinstance(block.get(key) or {}, dict)
    ]
    space = block.get("space")
    for setting, entry in space.items() if isinstance(space, dict) else ():
        if entry is not None:
            problems += _check_entry(entry, f"{place}.space.{setting}")
    return problems


def _check_source(block: Mapping[str, Any], place: str) -> list[Problem]:
    """Check a block that takes another recipe's winner."""
    problems = []
    if len(block) > 1:
        others = ", ".join(str(key) for key in block if key != "from")
        what = f"takes another recipe's winner and has {others} besides"
        problems.append(Problem(what, place, "from alone"))
    if not isinstance(block["from"], str):
        problems.append(Problem(f"is {block['from']!r}", f"{place}.from", "a recipe's name"))
    return problems


def _check_entry(entry: Any, where: str) -> list[Problem]:
    """Check how one setting is searched."""
    expected = "{low: 1.0e-4, high: 1.0e-2, log: true} or {choices: [0.05, 0.1]}"
    if not isinstance(entry, dict) or not entry:
        return [Problem(f"is {entry!r}", where, expected)]
    if "choices" not in entry:
        return _check_range(entry, where)
    values = entry["choices"]
    if set(entry) != {"choices"} or not isinstance(values, list):
        return [Problem(f"is {entry!r}", where, expected)]
    if not values:
        return [Problem("is empty", where, "one value at least")]
    if not all(isinstance(one, (str, int, float, bool, type(None))) for one in values):
        return [Problem(f"has {values!r}", where, "plain values")]
    twice = [one for index, one in enumerate(values) if one in values[:index]]
    return [Problem(f"names {twice[0]!r} twice", where)] if twice else []


def _check_range(entry: Mapping[str, Any], where: str) -> list[Problem]:
    problems = [unknown("key", str(key), _RANGE, where) for key in entry if key not in _RANGE]
    problems += [
        Problem(f"{key} is {entry.get(key)!r}", where, "a number")
        for key in ("low", "high")
        if not _is_finite(entry.get(key))
    ]
    if problems:
        return problems
    low, high, log, step = entry["low"], entry["high"], entry.get("log"), entry.get("step")
    if low > high:
        problems.append(Problem(f"the range from {low} to {high} is empty", where, "low <= high"))
    if not isinstance(log, (bool, type(None))):
        problems.append(Problem(f"log is {log!r}", where, "true or false"))
    elif log and low <= 0:
        problems.append(Problem(f"low is {low} on a logarithmic scale", where, "above 0"))
    if step is not None and (log or not _is_finite(step) or step <= 0):
        problems.append(Problem(f"step is {step!r}", where, "above 0, and none with log"))
    return problems


def _is_finite(value: Any) -> bool:
    return is_number(value, (int, float)) and math.isfinite(value)
