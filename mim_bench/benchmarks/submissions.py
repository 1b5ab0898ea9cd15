"""Scores that only a server can give: the archive for it, and what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mim_bench.datamodules import miniature
from mim_bench.files import write_atomic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mim_bench.benchmarks.store import RunFolder
    from mim_bench.datamodules.base import BenchDataModule
    from mim_bench.tasks.base import Task

WORLD = "the miniature world, which plays the server"


def submit(
    task: Task,
    datamodule: BenchDataModule,
    test: Mapping[str, Any],
    records: Sequence[Mapping[str, Any]],
    folder: RunFolder,
) -> tuple[dict[str, Any], Any]:
    """Write the archive of a split with hidden labels, check it as its server would, and score it.

    The archive lies in the run's folder. On the miniature world the world scores it, from the
    file alone, against labels that lie outside the data root; on real data the score is pending
    until `mim-bench record` enters what the server says.

    Args:
        task: Whose `submission`, `check_submission` and `score_submission` are taken.
        datamodule: The data.
        test: The column's test, as a job has it.
        records: One record per sample of the split, in its order.
        folder: The run's folder.

    Returns:
        What the score's file says of state, value and source; and the labels, if they are there.
    """
    submission = task.submission(records, test["options"])
    path = folder.submission(test["column"], test["id"], submission.name)
    write_atomic(path, submission.archive())
    reader, view = datamodule.reader, test["view"]
    task.check_submission(path, reader.expected(view))
    found: dict[str, Any] = {
        "submission": str(path.relative_to(folder.path)),
        "server": submission.server,
    }
    labels = None
    if reader.stamp() is not None:
        dataset, split = reader.labels_of(test["split"])
        labels = miniature.hidden_labels(reader.root, dataset, split)
    if labels is None:
        found |= {"state": "pending", "value": None, "source": "to be submitted", "all": {}}
        return found, None
    truth = reader.read_truth(labels, test["split"])
    values = task.score_submission(path, truth)
    measured = {
        **found,
        "server": WORLD,
        "state": "done",
        "value": values[test["metric"]],
        "source": "measured",
        "all": values,
    }
    return measured, truth
