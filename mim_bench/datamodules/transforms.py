"""Colour changes for pictures, behind functions of our own over albumentations."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"  # it otherwise asks the network when imported

import albumentations
import numpy as np

from mim_bench.datamodules.randomness import python_random

if TYPE_CHECKING:
    import numpy.typing as npt


class Photometric:
    """A fixed chain of colour changes, built once, driven by each sample's own generator.

    Args:
        *steps: albumentations transforms.
    """

    def __init__(self, *steps: Any) -> None:
        self.chain = albumentations.Compose(list(steps))

    def __call__(
        self, image: npt.NDArray[np.uint8], rng: np.random.Generator
    ) -> npt.NDArray[np.uint8]:
        """Change a picture's colours.

        Args:
            image: (H, W, 3) uint8 RGB.
            rng: The sample's generator. (`set_random_seed` would give every transform the same
                stream, and they would then act all together or not at all.)

        Returns:
            (H, W, 3) uint8 RGB.
        """
        self.chain.set_random_state(rng, python_random(rng))
        changed: npt.NDArray[np.uint8] = self.chain(image=np.ascontiguousarray(image))["image"]
        return changed


def colour_jitter() -> Photometric:
    """Return brightness and contrast, gamma, hue and saturation, each in half of the samples.

    The ranges are albumentations' defaults, which the authors' depth code relies on; they are
    spelled out so that no other release changes them.
    """
    return Photometric(
        albumentations.RandomBrightnessContrast(
            brightness_limit=(-0.2, 0.2), contrast_limit=(-0.2, 0.2), p=0.5
        ),
        albumentations.RandomGamma(gamma_limit=(80, 120), p=0.5),
        albumentations.HueSaturationValue(
            hue_shift_limit=(-20, 20), sat_shift_limit=(-30, 30), val_shift_limit=(-20, 20), p=0.5
        ),
    )


def strong_colour_jitter() -> Photometric:
    """Return brightness, contrast, saturation and hue in a drawn order, in every sample.

    Ranges of the authors' pose code: 0.4 for the first three, 0.2 for hue.
    """
    return Photometric(
        albumentations.ColorJitter(
            brightness=(0.6, 1.4), contrast=(0.6, 1.4), saturation=(0.6, 1.4), hue=(-0.2, 0.2), p=1
        )
    )


def even_colour_jitter(reach: float) -> Photometric:
    """Return brightness, contrast and saturation in a drawn order, in every sample, no hue.

    Args:
        reach: Each factor is drawn from 1 - reach to 1 + reach, from 0 at the least.
    """
    limits = (max(0.0, 1 - reach), 1 + reach)
    return Photometric(
        albumentations.ColorJitter(
            brightness=limits, contrast=limits, saturation=limits, hue=(0.0, 0.0), p=1
        )
    )
