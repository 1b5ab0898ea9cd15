"""What is drawn into the pictures of contact sheets: boxes, masks, joints, words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from mim_bench.datamodules.miniature.scenes.annotations import ABSENT, VISIBLE, keypoints
from mim_bench.datamodules.miniature.scenes.skeleton import COCO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mim_bench.datamodules.miniature.scenes.views import View

Picture = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]

SWATCHES: tuple[Colour, ...] = (
    (230, 80, 70),
    (80, 160, 240),
    (110, 200, 90),
    (240, 190, 60),
    (180, 110, 220),
    (70, 200, 200),
    (240, 130, 180),
    (150, 150, 60),
)
"""Colours that instances take in turn."""

_LEFT, _RIGHT, _MIDDLE = (255, 120, 60), (80, 220, 120), (255, 240, 90)
_BONES = (
    ("left_shoulder", "right_shoulder"),
    ("left_hip", "right_hip"),
    ("head", "neck"),
    *(
        (f"{side}_{one}", f"{side}_{two}")
        for side in ("left", "right")
        for one, two in (
            ("shoulder", "elbow"),
            ("elbow", "wrist"),
            ("shoulder", "hip"),
            ("hip", "knee"),
            ("knee", "ankle"),
        )
    ),
)


def write(
    picture: Picture,
    text: str,
    place: tuple[int, int],
    colour: Colour = (255, 255, 255),
    size: float = 0.42,
) -> None:
    """Write a line whose baseline begins at (column, row)."""
    cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, colour, 1, cv2.LINE_AA)


def draw_box(picture: Picture, box: tuple[int, int, int, int], colour: Colour) -> None:
    """Draw left, top, right, bottom in pixels; right and bottom are the first outside."""
    left, top, right, bottom = box
    cv2.rectangle(picture, (left, top), (right - 1, bottom - 1), colour, 1)


def draw_people(picture: Picture, view: View) -> None:
    """Draw the labelled joints of everybody: discs where they are visible, else circles."""
    for number, thing in enumerate(view.scene.things):
        if thing.joints is not None and view.seen[number]:
            found = keypoints(view, number)
            draw_bones(picture, COCO, found.places, found.labels)


def draw_bones(
    picture: Picture, names: Sequence[str], places: npt.NDArray[Any], labels: npt.NDArray[Any]
) -> None:
    """Draw a person's labelled joints: discs where they are visible, else circles.

    Args:
        picture: (H, W, 3), which is drawn into.
        names: Of the J joints.
        places: (J, 2) column and row.
        labels: (J,) `ABSENT`, `HIDDEN` or `VISIBLE`.
    """
    known = {
        name: (int(column), int(row))
        for name, (column, row), label in zip(names, places, labels, strict=True)
        if label != ABSENT
    }
    for one, two in _BONES:
        if one in known and two in known:
            cv2.line(picture, known[one], known[two], _side(one, two), 1, cv2.LINE_AA)
    for name, label in zip(names, labels, strict=True):
        if name in known:
            fill = cv2.FILLED if label == VISIBLE else 1
            cv2.circle(picture, known[name], 2, _side(name, name), fill, cv2.LINE_AA)


def _side(one: str, two: str) -> Colour:
    for side, colour in (("left", _LEFT), ("right", _RIGHT)):
        if one.startswith(side) and two.startswith(side):
            return colour
    return _MIDDLE


def paint_masks(view: View) -> Picture:
    """Return the picture (H, W, 3) in grey with every thing in a colour of its own."""
    grey = view.image.mean(axis=2, keepdims=True)
    # the last row stands for nothing
    table = np.array([*SWATCHES, (0, 0, 0)], dtype=float)
    index = np.where(view.things >= 0, view.things % len(SWATCHES), len(SWATCHES))
    share = np.where(view.things >= 0, 0.65, 0.0)[..., None]
    return np.asarray((1 - share) * grey + share * table[index]).astype(np.uint8)


def colour_depth(depth: npt.NDArray[np.float64], most: float) -> Picture:
    """Return depth (H, W) in metres as colours: near is blue, `most` red; the sky is black."""
    scaled = (np.clip(depth / most, 0, 1) * 255).astype(np.uint8)
    coloured = cv2.applyColorMap(scaled, cv2.COLORMAP_TURBO)[..., ::-1].copy()
    coloured[~np.isfinite(depth) | (depth <= 0)] = 0
    return np.asarray(coloured, dtype=np.uint8)
