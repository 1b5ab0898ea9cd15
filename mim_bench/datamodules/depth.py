"""Depth estimation: frames and depth maps, augmented as the authors' code does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mim_bench.datamodules.base import BenchDataModule
from mim_bench.datamodules.readers.depth import DepthReader
from mim_bench.datamodules.transforms import cut_depth, photometric, resize_frame
from mim_bench.errors import UserError, unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mim_bench.datamodules.readers.base import Sample
    from mim_bench.datamodules.sampling import Place

CUT_DEPTH = ("published", "clean", "off")


class DepthDataModule(BenchDataModule):
    """Frames with depth, for any `DepthReader`. Batches hold `id`, `image`, `depth`, `valid`.

    Training order, as in the authors' code: CutDepth on the full frame, flip, crop, colours.

    Args:
        reader: A `DepthReader` (see `BenchDataModule`).
        scale: Frames are resized by this factor first.
        crop: (height, width) of the random crop, in pixels of the scaled frame.
        cut_depth: `published` writes stored depth values modulo 256 into every fourth sample of
            an epoch, as the authors' code does; `clean` takes a random quarter and depth scaled
            to 0..255 over the dataset's range; `off`.
        flip: Mirror half of the samples.
        colour: Change colours (see `photometric`).
        kwargs: See `BenchDataModule`.
    """

    def __init__(
        self,
        reader: str | dict[str, Any] | DepthReader | None = None,
        scale: float = 1.0,
        crop: Sequence[int] = (480, 480),
        cut_depth: str = "published",
        flip: bool = True,
        colour: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(reader, **kwargs)
        if not isinstance(self.reader, DepthReader):
            raise UserError(
                f"{type(self.reader).__name__} reads no depth", expected="a DepthReader"
            )
        if cut_depth not in CUT_DEPTH:
            raise UserError([unknown("cut_depth", cut_depth, CUT_DEPTH, "data.cut_depth")])
        self.scale = scale
        self.crop = (int(crop[0]), int(crop[1]))
        self.cut_depth = cut_depth
        self.flip = flip
        self.colour = colour
        self.depth_scale = self.reader.depth_scale

    def train_transform(self, sample: Sample, generator: np.random.Generator, place: Place) -> Sample:
        """Augment a frame (see the class)."""
        image, depth = resize_frame(sample["image"], sample["depth"], self.scale)
        quarter = generator.random() < 0.25
        if self.cut_depth == "published" and place[1] % 4 == 0:
            # the authors' uint8 picture wraps round; said here, since NumPy leaves it open
            stored = np.rint(depth * self.depth_scale).astype(np.int64) % 256
            cut_depth(image, stored.astype(np.uint8), generator)
        elif self.cut_depth == "clean" and quarter:
            shown = np.clip(depth / (self.info.max_depth or depth.max() or 1.0), 0, 1) * 255
            cut_depth(image, shown.astype(np.uint8), generator)
        if generator.random() < 0.5 and self.flip:
            image, depth = image[:, ::-1], depth[:, ::-1]
        rows, columns = self._window(sample["id"], depth.shape, generator)
        image, depth = np.ascontiguousarray(image[rows, columns]), depth[rows, columns]
        if self.colour:
            image = photometric(image, generator)
        return self._finish(sample["id"], image, depth)

    def eval_transform(self, sample: Sample) -> Sample:
        """Scale a frame."""
        return self._finish(
            sample["id"], *resize_frame(sample["image"], sample["depth"], self.scale)
        )

    def _window(
        self, name: str, shape: tuple[int, ...], generator: np.random.Generator
    ) -> tuple[slice, slice]:
        height, width = self.crop
        if height > shape[0] or width > shape[1]:
            raise UserError(
                f"the frame {name!r} is {shape[0]}x{shape[1]} (height x width, scale {self.scale})",
                where="data.crop",
                expected=f"at least the crop, {height}x{width}",
                action="choose a smaller crop, or a larger scale",
            )
        top = int(generator.integers(shape[0] - height + 1))
        left = int(generator.integers(shape[1] - width + 1))
        return slice(top, top + height), slice(left, left + width)

    @staticmethod
    def _finish(name: str, image: NDArray[np.uint8], depth: NDArray[np.float32]) -> Sample:
        depth = np.ascontiguousarray(depth)
        return {
            "id": name,
            "image": torch.from_numpy(image).permute(2, 0, 1).contiguous(),
            "depth": torch.from_numpy(depth),
            "valid": torch.from_numpy(depth > 0),
        }
