"""What is annotated of sequences: a box per frame, read from text files once and kept."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from mim_bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Boxes = npt.NDArray[np.float64]

_BOX = 4


@dataclass(frozen=True, eq=False)
class Track:
    """What is annotated of one sequence; N frames.

    Attributes:
        name: The sequence's name.
        boxes: (N, 4) float64: x, y, width, height in pixels, the first pixel being 0; NaN where
            the annotation is not public.
        valid: (N,) bool: the target is there and has a box.
        rate: Annotated frames per second, None where the dataset doesn't say.
    """

    name: str
    boxes: Boxes
    valid: npt.NDArray[np.bool_]
    rate: float | None = None


class PairSource(Protocol):
    """One training set, as pairs are drawn from it.

    Where its sequences are single pictures (`still`), a track's rows are the objects of one
    picture, not frames.
    """

    @property
    def name(self) -> str:
        """The dataset's name."""

    @property
    def still(self) -> bool:
        """Whether its sequences are single pictures."""

    def __len__(self) -> int:
        """Return the number of sequences, or of pictures."""

    def track(self, index: int) -> Track:
        """Return what is annotated of a sequence."""

    def frame(self, index: int, number: int) -> npt.NDArray[np.uint8]:
        """Return a frame of a sequence: (H, W, 3) uint8 RGB."""


@dataclass(frozen=True, eq=False)
class Tracks:
    """All sequences of a split: S sequences, T annotated frames, one after the other.

    Attributes:
        names: (S,) text.
        starts: (S + 1,) int64: the first row of each, and T.
        boxes: (T, 4) float32, as the files have them.
        absent: (T,) bool: the files say that the target is not in sight.
        frames: (S,) int64: pictures of each sequence that count; the rows where it is known.
        extra: (S,) int64: pictures on the disk beyond these, which nothing is known of.
        rates: (S,) float32, NaN where unknown.
        sizes: (S, 2) int64: width and height, 0 where unknown.
        cover: (T,) int8: GOT-10k's visible ratio, 0 to 8; empty for others.
        attributes: (S,) text: words with spaces between them.
        sha256: Of all annotation files.
    """

    names: npt.NDArray[np.str_]
    starts: npt.NDArray[np.int64]
    boxes: npt.NDArray[np.float32]
    absent: npt.NDArray[np.bool_]
    frames: npt.NDArray[np.int64]
    extra: npt.NDArray[np.int64]
    rates: npt.NDArray[np.float32]
    sizes: npt.NDArray[np.int64]
    cover: npt.NDArray[np.int8]
    attributes: npt.NDArray[np.str_]
    sha256: npt.NDArray[np.str_]

    def rows(self, index: int) -> slice:
        """Return the rows of a sequence."""
        return slice(int(self.starts[index]), int(self.starts[index + 1]))

    def boxes_of(self, index: int) -> Boxes:
        """Return a sequence's boxes as its file has them: (N, 4) float64."""
        # back to the decimals that were written: the files have four at most
        rows: Boxes = np.asarray(self.boxes[self.rows(index)], np.float64)
        return np.asarray(rows.round(4), np.float64)

    @cached_property
    def valid(self) -> npt.NDArray[np.bool_]:
        """(T,) bool: the target is in sight and has a box of some size."""
        boxed = np.isfinite(self.boxes).all(1) & (self.boxes[:, 2:] > 0).all(1)
        return np.asarray(boxed & ~self.absent, np.bool_)

    @property
    def unusable(self) -> int:
        """How many sequences have no two frames with the target, so that they give no pair."""
        seen = np.concatenate([[0], np.cumsum(self.valid)])[self.starts]
        return int((np.diff(seen) < 2).sum())


@dataclass(frozen=True, eq=False)
class Notes:
    """What the files of one sequence say (see `Tracks`).

    Attributes:
        boxes: (N, 4) float64.
        absent: (N,) bool, None for nowhere.
        pictures: How many there are on the disk, None where they were not counted.
        hidden: The boxes behind the first are not public.
        rate: Annotated frames per second.
        size: Width and height.
        cover: (N,) visible ratio.
        attributes: Words.
    """

    boxes: Boxes
    absent: npt.NDArray[np.bool_] | None = None
    pictures: int | None = None
    hidden: bool = False
    rate: float = float("nan")
    size: tuple[int, int] = (0, 0)
    cover: npt.NDArray[np.int8] | None = None
    attributes: Sequence[str] = ()


