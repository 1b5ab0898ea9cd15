"""Backbone and head as one module: what is compiled, saved and sent over devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from torch import Tensor


class Network(nn.Module):
    """A backbone and the head on its levels.

    Args:
        backbone: `forward(images) -> list of levels`, finest first.
        head: `forward(levels, (H, W)) -> output`.
        frozen: Keep the backbone as it is: no gradients, and always in evaluation mode, so that
            neither its statistics nor its drop path move.
    """

    def __init__(self, backbone: nn.Module, head: nn.Module, frozen: bool = False) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.frozen = frozen
        if frozen:
            backbone.requires_grad_(False)
            backbone.eval()

    def train(self, mode: bool = True) -> Network:
        """Set training mode, of the head alone where the backbone is frozen."""
        super().train(mode)
        if self.frozen:
            self.backbone.eval()
        return self

    def forward(self, images: Tensor) -> Tensor:
        """Run the network.

        Args:
            images: (B, 3, H, W), floating point, as the task normalised them.

        Returns:
            What the head returns.
        """
        output: Tensor = self.head(self.backbone(images), (images.shape[-2], images.shape[-1]))
        return output
