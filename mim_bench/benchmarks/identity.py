"""The two identities: what can change the weights, and what can change a score beyond that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mim_bench.benchmarks.settings import TRAINER_SCORED
from mim_bench.files import digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mim_bench.benchmarks.recipe import ColumnTest

IDENTITY_VERSION = 1
"""Counts changes of what the identities hold; old runs then stay, and are not taken for new."""

DATA_OTHER = ("root", "num_workers", "eval_batch_size")
"""Arguments of datamodules that change speed or place, never a sample."""

TASK_OTHER = ("pictures", "chunk")
"""Arguments of tasks that change logging or memory, never a score."""

SCORING_ONLY = frozenset({"rules"})
"""Test options that say how records are scored, not how they are made."""

LENGTH = 16
"""Digits of an id: 64 bits of a sha256."""


def training_identity(
    content: Mapping[str, Any],
    *,
    recipe: str,
    backbone: Mapping[str, Any],
    fingerprints: Mapping[str, str],
    seed: int,
    preset: str,
    mode: str,
) -> dict[str, Any]:
    """List what can change the weights of a run, and nothing else.

    Args:
        content: The recipe's content after overlays (`Resolved.content`).
        recipe: The recipe's name.
        backbone: `BackboneSpec.identity()`: name, hash of the weights, options.
        fingerprints: Fingerprint of each training split.
        seed: The run's seed.
        preset: `paper` or `miniature`.
        mode: `finetune` or `frozen`.

    Returns:
        Plain content whose canonical JSON is hashed by `short_id`.
    """
    trainer = content["trainer"]
    return {
        "identity": IDENTITY_VERSION,
        "recipe": recipe,
        "protocol": content.get("protocol", 1),
        "task": _without(content["task"], TASK_OTHER),
        "data": _without(content["data"], DATA_OTHER),
        # a setting that the recipe leaves out is its default, so spelling it changes nothing
        "trainer": {key: trainer.get(key, default) for key, default in TRAINER_SCORED.items()},
        "backbone": dict(backbone),
        "fingerprints": dict(fingerprints),
        "seed": seed,
        "preset": preset,
        "mode": mode,
    }


def score_identity(
    training_id: str,
    test: ColumnTest,
    fingerprint: str,
    selection: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """List what makes a score of a trained run: the tested split and how it is tested.

    One training may be a search's winner and what the recipe says of itself: its score then has
    two meanings, and `selection` names the search and its budget.
    """
    return {
        "training": training_id,
        "column": test.column,
        "split": test.split,
        "fingerprint": fingerprint,
        "metric": test.metric,
        "options": test.options,
        "checkpoint": test.checkpoint,
        **({"selection": dict(selection)} if selection else {}),
    }


def records_identity(training_id: str, test: ColumnTest, fingerprint: str) -> dict[str, Any]:
    """List what makes the per-sample records that a score is computed from."""
    identity = score_identity(training_id, test, fingerprint)
    # columns that differ in the metric alone share one pass over the split
    shared = ("training", "split", "fingerprint", "options")
    best = {"best": test.metric} if test.checkpoint == "best" else {}
    options = {key: value for key, value in test.options.items() if key not in SCORING_ONLY}
    return {**{key: identity[key] for key in shared}, "options": options, **best}


def counts(key: str) -> bool:
    """Tell whether a dotted setting (`task.lr`) can change a score."""
    part, _, name = key.partition(".")
    name = name.removeprefix("init_args.").partition(".")[0]
    if part == "trainer":
        return name in TRAINER_SCORED
    return name not in {"data": DATA_OTHER, "task": TASK_OTHER}.get(part, ())


def short_id(identity: Mapping[str, Any]) -> str:
    """Return the id of an identity: the first digits of the sha256 of its canonical JSON."""
    return digest(identity)[:LENGTH]


def _without(part: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    arguments = part.get("init_args") or {}
    return {
        "class_path": part["class_path"],
        "init_args": {key: value for key, value in arguments.items() if key not in names},
    }
