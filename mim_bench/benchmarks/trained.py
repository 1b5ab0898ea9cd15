"""Loads what a finished run has trained, for use outside of the benchmark."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from mim_bench.benchmarks import checkpoints, data
from mim_bench.benchmarks.execution import build_task
from mim_bench.benchmarks.store import RunFolder
from mim_bench.errors import UserError
from mim_bench.files import read_json

if TYPE_CHECKING:
    from mim_bench.tasks.base import Task


def load_task(run: str | Path) -> Task:
    """Return a run's task with its trained weights, in evaluation mode, on the CPU.

    Args:
        run: The run's folder, which holds run.json.

    Raises:
        UserError: There is no such run, it is not trained to its end, or its backbone's weights or
            classes can't be found.
    """
    folder = RunFolder(Path(run))
    try:
        job: dict[str, Any] = folder.read()
    except FileNotFoundError:
        job = {}
    if not job:
        raise UserError(
            "holds no run",
            where=str(run),
            expected="a run's folder, such as runs/<recipe>/<backbone>/<id>",
            action="`mim-bench status` lists the runs of a store",
        )
    weights = folder.checkpoints / checkpoints.FINAL
    if not weights.is_file():
        raise UserError(
            "is not trained to its end",
            where=str(run),
            action="`mim-bench run` with the same arguments goes on with it",
        )
    facts = folder.checkpoints / checkpoints.FACTS
    info: Any = data.reader_class(job["resolved"]).info
    if facts.is_file():  # older releases kept none
        info = read_json(facts)["info"]
    task = build_task(job, SimpleNamespace(info=info))
    checkpoints.load_network(task.network, weights)
    return task.eval()
