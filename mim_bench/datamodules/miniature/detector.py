"""What a detector of people might have found: true boxes moved, doubled, missed, and false ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator

_LOWEST = 0.02  # scores below it are not in the file


def detect(
    rng: Generator, boxes: Sequence[tuple[list[float], float]], height: int, width: int
) -> list[dict[str, Any]]:
    """Return boxes (x, y, width, height; floats) with scores, the best first.

    Args:
        rng: Where randomness comes from.
        boxes: Box of each person, and how well he can be seen, 0 to 1.
        height: Rows of the picture.
        width: Columns of the picture.
    """
    found: list[tuple[list[float], float]] = []
    for box, clear in boxes:
        if rng.random() > 0.8 + 0.18 * clear:
            continue  # missed
        score = float(np.clip(0.55 + 0.45 * clear + rng.normal(0, 0.08), 0.3, 0.9999))
        found.append((_moved(rng, box, 0.03), score))
        while rng.random() < 0.35:  # again, worse
            score *= rng.uniform(0.1, 0.7)
            found.append((_moved(rng, box, 0.12), score))
    for _ in range(int(rng.integers(0, 4))):  # nobody there
        tall, wide = height * rng.uniform(0.15, 0.7), width * rng.uniform(0.08, 0.3)
        left, top = rng.uniform(0, width - wide), rng.uniform(0, height - tall)
        found.append(([left, top, wide, tall], float(rng.beta(1.0, 5.0))))
    kept = [(_inside(box, height, width), score) for box, score in found if score > _LOWEST]
    return [
        {"bbox": box, "score": score}
        for box, score in sorted(kept, key=lambda one: -one[1])
        if min(box[2:]) > 2
    ]


def _moved(rng: Generator, box: list[float], share: float) -> list[float]:
    """Move and stretch a box by shares of its size."""
    x, y, wide, tall = box
    shift, stretch = rng.normal(0, share, 2), np.exp(rng.normal(0, share, 2))
    middle = x + wide * (0.5 + shift[0]), y + tall * (0.5 + shift[1])
    wide, tall = wide * stretch[0], tall * stretch[1]
    return [middle[0] - wide / 2, middle[1] - tall / 2, wide, tall]


def _inside(box: list[float], height: int, width: int) -> list[float]:
    left, top = max(box[0], 0.0), max(box[1], 0.0)
    right, bottom = min(box[0] + box[2], width - 1.0), min(box[1] + box[3], height - 1.0)
    return [float(left), float(top), float(right - left), float(bottom - top)]
