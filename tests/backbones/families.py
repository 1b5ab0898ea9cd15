"""Small networks of many families, as specs with arguments that make them tiny."""

from __future__ import annotations

import pytest

from mim_bench.backbones import catalogue as module
from mim_bench.backbones.catalogue import Entry, catalogue

TINY_SWIN = {"embed_dim": 8, "num_heads": (1, 1, 2, 2), "img_size": 64, "window_size": 4}
TINY_VIT = {"embed_dim": 24, "depth": 3, "num_heads": 2, "img_size": 64}

FAMILIES: dict[str, tuple[str, dict]] = {
    "vit": ("vit_tiny_patch16_224", TINY_VIT),
    "vit14": ("vit_small_patch14_dinov2", {**TINY_VIT, "img_size": 56}),
    "deit": ("deit_tiny_distilled_patch16_224", TINY_VIT),
    "beit": ("beit_base_patch16_224", TINY_VIT),
    "eva": ("eva02_tiny_patch14_224", {**TINY_VIT, "img_size": 56}),
    "swin": ("swin_tiny_patch4_window7_224", {**TINY_SWIN, "depths": (2, 2, 2, 2)}),
    "swinv2": ("swinv2_tiny_window8_256", {**TINY_SWIN, "depths": (2, 2, 2, 2)}),
    "convnext": ("convnext_atto", {"depths": (1, 1, 2, 1), "dims": (8, 16, 24, 32)}),
    "resnet": ("resnet10t", {}),
    "efficientnet": ("efficientnet_es", {}),
    "tf_mobilenetv3": ("tf_mobilenetv3_small_minimal_100", {}),
    "regnet": ("regnetx_002", {}),
    "mobilenetv3": ("mobilenetv3_small_050", {}),
    "maxvit": ("maxvit_pico_rw_256", {"depths": (1, 1, 1, 1), "embed_dim": (32, 32, 32, 32)}),
    "pvtv2": ("pvt_v2_b0", {}),
    "ghostnet": ("ghostnet_050", {}),
    "repvgg": ("repvgg_a0", {}),
    "edgenext": ("edgenext_xx_small", {}),
    "mobilevit": ("mobilevit_xxs", {}),
    "efficientformerv2": ("efficientformerv2_s0", {}),
    "dla": ("dla46_c", {}),
    "mambaout": ("mambaout_femto", {}),
    "deit3": ("deit3_small_patch16_224", TINY_VIT),
    "registers": ("vit_small_patch14_reg4_dinov2", {**TINY_VIT, "img_size": 56}),
    "hiera": ("hiera_tiny_224", {}),
    "inception_next": ("inception_next_atto", {}),
    "convnextv2": ("convnextv2_atto", {}),
    "hrnet": ("hrnet_w18_small", {}),
    "poolformer": ("poolformer_s12", {}),
    "efficientvit": ("efficientvit_b0", {}),
}
PLAIN = {"vit", "vit14", "deit", "deit3", "registers", "beit", "eva"}
PATCH14 = {"vit14", "registers", "eva"}
FIXED = {"maxvit", "efficientformerv2", "hiera"}
LARGEST_FIRST = {"beit"}
"""Take any size up to the largest they are built for."""


@pytest.fixture
def entries(monkeypatch):
    """Adds entries to the catalogue for one test: entries(name, architecture, **arguments)."""
    known = dict(catalogue())
    for place in ("spec", "network"):
        monkeypatch.setattr(f"mim_bench.backbones.{place}.catalogue", lambda: known)
    monkeypatch.setattr(module, "catalogue", lambda: known)

    def add(name: str, architecture: str, **arguments) -> str:
        known[name] = Entry(name, architecture, arguments, "mini", name, 0)
        return name

    for name, (architecture, arguments) in FAMILIES.items():
        add(name, architecture, **arguments)
    return add
