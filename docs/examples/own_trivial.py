"""A trivial predictor of one's own: one depth for every pixel, the mean of the training set."""

import torch
from own_task import PlainDepth

from mim_bench.tasks.trivial import TrivialPredictor


class OneDepth(TrivialPredictor):
    """Predicts the same everywhere."""

    def __init__(self, metres, frames):
        self.metres = float(metres)
        self.name = f"mean of all depths in {frames} training frames"

    def predict(self, batch, options):
        """Return what `DepthTask.predict` returns: (B, H, W) metres."""
        return torch.full_like(batch["depth"], self.metres)


class ModestDepth(PlainDepth):
    """A row of the table is held against `OneDepth` instead of the mean map."""

    def trivial_predictor(self, datamodule):
        """Fit it on the training set: frames as the test has them, read one by one."""
        total = pixels = frames = 0
        for sample in datamodule.some_samples(datamodule.train_split, 512):
            known = sample["depth"][sample["valid"]]
            total, pixels, frames = total + known.sum(), pixels + known.size, frames + 1
        return OneDepth(total / pixels, frames)
