"""Video object tracking with SwinTrack: any backbone, shared by template and search region."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch

from mim_bench.errors import UserError
from mim_bench.tasks.base import Task
from mim_bench.tasks.options import Option
from mim_bench.tasks.swintrack import SwinTrackHead, drop_path_starts
from mim_bench.tasks.tracker import Followed, Follower
from mim_bench.tasks.tracking_loss import tracking_losses
from mim_bench.tasks.tracking_network import TrackingNetwork
from mim_bench.tasks.tracking_outcomes import TrackingOutcomes
from mim_bench.tasks.tracking_rules import METRICS, RULES
from mim_bench.tasks.tracking_targets import box_targets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor, nn
    from torchmetrics import Metric

    from mim_bench.backbones.build import Backbone
    from mim_bench.backbones.spec import BackboneSpec
    from mim_bench.tasks.pictures import Picture
    from mim_bench.tasks.training import Batch
    from mim_bench.tasks.trivial import TrainingData, TrivialPredictor

_DECIMALS = 4  # of stored boxes: a ten-thousandth of a pixel


class TrackingTask(TrackingOutcomes, Task):
    """SwinTrack (Lin et al., NeurIPS 2022), as the paper's section 4.2 uses it.

    Defaults are those of SwinTrack's released code for its base model at 224 pixels.

    Args:
        backbone: See `Task`.
        image_size: (height, width) of the search region in pixels.
        template_size: (height, width) of the template in pixels.
        template_factor: How much of the surroundings the template shows, see `crops.around`.
        search_factor: Likewise of the search region.
        levels: The stride of the one level that is taken; a plain ViT has its own.
        dim: Width of the tokens; None takes the backbone's.
        encoder_layers: Of the head's encoder.
        decoder_layers: Of its decoder.
        heads: Heads of its attention.
        mlp_ratio: Width of its hidden layers in units of `dim`.
        head_drop_path: Rate of its last layer.
        head_drop_path_from: Share of the training that has passed before it is switched on.
        init_std: Deviation that the head's linear layers start from.
        score_weight: Weight of the varifocal loss.
        box_weight: Weight of the GIoU loss.
        search_window: Weight of the Hann window, a default of the test option `window`.
        min_size: Default of the test option of that name, in pixels.
        kwargs: See `Task`.
    """

    metrics: ClassVar[Mapping[str, str]] = dict.fromkeys(
        (name for rules in METRICS.values() for name in rules), "max"
    )

    options: ClassVar[Mapping[str, Option]] = {
        "rules": Option(str, choices=RULES),
        "window": Option(float),
        "min_size": Option(float, above=0),
    }

    file_ending: ClassVar[str] = ".txt"

    resampled_by: ClassVar[str] = "sequence"

    network: TrackingNetwork

    def __init__(
        self,
        backbone: BackboneSpec | dict[str, Any] | str,
        *,
        image_size: Sequence[int] = (224, 224),
        template_size: Sequence[int] = (112, 112),
        template_factor: float = 2.0,
        search_factor: float = 4.0,
        levels: Sequence[int] = (16,),
        dim: int | None = None,
        encoder_layers: int = 8,
        decoder_layers: int = 1,
        heads: int = 8,
        mlp_ratio: float = 4.0,
        head_drop_path: float = 0.01,
        head_drop_path_from: float = 0.5,
        init_std: float = 0.02,
        score_weight: float = 1.5,
        box_weight: float = 1.5,
        search_window: float = 0.49,
        min_size: float = 10.0,
        out_norm: str = "new",
        drop_path: float = 0.2,
        lr: float = 5e-4,
        schedule: str = "step",
        weight_decay: float = 1e-4,
        **kwargs: Any,
    ) -> None:
        if len(template_size) != 2:
            raise UserError(f"is {template_size}", where="task.template_size")
        if len(levels) != 1:
            raise UserError(f"are {levels}", where="task.levels", expected="one stride, such as 16")
        self.template_size = (int(template_size[0]), int(template_size[1]))
        self.template_factor = template_factor
        self.search_factor = search_factor
        self.dim = dim
        self.encoder_layers = encoder_layers
        self.decoder_layers = decoder_layers
        self.heads = heads
        self.mlp_ratio = mlp_ratio
        self.head_drop_path = head_drop_path
        self.head_drop_path_from = head_drop_path_from
        self.init_std = init_std
        self.score_weight = score_weight
        self.box_weight = box_weight
        self.test_defaults: dict[str, Any] = {"window": search_window, "min_size": min_size}
        if problems := self.check_options(self.test_defaults):
            raise UserError(problems)
        super().__init__(
            backbone,
            image_size=image_size,
            levels=levels,
            out_norm=out_norm,
            drop_path=drop_path,
            lr=lr,
            schedule=schedule,
            weight_decay=weight_decay,
            **kwargs,
        )

    def input_sizes(self) -> list[tuple[int, int]]:
        """Return the sizes of search region and template."""
        return [self.image_size, self.template_size]

    def build_head(self, channels: tuple[int, ...], strides: tuple[int, ...]) -> nn.Module:
        """Build the published head on the level (see `SwinTrackHead`)."""
        stride = strides[-1]

        def grid(size: tuple[int, int]) -> tuple[int, int]:
            return math.ceil(size[0] / stride), math.ceil(size[1] / stride)

        return SwinTrackHead(
            channels[-1],
            grid(self.template_size),
            grid(self.image_size),
            dim=self.dim,
            layers=self.encoder_layers,
            decoder_layers=self.decoder_layers,
            heads=self.heads,
            mlp_ratio=self.mlp_ratio,
            drop_path=self.head_drop_path,
            init_std=self.init_std,
        )

    def build_network(self, backbone: Backbone) -> TrackingNetwork:
        """Join backbone and head."""
        head = self.build_head(tuple(backbone.channels), tuple(backbone.strides))
        return TrackingNetwork(backbone, head, frozen=self.mode == "frozen")

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Set rates, and switch the head's drop path on once its time has come."""
        super().on_train_batch_start(batch, batch_idx)
        assert self.budget is not None
        step, steps = self.trainer.global_step + 1, self.budget.steps
        head: Any = self.network.head
        head.set_drop_path(drop_path_starts(step, steps, self.head_drop_path_from))

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Return both losses (see `tracking_losses`), weighted."""
        template, search = self.images(batch, "template"), self.images(batch, "search")
        found = self.network(template, search)
        score, boxes = found["score"], found["box"]
        positives, truth = box_targets(batch["box"], self.image_size, tuple(score.shape[1:]))
        losses = tracking_losses(score, boxes, positives, truth)
        return {
            "score": self.score_weight * losses["score"],
            "box": self.box_weight * losses["box"],
        }

    def predict(self, batch: Batch, options: Mapping[str, Any]) -> list[Followed]:
        """Follow the targets of a batch of sequences, all at once."""
        chosen = {**self.test_defaults, **options}
        follower = Follower(self, chosen["window"], chosen["min_size"])
        boxes = batch["box"].double().cpu().numpy()
        return follower.follow(batch["frames"], list(boxes), looks=4 if self.pictures else 0)

    def glance(self, batch: Batch, options: Mapping[str, Any]) -> None:
        """Pass the first search regions of a batch's sequences through the network."""
        chosen = {**self.test_defaults, **options}
        follower = Follower(self, chosen["window"], chosen["min_size"])
        follower.glance(batch["frames"], list(batch["box"].double().cpu().numpy()))

    def records(
        self, prediction: Any, batch: Batch, options: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        """Return one record per sequence.

        `id`; `boxes`: N rows x, y, width, height in pixels, to four decimals; `scores`: N numbers
        0..1; `seconds`: what a frame took on average.
        """
        del options
        return [
            {
                "id": name,
                "boxes": np.round(one.boxes, _DECIMALS).tolist(),
                "scores": np.round(one.scores, _DECIMALS).tolist(),
                "seconds": round(one.seconds / len(one.boxes), 6),
            }
            for name, one in zip(batch["id"], prediction, strict=True)
        ]

    def files(self, prediction: Any, batch: Batch) -> list[bytes]:
        """Return a text x,y,w,h for each sequence: a line for each frame, four decimals."""
        from mim_bench.tasks.tracking_submissions import track_lines

        del batch
        return [track_lines(one.boxes, _DECIMALS) for one in prediction]

    def build_metric(self, ground_truth: Any = None) -> Metric | None:
        """Build the metric of the validation: that of its benchmark."""
        from mim_bench.tasks.tracking_metrics import TrackingBenchmark

        if ground_truth is None:
            return None
        return TrackingBenchmark(ground_truth["benchmark"], ground_truth)

    def update_metric(self, metric: Metric, prediction: Any, batch: Batch) -> None:
        """Add the sequences of a validation batch."""
        tracks = [torch.from_numpy(np.round(one.boxes, _DECIMALS)) for one in prediction]
        metric.update(list(batch["id"]), tracks)

    def trivial_predictor(self, datamodule: TrainingData) -> TrivialPredictor:
        """Return what keeps the first box."""
        from mim_bench.tasks.tracking_trivial import FirstBox

        del datamodule
        return FirstBox()

    def draw(self, prediction: Any, batch: Batch, count: int) -> list[tuple[str, Picture]]:
        """Draw some frames of sequences, and what the network was shown and said of them."""
        from mim_bench.tasks.tracking_pictures import strip

        return [
            (str(name), strip(batch["frames"][k], prediction[k], np.asarray(batch["boxes"][k])))
            for k, name in enumerate(batch["id"][:count])
        ]

    def card(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a score under these options means, as plain JSON."""
        from mim_bench.tasks.tracking_rules import EXPLAINED

        chosen = {**self.test_defaults, **options}
        said = EXPLAINED.get(str(chosen.get("rules")), {})
        return {
            **super().card(options),
            **chosen,
            **said,
            "template_factor": self.template_factor,
            "search_factor": self.search_factor,
            "template_update": "none",
        }
