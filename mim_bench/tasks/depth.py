"""Monocular depth: the authors' head, loss and test for NYUv2 and KITTI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import torch

from mim_bench.errors import UserError
from mim_bench.tasks.base import Batch, Task, info_dict
from mim_bench.tasks.depth_head import DepthHead
from mim_bench.tasks.depth_loss import silog
from mim_bench.tasks.depth_metrics import (
    CROPS,
    METRICS,
    MIN_DEPTH,
    DepthMetrics,
    crop_box,
    depth_metrics,
    log_bias,
    mend,
    scored_pixels,
)
from mim_bench.tasks.depth_pixels import SUFFIX, per_pixel
from mim_bench.tasks.depth_trivial import FRAMES, MeanDepth, known_depth
from mim_bench.tasks.depth_windows import predict_depth
from mim_bench.tasks.options import Option

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor, nn
    from torchmetrics import Metric

    from mim_bench.backbones.spec import BackboneSpec
    from mim_bench.tasks.pictures import Picture
    from mim_bench.tasks.trivial import TrainingData, TrivialPredictor


class DepthTask(Task):
    """Depth from one image. The defaults are what was published for SwinV2-B on NYUv2.

    Batches hold `image` (B, 3, H, W) uint8, `depth` (B, H, W) float32 metres with 0 for unknown,
    and optionally `valid` (B, H, W) bool. Another head is a subclass that overrides `build_head`;
    another loss, one that overrides `depth_loss`.

    Args:
        backbone: See `Task`.
        max_depth: The largest depth in metres, of the head and, by default, of the metrics; None
            takes the dataset's, and 10 where it says nothing.
        embed_dim: Width of the head's convolutions, see `DepthHead`.
        deconv_channels: Widths of the head's deconvolutions.
        deconv_kernel: Their kernel.
        silog_focus: Share of the squared mean in the loss.
        flip: Average with mirrored frames in validation, and in tests by default.
        windows: Square windows per frame in validation, and in tests by default (KITTI: 16).
        crop: Scored part of the frame in validation, and in tests by default (KITTI: garg).
        chunk: The most windows in one forward pass of a test; changes memory and no score.
        kwargs: This and all from `image_size` on: see `Task`.

    Raises:
        UserError: A setting has no such value.
    """

    metrics: ClassVar[Mapping[str, str]] = {
        **METRICS,
        **{name + SUFFIX: direction for name, direction in METRICS.items()},
    }

    file_ending: ClassVar[str] = ".png"

    options: ClassVar[Mapping[str, Option]] = {
        "flip": Option(bool),
        "windows": Option(int, above=0),
        "crop": Option(str, choices=tuple(CROPS)),
        "max_depth": Option(float, above=0),
    }

    def __init__(
        self,
        backbone: BackboneSpec | dict[str, Any] | str,
        *,
        max_depth: float | None = None,
        embed_dim: int | None = None,
        deconv_channels: Sequence[int] = (32, 32, 32),
        deconv_kernel: int = 2,
        silog_focus: float = 0.5,
        flip: bool = True,
        windows: int = 2,
        crop: str = "eigen",
        chunk: int = 32,
        image_size: Sequence[int] = (480, 480),
        levels: Sequence[int] = (32,),
        window: int | None = 30,
        norm_eps: float | None = 1e-6,
        out_norm: str = "new",
        drop_path: float = 0.3,
        input_norm: str = "none",
        lr: float = 5e-4,
        min_lr: float = 3e-5,
        layer_decay: float = 0.9,
        **kwargs: Any,
    ) -> None:
        info = info_dict(kwargs.get("info"))
        self.max_depth = float(max_depth or info.get("max_depth") or 10.0)
        self.depth_scale = float((info.get("extra") or {}).get("depth_scale") or 1000.0)
        self.embed_dim = embed_dim
        self.deconv_channels = tuple(deconv_channels)
        self.deconv_kernel = deconv_kernel
        self.silog_focus = silog_focus
        self.test_defaults: dict[str, Any] = {
            "flip": flip,
            "windows": windows,
            "crop": crop,
            "max_depth": self.max_depth,
        }
        self.chunk = chunk
        if problems := self.check_options(self.test_defaults):
            raise UserError(problems)
        super().__init__(
            backbone,
            image_size=image_size,
            levels=levels,
            window=window,
            norm_eps=norm_eps,
            out_norm=out_norm,
            drop_path=drop_path,
            input_norm=input_norm,
            lr=lr,
            min_lr=min_lr,
            layer_decay=layer_decay,
            **kwargs,
        )

    def build_head(self, channels: tuple[int, ...], strides: tuple[int, ...]) -> nn.Module:
        """Build the published head on the last level (see `DepthHead`)."""
        return DepthHead(
            channels[-1],
            strides[-1],
            self.max_depth,
            self.embed_dim,
            self.deconv_channels,
            self.deconv_kernel,
        )

    def loss(self, batch: Batch) -> Tensor | dict[str, Tensor]:
        """Return the loss of a training batch."""
        return self.depth_loss(self.network(self.images(batch)).squeeze(1), batch)

    def depth_loss(self, prediction: Tensor, batch: Batch) -> Tensor | dict[str, Tensor]:
        """Return the published loss (see `silog`) of predictions (B, H, W) in metres.

        All valid pixels of the batch count together, those of other devices too.
        """
        return silog(
            prediction, batch["depth"], batch.get("valid"), self.silog_focus, over_ranks=True
        )

    def predict(self, batch: Batch, options: Mapping[str, Any]) -> Tensor:
        """Predict with flip and window test: (B, H, W) metres, NaN where no window reaches."""
        chosen = self._chosen(options)
        depth = predict_depth(
            self.network, self.images(batch), chosen["flip"], chosen["windows"], self.chunk
        )
        return depth.squeeze(1)

    def build_metric(self, ground_truth: Any = None) -> DepthMetrics:
        """Build the mean of the metrics over images; their ground truth is in the samples."""
        del ground_truth
        return DepthMetrics()

    def update_metric(self, metric: Metric, prediction: Tensor, batch: Batch) -> None:
        """Add the images of a validation batch."""
        metric.update(*self._scored(prediction, batch, self.test_defaults))

    def records(
        self, prediction: Tensor, batch: Batch, options: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        """Return one record per image: `id`, `pixels` scored, the metrics, `log_bias`.

        The metrics of an image without a scored pixel are None.
        """
        guess, truth, mask = self._scored(prediction, batch, self._chosen(options))
        found = depth_metrics(guess, truth, mask)
        found["log_bias"] = log_bias(guess, truth, mask)
        rows = torch.stack(list(found.values()), dim=-1).tolist()
        pixels = mask.sum((-2, -1)).tolist()
        nothing = [None] * len(found)
        return [
            {
                "id": str(name),
                "pixels": count,
                **dict(zip(found, row if count else nothing, strict=True)),
            }
            for name, count, row in zip(batch["id"], pixels, rows, strict=True)
        ]

    @classmethod
    def score(
        cls, records: Sequence[Mapping[str, Any]], metric: str, ground_truth: Any = None
    ) -> float:
        """Return a metric's mean over images, as published, or over pixels (see `per_pixel`)."""
        if metric.endswith(SUFFIX):
            return per_pixel(records, metric.removesuffix(SUFFIX))
        return super().score(records, metric, ground_truth)

    def trivial_predictor(self, datamodule: TrainingData) -> TrivialPredictor | None:
        """Fit the mean depth at each pixel, on frames as the test sees them: no crop, no flip."""
        samples = datamodule.some_samples(datamodule.train_split, FRAMES)
        return MeanDepth.fit(known_depth(sample) for sample in samples)

    def draw(self, prediction: Tensor, batch: Batch, count: int) -> list[tuple[str, Picture]]:
        """Draw samples: input, prediction, ground truth, error."""
        from mim_bench.tasks.pictures import depth_picture

        images = batch["image"][:count].permute(0, 2, 3, 1).cpu().numpy()
        guesses = prediction[:count].float().cpu().numpy()
        truths = batch["depth"][:count].float().cpu().numpy()
        return [
            (str(name), depth_picture(image, guess, truth, self.max_depth))
            for name, image, guess, truth in zip(
                batch["id"][:count], images, guesses, truths, strict=True
            )
        ]

    def files(self, prediction: Tensor, batch: Batch) -> list[bytes]:
        """Return 16-bit PNGs in the dataset's units (NYUv2: mm, KITTI: 1/256 m), whole frames.

        Predictions are mended as for the metrics; what 16 bits can't hold is their largest number.
        """
        from mim_bench.tasks.pictures import depth_png

        del batch
        depth = mend(prediction, self.max_depth).float().cpu().numpy()
        return [depth_png(one, self.depth_scale) for one in depth]

    def card(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a score under these options means, as plain JSON."""
        chosen = self._chosen(options)
        return {
            **super().card(options),
            **chosen,
            "min_depth": MIN_DEPTH,
            "crop_480x640": list(crop_box(chosen["crop"], 480, 640)),
            "mean": "per image",
            "undefined_prediction": f"{MIN_DEPTH} m",
        }

    def _chosen(self, options: Mapping[str, Any]) -> dict[str, Any]:
        return {**self.test_defaults, **options}

    @staticmethod
    def _scored(
        prediction: Tensor, batch: Batch, chosen: Mapping[str, Any]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return prediction, ground truth and scored pixels, all (B, H, W)."""
        truth = batch["depth"]
        mask = scored_pixels(truth, chosen["crop"], chosen["max_depth"], batch.get("valid"))
        return mend(prediction, chosen["max_depth"]), truth, mask
