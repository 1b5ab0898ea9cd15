"""One cell from the runs behind it: the state of each seed, mean and standard deviation."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mim_bench.files import digest
from mim_bench.reports.table import Cell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mim_bench.reports.records import RunRecord, ScoreRecord

# the state that a cell shows when none of its seeds is done
_URGENCY = ("running", "failed", "pending", "interrupted", "planned", "missing")


@dataclass(frozen=True)
class SeedCell:
    """What one run says about one column: as `Cell`, with the score that it comes from.

    `others` counts the run's other scores of the column, under other test options.
    """

    run: RunRecord
    state: str
    value: float | None = None
    score: ScoreRecord | None = None
    others: int = 0

    @property
    def cause(self) -> str:
        """Why it failed: a failed score of a run that is well says its own cause."""
        own = self.score.cause if self.score is not None else ""
        return (own or self.run.cause) if self.state == "failed" else ""


def covers(run: RunRecord, recipe: str, column: str) -> bool:
    """Tell whether a run fills a column, now or when it is finished."""
    if run.recipe != recipe:
        return False
    return not run.columns or column in run.columns or any(s.column == column for s in run.scores)


def variant(run: RunRecord) -> str:
    """Return a key that runs share when they differ in nothing but the seed."""
    rest = {key: value for key, value in run.identity.items() if key != "seed"}
    return digest(rest) if rest else ""


def seed_cell(run: RunRecord, column: str) -> SeedCell:
    """Return what a run says about a column (its newest score, or the one that is wanted)."""
    scores = [score for score in run.scores if score.column == column]
    if column in run.wanted:
        scores = [score for score in scores if score.id == run.wanted[column]]
    done = [score for score in scores if score.state == "done" and score.value is not None]
    if done:
        score = max(done, key=lambda s: (s.written, s.id))
        return SeedCell(run, "done", score.value, score, len(done) - 1)
    if scores:
        score = max(scores, key=lambda s: (s.written, s.id))
        if run.state != "running":  # a running run is about to replace it
            return SeedCell(run, "pending" if score.state == "pending" else "failed", None, score)
    if run.state == "done":
        return SeedCell(run, "planned" if column in run.wanted else "missing")
    known = run.state in ("running", "failed", "interrupted", "planned")
    return SeedCell(run, run.state if known else "missing")


def choose(runs: Sequence[RunRecord], column: str, planned: bool) -> tuple[list[SeedCell], int]:
    """Choose the runs of one row that a column shows, one per seed.

    Runs whose identities differ in more than the seed are never averaged: those that have a
    value come first, then the newest. A plan has chosen already.

    Returns:
        What each seed says, by seed, and how many finished runs were left out.
    """
    cells = [seed_cell(run, column) for run in runs]
    if not planned:
        newest = max(cells, key=_rank, default=None)
        if newest is not None:
            cells = [cell for cell in cells if variant(cell.run) == variant(newest.run)]
    by_seed: dict[int, SeedCell] = {}
    for cell in sorted(cells, key=_rank):
        by_seed[cell.run.seed] = cell
    chosen = [by_seed[seed] for seed in sorted(by_seed)]
    ids = {cell.run.id for cell in chosen}
    left_out = [run for run in runs if run.id not in ids and run.state == "done"]
    return chosen, len(left_out)


def _rank(cell: SeedCell) -> tuple[bool, str, str]:
    return cell.state == "done", cell.run.started, cell.run.id


def combine(cells: Sequence[SeedCell], decimals: int) -> Cell:
    """Make the cell of all seeds: mean ± standard deviation of those done, else the state."""
    if not cells:
        return Cell()
    runs = tuple(cell.run.id for cell in cells)
    values = [cell.value for cell in cells if cell.state == "done" and cell.value is not None]
    if values:
        cell = of_values(values, decimals, total=len(cells))
        hand = any(c.score is not None and c.score.source == "recorded" for c in cells)
        scores = [c.score for c in cells if c.score is not None]
        other = {score.stands_in for score in scores if score.stands_in}
        parts = {score.part for score in scores if score.part}
        return replace(
            cell,
            runs=runs,
            recorded=hand,
            stands_in=", ".join(sorted(other)),
            part=", ".join(sorted(parts)),
        )
    state = min((cell.state for cell in cells), key=_URGENCY.index)
    texts = {"failed": "failed", "pending": "to be submitted"}
    if state in ("running", "interrupted"):
        text, share = _progress([cell.run for cell in cells if cell.state == state], state)
        return Cell(state, text, progress=share, runs=runs)
    cause = next((cell.cause for cell in cells if cell.cause), "") if state == "failed" else ""
    return Cell(state, texts.get(state, Cell.text), cause=cause, runs=runs)


def of_values(values: Sequence[float], decimals: int, total: int) -> Cell:
    """Make a cell of the values of some seeds out of `total`."""
    mean = statistics.fmean(values) if all(map(math.isfinite, values)) else math.nan
    spread = len(values) > 1 and math.isfinite(mean)
    std = statistics.stdev(values) if spread else None
    text = f"{mean:.{decimals}f}"
    if std is not None:
        text += f" ±{std:.{decimals}f}"
    partial = len(values) < total
    if partial:
        text += f" ({len(values)}/{total} seeds)"
    return Cell("partial" if partial else "done", text, mean, std, len(values))


def _progress(runs: Sequence[RunRecord], state: str) -> tuple[str, float | None]:
    known = [run.progress for run in runs if run.progress is not None]
    shares = [p.share for p in known if p.share is not None and p.phase != "starting"]
    if state == "running" and known and all(p.phase == "starting" for p in known):
        return "starting", None
    word = "testing" if known and all(p.phase == "test" for p in known) else "running"
    word = "searching" if known and all(p.phase == "search" for p in known) else word
    word = "interrupted" if state == "interrupted" else word
    if not shares:
        return word, None
    share = statistics.fmean(shares)
    return f"{word} {math.floor(100 * share)}%", share
