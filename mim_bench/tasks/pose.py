"""Top-down human pose estimation: heat-maps of one person's joints, scored by OKS."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from mim_bench.errors import UserError
from mim_bench.tasks.base import Batch, Task, info_dict
from mim_bench.tasks.oks import instance_scores
from mim_bench.tasks.oks_evaluation import METRICS
from mim_bench.tasks.options import Option
from mim_bench.tasks.pose_decoding import DECODINGS, decode, flip_back, to_picture
from mim_bench.tasks.pose_head import PoseHead
from mim_bench.tasks.pose_metrics import OKSAveragePrecision
from mim_bench.tasks.pose_results import (
    OKS_NMS,
    PEAKS_ABOVE,
    in_per_cent,
    read_submission,
    results_of,
    scores_of,
    submission_of,
)
from mim_bench.tasks.pose_targets import gaussian_targets, heatmap_loss
from mim_bench.tasks.pose_trivial import PEOPLE, MeanPose

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torch import Tensor, nn
    from torchmetrics import Metric

    from mim_bench.backbones.spec import BackboneSpec
    from mim_bench.tasks.pictures import Picture
    from mim_bench.tasks.submissions import Submission
    from mim_bench.tasks.trivial import TrainingData, TrivialPredictor


class PoseTask(Task):
    """Joints of one person per sample. The defaults are what was published for SwinV2-B on COCO.

    Batches are those of `PoseDataModule`: `image` (B, 3, H, W) uint8, `keypoints` (B, K, 2) in
    input pixels, `weight` (B, K), `center` and `scale` (B, 2), `score` (B,), `image_id` (B,).
    Another head is a subclass that overrides `build_head`.

    Args:
        backbone: See `Task`.
        deconv_channels: Widths of the head's deconvolutions.
        deconv_kernel: Their kernel: 2 (the authors' code) or 4 (Simple Baseline).
        sigma: Of the targets' Gaussians, in pixels of the heat-maps.
        flip: Average with mirrored inputs in validation, and in tests by default.
        shift: Move mirrored inputs' heat-maps by a pixel, likewise.
        decoding: `quarter`, `dark` or `argmax`, likewise (see `decode`).
        peaks_above: Joints whose peak is higher count in a person's score, likewise.
        oks_nms: Of two poses of one picture that are more alike than this, the better one is
            kept, likewise.
        kwargs: This and all from `image_size` on: see `Task`.

    Raises:
        UserError: A setting has no such value, or the dataset has no joints.
    """

    metrics: ClassVar[Mapping[str, str]] = dict.fromkeys(
        (name for rule in METRICS.values() for name in rule), "max"
    )

    options: ClassVar[Mapping[str, Option]] = {
        "boxes": Option(str),
        "flip": Option(bool),
        "shift": Option(bool),
        "decoding": Option(str, choices=DECODINGS),
        "peaks_above": Option(float),
        "oks_nms": Option(float, above=0),
    }

    resampled_by: ClassVar[str] = "image"

    def __init__(
        self,
        backbone: BackboneSpec | dict[str, Any] | str,
        *,
        deconv_channels: Sequence[int] = (32, 32, 32),
        deconv_kernel: int = 2,
        sigma: float = 2.0,
        flip: bool = True,
        shift: bool = True,
        decoding: str = "quarter",
        peaks_above: float = PEAKS_ABOVE,
        oks_nms: float = OKS_NMS,
        image_size: Sequence[int] = (256, 256),
        levels: Sequence[int] = (32,),
        window: int | None = 16,
        norm_eps: float | None = 1e-6,
        out_norm: str = "frozen",
        drop_path: float = 0.3,
        lr: float = 5e-4,
        schedule: str = "step",
        layer_decay: float = 0.9,
        **kwargs: Any,
    ) -> None:
        info = info_dict(kwargs.get("info"))
        if not info.get("joints"):
            raise UserError(
                f"the dataset {info.get('name', '')!r} names no joints",
                where="data.reader",
                expected="a reader whose info has joints, flip_pairs and sigmas",
            )
        if not sigma > 0:
            raise UserError(f"is {sigma}", where="task.sigma", expected="a number above 0")
        self.joints = len(info["joints"])
        self.flip_pairs = tuple((int(left), int(right)) for left, right in info["flip_pairs"])
        self.deconv_channels = tuple(deconv_channels)
        self.deconv_kernel = deconv_kernel
        self.sigma = float(sigma)
        self.test_defaults: dict[str, Any] = {
            "flip": flip,
            "shift": shift,
            "decoding": decoding,
            "peaks_above": peaks_above,
            "oks_nms": oks_nms,
        }
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
            lr=lr,
            schedule=schedule,
            layer_decay=layer_decay,
            **kwargs,
        )

    def build_head(self, channels: tuple[int, ...], strides: tuple[int, ...]) -> nn.Module:
        """Build the published head on the last level (see `PoseHead`)."""
        return PoseHead(
            channels[-1], strides[-1], self.joints, self.deconv_channels, self.deconv_kernel
        )

    def loss(self, batch: Batch) -> Tensor | dict[str, Tensor]:
        """Return the mean squared error of the heat-maps (see `heatmap_loss`)."""
        maps = self.network(self.images(batch))
        image_size = batch["image"].shape[-2:]
        target, weight = gaussian_targets(
            batch["keypoints"], batch["weight"], image_size, maps.shape[-2:], self.sigma
        )
        return heatmap_loss(maps, target, weight)

    def predict(self, batch: Batch, options: Mapping[str, Any]) -> dict[str, Tensor]:
        """Predict a batch, mirrored inputs in the same forward pass.

        Returns:
            `keypoints` (B, K, 2) column and row in the picture, `peaks` (B, K), `heatmaps`
            (B, K, h, w).
        """
        chosen = self._chosen(options)
        images = self.images(batch)
        if chosen["flip"]:
            straight, mirrored = self.network(torch.cat([images, images.flip(-1)])).chunk(2)
            maps = (straight + flip_back(mirrored, self.flip_pairs, chosen["shift"])) / 2
        else:
            maps = self.network(images)
        places, peaks = decode(maps, chosen["decoding"], self._dark_kernel)
        keypoints = to_picture(places, batch["center"], batch["scale"], maps.shape[-2:])
        return {"keypoints": keypoints, "peaks": peaks, "heatmaps": maps}

    def build_metric(self, ground_truth: Any = None) -> OKSAveragePrecision | None:
        """Build the metric on a split's ground truth."""
        if ground_truth is None:
            return None
        return OKSAveragePrecision(ground_truth, nms=self.test_defaults["oks_nms"])

    def update_metric(self, metric: Metric, prediction: Any, batch: Batch) -> None:
        """Add the people of a validation batch, rescored as in a test."""
        keypoints, peaks = prediction["keypoints"], prediction["peaks"]
        rows = instance_scores(
            batch["score"].cpu(), peaks.float().cpu(), self.test_defaults["peaks_above"]
        )
        metric.update(
            batch["image_id"],
            torch.cat([keypoints, peaks[..., None]], dim=-1),
            torch.from_numpy(rows),
            (batch["scale"] * 200).prod(-1),
        )

    def records(
        self, prediction: Any, batch: Batch, options: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        """Return one record per box.

        `id`, `image` (its number), `score` of the box, `area` of the box as enlarged for the
        input, in square pixels (OKS-NMS uses it), `keypoints`: 3 K numbers, column, row and peak
        of each joint.
        """
        del options
        joints = torch.cat([prediction["keypoints"], prediction["peaks"][..., None]], dim=-1)
        rows = joints.flatten(1).double().cpu().numpy().round(5).tolist()
        areas = (batch["scale"].double() * 200).prod(-1).tolist()
        return [
            {"id": str(name), "image": image, "score": score, "area": area, "keypoints": row}
            for name, image, score, area, row in zip(
                batch["id"],
                batch["image_id"].tolist(),
                batch["score"].tolist(),
                areas,
                rows,
                strict=True,
            )
        ]

    @classmethod
    def scores(
        cls,
        records: Sequence[Mapping[str, Any]],
        ground_truth: Any = None,
        options: Mapping[str, Any] | None = None,
    ) -> dict[str, float]:
        """Return AP and AR in per cent: rescored, after OKS-NMS, by the dataset's own rules."""
        return scores_of(records, ground_truth, options or {}, tuple(cls.metrics))

    @classmethod
    def score(
        cls, records: Sequence[Mapping[str, Any]], metric: str, ground_truth: Any = None
    ) -> float:
        """Return one of `scores`, under the published test options."""
        return cls.scores(records, ground_truth)[metric]

    def results(
        self, records: Sequence[Mapping[str, Any]], options: Mapping[str, Any]
    ) -> tuple[str, bytes] | None:
        """Return the poses as COCO's result JSON, rescored and without duplicates."""
        rows = results_of(records, self.info["sigmas"], self._chosen(options))
        return ".json", json.dumps(rows, separators=(",", ":")).encode()

    def submission(
        self, records: Sequence[Mapping[str, Any]], options: Mapping[str, Any]
    ) -> Submission:
        """Return what COCO's server takes (see `submission_of`)."""
        return submission_of(records, self.info, self._chosen(options), self.spec.slug)

    @classmethod
    def check_submission(cls, path: Path, expected: Mapping[str, Any]) -> None:
        """Raise a UserError with all that COCO's server would refuse (see `read_submission`)."""
        read_submission(path, expected["joints"], expected["images"])

    @classmethod
    def score_submission(cls, path: Path, ground_truth: Any) -> dict[str, float]:
        """Return AP and AR in per cent of an archive."""
        results = read_submission(path, len(ground_truth["sigmas"]))
        return in_per_cent(ground_truth, results, tuple(cls.metrics))

    def trivial_predictor(self, datamodule: TrainingData) -> TrivialPredictor | None:
        """Fit the mean pose in the boxes of the training set."""
        samples = datamodule.some_samples(datamodule.train_split, PEOPLE)
        return MeanPose.fit(samples, self.image_size)

    def draw(self, prediction: Any, batch: Batch, count: int) -> list[tuple[str, Picture]]:
        """Draw samples: prediction, ground truth where there is one, heat-maps."""
        from mim_bench.tasks.pose_pictures import pose_pictures

        return pose_pictures(prediction, batch, count, self.info)

    def card(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a score under these options means, as plain JSON."""
        chosen = {k: v for k, v in self._chosen(options).items() if k != "boxes"}
        return {
            **super().card(options),
            **chosen,
            "heatmap_stride": 4,
            "sigma": self.sigma,
            "oks_sigmas": list(self.info.get("sigmas", ())),
            "instance_score": "box score x mean of the peaks that count",
            "detections_per_image": 20,
        }

    def images(self, batch: Batch, key: str = "image") -> Tensor:
        """Return a batch's images as the network takes them, of the size that it is built for."""
        size = tuple(batch[key].shape[-2:])
        if size != self.image_size:
            raise UserError(
                f"inputs are {size[0]} x {size[1]}, the network is built for "
                f"{self.image_size[0]} x {self.image_size[1]}",
                where="data.image_size",
                expected="the same as task.image_size",
                action="set both, and task.window where attention windows are to follow",
            )
        return super().images(batch, key)

    @property
    def _dark_kernel(self) -> int:
        """DARK's kernel, of the targets' sigma: 11 pixels for 2, 17 for 3."""
        return 2 * round(3 * self.sigma) - 1

    def _chosen(self, options: Mapping[str, Any]) -> dict[str, Any]:
        return {**self.test_defaults, **options}
