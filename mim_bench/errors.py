"""What the user is told when something outside the package's code is wrong."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, said so that the reader can mend it.

    Attributes:
        what: What is wrong.
        where: The file (with line or key) or the option in which it was found.
        expected: What was expected instead.
        action: What to do about it.
    """

    what: str
    where: str = ""
    expected: str = ""
    action: str = ""

    def __str__(self) -> str:
        lines = [f"{self.where}: {self.what}" if self.where else self.what]
        if self.expected:
            lines.append(f"  expected: {self.expected}")
        if self.action:
            lines.append(f"  to do: {self.action}")
        return "\n".join(lines)


class UserError(Exception):
    """A mistake of input or surroundings: printed without a traceback, exit status 2.

    Args:
        what: What is wrong, or all problems that were found together.
        where: See `Problem.where` (unused when problems are given).
        expected: See `Problem.expected`.
        action: See `Problem.action`.
    """

    def __init__(
        self,
        what: str | Iterable[Problem],
        *,
        where: str = "",
        expected: str = "",
        action: str = "",
    ) -> None:
        if isinstance(what, str):
            # a loader's worker process hands on its error as the text of a traceback
            what = what.rpartition(f"{__name__}.UserError: ")[2].rstrip("\n")
            what = [Problem(what, where, expected, action)]
        self.problems: tuple[Problem, ...] = tuple(what)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type[UserError], tuple[tuple[Problem, ...]]]:
        # crosses process borders (data loader workers) whole
        return (type(self), (self.problems,))


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `did you mean 'x'?` for the known name nearest to `name`, or an empty string."""
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"did you mean {matches[0]!r}?" if matches else ""


def unknown(kind: str, name: str, known: Iterable[str], where: str = "") -> Problem:
    """Describe an unknown name of some kind (suite, column, key ...), nearest name suggested."""
    known = sorted(set(known))
    listed = ", ".join(known[:20]) + (" …" if len(known) > 20 else "")
    return Problem(
        f"unknown {kind} {name!r}",
        where,
        f"one of: {listed}" if known else "",
        nearest(name, known),
    )
