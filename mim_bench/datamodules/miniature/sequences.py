"""Sequences of the tracking datasets: what is asked of a film, and what its frames show."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SERVER = ".server"
"""Folder, inside a drawn dataset, of what only its server has."""

FRAMES_PER_UNIT = 10
"""About how many frames a unit of a plan, one sequence, has."""

SIZES = ((136, 240), (180, 240), (160, 240))
"""(height, width) of frames, in turn."""

_PARTS = "parts"


@dataclass(frozen=True)
class Shot:
    """One sequence to be drawn.

    Attributes:
        split: As the dataset calls it.
        number: Its number in the split.
        name: As the dataset calls it.
        frames: How many.
        kind: What is followed, one of `films.TARGETS`.
        category: Shape, material, pattern and parts of an `object`, else None.
        leaves: The camera loses the target for a while.
        hides: Something stands in front of the target's way.
        twin: One of the others looks like the target.
        step: Seconds between two frames.
        still: Least and most that the first box may be worth (mean overlap over the frames).
        extra: Frames beyond those that are annotated.
    """

    split: str
    number: int
    name: str
    frames: int
    kind: str
    category: tuple[str, str, str, str] | None
    leaves: bool
    hides: bool
    twin: bool
    step: float
    still: tuple[float, float]
    extra: int = 0

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of its frames."""
        return SIZES[self.number % len(SIZES)]


@dataclass(frozen=True)
class Sight:
    """What a frame shows of the target. Boxes are x, y, width, height; zeros for nothing.

    Attributes:
        seen: Around what is in sight of it.
        whole: Around all of it that lies inside the frame, hidden or not.
        extent: Around all of it, some way beyond the frame as well.
        share: 0..1 of all of it that is in sight.
        outside: Nothing of it lies inside the frame.
        cut: Some of it lies outside the frame.
    """

    seen: tuple[int, int, int, int]
    whole: tuple[int, int, int, int]
    extent: tuple[int, int, int, int]
    share: float
    outside: bool
    cut: bool

    @property
    def absent(self) -> bool:
        """Whether nothing to speak of is in sight."""
        return self.share == 0.0


def draft(number: int, kinds: Sequence[str], shapes: Sequence[str]) -> dict[str, Any]:
    """Return kind, category and twin of a sequence by its number: all in turn, none together."""
    kind = kinds[number % len(kinds)]
    category = None
    if kind == "object":
        category = (
            shapes[number // len(kinds) % len(shapes)],
            ("plastic", "clay", "wood", "cloth")[number % 4],
            ("stripes", "dots", "checks", "plain", "zigzag", "rings", "blots")[number % 7],
            ("nothing", "handle", "ears", "wheels", "fins")[number % 5],
        )
    return {"kind": kind, "category": category, "twin": number % 4 == 3}


def keep_hidden(
    folder: Path, shot: Shot, boxes: Sequence[Sequence[float]], more: Mapping[str, Any]
) -> None:
    """Put away what the server knows of a sequence until `hand_in` joins all of them."""
    height, width = shot.size
    path = folder / SERVER / _PARTS / f"{shot.number:06d}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    held = {"name": shot.name, "boxes": [list(box) for box in boxes], "size": [width, height]}
    path.write_text(json.dumps({**held, **more}), encoding="utf-8")


def hand_in(folder: Path, benchmark: str) -> None:
    """Write the server's `test.json` from what was put away; nothing where there is nothing."""
    parts = folder / SERVER / _PARTS
    if not parts.is_dir():
        return
    sequences = {}
    for path in sorted(parts.iterdir()):
        held = json.loads(path.read_text(encoding="utf-8"))
        sequences[held.pop("name")] = held
    content = {"benchmark": benchmark, "sequences": sequences}
    (folder / SERVER / "test.json").write_text(json.dumps(content), encoding="utf-8")
    shutil.rmtree(parts)
