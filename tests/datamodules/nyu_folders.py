"""Makes small data roots in NYU's layout."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from pathlib import Path


def write_frame(folder: Path, name: str, image: np.ndarray, depth: np.ndarray) -> tuple[str, str]:
    """Write a picture (RGB) and a depth map (file units) under NYU's names."""
    scene, number = name.split("/")
    (folder / scene).mkdir(parents=True, exist_ok=True)
    paths = f"{scene}/rgb_{number}.jpg", f"{scene}/sync_depth_{number}.png"
    cv2.imwrite(str(folder / paths[0]), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    cv2.imwrite(str(folder / paths[1]), depth)
    return paths


def make_nyu(
    root: Path, train: int = 10, test: int = 7, size: tuple[int, int] = (24, 32), seed: int = 0
) -> Path:
    """Make a data root of noise in NYU's layout."""
    rng = np.random.default_rng(seed)
    folder = root / "nyu_depth_v2"
    for split, count, base in (
        ("train", train, folder),
        ("test", test, folder / "official_splits" / "test"),
    ):
        lines = []
        for number in range(count):
            image = rng.integers(0, 256, (*size, 3)).astype(np.uint8)
            depth = rng.integers(0, 9999, size).astype(np.uint16)
            depth[rng.random(size) < 0.1] = 0
            paths = write_frame(base, f"room_{number % 2}/{number:05d}", image, depth)
            lines.append(f"/{paths[0]} /{paths[1]}")
        (folder / f"{split}_list.txt").write_text("\n".join(lines), encoding="utf-8")
    return root
