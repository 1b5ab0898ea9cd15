"""Boxes of people: cleaned as the published code cleans them, or found by a detector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mim_bench.datamodules.readers.annotations import PERSON
from mim_bench.datamodules.readers.jsonfiles import Arrays, kept, read_json_file
from mim_bench.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

BOX_RULES = ("mmpose", "simple-baseline")
"""How labelled boxes are cut to the picture, see `clean`."""

_SHOWN = 3


def clean(
    boxes: npt.NDArray[np.float64], sizes: npt.NDArray[np.int64], rule: str
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Cut labelled boxes to their pictures.

    Left and top are at least 0. Right and bottom are at most width - 1 and height - 1, and
    before that left + width and top + height under `mmpose` (mmpose 0.29,
    `topdown_coco_dataset.py`; boxes of no width or height are dropped), one pixel less under
    `simple-baseline` (the code of Xiao et al., ECCV 2018; those of less than none are dropped).

    Args:
        boxes: (N, 4) x, y, width, height in pixels.
        sizes: (N, 2) width and height of their pictures.
        rule: One of `BOX_RULES`.

    Returns:
        The boxes (N, 4), and which of them are kept (N,).
    """
    less = 0 if rule == "mmpose" else 1
    first = np.maximum(boxes[:, :2], 0)
    last = np.minimum(sizes - 1, first + np.maximum(boxes[:, 2:] - less, 0))
    whole = (last > first) if rule == "mmpose" else (last >= first)
    return np.concatenate([first, last - first], axis=1), whole.all(axis=1)


@dataclass(frozen=True, eq=False)
class Detections:
    """Detected people of a file.

    Attributes:
        numbers: (D,) int64: place of each in the file's list.
        image_ids: (D,) int64.
        boxes: (D, 4) float64: x, y, width, height.
        scores: (D,) float64.
        sha256: The file's hash.
    """

    numbers: npt.NDArray[np.int64]
    image_ids: npt.NDArray[np.int64]
    boxes: npt.NDArray[np.float64]
    scores: npt.NDArray[np.float64]
    sha256: str

    def above(self, threshold: float) -> Detections:
        """Return those that score at least a threshold, as mmpose keeps them."""
        kept_ = self.scores >= threshold
        return Detections(
            self.numbers[kept_],
            self.image_ids[kept_],
            self.boxes[kept_],
            self.scores[kept_],
            self.sha256,
        )


def read_detections(path: Path, known: npt.NDArray[np.int64], obtain: str) -> Detections:
    """Read a list of detections: `image_id`, `category_id`, `bbox` (x, y, width, height), `score`.

    Those of other categories than people are left out; a missing category is a person.

    Args:
        path: The file.
        known: Ids of the split's pictures.
        obtain: Where the file comes from, for errors.

    Raises:
        UserError: The file is missing, is no whole JSON, has no detection of a person, has one
            without box or score, or one on a picture that the split does not have.
    """
    arrays = kept(path, "detections", lambda: _parse(path, obtain))
    sha256 = str(arrays.pop("sha256"))
    found = Detections(**arrays, sha256=sha256)
    strange = found.image_ids[~np.isin(found.image_ids, known)]
    if len(strange):
        ids = np.unique(strange)
        shown = ", ".join(str(one) for one in ids[:_SHOWN]) + (" …" if len(ids) > _SHOWN else "")
        raise UserError(
            f"{len(strange):,} of {len(found.image_ids):,} detections are on {len(ids):,} "
            f"picture(s) that the split does not have: {shown}",
            where=str(path),
            expected=f"detections on the split's {len(known):,} pictures",
            action="take the detections of this split, or leave the others out of the file",
        )
    return found


def _parse(path: Path, obtain: str) -> Arrays:
    content = read_json_file(path, obtain)
    wanted = "a list of objects with image_id, category_id, bbox and score"
    if not isinstance(content, list):
        held = type(content).__name__
        raise UserError(f"holds a {held}, no list", where=str(path), expected=wanted, action=obtain)
    rows: list[tuple[int, int, list[float], float]] = []
    for number, one in enumerate(content):
        try:
            if one.get("category_id", PERSON) != PERSON:
                continue
            score = float(one["score"])
            if not np.isfinite(score):
                raise ValueError(f"its score is {score}")
            rows.append((number, int(one["image_id"]), _box(one["bbox"]), score))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            wrong = f"has no {error}" if isinstance(error, KeyError) else f"can't be used: {error}"
            raise UserError(
                f"detection number {number} {wrong}",
                where=str(path),
                expected=wanted,
                action=obtain,
            ) from error
    if not rows:
        raise UserError(
            f"holds no detection of a person ({len(content)} of other categories)",
            where=str(path),
            expected=wanted,
            action=obtain,
        )
    numbers, images, boxes, scores = (list(column) for column in zip(*rows, strict=True))
    return {
        "numbers": np.array(numbers, np.int64),
        "image_ids": np.array(images, np.int64),
        "boxes": np.array(boxes, np.float64),
        "scores": np.array(scores, np.float64),
    }


def _box(found: Any) -> list[float]:
    box = [float(value) for value in found]
    if len(box) != 4 or not np.isfinite(box).all():
        raise ValueError(f"its bbox is {found}")
    if min(box[2:]) < 0:
        raise ValueError(f"its bbox {found} has a negative size")
    return box
