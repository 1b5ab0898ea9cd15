"""Tests a task's trivial predictor beside the network: records of its own, then its score."""

from __future__ import annotations

import math
import sys
import traceback
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch import Callback

from mim_bench.benchmarks.records import Records
from mim_bench.files import digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mim_bench.benchmarks.records import RecordWriter
    from mim_bench.datamodules.base import BenchDataModule
    from mim_bench.tasks.base import Task
    from mim_bench.tasks.trivial import TrivialPredictor


class TrivialTest:
    """Makes records with the trivial predictor in the network's place.

    Its records lie beside the network's, so that a killed test goes on. What goes wrong here is
    written down and costs no score of the network.

    Args:
        task: Whose predictor, `records` and `score` are taken.
        datamodule: What it is fitted on.

    Attributes:
        cause: Why there is no number; empty while nothing went wrong.
        name: The predictor's, once it is fitted.
    """

    def __init__(self, task: Task, datamodule: BenchDataModule) -> None:
        self.task = task
        self.datamodule = datamodule
        self.cause = ""
        self.name = ""

    @cached_property
    def predictor(self) -> TrivialPredictor | None:
        """The predictor, fitted when it is first asked for."""
        fitted = None
        with self._guard():
            fitted = self.task.trivial_predictor(self.datamodule)
            self.name = fitted.name if fitted is not None else ""
        return None if self.cause else fitted

    def records(self, batch: Mapping[str, Any], options: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a batch's records; none after anything went wrong."""
        found: list[dict[str, Any]] = []
        if self.predictor is not None and not self.cause:
            with self._guard(), torch.no_grad():
                found = self.task.records(self.predictor.predict(batch, options), batch, options)
        return found

    def place(self, network: Records) -> Records:
        """Return where its records lie, given the network's: those of two names never mix."""
        return Records(network.folder / f"trivial-{digest(self.name)[:8]}")

    def score(
        self, network: Records, test: Mapping[str, Any], ids: Sequence[str], truth: Any
    ) -> dict[str, Any] | None:
        """Return what a score's file says under `trivial`; None where a task has no predictor.

        Samples that have a record of the network alone are read again here: another release
        tested them, or the predictor failed then.
        """
        if self.predictor is None and not self.cause:
            return None
        scored: dict[str, Any] = {}
        place = self.place(network)
        if not self.cause:
            self._complete(place, test, ids)
        if not self.cause:
            with self._guard():
                found = place.read()
                scored = self._scored(test, [found[name] for name in ids], truth)
        if self.cause:
            return {"error": self.cause}
        return {**scored, "records": f"records/{test['records']}/{place.folder.name}"}

    def _scored(
        self, test: Mapping[str, Any], records: Sequence[Mapping[str, Any]], truth: Any
    ) -> dict[str, Any]:
        values, metric = self.task.scores(records, truth, test["options"]), test["metric"]
        if not math.isfinite(values[metric]):
            raise FloatingPointError(f"{metric} of the {self.name} is {values[metric]}")
        return {
            "value": values[metric],
            "predictor": self.name,
            "all": {name: value for name, value in values.items() if math.isfinite(value)},
        }

    def _complete(self, place: Records, test: Mapping[str, Any], ids: Sequence[str]) -> None:
        done = place.read()
        missing = [index for index, name in enumerate(ids) if name not in done]
        if not missing:
            return
        writer = place.writer()
        try:
            for index in missing:
                found: list[dict[str, Any]] = []
                with self._guard():
                    batch = self.datamodule.batch_of(test["view"], [index])
                    found = self.records(batch, test["options"])
                if self.cause:
                    return
                writer.write(found)  # not guarded: a full disk would end the test as well
        finally:
            writer.close()

    @contextmanager
    def _guard(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # anyone's code may run here, and a training hangs on it
            self.cause = f"{type(error).__name__}: {error}".splitlines()[0]
            traceback.print_exc()
            print("warning: no trivial predictor stands beside this score", file=sys.stderr)


class WriteTrivialRecords(Callback):
    """Writes the records of the trivial predictor in the network's pass over a split."""

    def __init__(
        self, trivial: TrivialTest, writer: RecordWriter, options: Mapping[str, Any]
    ) -> None:
        self.trivial = trivial
        self.writer = writer
        self.options = options

    def on_test_batch_end(
        self, trainer: Any, module: Any, outputs: Any, batch: Any, *_: Any
    ) -> None:
        """Append the batch's records."""
        self.writer.write(self.trivial.records(batch, self.options))
