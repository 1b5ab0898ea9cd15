"""Mixup, CutMix and erasing of training batches, with timm's parts and one generator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from timm.data.mixup import cutmix_bbox_and_lam, mixup_target
from timm.data.random_erasing import RandomErasing

from mim_bench.draws import drawn_from
from mim_bench.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Mixing:
    """How the pictures of a batch are mixed with those of the batch in reverse.

    The whole batch has one share and one way, as in timm's mode `batch`, which SimMIM and Swin
    fine-tune with.

    Attributes:
        mixup: Both parameters of the beta distribution of Mixup's share; 0 for no Mixup.
        cutmix: Those of CutMix; 0 for no CutMix.
        probability: How often a batch is mixed at all.
        switch: How often CutMix is taken, where there are both.
        smoothing: Label smoothing.

    Raises:
        UserError: A number is out of range.
    """

    mixup: float = 0.8
    cutmix: float = 1.0
    probability: float = 1.0
    switch: float = 0.5
    smoothing: float = 0.1

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        for name, top in (("probability", 1), ("switch", 1), ("smoothing", 1)):
            value = getattr(self, name)
            if not 0 <= value <= top:
                raise UserError(f"is {value}", where=f"task.mix_{name}", expected="0 to 1")
        if min(self.mixup, self.cutmix) < 0:
            raise UserError(f"are {self.mixup}, {self.cutmix}", where="task.mixup, task.cutmix")

    def __call__(
        self, images: Tensor, labels: Tensor, classes: int, rng: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """Mix a batch.

        Args:
            images: (B, 3, H, W) as the network takes them; changed in place.
            labels: (B,) int64.
            classes: How many there are.
            rng: Of the step.

        Returns:
            The images, and (B, classes) targets that add up to 1.
        """
        share, reverse = 1.0, images.flip(0)
        if (self.mixup or self.cutmix) and rng.random() < self.probability:
            cut = bool(self.cutmix) and (not self.mixup or rng.random() < self.switch)
            alpha = self.cutmix if cut else self.mixup
            share = float(rng.beta(alpha, alpha))
            if cut:
                with drawn_from(rng):
                    (top, bottom, left, right), kept = cutmix_bbox_and_lam(  # type: ignore[no-untyped-call]
                        images.shape, share
                    )
                share = float(kept)
                images[..., top:bottom, left:right] = reverse[..., top:bottom, left:right]
            else:
                images = images.mul_(share).add_(reverse, alpha=1 - share)
        targets: Tensor = mixup_target(labels, classes, share, self.smoothing)  # type: ignore[no-untyped-call]
        return images, targets


def erase(images: Tensor, probability: float, rng: np.random.Generator) -> Tensor:
    """Fill a rectangle of some pictures with noise, in place (timm's random erasing, `pixel`).

    Args:
        images: (B, 3, H, W), normalised.
        probability: Share of the pictures.
        rng: Of the step; the noise comes from torch's generator.
    """
    if probability <= 0:
        return images
    erasing: Any = RandomErasing(  # type: ignore[no-untyped-call]
        probability, mode="pixel", device=images.device
    )
    with drawn_from(rng):
        erased: Tensor = erasing(images)
    return erased


def step_generator() -> np.random.Generator:
    """Return a generator seeded from torch's, which is seeded anew before each step."""
    return np.random.default_rng(int(torch.randint(2**62, ())))
