"""Contents of official checkpoints, by project, and how to save them."""

from __future__ import annotations

from .foreign import save
from .resnet_files import (
    densecl,
    detco,
    detectron2,
    mocov2_resnet,
    pixpro,
)
from .swin_files import (
    simmim_swin,
    simmim_swinv2,
    simmim_vit,
    supervised_swin,
    supervised_swinv2,
)
from .vit_files import (
    beit,
    deit,
    dino,
    dinov2,
    ibot,
    mae,
    mocov3,
    msn,
)

__all__ = [
    "beit",
    "deit",
    "densecl",
    "detco",
    "detectron2",
    "dino",
    "dinov2",
    "ibot",
    "mae",
    "mocov2_resnet",
    "mocov3",
    "msn",
    "pixpro",
    "save",
    "simmim_swin",
    "simmim_swinv2",
    "simmim_vit",
    "supervised_swin",
    "supervised_swinv2",
]
