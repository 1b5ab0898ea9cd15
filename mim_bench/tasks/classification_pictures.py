"""Pictures of classifiers' answers, for TensorBoard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mim_bench.tasks.pictures import Picture

_LEAST = 160  # pixels of width, so that names can be read
_LINE, _SIZE = 13, 0.34


def captioned(picture: Picture, lines: Sequence[str]) -> Picture:
    """Put lines of text over a picture, which is enlarged by whole pixels where it is small."""
    times = max(1, -(-_LEAST // picture.shape[1]))
    large = np.repeat(np.repeat(picture, times, axis=0), times, axis=1)
    strip: Any = np.zeros((_LINE * len(lines) + 4, large.shape[1], 3), np.uint8)
    for number, line in enumerate(lines, start=1):
        place = (2, _LINE * number - 2)
        white = (255, 255, 255)
        cv2.putText(strip, line, place, cv2.FONT_HERSHEY_SIMPLEX, _SIZE, white, 1, cv2.LINE_AA)
    return np.concatenate([strip, large])
