"""Classification: a linear layer on the averaged features, fine-tuned with mixed pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch.nn import functional

from mim_bench.backbones.network import is_windowed
from mim_bench.errors import UserError
from mim_bench.tasks.base import Batch, Task, info_dict
from mim_bench.tasks.classification_head import ClassificationHead
from mim_bench.tasks.classification_metrics import MULTI, SINGLE
from mim_bench.tasks.classification_mixing import Mixing, erase, step_generator
from mim_bench.tasks.classification_outcomes import ClassificationOutcomes
from mim_bench.tasks.classification_pictures import captioned
from mim_bench.tasks.classification_plots import confusion_plot, per_class_plot
from mim_bench.tasks.classification_trivial import PICTURES, NearestPictures
from mim_bench.tasks.classification_validation import ClassificationScores
from mim_bench.tasks.options import require_choice
from mim_bench.tasks.showing import add_figure, add_picture
from mim_bench.tasks.specs import spec_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor, nn
    from torchmetrics import Metric

    from mim_bench.backbones.spec import BackboneSpec
    from mim_bench.tasks.pictures import Picture
    from mim_bench.tasks.trivial import TrainingData, TrivialPredictor

NORMS = ("auto", "tokens", "pooled", "none")
"""What `norm` may be."""

_DIGITS = 6  # of stored scores


class ClassificationTask(ClassificationOutcomes, Task):
    """Fine-tunes a backbone for classes of pictures (the paper's section 4.1).

    Batches hold `image` (B, 3, H, W) uint8 and `label` (B,) int64, or `label` (B, C) of 0 and 1
    with `valid` (B, C) where a picture may show several classes. Training pictures are erased in
    part and mixed after they are normalised (timm, SimMIM's and Swin's released code); those with
    several classes are not mixed.

    Args:
        backbone: See `Task`.
        info: The dataset; its `classes` shape the head.
        norm: Where features are layer-normed: `tokens` before the average, by the network's own
            last norm (Swin); `pooled` after it, by a new one (ViT, ConvNets); `none`; `auto` takes
            what fine-tuning of the architecture has.
        head_init: Deviation that the linear layer starts from.
        dropout: Rate before the linear layer.
        mixup: See `Mixing`.
        cutmix: See `Mixing`.
        mix_probability: See `Mixing`.
        mix_switch: See `Mixing`.
        smoothing: Label smoothing.
        erasing: Share of the pictures of which a part is erased.
        kwargs: See `Task`.

    Raises:
        UserError: A setting has no such value, or the dataset has no classes.
    """

    metrics: ClassVar[Mapping[str, str]] = {**SINGLE, **MULTI}

    def __init__(
        self,
        backbone: BackboneSpec | dict[str, Any] | str,
        *,
        info: Any = None,
        image_size: Sequence[int] = (224, 224),
        norm: str = "auto",
        head_init: float = 0.02,
        dropout: float = 0.0,
        mixup: float = 0.8,
        cutmix: float = 1.0,
        mix_probability: float = 1.0,
        mix_switch: float = 0.5,
        smoothing: float = 0.1,
        erasing: float = 0.25,
        lr: float = 1.25e-3,
        schedule: str = "cosine-warmup",
        decay_convention: str = "simmim",
        **kwargs: Any,
    ) -> None:
        require_choice("norm", norm, NORMS)
        facts = info_dict(info)
        self.classes = tuple(facts.get("classes") or ())
        if not self.classes:
            raise UserError(
                "the dataset names no classes",
                where="task.info",
                expected="`classes` in the reader's facts",
            )
        self.multi_label = bool((facts.get("extra") or {}).get("multi_label"))
        if norm == "auto":
            norm = "tokens" if is_windowed(spec_of(backbone)) else "pooled"
        self.norm = norm
        self.head_init = head_init
        self.dropout = dropout
        self.mixing = Mixing(mixup, cutmix, mix_probability, mix_switch, smoothing)
        self.erasing = erasing
        self._inputs_wanted = False
        super().__init__(
            backbone,
            info=info,
            image_size=image_size,
            out_norm="loaded" if norm == "tokens" else "none",
            lr=lr,
            schedule=schedule,
            decay_convention=decay_convention,
            **kwargs,
        )

    def build_head(self, channels: tuple[int, ...], strides: tuple[int, ...]) -> nn.Module:
        """Build average, norm and linear layer."""
        del strides
        return ClassificationHead(
            channels[-1],
            len(self.classes),
            norm=self.norm == "pooled",
            dropout=self.dropout,
            init_std=self.head_init,
        )

    def training_inputs(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return a batch's pictures and targets as they are learnt: erased, mixed, smoothed."""
        images, labels = self.images(batch), batch["label"]
        rng = step_generator()
        images = erase(images, self.erasing, rng)
        if self.multi_label:
            return images, labels
        return self.mixing(images, labels, len(self.classes), rng)

    def loss(self, batch: Batch) -> Tensor:
        """Return the cross-entropy with the targets; with several classes that of each."""
        images, targets = self.training_inputs(batch)
        if self._inputs_wanted:
            self._show_inputs(images)
        logits = self.network(images).float()
        if not self.multi_label:
            return functional.cross_entropy(logits, targets)
        each = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
        valid = batch["valid"].to(each.dtype)
        loss: Tensor = (each * valid).sum() / valid.sum().clamp(min=1)
        return loss

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Set rates; have the first batch's pictures shown."""
        super().on_train_batch_start(batch, batch_idx)
        first = self.trainer.global_step == 0 and self.trainer.is_global_zero
        self._inputs_wanted = self._inputs_wanted or (first and self.pictures > 0)

    def on_validation_epoch_end(self) -> None:
        """Log scores and pictures, those of the classes too; show the next training batch."""
        metric = self.validation_metric
        assert isinstance(metric, ClassificationScores)
        shown = metric.by_class(), metric.confusion()
        super().on_validation_epoch_end()
        if not self.trainer.is_global_zero or self.trainer.sanity_checking:
            return
        self._inputs_wanted = self.pictures > 0
        figures = {"val/per class": per_class_plot(shown[0])}
        if shown[1] is not None:
            figures["val/confusion"] = confusion_plot(shown[1], self.classes)
        for name, content in figures.items():
            add_figure(self.trainer, name, content)

    def _show_inputs(self, images: Tensor) -> None:
        """Show training pictures as the network sees them."""
        self._inputs_wanted = False
        some = images.detach()[: 2 * self.pictures].float()
        if self.input_norm != "none":
            some = some * self.get_buffer("_std") + self.get_buffer("_mean")
        pixels = (some.clamp(0, 1) * 255).byte().permute(0, 2, 3, 1).cpu().numpy()
        add_picture(self.trainer, "train/as seen", np.concatenate(list(pixels), axis=1))

    def draw(self, prediction: Tensor, batch: Batch, count: int) -> list[tuple[str, Picture]]:
        """Draw pictures under the names of what they show and what was said."""
        shown = []
        logits = prediction.detach().float().cpu()
        for k, name in enumerate(batch["id"][:count]):
            label = batch["label"][k].cpu()
            true = label.nonzero().flatten().tolist() if self.multi_label else [int(label)]
            said = self.classes[int(logits[k].argmax())]
            picture = batch["image"][k].permute(1, 2, 0).cpu().numpy()
            words = (", ".join(self.classes[one] for one in true) or "nothing", f"said: {said}")
            shown.append((str(name), captioned(picture, words)))
        return shown

    def trivial_predictor(self, datamodule: TrainingData) -> TrivialPredictor:
        """Fit the nearest training pictures by 8 x 8 pixels."""
        samples = datamodule.some_samples(datamodule.train_split, PICTURES)
        return NearestPictures.fit(samples, len(self.classes))

    def records(
        self, prediction: Tensor, batch: Batch, options: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        """Return one record per picture.

        `id`, `label`, `predicted`: classes as numbers; `top1`, `top5`: 1 where right, else 0;
        `confidence`: the share of the predicted class. With several classes: `scores`, a number
        for each, and `truth`: 1 there, 0 not there, -1 not scored.
        """
        del options
        logits = prediction.detach().float().cpu()
        if self.multi_label:
            truth = torch.where(batch["valid"].cpu(), batch["label"].cpu().long(), -1)
            rows = zip(batch["id"], logits.sigmoid().tolist(), truth.tolist(), strict=True)
            return [
                {"id": name, "scores": [round(one, _DIGITS) for one in scores], "truth": true}
                for name, scores, true in rows
            ]
        shares = logits.softmax(dim=1)
        best = logits.topk(min(5, logits.shape[1]), dim=1).indices
        labels = batch["label"].cpu()
        five = (best == labels[:, None]).any(dim=1)
        return [
            {
                "id": name,
                "label": int(labels[k]),
                "predicted": int(best[k, 0]),
                "top1": int(best[k, 0] == labels[k]),
                "top5": int(five[k]),
                "confidence": round(float(shares[k, best[k, 0]]), _DIGITS),
            }
            for k, name in enumerate(batch["id"])
        ]

    def build_metric(self, ground_truth: Any = None) -> Metric | None:
        """Build the metric of the validation."""
        del ground_truth
        return ClassificationScores(len(self.classes), self.multi_label)

    def update_metric(self, metric: Metric, prediction: Tensor, batch: Batch) -> None:
        """Add a validation batch."""
        metric.update(prediction, batch["label"], batch.get("valid"))

    def card(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a score means, as plain JSON."""
        return {**super().card(options), "search": "none: the recipe's own values"}
