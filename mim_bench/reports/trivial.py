"""Which values are not better than a predictor that needs no network. (No torch.)."""

from __future__ import annotations

import math
import statistics
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mim_bench.reports.table import NOT_ABOVE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mim_bench.reports.cells import SeedCell
    from mim_bench.reports.rows import Draft
    from mim_bench.reports.table import Cell, Column


def is_above(value: float, trivial: float, direction: str, decimals: int) -> bool | None:
    """Tell whether a value is better than the trivial predictor's; None where better is unknown.

    What is printed alike is not better, so no reader finds a tie without a mark.
    """
    if direction not in ("min", "max"):
        return None
    value, trivial = round(value, decimals), round(trivial, decimals)
    return value < trivial if direction == "min" else value > trivial


def decimals_of(unit: str) -> int:
    """Return the decimals of a value whose column says nothing of them."""
    return 1 if unit == "%" else 3


def compare(cell: Cell, seeds: Sequence[SeedCell], direction: str, decimals: int) -> Cell:
    """Hold a measured cell against the trivial predictor, means against means.

    Scores that stand beside no trivial one (another release's, or its predictor failed) say
    nothing; where all of them do, the cell comes back as it is.
    """
    scores = [s.score for s in seeds if s.state == "done" and s.score is not None]
    known = [
        (score.trivial, score.predictor)
        for score in scores
        if score.trivial is not None and math.isfinite(score.trivial)
    ]
    if cell.value is None or not known:
        return cell
    trivial = statistics.fmean(value for value, _ in known)
    return replace(
        cell,
        trivial=trivial,
        above_trivial=is_above(cell.value, trivial, direction, decimals),
        trivial_predictor=" / ".join(dict.fromkeys(name for _, name in known if name)),
    )


def notes(drafts: Sequence[Draft], columns: Sequence[Column]) -> list[str]:
    """Return a line for each column with marked values: what they are not better than.

    Where rows of a column stand against different predictors, each line names its rows.
    """
    lines = []
    for column in columns:
        found: dict[str, list[str]] = {}
        for draft in drafts:
            cell = draft.cells[column.name]
            if cell.above_trivial is False and cell.trivial is not None:
                number = _number(cell.trivial, column.unit, column.decimals)
                against = f"not better than {_who(cell.trivial_predictor, number)}"
                found.setdefault(against, []).append(draft.title)
        for against, rows in found.items():
            who = f" ({', '.join(dict.fromkeys(rows))})" if len(found) > 1 else ""
            lines.append(f"{NOT_ABOVE} {column.name}{who}: {against}")
    return lines


def verdict(score: Mapping[str, Any]) -> tuple[bool | None, str]:
    """Return whether a stored score is above the trivial predictor, and that in words.

    Args:
        score: A score's file.

    Returns:
        None and no words where the file says nothing of a trivial predictor.
    """
    beside, value, unit = score.get("trivial"), score.get("value"), str(score.get("unit") or "")
    if not isinstance(beside, dict) or not isinstance(value, (int, float)):
        return None, ""
    trivial = beside.get("value")
    if not isinstance(trivial, (int, float)) or not math.isfinite(trivial):
        return None, f"the trivial predictor failed: {beside.get('error') or 'no cause is known'}"
    decimals = decimals_of(unit)
    above = is_above(value, trivial, str(score.get("direction") or ""), decimals)
    who = _who(str(beside.get("predictor") or ""), _number(trivial, unit, decimals))
    words = {True: "better than", False: "not better than", None: "beside it:"}
    return above, f"{words[above]} {who}"


def _who(predictor: str, number: str) -> str:
    name = predictor or "trivial predictor"
    return f"the {name}, which needs no network ({number})"


def _number(value: float, unit: str, decimals: int) -> str:
    return f"{value:.{decimals}f}" + (unit if unit == "%" else f" {unit}" if unit else "")
