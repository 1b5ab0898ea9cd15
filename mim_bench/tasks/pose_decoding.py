"""From heat-maps to joints in the picture: mirrored maps, sub-pixel rules, the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

DECODINGS = ("quarter", "dark", "argmax")
"""How a joint's place is read off its map."""


def flip_back(maps: Tensor, flip_pairs: Sequence[Sequence[int]], shift: bool) -> Tensor:
    """Return the heat-maps of mirrored inputs as if the inputs had not been mirrored.

    Args:
        maps: (B, K, h, w).
        flip_pairs: Joints that change places.
        shift: Move them right by a pixel, the first column stays: mirroring an even number of
            columns puts a map off by one against the strided network's grid.
    """
    order = list(range(maps.shape[1]))
    for left, right in flip_pairs:
        order[left], order[right] = right, left
    back = maps[:, order].flip(-1)
    return torch.cat([back[..., :1], back[..., :-1]], dim=-1) if shift else back


def decode(maps: Tensor, how: str = "quarter", kernel: int = 11) -> tuple[Tensor, Tensor]:
    """Read joints off heat-maps.

    Args:
        maps: (B, K, h, w).
        how: `argmax` takes the highest pixel; `quarter` moves a quarter of a pixel from it along
            each axis to its higher neighbour, unless it lies within one pixel of the map's first
            rows or its last one; `dark` fits a parabola to the logarithm of the smoothed map
            (Zhang et al. 2020).
        kernel: Side of DARK's Gaussian in pixels; 11 goes with targets of sigma 2.

    Returns:
        Places (B, K, 2) column and row in heat-map pixels, and peaks (B, K), the values there.
        A peak that is not above 0 has no place: -1, -1.
    """
    height, width = maps.shape[-2:]
    peaks, index = maps.flatten(-2).max(-1)
    column, row = index % width, index // width
    found = peaks > 0
    places = torch.stack([column, row], -1).to(maps.dtype)
    if how == "quarter":
        inside = (column > 1) & (column < width - 1) & (row > 1) & (row < height - 1)
        near = _Around(maps, column, row)
        slopes = torch.stack([near(1, 0) - near(-1, 0), near(0, 1) - near(0, -1)], -1)
        places = places + 0.25 * slopes.sign() * (inside & found)[..., None]
    elif how == "dark":
        inside = (column > 1) & (column < width - 2) & (row > 1) & (row < height - 2)
        places = places + _taylor(_smooth(maps, kernel), column, row, inside & found)
    return torch.where(found[..., None], places, -1.0), peaks


def to_picture(places: Tensor, center: Tensor, scale: Tensor, size: Sequence[int]) -> Tensor:
    """Return places in heat-map pixels (B, K, 2) as columns and rows of the picture.

    Args:
        places: (B, K, 2).
        center: (B, 2) of the box in the picture.
        scale: (B, 2) of the box, in units of 200 pixels.
        size: (h, w) of the heat-maps.
    """
    sides = scale[:, None] * 200.0
    pixels = places.new_tensor([size[1], size[0]])
    return places * (sides / pixels) + center[:, None] - sides / 2


class _Around:
    """The maps' values beside given pixels, clamped at the border."""

    def __init__(self, maps: Tensor, column: Tensor, row: Tensor) -> None:
        self.flat = maps.flatten(-2)
        self.height, self.width = maps.shape[-2:]
        self.column, self.row = column, row

    def __call__(self, right: int, down: int) -> Tensor:
        column = (self.column + right).clamp(0, self.width - 1)
        row = (self.row + down).clamp(0, self.height - 1)
        return self.flat.gather(-1, (row * self.width + column)[..., None])[..., 0]


def _smooth(maps: Tensor, kernel: int) -> Tensor:
    """Return the logarithm of maps under a Gaussian, scaled to their old peaks."""
    # OpenCV's rule for a Gaussian that is given by its kernel's side
    sigma = 0.3 * ((kernel - 1) * 0.5 - 1) + 0.8
    places = torch.arange(kernel, device=maps.device, dtype=torch.float64) - (kernel - 1) / 2
    bell = torch.exp(-places.square() / (2 * sigma**2))
    bell = (bell / bell.sum()).to(maps.dtype)
    single = maps.flatten(0, 1)[:, None]
    single = F.conv2d(single, bell[None, None, None, :], padding=(0, kernel // 2))
    single = F.conv2d(single, bell[None, None, :, None], padding=(kernel // 2, 0))
    smoothed = single.view_as(maps)
    scale = maps.amax((-2, -1), keepdim=True) / smoothed.amax((-2, -1), keepdim=True)
    return (smoothed * scale).clamp(min=1e-10).log()


def _taylor(logs: Tensor, column: Tensor, row: Tensor, inside: Tensor) -> Tensor:
    """Return the step (B, K, 2) to the top of the parabola at pixels, 0 where there is none."""
    at = _Around(logs, column, row)
    dx, dy = (at(1, 0) - at(-1, 0)) / 2, (at(0, 1) - at(0, -1)) / 2
    dxx = (at(2, 0) - 2 * at(0, 0) + at(-2, 0)) / 4
    dyy = (at(0, 2) - 2 * at(0, 0) + at(0, -2)) / 4
    dxy = (at(1, 1) - at(-1, 1) - at(1, -1) + at(-1, -1)) / 4
    determinant = dxx * dyy - dxy.square()
    good = inside & (determinant != 0)
    safe = torch.where(good, determinant, 1.0)
    step = torch.stack([dxy * dy - dyy * dx, dxy * dx - dxx * dy], -1) / safe[..., None]
    return torch.where(good[..., None], step, 0.0)
