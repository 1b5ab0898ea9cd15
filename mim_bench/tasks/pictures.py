"""Pictures of depth: input, prediction, ground truth and error side by side."""

from __future__ import annotations

from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

Picture: TypeAlias = npt.NDArray[np.uint8]
"""(H, W, 3) RGB."""

ERROR_SHARE = 0.1
"""Errors of this share of the largest depth, and above, have the error map's last colour."""

_HEADER, _BAR = 14, 12
_SIZE = 0.28


def colour(
    values: npt.NDArray[np.float32], low: float, high: float, colours: int = cv2.COLORMAP_TURBO
) -> Picture:
    """Colour a map of numbers.

    Args:
        values: (H, W); what is not finite becomes black.
        low: The number of the first colour; what lies below has it too.
        high: The number of the last colour; what lies above has it too.
        colours: One of OpenCV's colour maps.
    """
    finite = np.isfinite(values)
    span = max(high - low, 1e-9)
    scaled = np.clip((np.where(finite, values, low) - low) / span, 0.0, 1.0)
    coloured = cv2.applyColorMap((scaled * 255).round().astype(np.uint8), colours)
    picture = cv2.cvtColor(coloured, cv2.COLOR_BGR2RGB)
    picture[~finite] = 0
    return np.asarray(picture, dtype=np.uint8)


def depth_picture(
    image: Picture,
    prediction: npt.NDArray[np.float32],
    target: npt.NDArray[np.float32],
    max_depth: float,
) -> Picture:
    """Draw one sample: input | prediction | ground truth | error, with titles and colour bars.

    Prediction and ground truth share the range of the ground truth (2nd to 98th percentile), so
    a sample's colours mean the same all through a training. The error map runs from 0 to a tenth
    of `max_depth`. What is unknown is black. Wide frames stand below each other.

    Args:
        image: (H, W, 3) RGB.
        prediction: (H, W) metres, not finite where it is unknown.
        target: (H, W) metres, 0 where it is unknown.
        max_depth: The largest depth in metres.

    Returns:
        (H + 26, 4 W, 3) RGB, or (4 (H + 26), W, 3) where frames are over twice as wide as high.
    """
    known = target > 0
    low, high = np.percentile(target[known], (2, 98)) if known.any() else (0.0, max_depth)
    truth = np.where(known, target, np.nan).astype(np.float32)
    error, limit = np.abs(prediction - truth), ERROR_SHARE * max_depth
    ranges = float(low), float(high), cv2.COLORMAP_TURBO
    panels = [
        titled(image, "input"),
        titled(colour(prediction, *ranges), "prediction", ranges),
        titled(colour(truth, *ranges), "ground truth", ranges),
        titled(
            colour(error, 0.0, limit, cv2.COLORMAP_INFERNO),
            "error",
            (0.0, limit, cv2.COLORMAP_INFERNO),
        ),
    ]
    return np.concatenate(panels, axis=0 if image.shape[1] > 2 * image.shape[0] else 1)


def depth_png(depth: npt.NDArray[np.float32], units_per_metre: float) -> bytes:
    """Encode depth (H, W) in metres as a 16-bit PNG, rounded to its units."""
    units = np.clip(np.rint(depth * units_per_metre), 0, np.iinfo(np.uint16).max)
    _, content = cv2.imencode(".png", units.astype(np.uint16))
    return content.tobytes()


def titled(panel: Picture, title: str, bar: tuple[float, float, int] | None = None) -> Picture:
    """Put a title over a panel, and a colour bar with the numbers at its ends in metres.

    Args:
        panel: (H, W, 3) RGB.
        title: A word or two.
        bar: Lowest number, highest number, OpenCV's colour map.
    """
    width = panel.shape[1]
    strip: Any = np.zeros((_HEADER + _BAR, width, 3), dtype=np.uint8)
    _write(strip, title, 2)
    if bar is not None:
        low, high, colours = bar
        shades = np.broadcast_to(np.linspace(0, 1, width, dtype=np.float32), (_BAR - 3, width))
        strip[_HEADER : _HEADER + _BAR - 3] = colour(np.ascontiguousarray(shades), 0, 1, colours)
        numbers = f"{low:.1f}-{high:.1f} m" if low else f"0-{high:g} m"
        (wide, _), _ = cv2.getTextSize(numbers, cv2.FONT_HERSHEY_SIMPLEX, _SIZE, 1)
        _write(strip, numbers, width - wide - 2)
    return np.concatenate([strip, panel], axis=0)


def _write(strip: Any, text: str, left: int) -> None:
    white = (255, 255, 255)
    cv2.putText(strip, text, (left, 10), cv2.FONT_HERSHEY_SIMPLEX, _SIZE, white, 1, cv2.LINE_AA)
