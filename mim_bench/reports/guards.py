"""Which values may come of a broken backbone: two that are identical, features that collapsed.

Loads no torch.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mim_bench.reports.table import COLLAPSED, IDENTICAL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mim_bench.reports.cells import SeedCell
    from mim_bench.reports.rows import Draft
    from mim_bench.reports.table import Cell, Column


def mark_identical(drafts: Sequence[Draft], columns: Sequence[Column]) -> None:
    """Mark values of two or more backbones that are the same floating-point number."""
    for column in columns:
        for same in _identical(drafts, column).values():
            for draft in same:
                draft.cells[column.name] = replace(draft.cells[column.name], identical=True)


def judge(cell: Cell, seeds: Sequence[SeedCell]) -> Cell:
    """Say of a measured cell whether the features of a run behind it have collapsed.

    Runs that another release tested, or whose network has no backbone, say nothing; where all of
    them do, the cell comes back as it is.
    """
    measured = [s.run for s in seeds if s.state == "done" and _is_measured(s)]
    known = [run for run in measured if isinstance(run.features.get("collapsed"), bool)]
    if cell.value is None or not known:
        return cell
    broken = [run for run in known if run.features["collapsed"]]
    said = [
        words(run.features) + (f" with seed {run.seed}" if len(seeds) > 1 else "") for run in broken
    ]
    return replace(cell, collapsed=bool(broken), features="; ".join(said))


def notes(drafts: Sequence[Draft], columns: Sequence[Column]) -> list[str]:
    """Return a line for each group of identical values and for each backbone that collapsed."""
    lines = [
        f"{IDENTICAL} {column.name} ({', '.join(_who(draft) for draft in same)}): identical to the "
        "last digit: the same weights twice, or weights that were not loaded"
        for column in columns
        for same in _identical(drafts, column).values()
    ]
    found: dict[tuple[str, str], list[str]] = {}
    for draft in drafts:
        for column in columns:
            cell = draft.cells[column.name]
            if cell.collapsed:
                found.setdefault((_who(draft), cell.features), []).append(column.name)
    lines += [
        f"{COLLAPSED} {', '.join(names)} ({who}): features collapsed: {how}; "
        "the score says nothing of the backbone"
        for (who, how), names in found.items()
    ]
    return lines


def has_collapsed(run: Mapping[str, Any]) -> bool:
    """Tell whether a run.json says that the features have collapsed."""
    features = run.get("features")
    return isinstance(features, dict) and features.get("collapsed") is True


def words(features: Any) -> str:
    """Return what a run.json says under `features`, in words; empty where it says nothing."""
    if not features or not isinstance(features, dict):
        return ""
    count = f"{features.get('vectors')} vectors"
    spread, rank = features.get("spread"), features.get("rank")
    if not isinstance(spread, (int, float)) or not isinstance(rank, (int, float)):
        return f"{count} that are not all finite"
    return f"{count} of spread {spread:.2g} and effective rank {rank:.1f}"


def _identical(drafts: Sequence[Draft], column: Column) -> dict[float, list[Draft]]:
    """Return the rows of each value that two or more backbones share.

    A value is one run's score as it is stored: neither a mean over seeds or columns nor entered
    by hand.
    """
    found: dict[float, list[Draft]] = {}
    for draft in drafts:
        done = [seed for seed in draft.seeds.get(column.name, ()) if seed.state == "done"]
        if len(done) == 1 and _is_measured(done[0]):
            value = done[0].value
            if value is not None and math.isfinite(value):
                found.setdefault(value, []).append(draft)
    return {
        value: same for value, same in found.items() if len({draft.backbone for draft in same}) > 1
    }


def _who(draft: Draft) -> str:
    return draft.title if draft.mode in ("", "finetune") else f"{draft.title} {draft.mode}"


def _is_measured(seed: SeedCell) -> bool:
    return seed.score is not None and seed.score.source == "measured"
