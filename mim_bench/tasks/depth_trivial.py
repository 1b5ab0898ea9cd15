"""The trivial predictor of depth: the mean depth of the training frames at each pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from mim_bench.errors import UserError
from mim_bench.tasks.trivial import TrivialPredictor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from torch import Tensor

    from mim_bench.tasks.training import Batch

Depth = npt.NDArray[np.floating[Any]]

FRAMES = 512
"""The most frames that are averaged: the mean changes little beyond, reading takes longer."""


class MeanDepth(TrivialPredictor):
    """Predicts one map for every picture.

    Args:
        depth: (H, W) metres.
        frames: How many frames it is the mean of.
    """

    def __init__(self, depth: Depth, frames: int) -> None:
        self.depth = np.asarray(depth, dtype=np.float32)
        self.name = f"per-pixel mean depth of {frames} training frame{'s' * (frames != 1)}"

    @classmethod
    def fit(cls, maps: Iterable[Depth]) -> MeanDepth:
        """Average depth maps, one after another: two arrays of a frame's size are kept.

        Args:
            maps: (H, W) metres each, 0 or less where depth is unknown. The first one's size is
                that of the mean; others are brought to it by nearest pixels, so holes stay holes.

        Returns:
            At each pixel the mean of what is known there; where nothing ever is, the mean of all
            known depths.

        Raises:
            UserError: No depth is known.
        """
        total, known, frames = np.zeros((0, 0)), np.zeros((0, 0), dtype=np.int64), 0
        for depth in maps:
            if not frames:
                total, known = np.zeros(depth.shape), np.zeros(depth.shape, dtype=np.int64)
            depth = to_size(depth, *total.shape)  # noqa: PLW2901 - the large one can go
            valid = np.isfinite(depth) & (depth > 0)
            total += np.where(valid, depth, 0)
            known += valid
            frames += 1
        if not known.any():
            raise UserError(
                f"no depth is known in {frames} training frames",
                expected="ground truth above 0 m, of which the mean can be taken",
            )
        everywhere = total.sum() / known.sum()
        return cls(np.where(known > 0, total / np.maximum(known, 1), everywhere), frames)

    def predict(self, batch: Batch, options: Mapping[str, Any]) -> Tensor:
        """Return the map in the batch's size for each picture: (B, H, W) metres."""
        del options  # there is nothing to mirror or to cut into windows
        truth: Tensor = batch["depth"]
        depth = np.ascontiguousarray(to_size(self.depth, *truth.shape[-2:]))
        return torch.from_numpy(depth).to(truth.device).expand(truth.shape)


def to_size(depth: Depth, height: int, width: int) -> Depth:
    """Resize a map (H, W): each pixel takes the value of that on which its centre falls."""
    rows, columns = (
        (2 * np.arange(wanted) + 1) * size // (2 * wanted)
        for wanted, size in zip((height, width), depth.shape, strict=True)
    )
    return depth if depth.shape == (height, width) else depth[np.ix_(rows, columns)]


def known_depth(sample: Mapping[str, Any]) -> Depth:
    """Return a sample's depth (H, W) in metres, 0 where it is unknown or not to be used."""
    depth: Depth = sample["depth"]
    return np.where(sample["valid"], depth, 0) if "valid" in sample else depth
