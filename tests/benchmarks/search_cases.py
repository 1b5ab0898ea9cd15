"""A small recipe with a search, and a store in which its trials have ended without training."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mim_bench.backbones.spec import BackboneSpec
from mim_bench.benchmarks.plan import Request, make_plan
from mim_bench.benchmarks.recipe import load_recipe
from mim_bench.benchmarks.study import VALIDATIONS
from mim_bench.files import write_json

if TYPE_CHECKING:
    from pathlib import Path

    from mim_bench.benchmarks.plan import Node, Plan
    from mim_bench.benchmarks.store import Store

# the recipe's own rate learns nothing at all
RECIPE = """
name: searched
extends: nyuv2
task.lr: 1.0e-12
task.min_lr: 1.0e-13
trainer.check_val_every_n_epoch: 1
search:
  train_split: train
  split: train
  pruner: none
  space:
    task.lr: {choices: [1.0e-12, 3.0e-3]}
tests:
  searched: {split: test, metric: rmse, direction: min, unit: m}
miniature:
  task.lr: 1.0e-12
  trainer.max_steps: 12
  trainer.val_check_interval: 12
  trainer.log_every_n_steps: 1
  data.num_workers: 0
"""


def write_recipe(folder: Path, **changes: str) -> Path:
    """Write the recipe; `changes` replace texts of it."""
    text = RECIPE
    for old, new in changes.values():
        assert old in text
        text = text.replace(old, new)
    path = folder / "searched.yaml"
    path.write_text(text)
    return path


def request(*columns: str, trials: int = 2, recipes: tuple = (), **more: Any) -> Request:
    """Return a request for columns that are served by recipes of their name."""
    return Request(
        columns={name: name for name in columns},
        recipes=[load_recipe(str(path)) for path in recipes],
        backbones=[BackboneSpec.parse("convnext_mini")],
        trials=trials,
        **more,
    )


def plan(store: Store, *columns: str, **options: Any) -> Plan:
    """Plan columns with a search."""
    return make_plan(request(*columns, **options), store)


def finish(
    node: Node, store: Store, value: float | None, steps: dict | None = None, state: str = ""
) -> None:
    """Let a trial have ended: done with a value, or failed."""
    folder = node.folder(store)
    state = state or ("done" if value is not None else "failed")
    error = {"cause": "the loss is nan", "log": "log.txt"} if state == "failed" else None
    folder.update(**node.job(), state=state, error=error)
    if value is not None:
        score = node.scores[0]
        folder.write_score(score.test.column, score.id, {"state": "done", "value": value})
    if steps:
        write_json(folder.path / VALIDATIONS, {"steps": sorted(steps.items())})


def trials(store: Path) -> list[dict]:
    """Return the trials of the only search of a store."""
    (path,) = store.glob("*/*/search-*/search.json")
    return json.loads(path.read_text())["trials"]
