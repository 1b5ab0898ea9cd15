"""Protocol cards: what a score's number means and what made it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mim_bench.datamodules.base import BenchDataModule
    from mim_bench.tasks.base import Task


def make_card(
    job: Mapping[str, Any], task: Task, datamodule: BenchDataModule, test: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the protocol card of a column: what its number means and what made it."""
    resolved = job["resolved"]
    batch = datamodule.batch_report
    selection = test.get("selection")
    return {
        "recipe": job["recipe"],
        "protocol": resolved.get("protocol", 1),
        "preset": job["preset"],
        "dataset": datamodule.info.name,
        "data": job["data"],
        "split": test["split"],
        "fingerprint": test["fingerprint"][:16],
        "metric": test["metric"],
        "checkpoint": test["checkpoint"],
        "overrides": dict(job["overrides"]),
        "batch": batch["effective"],
        "batch_norm": resolved["trainer"].get("batch_norm", "device"),
        **datamodule.card(test["view"]),
        **task.card(test["options"]),
        **({"search": selection} if selection else {}),
        # what may differ between the rows of a column
        "per_backbone": {
            "mode": job["mode"],
            "batch_norm_samples": batch["batch_norm"],
            "devices": batch["devices"],
            **({"searched": dict(job["values"])} if selection else {}),
        },
    }
