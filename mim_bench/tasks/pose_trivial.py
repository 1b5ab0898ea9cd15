"""The trivial predictor of pose: the training set's mean pose, in each person's box."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mim_bench.errors import UserError
from mim_bench.tasks.trivial import TrivialPredictor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mim_bench.tasks.training import Batch

PEOPLE = 2048
"""The most people that are averaged."""


class MeanPose(TrivialPredictor):
    """Puts one pose into every box.

    Args:
        places: (K, 2) column and row of each joint, in shares of the box's sides from its corner.
        people: How many it is the mean of.
    """

    def __init__(self, places: np.ndarray[Any, Any], people: int) -> None:
        self.places = np.asarray(places, dtype=np.float32)
        self.name = f"mean pose of {people} training {'person' if people == 1 else 'people'}"

    @classmethod
    def fit(cls, people: Iterable[Mapping[str, Any]], size: tuple[int, int]) -> MeanPose:
        """Average labelled joints in their boxes.

        Args:
            people: Samples as an evaluation gets them: `keypoints`, `weight`, `box`, `center`,
                `scale`.
            size: (H, W) of their inputs.

        Returns:
            A pose in which joints that are never labelled lie in the middle of the box.

        Raises:
            UserError: There is nobody.
        """
        total, known, count = np.zeros((0, 2)), np.zeros(0), 0
        for person in people:
            if not count:
                known = np.zeros(len(person["weight"]))
                total = np.zeros((len(known), 2))
            sides = person["scale"].astype(np.float64) * 200
            pixels = np.array([size[1], size[0]])
            places = person["keypoints"] * sides / pixels + person["center"] - sides / 2
            box = person["box"].astype(np.float64)
            labelled = person["weight"] > 0
            total[labelled] += ((places - box[:2]) / box[2:])[labelled]
            known += labelled
            count += 1
        if not count:
            raise UserError("there are no people in the training set")
        mean = total / np.maximum(known, 1)[:, None]
        return cls(np.where(known[:, None] > 0, mean, 0.5), count)

    def predict(self, batch: Batch, options: Mapping[str, Any]) -> dict[str, torch.Tensor]:
        """Return the pose in each box of a batch, all joints equally sure."""
        del options
        box = batch["box"]
        places = torch.from_numpy(self.places).to(box.device)
        keypoints = box[:, None, :2] + places * box[:, None, 2:]
        return {"keypoints": keypoints, "peaks": torch.ones_like(keypoints[..., 0])}
