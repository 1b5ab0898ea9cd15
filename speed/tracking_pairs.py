"""Tracking pairs of one worker against decoding the same two frames and nothing else.

Run: python -m speed.tracking_pairs [--rounds 5] [--pairs 30]
Claim, on JPEG frames of 1280 x 720: with the choice of frames, crops, jitter and colours at least
0.7 of decoding alone. (SwinTrack's own pipeline, which turns whole frames to floating point before
it crops, has about 0.33.)
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import cv2
import numpy as np
import torch

from mim_bench.datamodules.randomness import sample_generator
from mim_bench.datamodules.readers.tracks import Track
from mim_bench.datamodules.tracking import TrackingDataModule
from mim_bench.datamodules.tracking_pairs import candidates
from mim_bench.images import read_image
from speed.pose import alternate
from speed.tracking import write_frames


class Sequence:
    """One sequence of frames on the disk, its target moving with the scene."""

    name, still = "made-up", False

    def __init__(self, files: list[str]) -> None:
        self.files = files

    def __len__(self) -> int:
        return 1

    def track(self, index: int) -> Track:
        """Return a box in every frame."""
        boxes = np.tile([600.0, 300.0, 160.0, 120.0], (len(self.files), 1))
        return Track(self.name, boxes, np.ones(len(boxes), np.bool_))

    def frame(self, index: int, number: int) -> np.ndarray:
        """Decode a frame."""
        return read_image(Path(self.files[number]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pairs", type=int, default=30)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        source = Sequence(write_frames(Path(name), 12))
        data = TrackingDataModule(root=name, seed=0)

        def chosen(position: int) -> tuple[int, tuple[int, int], np.random.Generator]:
            rng = sample_generator(0, 0, position)
            _, index, frames = next(candidates([source], 0, rng, data.radius))
            return index, frames, rng

        def decode_alone() -> None:
            for position in range(options.pairs):
                for number in chosen(position)[1]:
                    cv2.imdecode(np.fromfile(source.files[number], np.uint8), cv2.IMREAD_COLOR)

        def pairs() -> None:
            for position in range(options.pairs):
                index, frames, rng = chosen(position)
                data.pair(source, index, frames, rng)

        ratio = alternate(decode_alone, pairs, options.rounds)
        print(f"pairs per second over decoding alone: {ratio:.2f}")


if __name__ == "__main__":
    main()
