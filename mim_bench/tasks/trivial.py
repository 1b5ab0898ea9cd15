"""What a trivial predictor is: it needs no network, and a network should beat it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mim_bench.tasks.training import Batch


class TrainingData(Protocol):
    """What a trivial predictor is fitted on: a datamodule.

    Attributes:
        reader: Its reader, for families whose ground truth needs no picture to be read.
        train_split: The split that the network is trained on.
    """

    reader: Any
    train_split: str

    def some_samples(self, split: str, most: int) -> Iterator[Mapping[str, Any]]:
        """Yield at most `most` samples of a split, evenly spaced, prepared as for a test."""


class TrivialPredictor(ABC):
    """Predicts from the ground truth of the training set alone.

    `Task.trivial_predictor` fits one. Its predictions go through the task's `records` and `score`
    as the network's do, under the same test options; a table marks the rows that are not better.

    Attributes:
        name: What it predicts, in words that follow "the": `most frequent class of 50 images`.
            Records of another name are never mixed with its own.
    """

    name: str

    @abstractmethod
    def predict(self, batch: Batch, options: Mapping[str, Any]) -> Any:
        """Predict a test batch: what `Task.predict` returns, on the batch's device.

        It may take shapes and ids of the batch, and of its ground truth what every method is
        given (the first box of a track, a person's box).
        """
