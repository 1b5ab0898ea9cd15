"""Datamodules of monocular depth."""

from __future__ import annotations

import dataclasses
import warnings
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from mim_bench.datamodules import depth_transforms as ops
from mim_bench.datamodules.base import BenchDataModule
from mim_bench.datamodules.readers.depth import DepthReader
from mim_bench.datamodules.readers.nyuv2 import NYUv2
from mim_bench.datamodules.transforms import colour_jitter
from mim_bench.errors import UserError, unknown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np

    from mim_bench.datamodules.loading import Sample
    from mim_bench.datamodules.readers.base import DatasetInfo, Reader

CUT_DEPTH = ("published", "clean", "off")
"""What `cut_depth` may be."""


class DepthDataModule(BenchDataModule):
    """Depth frames with the authors' augmentation.

    Batches: `id`: list of B texts; `image`: (B, 3, H, W) uint8 RGB; `depth`: (B, H, W) float32
    metres, 0 where unknown; `valid`: (B, H, W) bool, where depth is known. Training crops,
    evaluation gives whole frames.

    Order: `frame_crop` and `scale`, in training and evaluation; then, in training, CutDepth on
    the whole frame, mirroring, random crop, then colours (protocol of the authors' code,
    dataset/base_dataset.py).

    Args:
        frame_crop: (height, width) in pixels of what is kept of every frame before all else: its
            lowest rows and its middle columns. KITTI's published 352 x 1216 ("KB crop"); None
            keeps whole frames.
        scale: Both sides of (cropped) frames are multiplied by it; 1 as published.
        crop: (height, width) of training crops, in pixels of the scaled frame.
        cut_depth: `published` writes the depth file's raw numbers modulo 256 into every 4th
            sample of the epoch, as the authors' code does; `clean` writes depth over the largest
            depth into a random quarter; `off` (which YAML reads as false) does nothing.
        colour: Change brightness, contrast, gamma, hue and saturation.
        flip: Mirror half of the samples.
        reader: This and all that follow: see `BenchDataModule`.
        root: See there.
        batch_size: See there.
        num_workers: See there.
        seed: See there.
        kwargs: See there.

    Raises:
        UserError: A setting has no such value, or the reader reads no depth.
    """

    reader_class: ClassVar[type[Reader] | None] = NYUv2
    reader: DepthReader

    def __init__(
        self,
        reader: str | dict[str, Any] | Reader | None = None,
        root: str | Path | None = None,
        batch_size: int = 24,
        num_workers: int = 0,
        seed: int = 0,
        frame_crop: Sequence[int] | None = None,
        scale: float = 1.0,
        crop: Sequence[int] = (480, 480),
        cut_depth: Literal["published", "clean", "off", False] = "published",
        colour: bool = True,
        flip: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            reader=reader,
            root=root,
            batch_size=batch_size,
            num_workers=num_workers,
            seed=seed,
            **kwargs,
        )
        if not isinstance(self.reader, DepthReader):
            raise UserError(
                f"{type(self.reader).__name__} reads no depth",
                where="data.reader",
                expected="a subclass of mim_bench.datamodules.readers.depth.DepthReader",
            )
        if not scale > 0:
            raise UserError(f"is {scale}", where="data.scale", expected="a number above 0")
        self.frame_crop = None if frame_crop is None else _size(frame_crop, "data.frame_crop")
        self.crop = _size(crop, "data.crop")
        chosen = cut_depth or "off"
        if chosen not in CUT_DEPTH:
            raise UserError([unknown("cut_depth", str(chosen), CUT_DEPTH, "data.cut_depth")])
        self.scale = float(scale)
        self.cut_depth = chosen
        self.flip = flip
        self.colour = colour_jitter() if colour else None

    @property
    def info(self) -> DatasetInfo:
        """What the dataset is, with the units per metre of its depth files."""
        known = self.reader.info
        scale = {"depth_scale": self.reader.depth_scale}
        return dataclasses.replace(known, extra={**known.extra, **scale})

    def train_transform(self, sample: Sample, rng: np.random.Generator, position: int) -> Sample:
        """Augment one frame; all that is random is drawn, used or not, so settings stay paired."""
        image, depth = self._frame(sample)
        top, left = ops.crop_place(rng, depth.shape, self.crop)
        alpha, beta, cuts, mirrors = rng.random(4)
        columns = ops.cut_columns(alpha, beta, depth.shape[1])
        strip = depth[:, slice(*columns)]
        if self.cut_depth == "published" and position % ops.CUT_DEPTH_EVERY == 0:
            image = ops.cut_depth(image, ops.wrapped(strip, self.reader.depth_scale), columns)
        elif self.cut_depth == "clean" and cuts * ops.CUT_DEPTH_EVERY < 1:
            far = self.info.max_depth or float(depth.max())
            image = ops.cut_depth(image, ops.shaded(strip, far), columns)
        image, depth = ops.crop(
            image, depth, (top, left), self.crop, mirrored=self.flip and mirrors < 0.5
        )
        if self.colour is not None:  # after the crop, which leaves fewer pixels to change
            image = self.colour(image, rng)
        return _sample(sample["id"], image, depth)

    def eval_transform(self, sample: Sample) -> Sample:
        """Return the frame, cropped by `frame_crop` and resized if at all."""
        return _sample(sample["id"], *self._frame(sample))

    def card(self, split: str) -> dict[str, Any]:
        """Return what of its frames a score is about."""
        crop = {} if self.frame_crop is None else {"frame_crop": list(self.frame_crop)}
        return {**super().card(split), **crop}

    def _frame(self, sample: Sample) -> tuple[ops.Image, ops.Depth]:
        """Return what is used of a frame, at the scale that is used."""
        image, depth = sample["image"], sample["depth"]
        if self.frame_crop is not None:
            height, width = self.frame_crop
            if depth.shape[0] < height or depth.shape[1] < width:
                raise UserError(
                    f"the frame is {depth.shape[0]} x {depth.shape[1]} (height x width)",
                    where=self.reader.place(sample["id"]),
                    expected=f"at least {height} x {width}, which data.frame_crop keeps of it",
                    action="take the original frames, at their full size",
                )
            image, depth = ops.bottom_middle(image, depth, self.frame_crop)
        if not depth.any():
            warnings.warn(
                f"{self.reader.place(sample['id'])}: its depth map holds no measurement; in "
                "training nothing is learned from it, in tests it is left out of the mean",
                stacklevel=2,
            )
        return ops.resize(image, depth, self.scale)


def _size(value: Sequence[int], where: str) -> tuple[int, int]:
    if len(value) != 2 or min(value) < 1:
        raise UserError(f"is {value}", where=where, expected="[height, width] in pixels")
    return int(value[0]), int(value[1])


def _sample(name: str, image: ops.Image, depth: ops.Depth) -> Sample:
    return {"id": name, "image": image, "depth": depth, "valid": depth > 0}
