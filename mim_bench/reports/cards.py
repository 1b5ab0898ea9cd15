"""Protocol cards: two numbers stand in one column only when they mean the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mim_bench.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mim_bench.reports.records import ScoreRecord
    from mim_bench.reports.table import Column

MAY_DIFFER = ("per_backbone", "mode", "preset", "data", "overrides")
"""Parts of a card that are not compared: what a recipe gives each backbone; the mode, which every
row names; and what the title states. (The same data may lie in another folder by now; what they
are is the fingerprint's to say.)"""


def flat_card(score: ScoreRecord) -> dict[str, str]:
    """Return what a score's number means: dotted field -> its value as JSON."""
    card = {key: value for key, value in score.card.items() if key not in MAY_DIFFER}
    meaning = {"metric": score.metric, "direction": score.direction, "unit": score.unit}
    return _flatten({**card, **{key: value for key, value in meaning.items() if value}})


def _flatten(content: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in content.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and value:
            flat.update(_flatten(value, f"{name}."))
        else:
            flat[name] = json.dumps(value, sort_keys=True, default=str, ensure_ascii=False)
    return flat


def differences(scores: Iterable[tuple[str, ScoreRecord]]) -> dict[str, dict[str, list[str]]]:
    """Compare the cards behind a column.

    Args:
        scores: Each score with the row it stands in. A value recorded by hand without a card
            says nothing and is left out (tables mark it).

    Returns:
        For each field that differs: its values as JSON -> the rows that have it.
    """
    cards = [
        (row, flat_card(score)) for row, score in scores if score.card or score.source != "recorded"
    ]
    fields = dict.fromkeys(name for _, card in cards for name in card)
    found: dict[str, dict[str, list[str]]] = {}
    for name in fields:
        values: dict[str, list[str]] = {}
        for row, card in cards:
            rows = values.setdefault(card.get(name, "not said"), [])
            if row not in rows:
                rows.append(row)
        if len(values) > 1:
            found[name] = values
    return found


def describe(found: Mapping[str, Mapping[str, list[str]]]) -> str:
    """Say in one line which fields differ and how."""
    return "; ".join(
        f"{name}: " + " / ".join(f"{value} ({', '.join(rows)})" for value, rows in values.items())
        for name, values in found.items()
    )


def mixed(column: Column, found: Mapping[str, Mapping[str, list[str]]], where: str) -> Problem:
    """Say that a column can't be shown, and why."""
    return Problem(
        f"the column {column.name!r} would mix two protocols: {describe(found)}",
        where,
        "scores whose protocol cards agree",
        "test these runs again under one protocol, or ask for mixed cards to see them side by side",
    )


def foreign(column: Column, scores: Iterable[tuple[str, ScoreRecord]]) -> str:
    """Say how scores differ from what a suite's column announces; empty when they agree."""
    found = []
    for row, score in scores:
        for name in ("metric", "direction", "unit"):
            announced, given = getattr(column, name), getattr(score, name)
            if announced and given and announced != given:
                found.append(f"{row} has the {name} {given!r} instead of {announced!r}")
    return "; ".join(dict.fromkeys(found))


def alien(column: Column, strange: str, where: str) -> Problem:
    """Say that scores are none of the column's."""
    return Problem(
        f"scores do not belong into the column {column.name!r}: {strange}",
        where,
        f"{column.metric} in {column.unit or 'no unit'}, {column.direction} is best",
        "give the recipe's column another name, or ask for mixed cards to see them side by side",
    )
