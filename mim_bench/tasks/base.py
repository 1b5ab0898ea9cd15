"""What every task family shares: backbone, input, logging, validation, testing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from mim_bench.errors import UserError
from mim_bench.tasks.network import Network
from mim_bench.tasks.optimisation import DECAY_ON
from mim_bench.tasks.options import Option, check_options, require_choice
from mim_bench.tasks.outcomes import Outcomes
from mim_bench.tasks.schedules import build_schedule
from mim_bench.tasks.showing import add_picture
from mim_bench.tasks.specs import info_dict, spec_of
from mim_bench.tasks.training import Batch, ScheduledModule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor, nn
    from torchmetrics import Metric

    from mim_bench.backbones.build import Backbone
    from mim_bench.backbones.spec import BackboneSpec
    from mim_bench.errors import Problem
    from mim_bench.tasks.pictures import Picture
    from mim_bench.tasks.trivial import TrainingData, TrivialPredictor

__all__ = ["Batch", "Task", "info_dict"]


class Task(Outcomes, ScheduledModule, ABC):
    """The base of all task families.

    A family writes `build_head`, `loss`, `build_metric`, `update_metric` and `records`, where it
    differs `predict`, `draw`, `card`, and it should have a `trivial_predictor` and `files`. The
    constructor builds the network, so a subclass with arguments of its own keeps them on `self`
    *before* it calls `super().__init__()`.

    Args:
        backbone: A spec, its dictionary, or `NAME[=FILE|pretrained]`.
        image_size: (height, width) that the network is built for, in pixels.
        lr: The highest learning rate, at the head.
        info: What the dataset is (`DatasetInfo` or a mapping); it shapes some heads.
        mode: `finetune` trains everything; `frozen` trains the head alone, by the same schedule.
        levels: Strides of the backbone's levels that the head takes.
        window: Attention window in tokens; None keeps the architecture's own.
        norm_eps: Epsilon of the backbone's layer norms; None keeps the architecture's own.
        out_norm: none, new, loaded or frozen: a layer norm on each level.
        pad_order: timm or official, see `build_backbone`.
        drop_path: Rate of the last block; it rises linearly from 0.
        input_norm: `backbone` normalises by the backbone's mean and deviation; `none` only
            divides by 255.
        schedule: A name of `mim_bench.tasks.schedules.SCHEDULES`.
        schedule_options: Settings that only this schedule has, such as `milestones`.
        min_lr: The lowest learning rate of the schedule.
        lr_power: The power of the schedule.
        weight_decay: Of AdamW.
        betas: Of AdamW.
        layer_decay: Factor of the learning rate per layer away from the head.
        decay_convention: How layers are numbered: mim-depth, simmim or timm.
        backbone_lr: Factor of the backbone's learning rates besides; not of its `out_norm`.
        decay_on: `weights` decays no vectors and biases; `all` decays every parameter.
        pictures: How many fixed validation samples are drawn with each validation.

    Raises:
        UserError: A setting has no such value, or the backbone can't be built.
    """

    options: ClassVar[Mapping[str, Option]] = {}
    """The test options of the family."""

    file_ending: ClassVar[str] = ""
    """Of the files that `files` makes, such as `.png`; empty where predictions aren't saved."""

    resampled_by: ClassVar[str] = "sample"
    """What is drawn anew when an interval is made from records: sample, sequence, image."""

    def __init__(
        self,
        backbone: BackboneSpec | dict[str, Any] | str,
        *,
        image_size: Sequence[int],
        lr: float,
        info: Any = None,
        mode: str = "finetune",
        levels: Sequence[int] = (32,),
        window: int | None = None,
        norm_eps: float | None = None,
        out_norm: str = "none",
        pad_order: str = "timm",
        drop_path: float = 0.0,
        input_norm: str = "backbone",
        schedule: str = "rise-fall",
        schedule_options: Mapping[str, Any] | None = None,
        min_lr: float = 0.0,
        lr_power: float = 0.9,
        weight_decay: float = 0.05,
        betas: Sequence[float] = (0.9, 0.999),
        layer_decay: float = 1.0,
        decay_convention: str = "mim-depth",
        backbone_lr: float = 1.0,
        decay_on: str = "weights",
        pictures: int = 4,
    ) -> None:
        super().__init__()
        require_choice("mode", mode, ("finetune", "frozen"))
        require_choice("input_norm", input_norm, ("backbone", "none"))
        require_choice("decay_on", decay_on, DECAY_ON)
        if backbone_lr <= 0:
            raise UserError(
                f"backbone_lr is {backbone_lr}",
                where="task.backbone_lr",
                expected="above 0; a backbone that is not to learn has mode frozen",
            )
        for name, pair in (("image_size", image_size), ("betas", betas)):
            if len(pair) != 2:
                raise UserError(f"{name} is {pair}", where="task", expected="two numbers")
        self.spec = spec_of(backbone)
        self.info = info_dict(info)
        self.mode = mode
        self.image_size = (int(image_size[0]), int(image_size[1]))
        self.levels = tuple(int(level) for level in levels)
        self.window = window
        self.norm_eps = norm_eps
        self.out_norm = out_norm
        self.pad_order = pad_order
        self.drop_path = drop_path
        self.input_norm = input_norm
        self.lr = lr
        self.schedule = build_schedule(schedule, lr, min_lr, lr_power, schedule_options)
        self.weight_decay = weight_decay
        self.betas = (float(betas[0]), float(betas[1]))
        self.layer_decay = layer_decay
        self.decay_convention = decay_convention
        self.backbone_lr = backbone_lr
        self.decay_on = decay_on
        self.pictures = pictures
        self.test_options: Mapping[str, Any] = {}
        self._drawn: list[tuple[str, Picture]] = []
        built = self.build_backbone()
        self.network = self.build_network(built)
        plain = input_norm == "none"
        mean, std = ((0.0,) * 3, (1.0,) * 3) if plain else (built.mean, built.std)
        self.register_buffer("_mean", torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer("_std", torch.tensor(std).view(3, 1, 1), persistent=False)
        self.validation_metric: Metric | None = self.build_metric()

    # what a family writes

    @abstractmethod
    def build_head(self, channels: tuple[int, ...], strides: tuple[int, ...]) -> nn.Module:
        """Build the head: `forward(levels, (H, W))`, levels (B, C_i, H_i, W_i) finest first."""

    @abstractmethod
    def loss(self, batch: Batch) -> Tensor | dict[str, Tensor]:
        """Return a training batch's loss, or its named terms, which are added and logged."""

    @abstractmethod
    def build_metric(self, ground_truth: Any = None) -> Metric | None:
        """Build the metric of the validation: exact over ranks, `compute()` gives name -> value.

        Args:
            ground_truth: Of the validation split (see `Reader.ground_truth`). The constructor does
                not know it; a family that needs it returns None then, and is asked again.
        """

    @abstractmethod
    def update_metric(self, metric: Metric, prediction: Any, batch: Batch) -> None:
        """Add a validation batch's predictions (`predict`) to the metric."""

    @abstractmethod
    def records(
        self, prediction: Any, batch: Batch, options: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        """Return one flat record per sample: `id` and plain numbers; None for what is undefined."""

    def input_sizes(self) -> list[tuple[int, int]]:
        """Return the sizes (height, width) that the backbone is built for, in pixels."""
        return [self.image_size]

    def build_backbone(self) -> Backbone:
        """Build the backbone from the task's settings."""
        from mim_bench.backbones.build import build_backbone

        return build_backbone(
            self.spec,
            self.input_sizes(),
            self.levels,
            drop_path=self.drop_path,
            window=self.window,
            norm_eps=self.norm_eps,
            out_norm=self.out_norm,
            pad_order=self.pad_order,
        )

    def build_network(self, backbone: Backbone) -> Network:
        """Join backbone and head; a family with several inputs writes a network of its own."""
        head = self.build_head(tuple(backbone.channels), tuple(backbone.strides))
        return Network(backbone, head, frozen=self.mode == "frozen")

    def predict(self, batch: Batch, options: Mapping[str, Any]) -> Any:
        """Predict a batch under test options; by default one pass of the network."""
        del options
        return self.network(self.images(batch))

    def glance(self, batch: Batch, options: Mapping[str, Any]) -> None:
        """Pass a batch through the backbone as a test does, for a look at its features.

        By default it is predicted; a family whose predictions are long does less.
        """
        self.predict(batch, options)

    def draw(self, prediction: Any, batch: Batch, count: int) -> list[tuple[str, Picture]]:
        """Draw at most `count` samples of a batch: pairs of name and (H, W, 3) RGB."""
        del prediction, batch, count
        return []

    def files(self, prediction: Any, batch: Batch) -> list[bytes]:
        """Return a file's content per sample of a batch: its prediction, as the field keeps it."""
        del prediction, batch
        return []

    def trivial_predictor(self, datamodule: TrainingData) -> TrivialPredictor | None:
        """Fit what a row is held against: tables mark those not better; by default nothing."""
        del datamodule
        return None

    def card(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a score under these options means, as plain JSON."""
        del options
        return {
            "input_norm": self.input_norm,
            "image_size": list(self.image_size),
            "norm_eps": self.norm_eps,
        }

    # what the worker calls without knowing the family

    @classmethod
    def check_options(cls, options: Mapping[str, Any]) -> list[Problem]:
        """Return a problem for each unknown test option and for each wrong value."""
        return check_options(cls.options, options)

    def evaluate(self, batch: Batch, options: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Test a batch: one flat record per sample (see `records`)."""
        return self.records(self.predict(batch, options), batch, options)

    def images(self, batch: Batch, key: str = "image") -> Tensor:
        """Return a batch's uint8 RGB images (B, 3, H, W) as the network takes them."""
        scaled = batch[key].float() / 255
        if self.input_norm != "none":
            scaled = (scaled - self._mean) / self._std
        images: Tensor = scaled.to(self.dtype)
        return images

    # what Lightning calls

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the loss; nothing here waits for the device."""
        del batch_idx
        loss = self.loss(batch)
        terms = loss if isinstance(loss, dict) else {}
        total = torch.stack(list(loss.values())).sum() if isinstance(loss, dict) else loss
        if self.logs_now():
            logged = {"loss": total, **terms}
            self.log_dict({f"train/{name}": value.detach() for name, value in logged.items()})
        return total

    def on_validation_epoch_start(self) -> None:
        """Forget the last validation's pictures; build a metric that needs the ground truth."""
        self._drawn = []
        if self.validation_metric is None:
            data = getattr(self.trainer, "datamodule")  # noqa: B009 - not in its annotations
            metric = self.build_metric(data.reader.ground_truth(data.val_view))
            self.validation_metric = None if metric is None else metric.to(self.device)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Add a batch to the metric, and draw its samples while pictures are wanted."""
        del batch_idx
        prediction = self.predict(batch, {})
        if self.validation_metric is not None:
            self.update_metric(self.validation_metric, prediction, batch)
        wanted = self.pictures - len(self._drawn)
        if wanted > 0 and self.trainer.is_global_zero and not self.trainer.sanity_checking:
            self._drawn += self.draw(prediction, batch, wanted)

    def on_validation_epoch_end(self) -> None:
        """Log the metric's values as `val/...` and show the pictures."""
        values = {}
        if self.validation_metric is not None:
            values = self.validation_metric.compute()
            self.validation_metric.reset()
        # equal on all ranks already; said so, since Lightning warns otherwise
        self.log_dict({f"val/{name}": value for name, value in values.items()}, sync_dist=True)
        for name, picture in self._drawn:
            add_picture(self.trainer, f"val/{name}", picture)

    def test_step(self, batch: Batch, batch_idx: int) -> dict[str, Any]:
        """Return a batch's `prediction` and `records` under `test_options`, for callbacks."""
        del batch_idx
        prediction = self.predict(batch, self.test_options)
        return {
            "prediction": prediction,
            "records": self.records(prediction, batch, self.test_options),
        }
