"""What COCO's files say about the things of a view: masks as polygons or runs, boxes, joints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from mim_bench.datamodules.miniature.scenes.annotations import ABSENT, keypoints, shown

if TYPE_CHECKING:
    from mim_bench.datamodules.miniature.scenes.views import View

Mask = npt.NDArray[np.bool_]

SPECK = 12
"""Pixels in sight below which nothing is annotated."""

_FINE = 4  # outlines are followed on a grid of this many points per pixel
_SLACK = 0.3  # pixels by which an outline may be simplified


def people(view: View) -> list[int]:
    """Return the numbers of the people of a view who are in sight at all."""
    return [
        number
        for number, thing in enumerate(view.scene.things)
        if thing.joints is not None and view.seen[number] >= SPECK
    ]


def joints(view: View, number: int, names: tuple[str, ...]) -> npt.NDArray[np.int64]:
    """Return a person's joints (J, 3): column and row of a pixel and label, zeros if absent."""
    found = keypoints(view, number, names)
    labelled = found.labels != ABSENT
    rows = np.concatenate([np.floor(found.places), found.labels[:, None]], axis=1)
    return np.where(labelled[:, None], rows, 0).astype(np.int64)


def is_clear(view: View, number: int, height: int) -> bool:
    """Tell whether somebody is tall and unhidden enough for an annotator to mark joints."""
    box = view.box(number)
    return box is not None and box[3] - box[1] >= height and shown(view, number) >= 0.25


def outline(mask: Mask) -> list[list[float]]:
    """Return a mask's outer outlines as polygons x1, y1, x2, y2 ..., with two decimals."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    part = mask[top : rows[-1] + 1, left : columns[-1] + 1].astype(np.uint8)
    fine = np.kron(part, np.ones((_FINE, _FINE), np.uint8))
    found, _ = cv2.findContours(fine, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    polygons = []
    for contour in found:
        simple = cv2.approxPolyDP(contour, _SLACK * _FINE, True).reshape(-1, 2)
        if len(simple) >= 3:
            points = (simple + 0.5) / _FINE + (left, top)
            polygons.append([round(float(value), 2) for value in points.reshape(-1)])
    return polygons


def runs(mask: Mask) -> dict[str, list[int]]:
    """Return a mask as COCO's plain run lengths: down the columns, first those of zeros."""
    flat = mask.T.reshape(-1)
    edges = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff([0, *edges.tolist(), flat.size]).tolist()
    if flat[0]:
        counts.insert(0, 0)
    return {"counts": [int(count) for count in counts], "size": [int(n) for n in mask.shape]}


def xywh(box: tuple[int, int, int, int]) -> list[float]:
    """Return left, top, right, bottom as COCO's x, y, width, height."""
    left, top, right, bottom = box
    return [float(left), float(top), float(right - left), float(bottom - top)]


def instance(view: View, number: int) -> dict[str, Any] | None:
    """Return mask, area and box of a thing, None where its mask has no outline."""
    mask = view.mask(number)
    box = view.box(number)
    polygons = outline(mask) if box is not None else []
    if box is None or not polygons:
        return None
    return {
        "segmentation": polygons,
        "area": float(mask.sum()),
        "iscrowd": 0,
        "bbox": xywh(box),
    }


def crowd(mask: Mask) -> dict[str, Any]:
    """Return mask, area and box of a crowd that nobody told apart."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    return {
        "segmentation": runs(mask),
        "area": float(mask.sum()),
        "iscrowd": 1,
        "bbox": xywh(box),
    }