def join(names: Sequence[str], parts: Sequence[Notes]) -> dict[str, npt.NDArray[Any]]:
    """Put sequences together to the arrays of `Tracks`."""
    counts = [len(part.boxes) for part in parts]
    pairs = list(zip(counts, parts, strict=True))
    found = [n if one.pictures is None else one.pictures for n, one in pairs]
    frames = [place if one.hidden else n for place, (n, one) in zip(found, pairs, strict=True)]
    covers = [part.cover for part in parts if part.cover is not None]
    return {
        "names": np.array(list(names), np.str_),
        "starts": np.cumsum([0, *counts]).astype(np.int64),
        "boxes": np.concatenate([part.boxes for part in parts]).astype(np.float32),
        "absent": np.concatenate(
            [np.zeros(n, np.bool_) if one.absent is None else one.absent for n, one in pairs]
        ),
        "frames": np.array(frames, np.int64),
        "extra": np.array(found, np.int64) - np.array(frames, np.int64),
        "rates": np.array([part.rate for part in parts], np.float32),
        "sizes": np.array([part.size for part in parts], np.int64).reshape(-1, 2),
        "cover": np.concatenate(covers) if covers else np.zeros(0, np.int8),
        "attributes": np.array([" ".join(part.attributes) for part in parts], np.str_),
    }


def read_boxes(path: Path, obtain: str) -> Boxes:
    """Return the boxes of an annotation file: (N, 4) float64, one line each.

    Numbers stand between commas; spaces, line ends of either kind and empty lines do no harm.

    Raises:
        UserError: The file is missing, has no line, or a line that is no four numbers.
    """
    lines = [line for line in _text(path, obtain).splitlines() if line.strip()]
    if not lines:
        raise UserError(
            "names no box: the sequence is empty",
            where=str(path),
            expected="a line x,y,width,height for each frame",
            action=obtain,
        )
    try:
        table = np.array([line.split(",") for line in lines], dtype=np.float64)
    except ValueError:
        table = np.zeros(0)
    if table.shape == (len(lines), _BOX) and not np.isinf(table).any():
        return table
    number, line = next((n, one) for n, one in enumerate(lines, start=1) if not _is_box(one))
    raise UserError(
        f"{line.strip()[:60]!r} is no box",
        where=f"{path}:{number}",
        expected="four numbers with commas between them: x, y, width, height",
        action=obtain,
    )


def _is_box(line: str) -> bool:
    columns = line.split(",")
    try:
        return len(columns) == _BOX and not np.isinf([float(one) for one in columns]).any()
    except ValueError:
        return False


def read_flags(path: Path, obtain: str, count: int, most: int = 1) -> npt.NDArray[np.int8]:
    """Return the whole numbers of a file with one for each frame, on lines or between commas.

    Args:
        path: The file.
        obtain: Where it comes from, for errors.
        count: How many it should have.
        most: The largest that it may have; the smallest is 0.

    Raises:
        UserError: The file is missing, or holds something else.
    """
    words = _text(path, obtain).replace(",", " ").split()
    try:
        flags = np.array(words, dtype=np.float64)
    except ValueError:
        flags = np.array([-1.0])
    if len(words) != count:
        raise UserError(
            f"has {len(words):,} values",
            where=str(path),
            expected=f"{count:,}, one for each line of the boxes beside it",
            action=obtain,
        )
    if ((flags < 0) | (flags > most) | (flags % 1 != 0)).any():
        raise UserError(
            "holds other values",
            where=str(path),
            expected=f"whole numbers from 0 to {most}",
            action=obtain,
        )
    return flags.astype(np.int8)


def _text(path: Path, obtain: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        absent = isinstance(error, (FileNotFoundError, NotADirectoryError))
        raise UserError(
            "is missing" if absent else f"can't be read: {error}",
            where=str(path),
            expected="a text file with a line for each frame",
            action=obtain,
        ) from error
