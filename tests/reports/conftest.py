"""A store made by hand: what the worker writes, without training anything."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Any

import pytest

from mim_bench.files import write_json

if TYPE_CHECKING:
    from pathlib import Path


class HandStore:
    """Writes runs and scores as the worker does."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._count = itertools.count()

    def run(
        self,
        backbone: str,
        recipe: str = "nyuv2",
        scores: dict[str, Any] | float | None = None,
        *,
        columns: list[str] | None = None,
        state: str = "done",
        seed: int = 0,
        preset: str = "paper",
        data: str = "/data",
        overrides: dict[str, Any] | None = None,
        mode: str = "finetune",
        title: str | None = None,
        progress: tuple[str, int, int] | None = None,
        updated: float | None = None,
        error: str | None = None,
        started: str = "",
        identity: dict[str, Any] | None = None,
        sha: str | None = None,
        **score: Any,
    ) -> str:
        number = next(self._count)
        run_id = f"{number:016x}"
        folder = self.root / recipe / backbone / run_id
        if isinstance(scores, (int, float)):
            scores = {recipe: scores}
        scores = scores or {}
        write_json(
            folder / "run.json",
            {
                "id": run_id,
                "state": state,
                "recipe": recipe,
                "preset": preset,
                "data": data,
                "overrides": overrides or {},
                "mode": mode,
                "seed": seed,
                "backbone": {
                    "name": backbone,
                    "title": title or backbone,
                    "slug": backbone,
                    "weights_sha256": sha,
                    "options": {},
                },
                "columns": columns or sorted(scores or [recipe]),
                "identity": {"backbone": backbone, "seed": seed, **(identity or {})},
                "error": {"cause": error, "log": "log.txt"} if error else None,
                "timings": {"started": started or f"2026-01-01T00:00:{number:02d}"},
            },
        )
        for column, value in scores.items():
            self.score(folder, column, value, **score)
        if progress:
            phase, step, total = progress
            when = time.time() if updated is None else updated
            content = {"phase": phase, "step": step, "total": total, "updated": when}
            write_json(folder / "progress.json", content)
        return run_id

    def score(self, folder: Path, column: str, value: Any, **fields: Any) -> None:
        content = {
            "id": "5" * 16,
            "column": column,
            "state": "done",
            "value": value,
            "source": "measured",
            "metric": "rmse",
            "direction": "min",
            "unit": "m",
            "card": {"crop": "eigen", "windows": {"count": 2}},
            "run": folder.name,
            **fields,
        }
        write_json(folder / "scores" / f"{column}-{content['id']}.json", content)

    def folder(self, run_id: str) -> Path:
        return next(self.root.glob(f"*/*/{run_id}"))


@pytest.fixture
def store(tmp_path: Path) -> HandStore:
    return HandStore(tmp_path / "runs")
