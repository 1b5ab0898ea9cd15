"""Training augmentation of depth: the authors' order and numbers, on NumPy arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from mim_bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

Image = npt.NDArray[np.uint8]
Depth = npt.NDArray[np.float32]

CUT_DEPTH_EVERY = 4
"""The authors' code cuts on every 4th sample, by a counter and not at random."""


def bottom_middle(image: Image, depth: Depth, size: Sequence[int]) -> tuple[Image, Depth]:
    """Cut the lowest rows and middle columns out of a frame.

    Args:
        image: (H, W, 3) uint8.
        depth: (H, W) metres.
        size: (height, width) of what is kept, no larger than the frame.

    Source: the "KB crop" of the authors' code, 352 x 1216 on KITTI.
    """
    top, left = depth.shape[0] - size[0], int((depth.shape[1] - size[1]) / 2)
    window = slice(top, top + size[0]), slice(left, left + size[1])
    return image[window], depth[window]


def resize(image: Image, depth: Depth, scale: float) -> tuple[Image, Depth]:
    """Resize a frame: the picture by areas, the depth to its nearest pixel, so holes stay holes.

    Args:
        image: (H, W, 3) uint8.
        depth: (H, W) metres.
        scale: Factor of both sides.
    """
    if scale == 1.0:
        return image, depth
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    shrinks = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return (
        np.asarray(cv2.resize(image, size, interpolation=shrinks), dtype=np.uint8),
        np.asarray(cv2.resize(depth, size, interpolation=cv2.INTER_NEAREST), dtype=np.float32),
    )


def cut_columns(alpha: float, beta: float, width: int) -> tuple[int, int]:
    """Return (first column, end) of the strip that CutDepth fills; alpha and beta in 0..1.

    The products are taken in the order of the authors' code: in another one, a span that is whole
    can round to just below and lose a column.
    """
    left = int(alpha * width)
    span = int(max((width - alpha * width) * beta * 0.75, 1))
    return left, left + span


def wrapped(depth: Depth, units_per_metre: float) -> Image:
    """Return depth as the authors' code writes it into a picture: file units modulo 256.

    3456 mm become 128: the code assigns raw numbers to 8-bit pixels. Done in whole numbers here,
    as what a cast of large floats gives depends on the platform.
    """
    units = np.rint(depth * np.float32(units_per_metre)).astype(np.int32)
    return np.asarray(units % 256, dtype=np.uint8)


def shaded(depth: Depth, max_depth: float) -> Image:
    """Return depth as a shade of grey: 0 for unknown, 255 for the largest depth and beyond."""
    shade = np.clip(depth / max(max_depth, 1e-6), 0, 1) * 255
    return np.asarray(np.rint(shade), dtype=np.uint8)


def cut_depth(image: Image, values: Image, columns: tuple[int, int]) -> Image:
    """Return a picture in which a strip is replaced by its depth, in all three channels.

    Args:
        image: (H, W, 3) uint8.
        values: (H, columns' span) uint8, what is written.
        columns: First column and end of the strip.
    """
    image = image.copy()  # a reader may keep its arrays
    image[:, columns[0] : columns[1]] = values[..., None]
    return image


def crop(
    image: Image,
    depth: Depth,
    place: tuple[int, int],
    size: tuple[int, int],
    mirrored: bool = False,
) -> tuple[Image, Depth]:
    """Cut a window out of a frame that is mirrored first, or not.

    Args:
        image: (H, W, 3) uint8.
        depth: (H, W) metres.
        place: Top row and left column of the window, on the mirrored frame.
        size: (height, width) of the window.
        mirrored: Whether left and right change places.
    """
    top, left = place
    if mirrored:  # cutting first leaves fewer pixels to mirror
        left = depth.shape[1] - left - size[1]
    window = slice(top, top + size[0]), slice(left, left + size[1])
    image, depth = image[window], depth[window]
    if not mirrored:
        return image, depth
    return (
        np.asarray(cv2.flip(image, 1), dtype=np.uint8),
        np.asarray(cv2.flip(depth, 1), dtype=np.float32),
    )


def crop_place(
    rng: np.random.Generator, frame: Sequence[int], crop: Sequence[int]
) -> tuple[int, int]:
    """Draw the top row and left column of a crop, each place as likely as any other.

    Args:
        rng: Where randomness comes from.
        frame: (height, width).
        crop: (height, width).

    Raises:
        UserError: The crop is larger than the frame.
    """
    if crop[0] > frame[0] or crop[1] > frame[1]:
        raise UserError(
            f"the crop of {crop[0]} x {crop[1]} is larger than the frame of "
            f"{frame[0]} x {frame[1]} (height x width)",
            where="data.crop",
            action="choose a smaller data.crop, or a larger data.scale",
        )
    top = int(rng.integers(frame[0] - crop[0] + 1))
    return top, int(rng.integers(frame[1] - crop[1] + 1))
