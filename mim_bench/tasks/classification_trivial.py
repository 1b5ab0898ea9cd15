"""The trivial predictor of classification: the most similar training pictures, hardly looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt
import torch

from mim_bench.errors import UserError
from mim_bench.tasks.trivial import TrivialPredictor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from torch import Tensor

    from mim_bench.tasks.training import Batch

Floats = npt.NDArray[np.floating[Any]]

PICTURES = 4096
"""The most training pictures that are compared with: more take longer and tell little more."""

SIDES = {"pixels": 8, "colour": 1}
"""What is compared: pixels of the picture shrunk to 8 x 8, or its mean colour alone."""

_NEIGHBOURS = (1, 5, 15)


class NearestPictures(TrivialPredictor):
    """Answers with the classes of the training pictures that are nearest in raw colours.

    Args:
        features: (N, D) colours of training pictures.
        labels: (N, C), 1 where a picture shows a class, else 0.
        kind: A key of `SIDES`.
        neighbours: How many are asked.
    """

    def __init__(self, features: Floats, labels: Floats, kind: str, neighbours: int) -> None:
        self.features = features
        self.labels = labels
        self.kind = kind
        self.neighbours = neighbours
        what = "mean colour" if kind == "colour" else "8 x 8 pixels"
        self.name = f"{neighbours} nearest of {len(features)} training pictures by {what}"

    @classmethod
    def fit(
        cls, samples: Iterable[Mapping[str, Any]], classes: int, kind: str = "pixels"
    ) -> NearestPictures:
        """Keep the training pictures, and ask as many neighbours as tell each other's classes best.

        Args:
            samples: Prepared as for a test: `image` (H, W, 3) uint8, `label` a number or (C,).
            classes: C.
            kind: A key of `SIDES`.

        Raises:
            UserError: There is no sample.
        """
        features, rows = [], []
        for sample in samples:
            features.append(_shrunk(sample["image"], SIDES[kind]))
            label = sample["label"]
            rows.append(np.eye(classes)[label] if np.ndim(label) == 0 else np.asarray(label))
        if not features:
            raise UserError("there is no training picture to compare with")
        known, labels = np.stack(features), np.stack(rows).astype(np.float64)
        found = cls(known, labels, kind, _NEIGHBOURS[0])
        best = -1.0
        for count in (one for one in _NEIGHBOURS if one < len(known)):
            votes = found.votes(known, count, itself=True)
            right = float((labels * (votes == votes.max(axis=1, keepdims=True))).sum())
            if right > best:
                best, chosen = right, count
                found = cls(known, labels, kind, chosen)
        return found

    def votes(self, features: Floats, count: int, itself: bool = False) -> Floats:
        """Return the share of the nearest pictures that show each class: (B, C).

        Args:
            features: (B, D).
            count: How many are asked.
            itself: Whether each picture is one of those it is compared with, and doesn't count.
        """
        square = (features**2).sum(1)[:, None] + (self.features**2).sum(1)[None]
        distance = square - 2 * features @ self.features.T
        if itself:
            np.fill_diagonal(distance, np.inf)
        nearest = np.argsort(distance, axis=1, kind="stable")[:, :count]
        return np.asarray(self.labels[nearest].mean(axis=1))

    def predict(self, batch: Batch, options: Mapping[str, Any]) -> Tensor:
        """Return logits (B, C): the logarithm of the neighbours' shares."""
        del options
        images: Tensor = batch["image"]
        pictures = images.permute(0, 2, 3, 1).cpu().numpy()
        features = np.stack([_shrunk(picture, SIDES[self.kind]) for picture in pictures])
        shares = self.votes(features, self.neighbours)
        return torch.from_numpy(np.log(shares + 1e-6)).float().to(images.device)


def _shrunk(picture: npt.NDArray[np.uint8], side: int) -> Floats:
    small = cv2.resize(np.ascontiguousarray(picture), (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float64).reshape(-1)
