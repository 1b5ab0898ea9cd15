"""Reads colour pictures and 16-bit depth maps, and says clearly what is wrong with a file."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from mim_bench.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

_RGB: int | None = getattr(cv2, "IMREAD_COLOR_RGB", None)  # since OpenCV 4.11: no second pass
_TAIL = 4096  # some writers leave a few bytes behind the end mark
_ENDS = {b"\xff\xd8": b"\xff\xd9", b"\x89PNG": b"IEND"}


def read_image(path: Path, listed: str = "", as_stored: bool = False) -> npt.NDArray[np.uint8]:
    """Read a picture as (H, W, 3) uint8 RGB.

    Args:
        path: The file.
        listed: The place that lists it, for the error.
        as_stored: Leave it as its pixels are stored; else it is turned as its EXIF says.

    Raises:
        UserError: The file is missing, cut short or no picture.
    """
    turned = cv2.IMREAD_IGNORE_ORIENTATION if as_stored else 0
    if _RGB is not None:
        return np.asarray(_decode(path, _RGB | turned, listed), dtype=np.uint8)
    image = _decode(path, cv2.IMREAD_COLOR | turned, listed)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB, dst=image), dtype=np.uint8)


def read_photograph(path: Path, listed: str = "") -> npt.NDArray[np.uint8]:
    """Read a photograph of any kind as (H, W, 3) uint8 RGB, through Pillow.

    Greyscale, palettes, transparency and CMYK become RGB as torchvision's datasets make them,
    whatever the file's ending says; EXIF turns nothing, as published training code turns nothing.

    Args:
        path: The file.
        listed: The place that lists it, for the error.

    Raises:
        UserError: The file is missing, cut short or no picture.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of metadata and transparency, which aren't used
            with path.open("rb") as file, Image.open(file) as image:
                return np.array(image.convert("RGB"))  # one that can be written to
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        absent = isinstance(error, FileNotFoundError)
        raise UserError(
            "is missing" if absent else f"can't be decoded: {error}",
            where=_place(path, listed),
            expected="a whole picture, such as a JPEG or PNG file",
            action="copy or download the file again, or name it in the reader's leave_out",
        ) from error


def read_depth(path: Path, units_per_metre: float, listed: str = "") -> npt.NDArray[np.float32]:
    """Read a 16-bit depth map as (H, W) float32 metres, 0 where it is unknown.

    Args:
        path: The file.
        units_per_metre: What the file's numbers count: 1000 for millimetres.
        listed: The place that lists it, for the error.

    Raises:
        UserError: The file is missing, cut short, or holds anything but one 16-bit channel.
    """
    depth = _decode(path, cv2.IMREAD_UNCHANGED, listed)
    if depth.dtype != np.uint16 or depth.ndim != 2:
        channels = 1 if depth.ndim == 2 else depth.shape[2]
        raise UserError(
            f"holds {channels} channel(s) of {8 * depth.dtype.itemsize} bits",
            where=_place(path, listed),
            expected=f"one channel of 16-bit depth, {units_per_metre:g} units per metre",
            action="take the original depth files: 8 bits or colours lose most of the depth",
        )
    metres = depth.astype(np.float32)
    metres /= np.float32(units_per_metre)
    return metres


def _place(path: Path, listed: str) -> str:
    return f"{path} (listed in {listed})" if listed else str(path)


def _decode(path: Path, flags: int, listed: str) -> npt.NDArray[Any]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"can't be read: {error.strerror}",
            where=_place(path, listed),
            expected="a file that may be read",
            action="`mim-bench data check` lists everything that is missing",
        ) from error
    wrong = "is empty" if not content else ""
    for start, end in _ENDS.items():
        # OpenCV may fill what is missing with grey and say nothing
        if content.startswith(start) and end not in content[-_TAIL:]:
            wrong = f"is cut short ({len(content)} bytes)"
    if not wrong:
        try:
            image = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
        except cv2.error:
            image = None
        if image is not None:
            return np.asarray(image)
        wrong = "is no picture that can be decoded"
    raise UserError(
        wrong,
        where=_place(path, listed),
        expected="a whole JPEG or PNG file",
        action="copy or download the file again",
    ) from None
