"""Small random networks in double precision, images for them, and how far two of them differ."""

from __future__ import annotations

import torch

from .swin import Swin
from .swinv2 import SwinV2
from .weights import randomise

SHAPE = {"embed_dim": 8, "depths": (2, 2, 2), "heads": (1, 2, 4)}


def as_timm(shape):
    """The same shape in timm's words."""
    return {"num_heads" if key == "heads" else key: value for key, value in shape.items()}


def v2(window=4, order="official", seed=0, **options):
    windows = (window,) * 3 if isinstance(window, int) else window
    options = {"pretrained_windows": (3, 3, 2), **options}
    return randomise(SwinV2(**SHAPE, windows=windows, pad_order=order, **options), seed).double()


def v1(window=4, order="official", seed=0, tables=None):
    windows = (window,) * 3 if isinstance(window, int) else window
    return randomise(Swin(**SHAPE, windows=windows, tables=tables, pad_order=order), seed).double()


def pixels(*size, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, 3, *size, generator=generator, dtype=torch.float64)


@torch.no_grad()
def difference(first, second, images):
    pairs = zip(first(images), second(images), strict=True)
    return [float((a - b).abs().max()) for a, b in pairs]
