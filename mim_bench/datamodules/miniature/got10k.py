"""Writes films as GOT-10k: frames, boxes and labels of each sequence; one box of each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mim_bench.datamodules.miniature import sequences
from mim_bench.datamodules.miniature.sequences import Shot

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mim_bench.datamodules.miniature.sequences import Sight

FOLDER = "GOT-10k"
COUNTS = {"train": 20, "val": 4, "test": 8}
"""Sequences per split."""

SERVER = sequences.SERVER
FRAMES_PER_UNIT = sequences.FRAMES_PER_UNIT

_FRAMES = {"train": 10, "val": 12, "test": 20}
_RATE = 10  # frames per second
_KINDS = ("person", "object", "car", "object", "object")
# other things are tested than are trained on; people are in both, as in the official sets
_SHAPES = {
    "train": ("ball", "box", "cylinder", "hexagon", "bucket", "cone"),
    "val": ("barrel", "pyramid"),
    "test": ("octahedron", "barrel", "roof", "pyramid"),
}
_STILL = {"train": (0.0, 0.7), "val": (0.1, 0.5), "test": (0.1, 0.45)}
_CLASSES = {
    "person": ("walking", "person", "person", "slowly"),
    "car": ("driving", "vehicle", "artifact", "smoothly"),
    "object": ("sliding", "object", "artifact", "slowly"),
}
"""Kind -> class of motion, major class, root class, how it moves."""

_META = (
    *("url", "begin", "end", "anno_fps", "object_class", "motion_class", "major_class"),
    *("root_class", "motion_adverb", "resolution"),
)
"""What a `meta_info.ini` says, in the order of the official files."""


def plan(counts: Mapping[str, int]) -> list[Shot]:
    """Return the sequences of a world, those for training first."""
    return [
        Shot(
            split,
            number,
            f"GOT-10k_{split.capitalize()}_{number + 1:06d}",
            _FRAMES[split],
            **sequences.draft(number, _KINDS, shapes),
            leaves=number % 4 == 1,
            hides=number % 3 != 2,
            step=1 / _RATE,
            still=_STILL[split],
        )
        for split, shapes in _SHAPES.items()
        for number in range(counts.get(split, 0))
    ]


def draw_frame(folder: Path, seed: int, counts: Mapping[str, int], number: int) -> None:
    """Draw the `number`-th sequence of `plan`; it depends on nothing but its arguments.

    Raises:
        OSError: It can't be written.
    """
    from mim_bench.datamodules.miniature.filming import shoot

    shot = plan(counts)[number]
    place = folder / shot.split / shot.name
    source = [seed, 6, list(_SHAPES).index(shot.split), shot.number]
    sights = shoot(shot, source, lambda frame: place / f"{frame + 1:08d}.jpg")
    boxes = annotated(sights)
    shown = boxes[:1] if shot.split == "test" else boxes
    lines = [",".join(f"{value:.4f}" for value in box) for box in shown]
    _write(place / "groundtruth.txt", lines)
    cover = [covered(one.share) for one in sights]
    absent = [int(one.absent) for one in sights]
    meta = _meta(shot)
    if shot.split == "test":
        words = [meta[key].replace(" ", "_") for key in ("motion_class", "major_class")]
        more = {"absent": [bool(one) for one in absent], "cover": cover, "attributes": words}
        sequences.keep_hidden(folder, shot, boxes, more)
        return
    _write(place / "absence.label", absent)
    _write(place / "cover.label", cover)
    _write(place / "cut_by_image.label", [int(one.cut) for one in sights])
    _write(place / "meta_info.ini", ["[METAINFO]", *(f"{key}: {meta[key]}" for key in _META)])


def annotated(sights: Sequence[Sight]) -> list[tuple[int, int, int, int]]:
    """Return the boxes (x, y, width, height) that are written.

    They hold all of the target inside the frame. Where it is absent, boxes mean nothing: those
    of a hidden target stay where it was last, those of one that has left are zeros.
    """
    boxes: list[tuple[int, int, int, int]] = []
    for one in sights:
        if not one.absent:
            boxes.append(one.whole)
        else:
            boxes.append((0, 0, 0, 0) if one.outside or not boxes else boxes[-1])
    return boxes


def covered(share: float) -> int:
    """Return the label 0..8 of a visible share: 0 %, then steps of 15 % up to 90 %, 100 %."""
    if share >= 1:
        return 8
    limits = (0.0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9)
    return sum(share > limit for limit in limits)


def _meta(shot: Shot) -> dict[str, str]:
    motion, major, root, adverb = _CLASSES[shot.kind]
    height, width = shot.size
    return {
        "url": f"film {shot.number + 1}",
        "begin": "0",
        "end": str(shot.frames - 1),
        "anno_fps": f"{_RATE}Hz",
        "object_class": shot.category[0] if shot.category else shot.kind,
        "motion_class": motion,
        "major_class": major,
        "root_class": root,
        "motion_adverb": adverb,
        "resolution": f"({width}, {height})",
    }


def _write(path: Path, lines: Sequence[object]) -> None:
    path.write_bytes(("\n".join(str(line) for line in lines) + "\n").encode())


def finish(folder: Path, counts: Mapping[str, int]) -> None:
    """Write the lists of sequences, without a line end after the last, and the server's labels."""
    for split in _SHAPES:
        names = [shot.name for shot in plan(counts) if shot.split == split]
        if names:
            (folder / split / "list.txt").write_bytes("\n".join(names).encode())
    sequences.hand_in(folder, "got10k")
