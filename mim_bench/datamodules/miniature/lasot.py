"""Writes films as LaSOT: classes, boxes counted from 1, flags of absence, attributes."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from mim_bench.datamodules.miniature import sequences
from mim_bench.datamodules.miniature.sequences import Shot

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mim_bench.datamodules.miniature.sequences import Sight

FOLDER = "LaSOT"
COUNTS = {"train": 10, "test": 8}
"""Sequences per split."""

FRAMES_PER_UNIT = sequences.FRAMES_PER_UNIT

LISTS = {"train": "training_set.txt", "test": "testing_set.txt"}

ATTRIBUTES = (
    *("IV", "POC", "DEF", "MB", "CM", "ROT", "BC", "VC", "SV", "FOC", "FM", "OV", "LR", "ARC"),
)
"""In the order of their flags in a file."""

_FRAMES = {"train": 14, "test": 24}
_STEP = 0.2  # seconds
_STILL = {"train": (0.0, 0.7), "test": (0.1, 0.45)}

# official classes that films can show: kind, category, what a sentence calls it
_CLASSES: dict[str, tuple[str, tuple[str, str, str, str] | None, str]] = {
    "person": ("person", None, "a person"),
    "volleyball": ("object", ("ball", "cloth", "stripes", "nothing"), "a striped ball"),
    "car": ("car", None, "a car"),
    "rubicCube": ("object", ("box", "plastic", "checks", "nothing"), "a cube of many fields"),
    "cup": ("object", ("bucket", "clay", "dots", "handle"), "a cup with a handle"),
}
# the official split: the world's is a part of it, and so are its names
_TESTED = {
    "person": (1, 5, 10, 12),
    "volleyball": (1, 13, 18, 19),
    "car": (2, 6, 9, 17),
    "rubicCube": (1, 6, 14, 19),
    "cup": (1, 4, 7, 17),
}
_MOST = 20  # sequences per class
_OVERSHOT = 9  # pixels by which a box may reach beyond the frame
_LOW = 1000  # pixels of a box below which the resolution is called low


def plan(counts: Mapping[str, int]) -> list[Shot]:
    """Return the sequences of a world, those for training first, at most as many as official."""
    shots = []
    for split, frames in _FRAMES.items():
        names = [
            (name, number)
            for place in range(_MOST)
            for name in _CLASSES
            for number in _numbers(split, name)[place : place + 1]
        ]
        for place, (name, number) in enumerate(names[: counts.get(split, 0)]):
            kind, category, _ = _CLASSES[name]
            shots.append(
                Shot(
                    split,
                    place,
                    f"{name}-{number}",
                    frames,
                    kind,
                    category,
                    leaves=place % 2 == 0,
                    hides=place % 3 != 1,
                    twin=place % 4 == 2,
                    step=_STEP,
                    still=_STILL[split],
                    extra=int(split == "test" and place == 1),
                )
            )
    return shots


def _numbers(split: str, name: str) -> tuple[int, ...]:
    tested = _TESTED[name]
    if split == "test":
        return tested
    return tuple(number for number in range(1, _MOST + 1) if number not in tested)


def draw_frame(folder: Path, seed: int, counts: Mapping[str, int], number: int) -> None:
    """Draw the `number`-th sequence of `plan`; it depends on nothing but its arguments.

    Raises:
        OSError: It can't be written.
    """
    from mim_bench.datamodules.miniature.filming import shoot

    shot = plan(counts)[number]
    name = shot.name.rpartition("-")[0]
    place = folder / name / shot.name
    source = [seed, 8, list(_FRAMES).index(shot.split), shot.number]
    sights = shoot(shot, source, lambda frame: place / "img" / f"{frame + 1:08d}.jpg")
    boxes = annotated(sights)
    hidden = [int(one.absent and not one.outside) for one in sights]
    outside = [int(one.outside) for one in sights]
    gone = [frame for frame, one in enumerate(sights) if one.absent]
    if gone and shot.number == 0:
        # somebody forgot a flag: a row without a box that counts as present
        boxes[gone[0]] = (0, 0, 0, 0)
        hidden[gone[0]] = outside[gone[0]] = 0
    _write(place / "groundtruth.txt", [",".join(map(str, box)) for box in boxes])
    _write(place / "full_occlusion.txt", [",".join(map(str, hidden))])
    _write(place / "out_of_view.txt", [",".join(map(str, outside))])
    _write(place / "nlp.txt", [f"{_CLASSES[name][2]} moving about a yard among others like it"])
    found = attributes(shot, sights)
    flags = ",".join(str(int(word in found)) for word in ATTRIBUTES)
    _write(folder / "att" / f"{shot.name}.txt", [flags])


def annotated(sights: Sequence[Sight]) -> list[tuple[int, int, int, int]]:
    """Return the boxes that are written: x, y, width, height, the first pixel being 1.

    They hold what is in sight of the target, and overshoot the frame's left and upper edges where
    these cut it. An absent target has one of two marks, or in every other frame a box that means
    nothing: where it was last.
    """
    boxes: list[tuple[int, int, int, int]] = []
    last = (1, 1, 0, 0)
    for number, one in enumerate(sights):
        if one.absent:
            mark = (0, 0, 0, 0) if one.outside else (1, 1, 0, 0)
            boxes.append(mark if number % 2 else last)
            continue
        x, y, wide, tall = one.seen
        left = min(max(-one.extent[0], 0), _OVERSHOT) if x == 0 else 0
        above = min(max(-one.extent[1], 0), _OVERSHOT) if y == 0 else 0
        last = (x - left + 1, y - above + 1, wide + left, tall + above)
        boxes.append(last)
    return boxes


def attributes(shot: Shot, sights: Sequence[Sight]) -> set[str]:
    """Return the attributes of a sequence that can be told from its film."""
    found = {"CM", "DEF" if shot.kind == "person" else "ROT"}
    if shot.twin:
        found.add("BC")
    if any(one.absent and not one.outside for one in sights):
        found.add("FOC")
    if any(one.outside for one in sights):
        found.add("OV")
    there = [one for one in sights if not one.absent]
    if any(one.share < 0.85 and not one.cut for one in there):
        found.add("POC")
    wide, tall = there[0].seen[2:]
    for one in there:
        own_wide, own_tall = one.seen[2:]
        if own_wide * own_tall < _LOW:
            found.add("LR")
        if not 0.5 <= own_wide * own_tall / (wide * tall) <= 2:
            found.add("SV")
        if not 0.5 <= own_wide * tall / (own_tall * wide) <= 2:
            found.add("ARC")
    for one, two in itertools.pairwise(sights):
        if not one.absent and not two.absent:
            (x, y, wide, tall), (to_x, to_y, to_wide, to_tall) = one.seen, two.seen
            right, down = to_x - x + (to_wide - wide) / 2, to_y - y + (to_tall - tall) / 2
            if right**2 + down**2 > wide * tall:
                found.add("FM")
    return found


def _write(path: Path, lines: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(("\n".join(lines) + "\n").encode())


def finish(folder: Path, counts: Mapping[str, int]) -> None:
    """Write the lists of sequences by class and number."""
    for split, file in LISTS.items():
        names = [shot.name for shot in plan(counts) if shot.split == split]
        if names:
            _write(folder / file, sorted(names, key=_order))


def _order(name: str) -> tuple[str, int]:
    stem, _, number = name.rpartition("-")
    return stem, int(number)
