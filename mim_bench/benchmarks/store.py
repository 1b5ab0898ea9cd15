"""The store: the folder of finished and unfinished runs, the only source of every report."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mim_bench.errors import Problem, UserError
from mim_bench.files import read_json, write_atomic, write_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ALL_SAVED = "complete.json"
"""The file that ends a folder of saved predictions."""

STATES = ("planned", "running", "interrupted", "failed", "pruned", "done")
ENDED = ("done", "failed", "pruned")
"""States of runs that nothing works on or will work on by itself."""


@dataclass(frozen=True)
class RunFolder:
    """One run's folder: `<store>/<recipe>/<backbone>/<training id>/`."""

    path: Path

    @property
    def id(self) -> str:
        """The training id."""
        return self.path.name

    @property
    def checkpoints(self) -> Path:
        """Where the run's checkpoints lie."""
        return self.path / "checkpoints"

    @property
    def log(self) -> Path:
        """The run's log."""
        return self.path / "log.txt"

    def read(self) -> dict[str, Any]:
        """Return run.json; an empty dict before it is written.

        Raises:
            UserError: A newer release wrote it, or it is damaged.
        """
        try:
            return read_json(self.path / "run.json")
        except FileNotFoundError:
            return {}

    def update(self, **fields: Any) -> None:
        """Change fields of run.json (only the claim's holder does)."""
        write_json(self.path / "run.json", {**self.read(), **fields})

    def progress(self, phase: str, step: int, total: int) -> None:
        """Write how far the run is, for the live table.

        Args:
            phase: `starting`, `fit` or `test`.
            step: Steps done in this phase.
            total: Steps of this phase.
        """
        content = {"phase": phase, "step": step, "total": total, "updated": time.time()}
        write_json(self.path / "progress.json", content, durable=False)

    def score_file(self, column: str, score_id: str) -> Path:
        """Return where a column's score is kept."""
        return self.path / "scores" / f"{column}-{score_id}.json"

    def write_score(self, column: str, score_id: str, content: dict[str, Any]) -> None:
        """Keep a score (see `docs/store.md` for its fields)."""
        write_json(
            self.score_file(column, score_id),
            {"id": score_id, "column": column, "run": self.id, **content},
        )

    def has_score(self, column: str, score_id: str) -> bool:
        """Tell whether a column was scored (or is pending elsewhere, which is not ours to redo)."""
        try:
            score = read_json(self.score_file(column, score_id))
        except FileNotFoundError:
            return False
        return score.get("state") in ("done", "pending")

    def results(self, column: str, score_id: str, ending: str) -> Path:
        """Return where a column's results are kept in the field's own format."""
        return self.path / "results" / f"{column}-{score_id}{ending}"

    def details(self, column: str, score_id: str) -> Path:
        """Return where what a score is made of is kept: parts, curves."""
        return self.path / "details" / f"{column}-{score_id}.json"

    def submission(self, column: str, score_id: str, name: str) -> Path:
        """Return where the archive for a server is kept."""
        return self.path / "submissions" / f"{column}-{score_id}" / name

    def predictions(self, records: str) -> Path:
        """Return where the predictions of a pass over a split are kept, by its records' id."""
        return self.path / "predictions" / records

    def is_finished(self, score: Mapping[str, Any]) -> bool:
        """Tell whether nothing is left to do for a score of a job: scored, and saved if asked."""
        if not self.has_score(score["column"], score["id"]):
            return False
        saved = self.predictions(score["records"]) / ALL_SAVED
        return not score.get("save_predictions") or saved.is_file()


class Store:
    """The store as a folder.

    Args:
        root: The folder, made when missing.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)

    def prepare(self) -> None:
        """Make the folder and see that it can be written.

        Raises:
            UserError: It can't be made or written.
        """
        if self.root.exists() and not self.root.is_dir():
            raise UserError("the store is no folder", where=str(self.root))
        probe = self.root / f".write-test-{os.getpid()}"
        write_atomic(probe, "")
        probe.unlink(missing_ok=True)

    def folder(self, recipe: str, slug: str, training_id: str) -> RunFolder:
        """Return a run's folder, whether or not it exists."""
        return RunFolder(self.root / recipe / slug / training_id)

    def runs(self) -> Iterator[RunFolder]:
        """Yield every run of the store, in the order of their folders."""
        for path in sorted(self.root.glob("*/*/*/run.json")):
            yield RunFolder(path.parent)

    def find(self, run: str) -> RunFolder:
        """Find one run by a unique prefix of its id, or by its folder.

        Raises:
            UserError: None or several match.
        """
        if (Path(run) / "run.json").is_file():
            return RunFolder(Path(run))
        found = [folder for folder in self.runs() if run and folder.id.startswith(run)]
        if len(found) == 1:
            return found[0]
        if not found:
            raise UserError(
                f"no run {run!r}",
                where=str(self.root),
                action="`mim-bench status` lists the runs of a store; choose one with --store",
            )
        raise UserError(
            Problem(f"{len(found)} runs begin with {run!r}: {folder.path}", str(self.root))
            for folder in found[:5]
        )
