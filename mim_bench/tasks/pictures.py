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

_HEADER = 14


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
    """Draw one sample: input | prediction | ground truth | error, with a caption over each.

    Prediction and ground truth share the range of the ground truth (2nd to 98th percentile), so
    a sample's colours mean the same all through a training. The error map runs from 0 to a tenth
    of `max_depth`. What is unknown is black.

    Args:
        image: (H, W, 3) RGB.
        prediction: (H, W) metres, not finite where it is unknown.
        target: (H, W) metres, 0 where it is unknown.
        max_depth: The largest depth in metres.

    Returns:
        (H + 14, 4 W, 3) RGB.
    """
    known = target > 0
    low, high = np.percentile(target[known], (2, 98)) if known.any() else (0.0, max_depth)
    truth = np.where(known, target, np.nan).astype(np.float32)
    error = np.abs(prediction - truth)
    panels = {
        "input": image,
        "prediction": colour(prediction, float(low), float(high)),
        f"truth {low:.1f}-{high:.1f} m": colour(truth, float(low), float(high)),
        f"error 0-{ERROR_SHARE * max_depth:g} m": colour(
            error, 0.0, ERROR_SHARE * max_depth, cv2.COLORMAP_INFERNO
        ),
    }
    return np.concatenate([_captioned(panel, text) for text, panel in panels.items()], axis=1)


def _captioned(panel: Picture, text: str) -> Picture:
    header: Any = np.zeros((_HEADER, panel.shape[1], 3), dtype=np.uint8)
    cv2.putText(
        header, text, (2, 10), cv2.FONT_HERSHEY_SIMPLEX, 0.3, (255, 255, 255), 1, cv2.LINE_AA
    )
    return np.concatenate([header, panel], axis=0)
