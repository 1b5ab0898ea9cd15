"""Backbone and tracking head as one module: the backbone is shared by template and search."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mim_bench.tasks.network import Network

if TYPE_CHECKING:
    from torch import Tensor


class TrackingNetwork(Network):
    """A Siamese network; see `Network` for its arguments.

    The head takes the backbone's one level of the template and that of the search region.
    """

    def forward(self, template: Tensor, search: Tensor) -> dict[str, Tensor]:  # type: ignore[override]
        """Run both branches and the head (see `SwinTrackHead.forward`).

        Args:
            template: (B, 3, h, w), floating point, as the task normalised them.
            search: (B, 3, H, W).
        """
        return self.locate(self.features(template), search)

    def features(self, images: Tensor) -> Tensor:
        """Return the backbone's level (B, C, h, w) of templates or search regions."""
        level: Tensor = self.backbone(images)[-1]
        return level

    def locate(self, template: Tensor, search: Tensor) -> dict[str, Tensor]:
        """Find targets whose templates' features (B, C, h, w) are known already."""
        found: dict[str, Tensor] = self.head(template, self.features(search))
        return found
