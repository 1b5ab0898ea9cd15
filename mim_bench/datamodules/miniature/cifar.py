"""Writes close-ups of 32 x 32 as CIFAR's pickled batches: what both datasets share."""

from __future__ import annotations

import pickle
import shutil
from typing import TYPE_CHECKING, Any

from mim_bench.datamodules.miniature import labelled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from mim_bench.datamodules.miniature.labelled import Shot
    from mim_bench.datamodules.miniature.scenes.categories import Category

SIDE = 32
_DRAWN = 64  # pixels of a side before it is shrunk
_PARTS = ".parts"


def plan(counts: Mapping[str, int], categories: Sequence[Category]) -> list[tuple[Shot, ...]]:
    """Return the units of pictures."""

    def path(split: str, label: int, number: int) -> str:
        return f"{split}-{label:03d}-{number:04d}"

    return labelled.units(labelled.shots_of(counts, categories, path))


def draw_unit(name: str, folder: Path, seed: int, shots: Sequence[Shot], number: int) -> None:
    """Draw shots and put them aside.

    Raises:
        OSError: They can't be written.
    """
    import cv2
    import numpy as np

    cv2.setNumThreads(1)
    pictures = [
        cv2.resize(
            labelled.draw(name, seed, shot, (_DRAWN, _DRAWN)),
            (SIDE, SIDE),
            interpolation=cv2.INTER_AREA,
        )
        for shot in shots
    ]
    parts = folder / _PARTS
    parts.mkdir(parents=True, exist_ok=True)
    np.save(parts / f"{number:05d}.npy", np.stack(pictures))


def gather(
    folder: Path, units: Sequence[Sequence[Shot]], split: str
) -> tuple[npt.NDArray[np.uint8], list[int], list[str]]:
    """Return a split's pixels (N, 3072) as CIFAR lays them, labels and file names, shuffled."""
    import numpy as np

    rows, shots = [], []
    for number, unit in enumerate(units):
        pictures = np.load(folder / _PARTS / f"{number:05d}.npy")
        for shot, picture in zip(unit, pictures, strict=True):
            if shot.split == split:
                rows.append(picture.transpose(2, 0, 1).reshape(-1))
                shots.append(shot)
    order = np.random.default_rng(len(shots)).permutation(len(shots)).tolist()
    names = [f"{shots[k].category.name.replace(' ', '_')}_s_{k:06d}.png" for k in order]
    return np.stack(rows)[order], [shots[k].label for k in order], names


def write_batch(path: Path, content: Mapping[str, Any]) -> None:
    """Write a batch as the official ones are pickled, by an old protocol.

    Raises:
        OSError: It can't be written.
    """
    path.write_bytes(pickle.dumps(dict(content), protocol=2))


def clear(folder: Path) -> None:
    """Remove what was put aside."""
    shutil.rmtree(folder / _PARTS, ignore_errors=True)
