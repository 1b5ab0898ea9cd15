"""SwinV2-B's features, building and loading against plain timm: `python -m speed.backbones`.

Prints ratios: time of our forward pass over timm's at 256x256 (window 16) and 480x480 (window 30);
time of building with weights over timm's construction alone; peak memory of loading over the
file's size.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NAME = "swinv2_base_window12_192"


def features(size: int, window: int, rounds: int) -> float:
    """Return the median ratio of our forward pass to timm's, measured in turns."""
    import timm
    import torch

    from mim_bench.backbones import BackboneSpec, build_backbone

    ours = build_backbone(BackboneSpec(NAME), [(size, size)], (4, 8, 16, 32), window=window).eval()
    plain = timm.create_model(
        NAME, num_classes=0, img_size=size, window_size=window, pretrained_window_sizes=(12,) * 4
    ).eval()
    images = torch.randn(1, 3, size, size)
    ratios = []
    with torch.inference_mode():
        for turn in range(rounds + 1):
            took = []
            pair = [ours, plain.forward_intermediates]
            for network in pair if turn % 2 else pair[::-1]:
                start = time.perf_counter()
                network(images)
                took.append(time.perf_counter() - start)
            if turn:
                mine, theirs = took if turn % 2 else took[::-1]
                ratios.append(mine / theirs)
    return statistics.median(ratios)


def construction(path: str | None) -> None:
    """Build the network, timm's alone or ours with weights; print seconds and peak memory."""
    import timm
    import torch

    from mim_bench.backbones import BackboneSpec, build_backbone

    torch.zeros(1)
    Path("/proc/self/clear_refs").write_text("5")  # peaks count from here
    before = _peak()
    start = time.perf_counter()
    if path is None:
        timm.create_model(NAME, num_classes=0)
    else:
        build_backbone(BackboneSpec(NAME, path), [(192, 192)], (32,))
    took = time.perf_counter() - start
    print(took, _peak() - before)


def _peak() -> int:
    """Return the largest resident memory in bytes (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def _measured(*arguments: str) -> tuple[float, float]:
    command = [sys.executable, "-m", "speed.backbones", *arguments]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds, memory = output.split()
    return float(seconds), float(memory)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--construct", nargs="?", const="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.construct is not None:
        construction(options.construct or None)
        return
    for size, window in ((256, 16), (480, 30)):
        ratio = features(size, window, options.rounds)
        print(f"features at {size}x{size}, ours / timm: {ratio:.3f}")
    import timm
    import torch

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "weights.pth")
        torch.save({"model": timm.create_model(NAME, num_classes=0).state_dict()}, path)
        size_of = path.stat().st_size
        plain = [_measured("--construct")[0] for _ in range(options.rounds)]
        ours = [_measured("--construct", str(path)) for _ in range(options.rounds)]
    ratio = statistics.median(took for took, _ in ours) / statistics.median(plain)
    print(f"building and loading, ours / timm's construction alone: {ratio:.3f}")
    memory = statistics.median(peak for _, peak in ours)
    print(f"its peak memory / the file of {size_of / 2**20:.0f} MB: {memory / size_of:.2f}")


if __name__ == "__main__":
    main()
