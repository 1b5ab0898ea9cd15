"""Writes films as TrackingNet: two chunks for training, tests of which one box is public."""

from __future__ import annotations

import hashlib
import string
from typing import TYPE_CHECKING

from mim_bench.datamodules.miniature import sequences
from mim_bench.datamodules.miniature.sequences import Shot

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mim_bench.datamodules.miniature.sequences import Sight

FOLDER = "TrackingNet"
COUNTS = {"train": 16, "test": 8}
"""Sequences per split."""

SERVER = sequences.SERVER
FRAMES_PER_UNIT = sequences.FRAMES_PER_UNIT

CHUNKS = {"train": ("TRAIN_0", "TRAIN_1"), "test": ("TEST",)}
"""Folders of a split, which its sequences go to in turn."""

_FRAMES = {"train": 10, "test": 20}
_STEP = 0.15  # seconds
_KINDS = ("object", "car", "object", "object", "person")
_SHAPES = ("bucket", "ball", "box", "barrel", "cone", "cylinder", "octahedron", "roof", "pyramid")
_STILL = {"train": (0.0, 0.7), "test": (0.1, 0.45)}
_LETTERS = string.ascii_letters + string.digits + "-_"
_LABELLED = 6  # frames between two boxes that somebody drew; a tracker filled in the others
_DRIFT = 0.02  # of a box's sides: how far it has gone astray in between


def plan(counts: Mapping[str, int]) -> list[Shot]:
    """Return the sequences of a world, those for training first."""
    return [
        Shot(
            split,
            number,
            _name(split, number),
            _FRAMES[split],
            **sequences.draft(number, _KINDS, _SHAPES),
            leaves=split == "train" and number % 4 == 2,
            hides=number % 2 == 0,
            step=_STEP,
            still=_STILL[split],
        )
        for split in CHUNKS
        for number in range(counts.get(split, 0))
    ]


def _name(split: str, number: int) -> str:
    """Return a video's id and the number of an object in it; some ids begin with - or _."""
    drawn = hashlib.sha256(f"{split} {number}".encode()).digest()
    first = {1: "-", 2: "_"}.get(number % 4, string.ascii_letters[drawn[0] % 52])
    rest = "".join(_LETTERS[byte % len(_LETTERS)] for byte in drawn[1:11])
    return f"{first}{rest}_{number % 3 // 2}"


def chunk(shot: Shot) -> str:
    """Return the folder of a sequence's chunk."""
    return CHUNKS[shot.split][shot.number % len(CHUNKS[shot.split])]


def draw_frame(folder: Path, seed: int, counts: Mapping[str, int], number: int) -> None:
    """Draw the `number`-th sequence of `plan`; it depends on nothing but its arguments.

    Raises:
        OSError: It can't be written.
    """
    from mim_bench.datamodules.miniature.filming import shoot

    shot = plan(counts)[number]
    place = folder / chunk(shot)
    source = [seed, 7, list(CHUNKS).index(shot.split), shot.number]
    sights = shoot(shot, source, lambda frame: place / "frames" / shot.name / f"{frame}.jpg")
    boxes = annotated(sights, source)
    if shot.split == "test":
        absent = [min(box[2:]) <= 0 for box in boxes]
        sequences.keep_hidden(folder, shot, boxes, {"absent": absent, "attributes": []})
        boxes = boxes[:1]
    notes = place / "anno" / f"{shot.name}.txt"
    notes.parent.mkdir(parents=True, exist_ok=True)
    # each number has five places at least, and lines end as on Windows
    lines = [",".join(f"{value:5.2f}" for value in box) + "\r\n" for box in boxes]
    notes.write_bytes("".join(lines).encode())


def annotated(sights: Sequence[Sight], source: Sequence[int]) -> list[tuple[float, ...]]:
    """Return the boxes (x, y, width, height) that are written, with two decimals.

    They hold all of the target, hidden or not and beyond the frame as well. Between boxes that
    somebody drew they go astray a little. A target that has left has a box of zeros.
    """
    import numpy as np

    rng = np.random.default_rng([*source, 2])
    drift = rng.normal(0.0, _DRIFT, (len(sights) // _LABELLED + 1, 4))
    boxes: list[tuple[float, ...]] = []
    for number, one in enumerate(sights):
        if one.outside:
            boxes.append((0.0,) * 4)
            continue
        astray = np.sin(np.pi * (number % _LABELLED) / _LABELLED) * drift[number // _LABELLED]
        sides = np.array(one.extent[2:] * 2, dtype=float)
        boxes.append(tuple(float(value) for value in np.round(one.extent + astray * sides, 2)))
    return boxes


def finish(folder: Path, counts: Mapping[str, int]) -> None:
    """Write the server's labels."""
    del counts
    sequences.hand_in(folder, "trackingnet")
