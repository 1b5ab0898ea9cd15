"""The lines under a table: what its marks mean, what is missing and why, what failed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mim_bench.reports import guards, trivial
from mim_bench.reports.table import DASH, RECORDED, STANDS_IN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mim_bench.reports.records import RunRecord
    from mim_bench.reports.rows import Draft
    from mim_bench.reports.table import Column

SILENT_SECONDS = 900
"""A running run that has written nothing for this long may be dead."""

MINIATURE = "Miniature scores compare backbones with each other, never with the paper."


def of_table(
    drafts: Sequence[Draft],
    columns: Sequence[Column],
    reasons: Mapping[str, str],
    mixed: Mapping[str, str],
    preset: str,
) -> list[str]:
    """Return the lines under a table, the most general first.

    Args:
        drafts: The measured rows.
        columns: The columns shown.
        reasons: Why columns can't be filled.
        mixed: Columns that mix protocols, and how they differ.
        preset: The preset of the table's runs.
    """
    lines = [MINIATURE] if preset == "miniature" else []
    lines += _missing(drafts, columns, reasons)
    cells = [draft.cells[column.name] for draft in drafts for column in columns]
    if any(cell.n > 1 for cell in cells):
        lines.append("± is the standard deviation over seeds.")
    if any(cell.recorded for cell in cells):
        lines.append(f"{RECORDED} entered by hand, not measured here")
    lines += [
        f"{STANDS_IN} {column.name}: measured on {split}, as the data has no test split"
        for column in columns
        for split in dict.fromkeys(draft.cells[column.name].stands_in for draft in drafts)
        if split
    ]
    lines += [
        f"{STANDS_IN} {column.name}: measured on {part}"
        for column in columns
        for part in dict.fromkeys(draft.cells[column.name].part for draft in drafts)
        if part
    ]
    lines += trivial.notes(drafts, columns)
    lines += guards.notes(drafts, columns)
    for name, how in mixed.items():
        lines.append(f"{name} mixes protocols, no best is marked: {how}")
    lines += _left_out(drafts)
    lines += _states(drafts)
    return list(dict.fromkeys(lines))


def _missing(
    drafts: Sequence[Draft], columns: Sequence[Column], reasons: Mapping[str, str]
) -> list[str]:
    by_reason: dict[str, list[str]] = {}
    for column in columns:
        empty = any(draft.cells[column.name].state in ("missing", "planned") for draft in drafts)
        if empty and reasons.get(column.name):
            by_reason.setdefault(reasons[column.name], []).append(column.name)
    return [f"{DASH} {', '.join(names)}: {reason}" for reason, names in by_reason.items()]


def _left_out(drafts: Sequence[Draft]) -> list[str]:
    lines = []
    for draft in drafts:
        for name, seeds in draft.seeds.items():
            if count := draft.left_out[name]:
                runs = "run" if count == 1 else "runs"
                lines.append(
                    f"{draft.title}, {name}: {count} older {runs} under other settings left out"
                )
            if count := sum(cell.others for cell in seeds):
                scores = "score" if count == 1 else "scores"
                how = "under other test options left out"
                lines.append(f"{draft.title}, {name}: {count} older {scores} {how}")
    return lines


def _states(drafts: Sequence[Draft]) -> list[str]:
    lines = []
    for draft in drafts:
        for name, seeds in draft.seeds.items():
            for cell in seeds:
                run, several = cell.run, len(seeds) > 1
                who = f"{draft.title}, {run.recipe}" + (f", seed {run.seed}" if several else "")
                if cell.state == "failed":
                    cause = cell.cause or "no cause was recorded"
                    at = f"{who}, {name}" if cell.cause != run.cause and name != run.recipe else who
                    lines.append(
                        f"failed: {at}: {cause}" + (f" (log: {run.log})" if run.log else "")
                    )
                elif cell.state == "running" and (silent := _silence(run)):
                    lines.append(
                        f"{who}: nothing written for {silent}; it may have died ({run.id})"
                    )
                elif cell.state == "pending" and cell.score is not None:
                    lines.append(
                        f"to be submitted: {who}, {name}: send {cell.score.submission} to "
                        f"{cell.score.server or 'its server'}, then `mim-bench record {name} VALUE "
                        f"--run {run.id} --source ...`"
                    )
                elif cell.state == "interrupted":
                    lines.append(f"interrupted: {who}: goes on when it is run again ({run.id})")
    return lines


def _silence(run: RunRecord) -> str:
    if run.progress is None or not run.progress.updated:
        return ""
    seconds = time.time() - run.progress.updated
    if seconds < SILENT_SECONDS:
        return ""
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.0f} hours"
