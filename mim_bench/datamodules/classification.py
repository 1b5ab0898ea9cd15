"""The datamodule of classification: random crops to train on, centre crops to be tested on."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from PIL import Image
from timm.data.transforms import RandomResizedCropAndInterpolation

from mim_bench.datamodules.base import BenchDataModule
from mim_bench.datamodules.classification_transforms import (
    INTERPOLATIONS,
    augmentation,
    centre_crop,
    cropped,
    resized,
)
from mim_bench.datamodules.readers.classification import ClassificationReader
from mim_bench.datamodules.transforms import even_colour_jitter
from mim_bench.draws import drawn_from
from mim_bench.errors import UserError, unknown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mim_bench.datamodules.loading import Sample
    from mim_bench.datamodules.readers.base import DatasetInfo, Reader


class ClassificationDataModule(BenchDataModule):
    """Pictures with a class each, or several.

    Batches: `id`: list of B texts; `image`: (B, 3, H, W) uint8 RGB; `label`: (B,) int64, or with
    several classes in a picture (B, C) float32 with `valid` (B, C) bool, false where a class
    isn't scored.

    Order in training: random resized crop, mirroring, then the policy, or without one the colour
    changes (SimMIM's and Swin's released fine-tuning, by timm's transforms). Mixup, CutMix and
    erasing are the task's, as they are made on normalised batches.

    Args:
        reader: See `BenchDataModule`.
        root: See there.
        image_size: (height, width) in pixels of what the network sees.
        resize: Pixels of the shorter side before the centre crop of a test.
        crop_scale: Range of the crop's share of the picture.
        crop_ratio: Range of its width over its height.
        flip: How often a picture is mirrored.
        augment: AutoAugment or RandAugment in timm's words (see `augmentation`), or None.
        colour: Reach of brightness, contrast and saturation where there is no policy; 0 for none.
        interpolation: How crops are resized: bicubic, bilinear or nearest.
        kwargs: See `BenchDataModule`.

    Raises:
        UserError: A setting has no such value, or the reader reads no classes.
    """

    reader: ClassificationReader
    reader_class: ClassVar[type[Reader] | None] = None

    def __init__(
        self,
        reader: str | dict[str, Any] | Reader | None = None,
        root: str | Path | None = None,
        *,
        image_size: Sequence[int] = (224, 224),
        resize: int = 256,
        crop_scale: Sequence[float] = (0.08, 1.0),
        crop_ratio: Sequence[float] = (3 / 4, 4 / 3),
        flip: float = 0.5,
        augment: str | None = "original",
        colour: float = 0.4,
        interpolation: str = "bicubic",
        **kwargs: Any,
    ) -> None:
        super().__init__(reader, root, **kwargs)
        if not isinstance(self.reader, ClassificationReader):
            raise UserError(
                f"{type(self.reader).__name__} reads no classes",
                where="data.reader",
                expected="a subclass of mim_bench.datamodules.readers.classification."
                "ClassificationReader",
            )
        for name, pair in (
            ("image_size", image_size),
            ("crop_scale", crop_scale),
            ("crop_ratio", crop_ratio),
        ):
            if len(pair) != 2 or not min(pair) > 0:
                raise UserError(f"is {pair}", where=f"data.{name}", expected="two numbers above 0")
        if not (crop_scale[0] <= crop_scale[1] <= 1 and crop_ratio[0] <= crop_ratio[1]):
            raise UserError(
                f"crop_scale is {crop_scale}, crop_ratio {crop_ratio}",
                where="data",
                expected="the lower bound first; shares of a picture up to 1",
            )
        if interpolation not in INTERPOLATIONS:
            where = "data.interpolation"
            raise UserError([unknown("interpolation", interpolation, INTERPOLATIONS, where)])
        if resize < max(image_size):
            raise UserError(
                f"is {resize}",
                where="data.resize",
                expected=f"at least {max(image_size)}, the larger side of data.image_size",
            )
        self.image_size = (int(image_size[0]), int(image_size[1]))
        self.resize = resize
        self.crop_scale = (float(crop_scale[0]), float(crop_scale[1]))
        self.crop_ratio = (float(crop_ratio[0]), float(crop_ratio[1]))
        self.flip = flip
        self.augment = augment
        self.interpolation = interpolation
        self.policy = augmentation(augment, self.image_size, interpolation)
        self.colour = even_colour_jitter(colour) if colour > 0 and self.policy is None else None

    @cached_property
    def _facts(self) -> DatasetInfo:
        return self.reader.facts()

    @property
    def info(self) -> DatasetInfo:
        """What the dataset is, with the classes that this copy has."""
        return self._facts

    def train_transform(self, sample: Sample, rng: np.random.Generator, position: int) -> Sample:
        """Crop, mirror and augment a picture."""
        del position
        whole = sample["image"]
        with drawn_from(rng):
            box = RandomResizedCropAndInterpolation.get_params(  # type: ignore[no-untyped-call]
                torch.from_numpy(whole).permute(2, 0, 1), self.crop_scale, self.crop_ratio
            )
            picture = cropped(whole, box, self.image_size, self.interpolation)
            if rng.random() < self.flip:
                picture = np.ascontiguousarray(picture[:, ::-1])
            if self.policy is not None:
                # torch takes no array that can't be written to
                picture = np.array(self.policy(Image.fromarray(picture)))
        if self.colour is not None:
            picture = self.colour(picture, rng)
        return {**sample, "image": picture}

    def eval_transform(self, sample: Sample) -> Sample:
        """Resize a picture and cut its middle out."""
        image = resized(sample["image"], self.resize, self.interpolation)
        return {**sample, "image": np.array(centre_crop(image, self.image_size))}

    def card(self, split: str) -> dict[str, Any]:
        """Return what a score's pictures were, and what was trained on."""
        carve = self.reader.carve
        return {
            **super().card(split),
            "classes": len(self.info.classes),
            "trained_on": f"{self.train_split}, {self.reader.count(self.train_split)} pictures",
            "validation_part": "official lists"
            if carve is None
            else f"{carve.val} of {carve.total} of {carve.of}, seed {self.reader.split_seed}",
            "resize": self.resize,
            "crop": list(self.image_size),
            "augment": self.augment or "none",
        }
