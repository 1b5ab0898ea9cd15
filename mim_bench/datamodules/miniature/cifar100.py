"""Writes close-ups of 32 x 32 as CIFAR-100: fine and coarse labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mim_bench.datamodules.miniature import cifar, labelled

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mim_bench.datamodules.miniature.labelled import Shot

NAME = "cifar100"
FOLDER = "cifar-100-python"
COUNTS = {"train": 26, "test": 8}
"""Pictures of each class, by split."""

FRAMES_PER_UNIT = labelled.PER_UNIT
CLASSES = (
    "apple", "bee", "bowl", "can", "clock", "cup", "forest", "keyboard", "lamp", "mountain",
    "orange", "plate", "rocket", "rose", "shark", "snail", "table", "tiger", "whale", "worm",
)  # fmt: skip
COARSE = ("natural", "made")


def plan(counts: Mapping[str, int]) -> list[tuple[Shot, ...]]:
    """Return the units of pictures."""
    return cifar.plan(counts, labelled.choose(NAME, len(CLASSES), ("cone",), 0.2))


def draw_frame(folder: Path, seed: int, counts: Mapping[str, int], number: int) -> None:
    """Draw the `number`-th unit of `plan`.

    Raises:
        OSError: It can't be written.
    """
    cifar.draw_unit(NAME, folder, seed, plan(counts)[number], number)


def finish(folder: Path, counts: Mapping[str, int]) -> None:
    """Write both batches and the names."""
    units = plan(counts)
    for split, title in (("train", "training batch 1 of 1"), ("test", "testing batch 1 of 1")):
        pixels, labels, names = cifar.gather(folder, units, split)
        content = {
            "filenames": names,
            "batch_label": title,
            "fine_labels": labels,
            "coarse_labels": [label % len(COARSE) for label in labels],
            "data": pixels,
        }
        cifar.write_batch(folder / split, content)
    meta = {"fine_label_names": list(CLASSES), "coarse_label_names": list(COARSE)}
    cifar.write_batch(folder / "meta", meta)
    cifar.clear(folder)
