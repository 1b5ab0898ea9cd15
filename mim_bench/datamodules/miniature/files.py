"""Writes files in the encodings that data sets use: pictures, MATLAB's variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt

_QUALITY = 95
_MATLAB_HEAD = b"MATLAB 5.0 MAT-file, miniature world".ljust(116)


def write_picture(path: Path, array: npt.NDArray[Any]) -> None:
    """Write a picture (H, W, 3) RGB uint8, or a map (H, W) of 8 or 16 bits; folders are made.

    Args:
        path: The file; its ending, .jpg, .JPEG or .png, is its encoding.
        array: What is written.

    Raises:
        OSError: It can't be written.
    """
    import cv2

    path.parent.mkdir(parents=True, exist_ok=True)
    jpeg = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    options = {
        ".jpg": jpeg,
        ".jpeg": jpeg,
        ".png": [cv2.IMWRITE_PNG_COMPRESSION, 3],
    }[path.suffix.lower()]
    if array.ndim == 3:
        array = cv2.cvtColor(array, cv2.COLOR_RGB2BGR)
    _, content = cv2.imencode(path.suffix.lower(), array, options)
    path.write_bytes(content.tobytes())


def write_odd_picture(path: Path, array: npt.NDArray[Any], kind: str) -> None:
    """Write a picture (H, W, 3) RGB uint8 as some files of real data sets are.

    Args:
        path: The file, whose ending says JPEG.
        array: What is written.
        kind: `grey`: a JPEG of one channel; `cmyk`: one for printing; `turned`: with an EXIF note
            that it lies on its side; `png`: a PNG, whatever the ending says.

    Raises:
        OSError: It can't be written.
    """
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(array)
    if kind == "png":
        image.save(path, format="PNG")
        return
    options: dict[str, Any] = {"format": "JPEG", "quality": _QUALITY}
    if kind == "turned":
        note = Image.Exif()
        note[0x0112] = 6
        options["exif"] = note
    else:
        image = image.convert({"grey": "L", "cmyk": "CMYK"}[kind])
    image.save(path, **options)


def write_matlab(path: Path, variables: Mapping[str, Any]) -> None:
    """Write a MATLAB 5 file whose bytes depend on what it holds alone.

    SciPy puts the time into the first 116 bytes, which are free text.

    Raises:
        OSError: It can't be written.
    """
    from io import BytesIO

    from scipy.io import savemat

    content = BytesIO()
    savemat(content, dict(variables))
    path.write_bytes(_MATLAB_HEAD + content.getvalue()[len(_MATLAB_HEAD) :])
