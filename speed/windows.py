"""The flip and window test in one batch, against one forward pass per window and mirrored window.

Run: python -m speed.windows [--rounds 7]
Claim: not slower on a CPU; predictions are the same. Memory is bounded by `chunk`.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch

from mim_bench.tasks.depth import DepthTask
from mim_bench.tasks.depth_windows import merge_windows, predict_depth, window_starts

CASES = {"NYUv2": (96, 128, 2), "KITTI": (96, 332, 16)}


def one_by_one(network: torch.nn.Module, images: torch.Tensor, windows: int) -> torch.Tensor:
    """Predict each window and its mirror image by itself."""
    height, width = images.shape[-2:]
    starts = window_starts(height, width, windows)
    parts = []
    for start in starts:
        window = images[..., start : start + height]
        parts.append((network(window) + network(window.flip(-1)).flip(-1)) / 2)
    return merge_windows(tuple(parts), starts, width)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--backbone", default="swinv2_mini")
    options = parser.parse_args()
    torch.manual_seed(0)
    task = DepthTask(options.backbone, image_size=(96, 96), window=6, drop_path=0.0).eval()
    for name, (height, width, windows) in CASES.items():
        images = torch.rand(1, 3, height, width)
        ratios, seconds = [], []
        with torch.inference_mode():
            expected = one_by_one(task.network, images, windows)
            found = predict_depth(task.network, images, True, windows)
            assert torch.allclose(expected, found, atol=1e-5, equal_nan=True)
            for _ in range(options.rounds):
                marks = [time.perf_counter()]
                one_by_one(task.network, images, windows)
                marks.append(time.perf_counter())
                predict_depth(task.network, images, True, windows)
                marks.append(time.perf_counter())
                ratios.append((marks[2] - marks[1]) / (marks[1] - marks[0]))
                seconds.append(marks[2] - marks[1])
        print(
            f"{name}: {windows} windows of {height}, mirrored too: "
            f"{statistics.median(seconds) * 1e3:.0f} ms, ratio {statistics.median(ratios):.2f} "
            f"({min(ratios):.2f} to {max(ratios):.2f})"
        )


if __name__ == "__main__":
    main()
