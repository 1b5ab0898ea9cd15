"""Pictures of tracking: frames with boxes, and what the network was shown and said."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from mim_bench.images import read_image
from mim_bench.tasks.pictures import colour, titled

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from mim_bench.tasks.pictures import Picture
    from mim_bench.tasks.tracker import Followed

TRUE, FOUND = (64, 220, 64), (255, 140, 0)
"""Colours of the annotated and of the found box."""

_HEIGHT = 160  # of a panel in pixels
_MAP = 0.45  # how much of a score map covers what it is over


def strip(
    files: Sequence[str], followed: Followed, truth: npt.NDArray[np.floating[Any]]
) -> Picture:
    """Draw the frames of a sequence whose searches were kept.

    Above: the frames, the found box in orange and, where it is known, the true one in green.
    Below: the search regions with both, under the scores of their cells.

    Args:
        files: The sequence's pictures.
        followed: With `looks`.
        truth: (N, 4) x, y, width, height in pixels, NaN where not known.

    Returns:
        (H, W, 3) RGB; of a sequence without searches its first frame.
    """
    columns = []
    for number, look in followed.looks.items():
        frame = read_image(Path(files[number])).copy()
        true = truth[number]
        _box(frame, true, TRUE)
        _box(frame, look.box, FOUND)
        search = _under(look.search, look.scores)
        _box(search, look.crop.to_crop(np.asarray(true, np.float64)), TRUE)
        _box(search, look.crop.to_crop(look.box), FOUND)
        frame, search = _scaled(frame), _scaled(search)
        wide = max(frame.shape[1], search.shape[1])
        columns.append(
            np.concatenate(
                [
                    titled(_padded(frame, wide), f"frame {number}"),
                    titled(_padded(search, wide), f"search, score {look.score:.2f}"),
                ]
            )
        )
    if not columns:
        return _scaled(read_image(Path(files[0])))
    return np.concatenate(columns, axis=1)


def _under(picture: Picture, scores: npt.NDArray[np.float32]) -> Picture:
    """Lay a map of scores over a picture."""
    height, width = picture.shape[:2]
    shown = cv2.resize(colour(scores, 0.0, 1.0), (width, height), interpolation=cv2.INTER_NEAREST)
    return np.asarray(cv2.addWeighted(picture, 1 - _MAP, shown, _MAP, 0), np.uint8)


def _box(picture: Picture, box: npt.NDArray[Any], shade: tuple[int, int, int]) -> None:
    if not np.isfinite(box).all() or not (box[2:] > 0).all():
        return
    x, y, wide, high = (float(value) for value in np.clip(box, -1e5, 1e5))
    corners = (round(x), round(y)), (round(x + wide), round(y + high))
    cv2.rectangle(picture, *corners, shade, max(1, picture.shape[0] // 200))


def _scaled(picture: Picture) -> Picture:
    height, width = picture.shape[:2]
    size = (max(1, round(width * _HEIGHT / height)), _HEIGHT)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _padded(picture: Picture, width: int) -> Picture:
    return np.pad(picture, ((0, 0), (0, width - picture.shape[1]), (0, 0)))
