"""Depth samples per second of one worker, against decoding the same files and nothing else.

Run: python -m speed.loading [--rounds 5] [--frames 60]
Claim: with the whole augmentation of NYUv2 at 640 x 480 about 0.7 of decoding alone.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from mim_bench.datamodules.depth import DepthDataModule
from mim_bench.datamodules.miniature import draw_world
from mim_bench.datamodules.randomness import sample_generator

if TYPE_CHECKING:
    from collections.abc import Callable


def decode_alone(folder: Path, lines: list[list[str]]) -> None:
    """Decode pictures and depth maps, with OpenCV and no checks."""
    for image, depth in lines:
        cv2.imdecode(np.fromfile(folder / image, np.uint8), cv2.IMREAD_COLOR)
        cv2.imdecode(np.fromfile(folder / depth, np.uint8), cv2.IMREAD_UNCHANGED)


def timed(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--frames", type=int, default=60)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as name:
        root = draw_world(Path(name), ("nyuv2",), counts={"nyuv2": {"train": options.frames}})
        folder = root / "nyu_depth_v2"
        text = (folder / "train_list.txt").read_text()
        lines = [[part.lstrip("/") for part in line.split()] for line in text.splitlines()]
        data = DepthDataModule(root=root, batch_size=1, seed=0)

        def samples() -> None:
            for position in range(options.frames):
                sample = data.reader.sample("train", position)
                data.train_transform(sample, sample_generator(0, 0, position), position)

        decode_alone(folder, lines)
        samples()
        pairs = [
            (timed(lambda: decode_alone(folder, lines)), timed(samples))
            for _ in range(options.rounds)
        ]
    alone, whole = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(one / other for one, other in pairs)
    print(f"decoding alone {options.frames / alone:.1f} samples per second")
    print(f"with checks and augmentation {options.frames / whole:.1f}")
    print(f"ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
