"""Augmentations behind functions of our own, each fed from the sample's one stream."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from mim_bench.datamodules.randomness import python_random

if TYPE_CHECKING:
    from numpy.typing import NDArray

Image = "NDArray[np.uint8]"


def resize_frame(
    image: NDArray[np.uint8], depth: NDArray[np.float32], scale: float
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Scale a picture (by area) and its depth (nearest neighbour: depths are never mixed)."""
    if scale == 1.0:
        return image, depth
    height, width = (max(1, round(side * scale)) for side in depth.shape)
    return (
        cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA),  # type: ignore[return-value]
        cv2.resize(depth, (width, height), interpolation=cv2.INTER_NEAREST_EXACT),
    )


def cut_depth(
    image: NDArray[np.uint8], values: NDArray[np.uint8], generator: np.random.Generator
) -> None:
    """Vertical CutDepth in place: a stripe of all rows shows the depth map instead of the picture.

    Source: GLPDepth (arXiv 2201.07436) and the authors' code; the stripe is at most 0.75 of what
    is left of its first column.

    Args:
        image: (H, W, 3), changed.
        values: (H, W), what the stripe shows.
        generator: The sample's stream.
    """
    width = image.shape[1]
    alpha, beta = generator.random(2)
    left = int(alpha * width)
    wide = int(max((width - alpha * width) * beta * 0.75, 1))
    image[:, left : left + wide] = values[:, left : left + wide, None]


@cache
def _photometric() -> Any:
    # asked for before its import, which otherwise looks for a newer release on the network
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
    import albumentations as A  # noqa: N812

    return A.Compose(
        [
            A.RandomBrightnessContrast(brightness_limit=0.2, contrast_limit=0.2, p=0.5),
            A.RandomGamma(gamma_limit=(80, 120), p=0.5),
            A.HueSaturationValue(
                hue_shift_limit=20, sat_shift_limit=30, val_shift_limit=20, p=0.5
            ),
        ]
    )


def photometric(image: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
    """Change brightness and contrast, gamma, and hue, saturation and value, each with p 0.5.

    Ranges are those of the authors' code for depth (albumentations' defaults there): ±0.2,
    80-120 %, ±20 / ±30 / ±20.

    Args:
        image: (H, W, 3) RGB.
        generator: The sample's stream; the three draw from it one after another.
    """
    compose = _photometric()
    # not set_random_seed, which would give all three the same draws
    compose.set_random_state(generator, python_random(generator))
    changed: NDArray[np.uint8] = compose(image=image)["image"]
    return changed
