"""Datamodules of top-down human pose estimation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mim_bench.datamodules import pose_transforms as ops
from mim_bench.datamodules.base import BenchDataModule
from mim_bench.datamodules.readers.coco_keypoints import COCOKeypoints
from mim_bench.datamodules.readers.pose import PoseReader
from mim_bench.datamodules.transforms import strong_colour_jitter
from mim_bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mim_bench.datamodules.loading import Sample
    from mim_bench.datamodules.readers.base import Reader


class PoseDataModule(BenchDataModule):
    """One person per sample, cut out by an affine warp, with the authors' augmentation.

    Batches, for K joints and inputs of H x W:

    `id`: list of B texts; `image`: (B, 3, H, W) uint8 RGB; `image_id`: (B,) int64 the dataset's
    number of the picture; `keypoints`: (B, K, 2) float32 column and row in the input's pixels;
    `weight`: (B, K) float32, 1 where a joint is labelled, seen or hidden, else 0; `box`: (B, 4)
    float32 x, y, w, h in the picture's pixels; `center` (B, 2) and `scale` (B, 2) float32: the
    part of the picture that is shown, its sides in units of 200 pixels; `score`: (B,) float32 of
    the box.

    Order in training: shift of the box's centre, mirror, half body, scale and rotation, one
    affine warp, colour jitter, grid dropout (the authors' code, over MMPose 0.29).

    Args:
        image_size: (height, width) of inputs in pixels.
        padding: What boxes are enlarged by.
        shift: See `Augmentation`, as of all up to `rotation_p`.
        shift_p: See there.
        flip_p: See there.
        half_body_p: See there.
        half_body_over: Bodies with more labelled joints than this may be halved; None takes the
            dataset's (COCO 8, CrowdPose 6).
        scale: See `Augmentation`.
        rotation: See there.
        rotation_p: See there.
        colour: Change brightness, contrast and saturation by up to 0.4, hue by up to 0.2.
        grid_dropout: Smallest and largest unit in pixels; None does without.
        grid_dropout_p: Share of the samples in which squares are blacked out.
        val_boxes: Boxes of the validation: `gt`, `detections` or a file of the user's own.
        reader: This and all that follow: see `BenchDataModule`.
        root: See there.
        batch_size: See there.
        num_workers: See there.
        seed: See there.
        kwargs: See there.

    Raises:
        UserError: A setting has no such value, or the reader reads no poses.
    """

    reader_class: ClassVar[type[Reader] | None] = COCOKeypoints
    reader: PoseReader

    def __init__(
        self,
        reader: str | dict[str, Any] | Reader | None = None,
        root: str | Path | None = None,
        batch_size: int = 256,
        num_workers: int = 0,
        seed: int = 0,
        image_size: Sequence[int] = (256, 256),
        padding: float = 1.25,
        shift: float = 0.16,
        shift_p: float = 0.3,
        flip_p: float = 0.5,
        half_body_p: float = 0.3,
        half_body_over: int | None = None,
        scale: float = 0.5,
        rotation: float = 40.0,
        rotation_p: float = 0.6,
        colour: bool = True,
        grid_dropout: Sequence[int] | None = (10, 40),
        grid_dropout_p: float = 0.5,
        val_boxes: str = "gt",
        val_split: str = "val",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            reader=reader,
            root=root,
            batch_size=batch_size,
            num_workers=num_workers,
            seed=seed,
            val_split=val_split,
            **kwargs,
        )
        if not isinstance(self.reader, PoseReader):
            raise UserError(
                f"{type(self.reader).__name__} reads no poses",
                where="data.reader",
                expected="a subclass of mim_bench.datamodules.readers.pose.PoseReader",
            )
        if len(image_size) != 2 or min(image_size) < 1:
            raise UserError(
                f"is {image_size}", where="data.image_size", expected="[height, width] in pixels"
            )
        if grid_dropout is not None and not 2 <= grid_dropout[0] <= grid_dropout[-1]:
            raise UserError(
                f"is {grid_dropout}",
                where="data.grid_dropout",
                expected="[smallest, largest] unit in pixels, 2 or more, or null",
            )
        for name, value in (("padding", padding), ("scale", 1 - scale)):
            if not value > 0:
                raise UserError(
                    f"is {padding if name == 'padding' else scale}",
                    where=f"data.{name}",
                    expected="a number above 0" if name == "padding" else "a number from 0 below 1",
                )
        info = self.reader.info
        over = info.extra.get("half_body_over", 8) if half_body_over is None else half_body_over
        self.body = ops.Body(info.flip_pairs, frozenset(info.extra.get("upper", ())), over)
        self.augmentation = ops.Augmentation(
            shift, shift_p, flip_p, half_body_p, scale, rotation, rotation_p
        )
        self.image_size = int(image_size[0]), int(image_size[1])
        self.padding = padding
        self.colour = strong_colour_jitter() if colour else None
        self.grid_dropout = grid_dropout
        self.grid_dropout_p = grid_dropout_p
        self.val_view = self.reader.view(val_split, {"boxes": val_boxes})

    def train_transform(self, sample: Sample, rng: np.random.Generator, position: int) -> Sample:
        """Augment one person."""
        del position
        look = ops.vary(
            rng,
            self._look(sample),
            sample["keypoints"].astype(np.float64),
            sample["visible"] > 0,
            sample["image"].shape[1],
            self.body,
            self.augmentation,
        )
        drops = rng.random()
        shown = self._shown(sample, look)
        if self.colour is not None:
            shown["image"] = self.colour(shown["image"], rng)
        if self.grid_dropout is not None and drops < self.grid_dropout_p:
            shown["image"] = ops.grid_dropout(rng, shown["image"], self.grid_dropout)
        return shown

    def eval_transform(self, sample: Sample) -> Sample:
        """Cut one person out."""
        return self._shown(sample, self._look(sample))

    def card(self, split: str) -> dict[str, Any]:
        """Return whose boxes a score stands on, in what input, and what was trained on."""
        return {
            **super().card(split),
            "boxes": self.reader.boxes_of(split),
            "validation_boxes": self.reader.boxes_of(self.val_view),
            "input": list(self.image_size),
            "padding": self.padding,
            "train_split": self.train_split,
        }

    def _look(self, sample: Sample) -> ops.Look:
        return ops.box_look(sample["box"], self.image_size[1] / self.image_size[0], self.padding)

    def _shown(self, sample: Sample, look: ops.Look) -> Sample:
        width = sample["image"].shape[1]
        matrix = ops.affine(look, self.image_size, width)
        joints, labelled = sample["keypoints"].astype(np.float64), sample["visible"] > 0
        if look.mirrored:
            # the matrix mirrors places; here left and right change their names
            order = ops.swapped(len(joints), self.body.flip_pairs)
            joints, labelled = joints[order], labelled[order]
        places = ops.move(joints, matrix) * labelled[:, None]
        return {
            "id": sample["id"],
            "image": ops.warp(sample["image"], matrix, self.image_size),
            "image_id": int(sample["image_id"]),
            "keypoints": places.astype(np.float32),
            "weight": labelled.astype(np.float32),
            "box": sample["box"].astype(np.float32),
            "center": look.centre.astype(np.float32),
            "scale": look.scale.astype(np.float32),
            "score": np.float32(sample["score"]),
        }
