"""Classification: a linear layer on the averaged features, fine-tuned with mixed pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch.nn import functional

from mim_bench.errors import UserError
from mim_bench.tasks.base import Batch, Task, info_dict
from mim_bench.tasks.classification_head import ClassificationHead
from mim_bench.tasks.classification_metrics import MULTI, SINGLE, score_records
from mim_bench.tasks.classification_mixing import Mixing, erase, step_generator
from mim_bench.tasks.options import Option, require_choice
from mim_bench.tasks.specs import spec_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor, nn
    from torchmetrics import Metric

    from mim_bench.backbones.spec import BackboneSpec

NORMS = ("auto", "tokens", "pooled", "none")
"""What `norm` may be."""

_DIGITS = 6  # of stored scores


class ClassificationTask(Task):
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

    options: ClassVar[Mapping[str, Option]] = {}

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
            norm = "tokens" if "swin" in spec_of(backbone).name else "pooled"
        self.norm = norm
        self.head_init = head_init
        self.dropout = dropout
        self.mixing = Mixing(mixup, cutmix, mix_probability, mix_switch, smoothing)
        self.erasing = erasing
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
        logits = self.network(images).float()
        if not self.multi_label:
            return functional.cross_entropy(logits, targets)
        each = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
        valid = batch["valid"].to(each.dtype)
        loss: Tensor = (each * valid).sum() / valid.sum().clamp(min=1)
        return loss

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

    @classmethod
    def scores(
        cls,
        records: Sequence[Mapping[str, Any]],
        ground_truth: Any = None,
        options: Mapping[str, Any] | None = None,
    ) -> dict[str, float]:
        """Return all metrics of a split in percent."""
        del ground_truth, options
        return score_records(records)

    def build_metric(self, ground_truth: Any = None) -> Metric | None:
        """Build the metric of the validation."""
        from mim_bench.tasks.classification_validation import ClassificationScores

        del ground_truth
        return ClassificationScores(len(self.classes), self.multi_label)

    def update_metric(self, metric: Metric, prediction: Tensor, batch: Batch) -> None:
        """Add a validation batch."""
        metric.update(prediction, batch["label"], batch.get("valid"))

    def card(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a score means, as plain JSON."""
        return {**super().card(options), "search": "none: the recipe's own values"}
