"""How far raw colours and a small network get on each classification set of the world.

Run: python -m tests.learning.seeing [--sets pets,cog] [--test 50] [--steps 150] [--limit 2.5]
Measures, on a world of its own with more test pictures than usual (160 are too few to compare
with a limit): the best of 1, 5 and 15 nearest neighbours by mean colour and by 8 x 8 pixels, and a
small network from scratch after 150 steps of 32 pictures at 64 pixels. Marks nearest neighbours
beyond the limit, in times of chance, and a network below five times. VOC 2007, whose metric is
another one, is left to `tests.learning.classification`.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import cv2
import numpy as np
import torch

from mim_bench.datamodules import miniature
from mim_bench.datamodules.miniature.class_sheets import SETS
from mim_bench.datamodules.miniature.world import WRITERS
from mim_bench.datamodules.readers import get_reader_class
from tests.learning import categories

BATCH, WANTED = 32, 5.0


def more(name: str, test: int) -> dict[str, int]:
    """Return a set's usual counts, but for its tests; Caltech-101 has one part only."""
    counts = dict(WRITERS[name].COUNTS)
    if len(counts) > 1:
        counts[list(counts)[-1]] = test
    return counts


def shrunk(pictures: list[np.ndarray], side: int) -> np.ndarray:
    return np.stack(
        [cv2.resize(one, (side, side), interpolation=cv2.INTER_AREA) for one in pictures]
    )


def measure(root: Path, name: str, options: argparse.Namespace) -> None:
    """Print a line."""
    reader = get_reader_class(name)(root)
    parts = ("train", "val") if "trainval" not in reader.info.splits else ("trainval", "test")
    pictures, labels = [], []
    for split in parts:
        pictures.append([reader.sample(split, k)["image"] for k in range(reader.count(split))])
        labels.append(np.asarray(reader.listing(split).labels, dtype=np.int64))
    chance = 1 / len(reader.facts().classes)
    means = [np.stack([one.mean((0, 1)) for one in part]) for part in pictures]
    colour = categories.nearest(means[0], labels[0], means[1], labels[1])
    small = [shrunk(part, 8) for part in pictures]
    pixels = categories.nearest(small[0], labels[0], small[1], labels[1])
    known, tested = (
        torch.from_numpy(shrunk(part, categories.SIDE)).permute(0, 3, 1, 2).float() / 127.5 - 1
        for part in pictures
    )
    network = categories.train_network(
        known, torch.from_numpy(labels[0]), options.steps, options.seed, BATCH
    )
    with torch.no_grad():
        found = network(tested).argmax(1).numpy()
    accuracy = float((found == labels[1]).mean())
    missed = []
    if max(colour, pixels) > options.limit * chance:
        missed.append(f"nearest beyond {options.limit:g} x chance")
    if accuracy < WANTED * chance:
        missed.append(f"network below {WANTED:g} x chance")
    print(
        f"{name}: {len(labels[0])} + {len(labels[1])}, chance {100 * chance:.1f}; mean colour "
        f"{100 * colour:.1f}, 8 x 8 pixels {100 * pixels:.1f} ({pixels / chance:.1f} x), network "
        f"{100 * accuracy:.1f} ({accuracy / chance:.1f} x)  {', '.join(missed).upper()}".rstrip(),
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", default=",".join(one for one in SETS if one != "voc2007"))
    parser.add_argument("--test", type=int, default=50)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--limit", type=float, default=2.5)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    counts = {name: more(name, options.test) for name in options.sets.split(",")}
    with tempfile.TemporaryDirectory() as folder:
        root = miniature.draw_world(Path(folder) / "world", counts, counts=counts)
        for name in counts:
            for one in [f"cog-l{k}" for k in range(1, 6)] if name == "cog" else [name]:
                measure(root, one, options)


if __name__ == "__main__":
    main()
