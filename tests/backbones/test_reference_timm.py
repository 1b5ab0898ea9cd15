"""The reference networks against timm's with the same weights, for timm's order of padding."""

from __future__ import annotations

import pytest
import timm
import torch
from timm.models import beit, swin_transformer, swin_transformer_v2

from .reference.simmim_vit import SimMIMViT
from .reference.small import SHAPE, as_timm, difference, pixels, v1, v2
from .reference.weights import randomise

TIMM = {**as_timm(SHAPE), "num_classes": 0}


@pytest.mark.parametrize(("size", "window"), [(64, 4), (64, 8), (72, 4), (96, 7)])
def test_swinv2_is_timms(size, window):
    ours = v2(window, "timm")
    theirs = swin_transformer_v2.SwinTransformerV2(
        img_size=size, window_size=window, pretrained_window_sizes=(3, 3, 2), **TIMM
    )
    state = swin_transformer_v2.checkpoint_filter_fn(ours.state_dict(), theirs)
    theirs.load_state_dict(state, strict=True)
    theirs.double().eval()
    found = difference(
        ours, lambda x: theirs.forward_intermediates(x, intermediates_only=True), pixels(size, size)
    )
    assert max(found) < 1e-5


def test_swinv2_in_single_precision_is_a_timm_variant():
    # this variant declares no pretraining window
    ours = v2(4, "timm", pretrained_windows=None).float()
    theirs = timm.create_model("swinv2_tiny_window8_256", img_size=64, window_size=4, **TIMM)
    theirs.load_state_dict(swin_transformer_v2.checkpoint_filter_fn(ours.state_dict(), theirs))
    theirs.eval()
    found = difference(
        ours,
        lambda x: theirs.forward_intermediates(x, intermediates_only=True),
        pixels(64, 64).float(),
    )
    assert max(found) < 1e-5


@pytest.mark.parametrize(("size", "window"), [(64, 4), (72, 4), (96, 7)])
def test_swin_is_timms(size, window):
    sides = (size // 4, -(-size // 8), -(-size // 16))
    ours = v1(window, "timm", tables=[min(window, side) for side in sides])
    theirs = swin_transformer.SwinTransformer(img_size=size, window_size=window, **TIMM)
    state = swin_transformer.checkpoint_filter_fn(ours.state_dict(), theirs)
    theirs.load_state_dict(state, strict=True)
    theirs.double().eval()
    found = difference(
        ours, lambda x: theirs.forward_intermediates(x, intermediates_only=True), pixels(size, size)
    )
    assert max(found) < 1e-5


@pytest.mark.parametrize("grid", [(4, 4), (2, 5)])
def test_simmim_vit_is_timms_beit_with_a_shared_table(grid):
    size = (16 * grid[0], 16 * grid[1])
    ours = randomise(SimMIMViT(24, 3, 2, grid)).double()
    theirs = beit.Beit(
        img_size=size,
        embed_dim=24,
        depth=3,
        num_heads=2,
        num_classes=0,
        global_pool="token",
        use_abs_pos_emb=False,
        use_shared_rel_pos_bias=True,
        init_values=0.1,
    )
    theirs.load_state_dict(ours.state_dict(), strict=True)
    theirs.double().eval()
    with torch.no_grad():
        wanted = theirs.forward_intermediates(pixels(*size), indices=1, intermediates_only=True)[0]
        found = ours(pixels(*size))
    assert found.shape == (2, 24, *grid)
    assert float((found - wanted).abs().max()) < 1e-5
