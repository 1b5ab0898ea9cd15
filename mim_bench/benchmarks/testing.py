"""Tests a trained run: per-sample records first, then each column's score from them."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

from lightning.pytorch import Callback

from mim_bench.benchmarks import checkpoints
from mim_bench.benchmarks.cards import make_card
from mim_bench.benchmarks.features import MeasureFeatures
from mim_bench.benchmarks.records import Records
from mim_bench.benchmarks.saving import SavePictures, SavePredictions
from mim_bench.benchmarks.submissions import submit
from mim_bench.benchmarks.trivial import TrivialTest, WriteTrivialRecords
from mim_bench.errors import UserError
from mim_bench.files import write_atomic, write_json
from mim_bench.tasks.showing import add_figure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import lightning.pytorch as pl

    from mim_bench.benchmarks.records import RecordWriter
    from mim_bench.benchmarks.store import RunFolder
    from mim_bench.datamodules.base import BenchDataModule
    from mim_bench.tasks.base import Task


class WriteRecords(Callback):
    """Writes what a task's test step returns."""

    def __init__(self, writer: RecordWriter) -> None:
        self.writer = writer

    def on_test_batch_end(self, trainer: Any, module: Any, outputs: Any, *_: Any) -> None:
        """Append the batch's records."""
        self.writer.write(outputs["records"])


def test_columns(
    job: Mapping[str, Any],
    folder: RunFolder,
    trainer: pl.Trainer,
    task: Task,
    datamodule: BenchDataModule,
) -> None:
    """Score each column of a job that has no score yet, or lacks predictions to be saved.

    Columns with the same split and options share one pass over the split.
    """
    missing = [test for test in job["scores"] if not folder.is_finished(test)]
    trivial = TrivialTest(task, datamodule)
    for test in missing:
        records = Records(folder.path / "records" / test["records"])
        _record(records, test, folder, trainer, task, datamodule, trivial)
        if not trainer.is_global_zero:
            continue
        found = records.read()
        ids = datamodule.reader.ids(test["view"])
        lost = [sample for sample in ids if sample not in found]
        if lost:
            raise RuntimeError(f"{len(lost)} of {len(ids)} samples have no record: {lost[:3]}")
        ordered = [found[sample] for sample in ids]
        results = task.results(ordered, test["options"])
        if results is not None:
            write_atomic(folder.results(test["column"], test["id"], results[0]), results[1])
        said: dict[str, Any]
        if test["split"] in datamodule.reader.hidden:
            said, truth = submit(task, datamodule, test, ordered, folder)
        else:
            truth = datamodule.reader.ground_truth(test["view"])
            values = task.scores(ordered, truth, test["options"])
            said = {
                "state": "done",
                "value": values[test["metric"]],
                "source": "measured",
                "all": values,
            }
        beside, details = None, {}
        if said["state"] == "done":
            if not math.isfinite(said["value"]):
                raise FloatingPointError(f"{test['metric']} on {test['split']} is {said['value']}")
            beside = trivial.score(records, test, ids, truth)
            details = _explain(task, ordered, truth, test, folder, trainer)
        part = datamodule.reader.incomplete(test["view"])
        notes = [*datamodule.reader.notes(test["view"]), *_unscored(ordered, test)]
        if (chosen := test.get("selection")) and chosen["reported"]:
            notes.append(f"its settings were searched for on {chosen['selected_on']}")
        for note in notes:
            warnings.warn(f"column {test['column']}: {note}", stacklevel=2)
        folder.write_score(
            test["column"],
            test["id"],
            {
                **said,
                "metric": test["metric"],
                "direction": test["direction"],
                "heading": test["heading"],
                "unit": test["unit"],
                "split": test["split"],
                **({"stands_for": test["stands_for"]} if test["stands_for"] else {}),
                **({"part": part} if part else {}),
                "samples": len(ids),
                "all": {name: one for name, one in said["all"].items() if math.isfinite(one)},
                "card": make_card(job, task, datamodule, test),
                "records": f"records/{test['records']}",
                **details,
                **({"trivial": beside} if beside else {}),
                **({"notes": notes} if notes else {}),
            },
        )


def _explain(
    task: Task,
    records: Sequence[Mapping[str, Any]],
    truth: Any,
    test: Mapping[str, Any],
    folder: RunFolder,
    trainer: pl.Trainer,
) -> dict[str, Any]:
    """Keep what a score is made of, and figures of it; return what the score's file says."""
    found = task.details(records, truth, test["options"])
    if not found:
        return {}
    place = folder.details(test["column"], test["id"])
    write_json(place, found)
    for name, content in task.figures(found, task.spec.title).items():
        write_atomic(place.with_name(f"{place.stem}-{name}.png"), content)
        add_figure(trainer, f"test/{test['column']}/{name}", content)
    return {"details": str(place.relative_to(folder.path))}


def _unscored(records: Sequence[Mapping[str, Any]], test: Mapping[str, Any]) -> list[str]:
    """Say which samples count for nothing, as they have no ground truth to be scored by."""
    lost = [record["id"] for record in records if record.get(test["metric"], 0) is None]
    if not lost:
        return []
    shown = ", ".join(lost[:3]) + (" …" if len(lost) > 3 else "")
    return [
        f"{len(lost)} of {len(records)} samples have no ground truth that counts and are left out "
        f"of {test['metric']}: {shown}"
    ]


def _record(
    records: Records,
    test: Mapping[str, Any],
    folder: RunFolder,
    trainer: pl.Trainer,
    task: Task,
    datamodule: BenchDataModule,
    trivial: TrivialTest,
) -> None:
    """Test the samples of a split that have no record yet, or no saved prediction."""
    ids = datamodule.reader.ids(test["view"])
    known = records.read()
    saving = None
    done = set(known)
    if test.get("save_predictions"):
        saving = SavePredictions(task, folder.predictions(test["records"]))
        done &= saving.saved(ids)
    if done.issuperset(ids):
        if saving is not None and trainer.is_global_zero:
            saving.finish(ids)
        return
    weights = folder.checkpoints / checkpoints.FINAL
    if test["checkpoint"] == "best":
        weights = folder.checkpoints / checkpoints.BEST.format(metric=test["metric"])
        if not weights.is_file():
            raise UserError(
                f"no validation measured {test['metric']!r}, so there is no best checkpoint",
                where=f"tests.{test['column']}.checkpoint",
                action="set checkpoint: last, or let the trainer validate within its budget",
            )
    checkpoints.load_network(task.network, weights)
    writing: list[WriteRecords | WriteTrivialRecords] = [
        WriteRecords(records.writer(trainer.global_rank))
    ]
    if trivial.predictor is not None:
        beside = trivial.place(records).writer(trainer.global_rank)
        # first of all: a sample that the network has a record of is not looked at again
        writing.insert(0, WriteTrivialRecords(trivial, beside, test["options"]))
    pictures = SavePictures(task, folder.path / "pictures" / test["records"], test["column"])
    # before the callbacks that may stop the test, so that a tested batch is always kept
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    added: list[Callback] = [*writing, pictures, *([saving] if saving is not None else [])]
    if not folder.read().get("features"):
        added.append(MeasureFeatures(task, folder))
    callbacks[:0] = added
    task.test_options = dict(test["options"])
    try:
        loader = datamodule.eval_dataloader(test["view"], skip=done)
        trainer.test(task, dataloaders=loader, verbose=False)
    finally:
        for callback in added:
            callbacks.remove(callback)
        for each in writing:
            each.writer.close()
    trainer.strategy.barrier()
    if saving is not None and trainer.is_global_zero:
        saving.finish(ids)
