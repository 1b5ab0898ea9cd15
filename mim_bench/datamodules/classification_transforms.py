"""What happens to classified pictures: crops, mirroring, policies of augmentation, test crops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch.nn import functional

from mim_bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    Picture = npt.NDArray[np.uint8]

INTERPOLATIONS = {
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "nearest": Image.Resampling.NEAREST,
}
"""Ways to resize, by name; Pillow's, which smooth before they shrink."""

POLICIES = ("original", "originalr", "v0", "v0r")
"""timm's AutoAugment policies; what begins with `rand-` is RandAugment."""

_MEAN = (124, 116, 104)  # ImageNet's mean colour fills what geometry uncovers, as timm does
_TRANSLATE = 0.45  # of the picture's side, timm's bound of a shift


def augmentation(
    policy: str | None, size: Sequence[int], interpolation: str
) -> Callable[[Any], Any] | None:
    """Return timm's AutoAugment or RandAugment for pictures of Pillow.

    Args:
        policy: One of `POLICIES`, or timm's words for RandAugment, such as
            `rand-m9-mstd0.5-inc1`; None or `none` does nothing.
        size: (height, width) of the pictures.
        interpolation: A name of `INTERPOLATIONS`.

    Raises:
        UserError: There is no such policy.
    """
    from timm.data.auto_augment import auto_augment_transform, rand_augment_transform

    if policy is None or policy == "none":
        return None
    facts = {
        "translate_const": int(min(size) * _TRANSLATE),
        "img_mean": _MEAN,
        "interpolation": INTERPOLATIONS[interpolation],
    }
    name = policy.partition("-")[0]
    try:
        if name == "rand":
            found: Callable[[Any], Any] = rand_augment_transform(policy, facts)
            return found
        if name in POLICIES:
            found = auto_augment_transform(policy, facts)
            return found
    except (AssertionError, ValueError, KeyError) as error:
        raise UserError(
            f"timm can't read the policy {policy!r}: {error}", where="data.augment"
        ) from error
    raise UserError(
        f"there is no policy {policy!r}",
        where="data.augment",
        expected=f"one of {', '.join(POLICIES)}, rand-m9-mstd0.5-inc1 or the like, or none",
    )


def resized(picture: Picture, side: int, interpolation: str) -> Any:
    """Return a picture whose shorter side has been resized, as torchvision's `Resize` does it.

    Args:
        picture: (H, W, 3) uint8 RGB.
        side: Pixels of the shorter side to be.
        interpolation: A name of `INTERPOLATIONS`.
    """
    height, width = picture.shape[:2]
    if width <= height:
        wanted = (side, int(side * height / width))
    else:
        wanted = (int(side * width / height), side)
    image = Image.fromarray(picture)
    return image if image.size == wanted else image.resize(wanted, INTERPOLATIONS[interpolation])


def cropped(
    picture: Picture, box: Sequence[int], size: Sequence[int], interpolation: str
) -> Picture:
    """Cut a box out of a picture and resize it, smoothed before it shrinks, as Pillow does it.

    torch's kernel for bytes takes a third of Pillow's time and differs by its rounding: by a level,
    rarely by two.

    Args:
        picture: (H, W, 3) uint8 RGB.
        box: Top, left, height, width in pixels.
        size: (height, width) to be.
        interpolation: A name of `INTERPOLATIONS`.
    """
    top, left, height, width = box
    part = torch.from_numpy(picture[top : top + height, left : left + width]).permute(2, 0, 1)
    smooth = {} if interpolation == "nearest" else {"antialias": True}
    mode = "nearest-exact" if interpolation == "nearest" else interpolation
    resized = functional.interpolate(part[None], size=tuple(size), mode=mode, **smooth)
    return np.ascontiguousarray(resized[0].permute(1, 2, 0).numpy())


def centre_crop(image: Any, size: Sequence[int]) -> Any:
    """Cut the middle (height, width) out of a picture of Pillow; black where it is smaller."""
    height, width = size
    left, top = (
        round((have - want) / 2) for have, want in zip(image.size, (width, height), strict=True)
    )
    return image.crop((left, top, left + width, top + height))
