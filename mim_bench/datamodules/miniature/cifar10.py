"""Writes close-ups of 32 x 32 as CIFAR-10: five batches to train on, one to test on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mim_bench.datamodules.miniature import cifar, labelled

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mim_bench.datamodules.miniature.labelled import Shot

NAME = "cifar10"
FOLDER = "cifar-10-batches-py"
COUNTS = {"train": 50, "test": 16}
"""Pictures of each class, by split."""

FRAMES_PER_UNIT = labelled.PER_UNIT
CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
_BATCHES = 5


def plan(counts: Mapping[str, int]) -> list[tuple[Shot, ...]]:
    """Return the units of pictures."""
    return cifar.plan(counts, labelled.choose(NAME, len(CLASSES), ("box",), 0.25))


def draw_frame(folder: Path, seed: int, counts: Mapping[str, int], number: int) -> None:
    """Draw the `number`-th unit of `plan`.

    Raises:
        OSError: It can't be written.
    """
    cifar.draw_unit(NAME, folder, seed, plan(counts)[number], number)


def finish(folder: Path, counts: Mapping[str, int]) -> None:
    """Write the batches and the names."""
    units = plan(counts)
    pixels, labels, names = cifar.gather(folder, units, "train")
    share = -(-len(labels) // _BATCHES)
    batches = [
        (f"data_batch_{k + 1}", f"training batch {k + 1} of 5", slice(k * share, (k + 1) * share))
        for k in range(_BATCHES)
    ]
    for name, title, part in batches:
        content = {
            "batch_label": title,
            "labels": labels[part],
            "data": pixels[part],
            "filenames": names[part],
        }
        cifar.write_batch(folder / name, content)
    pixels, labels, names = cifar.gather(folder, units, "test")
    content = {"batch_label": "testing batch 1 of 1", "labels": labels}
    cifar.write_batch(folder / "test_batch", {**content, "data": pixels, "filenames": names})
    meta = {"num_cases_per_batch": share, "label_names": list(CLASSES), "num_vis": 3072}
    cifar.write_batch(folder / "batches.meta", meta)
    cifar.clear(folder)
