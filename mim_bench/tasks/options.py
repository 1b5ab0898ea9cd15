"""What a task's test options may be, and the check of them. (No torch: plans check options too.)"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mim_bench.errors import Problem, UserError, unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True)
class Option:
    """One test option.

    Attributes:
        kind: bool, int, float or str; a float may be given as a whole number.
        choices: The values that it may have; empty for any.
        above: A number that it must be greater than.
    """

    kind: type
    choices: tuple[Any, ...] = ()
    above: float | None = None

    def problem(self, name: str, value: Any, where: str = "") -> Problem | None:
        """Say what is wrong with a value, or return None."""
        names = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
        expected = names[self.kind]
        accepted = (int, float) if self.kind is float else (self.kind,)
        right = isinstance(value, accepted) and (self.kind is bool or not isinstance(value, bool))
        if not right:
            return Problem(f"{name} is {value!r}", where, expected)
        if self.choices and value not in self.choices:
            return unknown(name, str(value), [str(choice) for choice in self.choices], where)
        if self.above is not None and not value > self.above:
            return Problem(f"{name} is {value!r}", where, f"{expected} above {self.above:g}")
        return None


def check_options(
    known: Mapping[str, Option], options: Mapping[str, Any], where: str = ""
) -> list[Problem]:
    """Return a problem for each unknown option and for each one with a wrong value."""
    problems = []
    for name, value in options.items():
        if name not in known:
            problems.append(unknown("option", str(name), known, where))
        elif (wrong := known[name].problem(name, value, where)) is not None:
            problems.append(wrong)
    return problems


def require_choice(name: str, value: str, choices: Iterable[str]) -> None:
    """Raise a UserError that names the nearest choice, unless `value` is one of `choices`."""
    choices = list(choices)
    if value not in choices:
        raise UserError([unknown(name, value, choices, f"task.{name}")])
