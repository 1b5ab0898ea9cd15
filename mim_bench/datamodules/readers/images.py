"""Decoding pictures: complete or not at all. (No torch.)"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from mim_bench.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_END = {".jpg": b"\xff\xd9", ".jpeg": b"\xff\xd9", ".png": b"IEND"}


def _read(path: Path, flags: int) -> NDArray[Any]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"can't be read: {error.strerror or error}",
            where=str(path),
            action="`mim-bench data check ROOT` lists what a data root lacks",
        ) from error
    # OpenCV fills the rest of a truncated picture with grey and says nothing
    end = _END.get(path.suffix.lower())
    complete = end is None or data.rfind(end) >= len(data) // 2
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data and complete else None
    if decoded is None:
        what = "is truncated" if data and not complete else "is no readable picture"
        raise UserError(what, where=str(path), action="fetch the file again")
    return decoded


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """Read a colour picture as RGB uint8 (H, W, 3).

    Raises:
        UserError: The file is missing, truncated or no picture.
    """
    decoded = _read(path, cv2.IMREAD_COLOR)
    return cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB, dst=decoded)  # type: ignore[return-value]


def read_depth(path: Path) -> NDArray[np.uint16]:
    """Read a 16-bit depth PNG as it is stored, uint16 (H, W).

    Raises:
        UserError: The file is missing, truncated, or not 16-bit with one channel.
    """
    decoded = _read(path, cv2.IMREAD_UNCHANGED)
    if decoded.dtype != np.uint16 or decoded.ndim != 2:
        channels = 1 if decoded.ndim == 2 else decoded.shape[2]
        raise UserError(
            f"is a picture of {decoded.dtype.itemsize * 8} bits and {channels} channel(s)",
            where=str(path),
            expected="a 16-bit PNG with one channel",
            action="take the original depth files, not a visualisation of them",
        )
    return decoded
