"""Frames per second of the tracker against its network's bare forward, alone and eight at once.

Run: python -m speed.tracking [--backbone swinv2_tiny_window8_256] [--frames 24] [--rounds 3]
Claims, on JPEG frames of 1280 x 720 and SwinTrack's sizes (224 and 112): with decoding, crops and
all else one sequence runs at 0.7 of the bare network or more; eight sequences in one batch give
at least 1.1 times the frames per second of one (a GPU gives more).
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import torch

from mim_bench.tasks.tracker import Follower
from mim_bench.tasks.tracking import TrackingTask

TOGETHER = 8
SIZE = (720, 1280)


def write_frames(folder: Path, count: int) -> list[str]:
    """Write frames with as much detail as a photograph: about 150 KB each."""
    rng = np.random.default_rng(0)
    scene = cv2.resize(rng.integers(0, 256, (90, 160, 3), np.uint8), SIZE[::-1])
    names = []
    for number in range(count):
        noise = rng.normal(0, 6, (*SIZE, 3))
        frame = np.clip(np.roll(scene, 4 * number, axis=1) + noise, 0, 255).astype(np.uint8)
        names.append(str(folder / f"{number:08d}.jpg"))
        cv2.imwrite(names[-1], frame, [cv2.IMWRITE_JPEG_QUALITY, 85])
    return names


def seconds(task: TrackingTask, files: list[str], sequences: int) -> float:
    """Return the seconds of a frame when so many sequences are followed at once."""
    box = np.array([600.0, 300.0, 120.0, 90.0])
    started = time.perf_counter()
    Follower(task).follow([files] * sequences, [box] * sequences)
    return (time.perf_counter() - started) / (sequences * len(files))


def bare(task: TrackingTask, count: int) -> float:
    """Return the seconds of a forward pass of one search region, template features given."""
    template = task.network.features(torch.zeros(1, 3, *task.template_size))
    search = torch.randn(1, 3, *task.image_size)
    started = time.perf_counter()
    for _ in range(count):
        task.network.locate(template, search)
    return (time.perf_counter() - started) / count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backbone", default="swinv2_tiny_window8_256")
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    task = TrackingTask(options.backbone, window=7, pictures=0).eval()
    found: dict[str, list[float]] = {"bare": [], "one": [], "eight": []}
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        files = write_frames(Path(folder), options.frames)
        bare(task, 2)
        for _ in range(options.rounds):
            found["bare"].append(bare(task, options.frames))
            found["one"].append(seconds(task, files, 1))
            found["eight"].append(seconds(task, files[: options.frames // 2], TOGETHER))
    middle = {name: statistics.median(times) for name, times in found.items()}
    for name, value in middle.items():
        print(f"{name}: {1 / value:.2f} frames per second")
    print(f"one sequence against the bare network: {middle['bare'] / middle['one']:.2f}")
    print(f"eight sequences against one: {middle['one'] / middle['eight']:.2f}")


if __name__ == "__main__":
    main()
