"""Writes picture files in the encodings that data sets use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

_QUALITY = 95


def write_picture(path: Path, array: npt.NDArray[Any]) -> None:
    """Write a picture (H, W, 3) RGB uint8, or a map (H, W) of 8 or 16 bits; folders are made.

    Args:
        path: The file; its ending, .jpg or .png, is its encoding.
        array: What is written.

    Raises:
        OSError: It can't be written.
    """
    import cv2

    path.parent.mkdir(parents=True, exist_ok=True)
    options = {
        ".jpg": [cv2.IMWRITE_JPEG_QUALITY, _QUALITY],
        ".png": [cv2.IMWRITE_PNG_COMPRESSION, 3],
    }[path.suffix]
    if array.ndim == 3:
        array = cv2.cvtColor(array, cv2.COLOR_RGB2BGR)
    _, content = cv2.imencode(path.suffix, array, options)
    path.write_bytes(content.tobytes())
