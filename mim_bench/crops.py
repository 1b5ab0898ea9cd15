"""Cutting a region around a box out of a frame: what trackers are shown. (No torch.)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

Picture = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.float64]

CUTS = ("whole-pixels", "affine")
"""How a region is resampled, see `cut`."""


@dataclass(frozen=True, eq=False)
class Crop:
    """Between a frame and a crop of it: crop = target + (frame - source) * scale.

    Places are continuous: the first pixel reaches from 0 to 1.

    Attributes:
        scale: (2,) of x and y.
        source: (2,) a place in the frame.
        target: (2,) where it is in the crop.
    """

    scale: Numbers
    source: Numbers
    target: Numbers

    def to_crop(self, boxes: npt.NDArray[np.floating]) -> Numbers:
        """Return boxes (..., 4) x, y, width, height of the frame as they are in the crop."""
        places = self.target + (boxes[..., :2] - self.source) * self.scale
        return np.concatenate([places, boxes[..., 2:] * self.scale], axis=-1)

    def to_frame(self, boxes: npt.NDArray[np.floating]) -> Numbers:
        """Return boxes (..., 4) x, y, width, height of the crop as they are in the frame."""
        places = self.source + (boxes[..., :2] - self.target) / self.scale
        return np.concatenate([places, boxes[..., 2:] / self.scale], axis=-1)


def around(box: Sequence[float] | Numbers, factor: float, size: Sequence[int]) -> Crop:
    """Return the crop around a box.

    A box of sides w and h is enlarged by (factor - 1) (w + h) / 2 on each side's length, and the
    area of that is brought to the area of the crop, both axes by the same scale (SwinTrack's
    released code).

    Args:
        box: x, y, width, height in pixels of the frame, with some width and height.
        factor: 2 for templates, 4 for search regions as published.
        size: (H, W) of the crop.
    """
    x, y, wide, high = (float(value) for value in box)
    more = (factor - 1) * (wide + high) / 2
    scale = math.sqrt(size[0] * size[1] / ((wide + more) * (high + more)))
    return Crop(
        np.array([scale, scale]),
        np.array([x + wide / 2, y + high / 2]),
        np.array([size[1] / 2, size[0] / 2]),
    )


def cut(
    frame: Picture,
    between: Crop,
    size: Sequence[int],
    fill: Numbers,
    how: str = "whole-pixels",
) -> Picture:
    """Cut a crop out of a frame, interpolating linearly in one pass over the crop.

    Args:
        frame: (H, W, 3) uint8.
        between: Where.
        size: (H, W) of the crop.
        fill: (3,) what stands outside of the frame, usually its mean colour.
        how: `whole-pixels`: the part of the frame that is in the crop, and the part of the crop
            that it fills, are taken to whole pixels first, and the corners of one put on the
            corners of the other, as SwinTrack's released code does; `affine`: exactly.

    Returns:
        (H, W, 3) uint8.
    """
    height, width = frame.shape[:2]
    colour = tuple(float(value) for value in fill)
    if how == "affine":
        matrix = np.zeros((2, 3))
        matrix[0, 0], matrix[1, 1] = 1 / between.scale
        # of the middle of pixels, which are half a pixel from their corners
        matrix[:, 2] = between.source + (0.5 - between.target) / between.scale - 0.5
        return _warp(frame, matrix, size, cv2.BORDER_CONSTANT, colour)
    crop = np.empty((size[0], size[1], 3), np.uint8)
    crop[:] = np.rint(fill)
    corners = np.array([0.0, 0.0, width, height])
    placed = _move(corners, between.source, between.target, between.scale)
    placed[:2] = np.maximum(placed[:2], 0.5)
    placed[2:] = np.minimum(placed[2:], np.array([size[1], size[0]]) - 0.5)
    taken = _move(placed, between.target, between.source, 1 / between.scale)
    left, top, right, bottom = (int(value) for value in placed)
    x1, y1, x2, y2 = (int(value) for value in taken)
    x1, y1, x2, y2 = max(x1, 0), max(y1, 0), min(x2, width - 1), min(y2, height - 1)
    if not (right > left and bottom > top and x2 >= x1 and y2 >= y1):
        return crop
    wide, high = right - left + 1, bottom - top + 1
    matrix = np.array([[(x2 - x1) / (wide - 1), 0.0, 0.0], [0.0, (y2 - y1) / (high - 1), 0.0]])
    part = frame[y1 : y2 + 1, x1 : x2 + 1]
    crop[top : bottom + 1, left : right + 1] = _warp(part, matrix, (high, wide))
    return crop


def crop(
    frame: Picture,
    box: Sequence[float] | Numbers,
    factor: float,
    size: Sequence[int],
    fill: Numbers,
    how: str = "whole-pixels",
) -> tuple[Picture, Crop]:
    """Return the crop around a box and what is between it and the frame."""
    between = around(box, factor, size)
    return cut(frame, between, size, fill, how), between


def frame_mean(frame: Picture) -> Numbers:
    """Return the mean colour (3,) of a frame."""
    return np.array(cv2.mean(frame)[:3], np.float64)


def clip_box(box: Numbers, size: Sequence[int]) -> Numbers:
    """Return boxes (..., 4) cut to a picture of (H, W); sides of 0 where nothing is left."""
    low = np.maximum(box[..., :2], 0.0)
    high = np.minimum(box[..., :2] + box[..., 2:], np.array([size[1], size[0]], np.float64))
    return np.concatenate([low, np.maximum(high - low, 0.0)], axis=-1)


def _move(corners: Numbers, source: Numbers, target: Numbers, scale: Numbers) -> Numbers:
    return np.tile(target, 2) + (corners - np.tile(source, 2)) * np.tile(scale, 2)


def _warp(
    frame: Picture,
    matrix: Numbers,
    size: Sequence[int],
    border: int = cv2.BORDER_REPLICATE,
    fill: tuple[float, ...] = (),
) -> Picture:
    return np.asarray(
        cv2.warpAffine(
            frame,
            matrix,
            (size[1], size[0]),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=border,
            borderValue=fill,
        ),
        np.uint8,
    )
