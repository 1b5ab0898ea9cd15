"""The head of classification: average, norm, linear layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class ClassificationHead(nn.Module):
    """Averages the last level over its places and says how likely each class is.

    Args:
        channels: Of the last level.
        classes: Number of classes.
        norm: Whether the average is layer-normed first, as in fine-tuning plain ViTs (their
            `fc_norm`, SimMIM and MAE) and ConvNeXt; Swin norms its tokens before the average.
        dropout: Rate before the linear layer.
        init_std: Of the truncated normal that the linear layer starts from; biases start at 0.
    """

    def __init__(
        self,
        channels: int,
        classes: int,
        *,
        norm: bool,
        dropout: float = 0.0,
        init_std: float = 0.02,
    ) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels, eps=1e-6) if norm else nn.Identity()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(channels, classes)
        nn.init.trunc_normal_(self.linear.weight, std=init_std)
        nn.init.zeros_(self.linear.bias)

    def forward(self, levels: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        """Return logits (B, classes).

        Args:
            levels: The backbone's levels; the last one (B, C, H, W) is taken.
            size: Of the input, which doesn't matter.
        """
        del size
        pooled = levels[-1].mean(dim=(-2, -1))
        logits: Tensor = self.linear(self.dropout(self.norm(pooled)))
        return logits
