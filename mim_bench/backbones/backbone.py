"""A timm network as a feature pyramid: forward pass, pooled embedding, parameter groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from mim_bench.backbones.blocks import BlockInfo, find_blocks
from mim_bench.backbones.groups import ParamGroup, layer_ids, make_groups
from mim_bench.backbones.padding import padded
from mim_bench.backbones.pyramid import Pyramid
from mim_bench.errors import UserError, unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mim_bench.backbones.accounting import LoadReport
    from mim_bench.backbones.beit import BeitForward
    from mim_bench.backbones.swin import SwinForward


class Backbone(nn.Module):
    """A network that turns images into feature maps, finest first. Made by `build_backbone`.

    Attributes:
        net: The timm network, without the stages that are not wanted.
        channels: Channels of each map.
        strides: Stride of each map: the real one, for a plain ViT that one level is asked of its
            patch.
        mean: Mean of each colour that the weights expect, for images in 0..1.
        std: Standard deviation of each colour.
        report: What became of the weights' tensors; None for random weights.
        input_size: Height and width after padding, if the network is built for one size only.
        notes: Settings that this architecture has no use for, each as a sentence.
    """

    def __init__(
        self,
        net: nn.Module,
        name: str,
        taps: Sequence[tuple[int, int, int]],
        norms: Sequence[nn.Module],
        multiple: int,
        input_size: tuple[int, int] | None,
        notes: Sequence[str] = (),
        *,
        own: SwinForward | BeitForward | None = None,
    ) -> None:
        super().__init__()
        self.net = net
        self.norms = nn.ModuleList(norms)
        self.own = own
        self.pyramid: Pyramid | None = None
        self.name = name
        self.indices = [index for index, _, _ in taps]
        self.strides = tuple(stride for _, stride, _ in taps)
        self.channels = tuple(channels for _, _, channels in taps)
        self.base_strides = self.strides
        config = net.pretrained_cfg
        self.mean: tuple[float, float, float] = tuple(config["mean"])  # type: ignore[index]
        self.std: tuple[float, float, float] = tuple(config["std"])  # type: ignore[index]
        self.multiple = multiple
        self.input_size = input_size
        self.notes = tuple(notes)
        self.report: LoadReport | None = None

    def forward(self, images: Tensor) -> list[Tensor]:
        """Compute the feature maps.

        Args:
            images: (B, 3, H, W) float, normalised. Padded with zeros on the right and below
                where the network needs it.

        Returns:
            One (B, C_i, ceil(H / s_i), ceil(W / s_i)) map for each stride, finest first.

        Raises:
            UserError: The network is built for another input size, or its maps are smaller
                than their stride says.
        """
        maps = self._maps(images)
        return self.pyramid(maps[0], images.shape[-2:]) if self.pyramid is not None else maps

    def add_pyramid(self, levels: Sequence[int]) -> None:
        """Answer with maps of these strides, made from the network's last one. See `Pyramid`."""
        self.pyramid = Pyramid(self.channels[-1], self.strides[-1], levels)
        self.strides, self.channels = self.pyramid.levels, self.pyramid.channels

    def embed(self, images: Tensor, pooling: str = "average") -> Tensor:
        """Compute one vector for each image, from the coarsest map.

        Args:
            images: (B, 3, H, W) float, normalised.
            pooling: "average" over positions (of patches alone), or "token": the class token.

        Returns:
            (B, D); normalised over channels if the backbone has an `out_norm`.

        Raises:
            UserError: The pooling is unknown, or the network has no class token.
        """
        if pooling == "average":
            coarsest: Tensor = self._maps(images)[-1]
            return coarsest.mean(dim=(-2, -1))
        if pooling != "token":
            raise UserError([unknown("pooling", pooling, ("average", "token"))])
        if getattr(self.net, "cls_token", None) is None:
            raise UserError(f"{self.name!r} has no class token", expected="pooling: average")
        if self.own is not None:
            token: Tensor = self.own(self.net, images, self.indices)[1][-1][:, 0]
        else:
            pairs = self.net.forward_intermediates(  # type: ignore[operator]
                self._padded(images),
                indices=self.indices,
                return_prefix_tokens=True,
                intermediates_only=True,
            )
            token = pairs[-1][1][:, 0]
        normed: Tensor = self.norms[-1](token[:, :, None, None])
        return normed[:, :, 0, 0]

    def blocks(self) -> list[BlockInfo]:
        """Return the blocks in order, with stage, depth, window and shift."""
        return find_blocks(self.net)

    def num_layers(self, convention: str) -> int:
        """Return the number N of layer ids of a decay convention; a head has id N - 1."""
        return layer_ids(self.net, convention)[1]

    def param_groups(
        self, convention: str, decay: float, prefix: str = "backbone."
    ) -> list[ParamGroup]:
        """Return the trainable parameters grouped by layer and weight decay (see `groups`)."""
        return make_groups(self, convention, decay, prefix)

    def _maps(self, images: Tensor) -> list[Tensor]:
        """Return the network's own maps, cropped and normed, before a pyramid is made."""
        if self.own is not None:
            maps: list[Tensor] = self.own(self.net, images, self.indices)[0]
        else:
            maps = self.net.forward_intermediates(  # type: ignore[operator]
                self._padded(images), indices=self.indices, intermediates_only=True
            )
        height, width = images.shape[-2:]
        return [
            norm(self._cropped(level, -(-height // stride), -(-width // stride), stride))
            for level, stride, norm in zip(maps, self.base_strides, self.norms, strict=True)
        ]

    def _cropped(self, level: Tensor, height: int, width: int, stride: int) -> Tensor:
        if level.shape[-2] < height or level.shape[-1] < width:
            raise UserError(
                f"{self.name!r} yields a map of {level.shape[-2]}x{level.shape[-1]} at stride "
                f"{stride}",
                expected=f"{height}x{width}",
                action="choose another level or architecture",
            )
        return level[..., :height, :width]

    def _padded(self, images: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        whole = padded(images, (self.multiple, self.multiple))
        if self.input_size is not None and tuple(whole.shape[-2:]) != self.input_size:
            raise UserError(
                f"{self.name!r} is built for inputs of {self.input_size[0]}x{self.input_size[1]} "
                f"and got {height}x{width}",
                expected="one input size, that of the task",
                action="make the images that size, or choose a backbone that takes any size",
            )
        return whole
