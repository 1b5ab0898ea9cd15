"""Swin, SwinV2 and BEiT at several input sizes in one network, and pyramids of plain networks."""

from __future__ import annotations

import pytest
import timm
import torch
import torch.nn.functional as F

from mim_bench.backbones.build import build_backbone
from mim_bench.backbones.spec import BackboneSpec

from .families import FAMILIES

pytestmark = pytest.mark.usefixtures("entries")
LEVELS = (4, 8, 16, 32)
EVERY_SIZE = ((64, 64), (32, 32), (96, 64), (70, 51), (33, 128))


def randomised(module):
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for param in module.parameters():
            param.copy_(torch.randn(param.shape, generator=generator) * 0.2)
    return module


@pytest.mark.parametrize("family", ["swin", "swinv2"])
@pytest.mark.parametrize("size", [(64, 64), (96, 64), (128, 72)])
def test_padded_in_timms_order_as_timm_does(family, size):
    """Odd maps, maps that are no multiple of the window, maps below the window."""
    backbone = randomised(build_backbone(BackboneSpec(family), [size], LEVELS, window=5)).eval()
    architecture, arguments = FAMILIES[family]
    arguments = {**arguments, "img_size": size, "window_size": 5, "num_classes": 0}
    plain = timm.create_model(architecture, **arguments, strict_img_size=False).eval()
    plain.load_state_dict(backbone.net.state_dict(), strict=False)
    images = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(0))
    expected = plain.forward_intermediates(images, intermediates_only=True)
    for mine, theirs in zip(backbone(images), expected, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("family", ["swin", "swinv2"])
def test_the_pad_orders_differ_only_where_something_is_padded(family):
    for size, equal in (((64, 64), True), ((80, 64), False), ((80, 48), False)):
        maps = []
        for order in ("timm", "official"):
            built = build_backbone(BackboneSpec(family), [size], (8,), window=8, pad_order=order)
            images = torch.randn(1, 3, *size, generator=torch.Generator().manual_seed(0))
            maps.append(randomised(built).eval()(images)[0])
        assert torch.allclose(*maps, atol=1e-6) == equal, size


@pytest.mark.parametrize("family", ["swin", "swinv2"])
@pytest.mark.parametrize("pad_order", ["timm", "official"])
def test_a_size_gives_the_same_whether_it_was_named_or_not(family, pad_order):
    settings = {"pad_order": pad_order, "window": 5}
    named = build_backbone(BackboneSpec(family), EVERY_SIZE, LEVELS, **settings)
    unnamed = build_backbone(BackboneSpec(family), [(96, 128)], LEVELS, **settings)
    randomised(named), randomised(unnamed)
    for size in EVERY_SIZE:
        images = torch.randn(1, 3, *size)
        for mine, theirs in zip(named.eval()(images), unnamed.eval()(images), strict=True):
            torch.testing.assert_close(mine, theirs)


def test_a_small_input_has_windows_of_its_own():
    """A template of half the size has windows no larger than its maps: nothing is padded."""
    name = "swinv2_tiny_window8_256"
    backbone = build_backbone(BackboneSpec(name), [(224, 224), (112, 112)], (16,), window=14)
    buffers = dict(backbone.own.named_buffers())
    assert {name for name in buffers if name.startswith("mask")} == {
        *("mask_56x56_14x14_7x7", "mask_28x28_14x14_7x7"),
    }
    assert {name for name in buffers if name.startswith("index")} == {"index_14x14", "index_7x7"}
    assert backbone(torch.randn(1, 3, 112, 112))[0].shape[-2:] == (7, 7)


def test_a_smaller_window_reads_the_tables_centre():
    """Swin's bias depends on the offset alone, whatever the window."""
    from mim_bench.backbones.relative import table_index

    small, large = (3, 2), (5, 7)
    index = table_index(small, large)
    table = torch.arange((2 * large[0] - 1) * (2 * large[1] - 1))
    offsets = table.view(2 * large[0] - 1, 2 * large[1] - 1)
    cells = [(row, column) for row in range(small[0]) for column in range(small[1])]
    for i, (y, x) in enumerate(cells):
        for j, (v, u) in enumerate(cells):
            assert index[i, j] == offsets[y - v + large[0] - 1, x - u + large[1] - 1]


def test_beit_at_its_own_size_is_timms():
    backbone = randomised(build_backbone(BackboneSpec("beit"), [(48, 80)], (16,))).eval()
    architecture, arguments = FAMILIES["beit"]
    plain = timm.create_model(architecture, **{**arguments, "img_size": (48, 80)}, num_classes=0)
    plain.load_state_dict(backbone.net.state_dict(), strict=False)
    images = torch.randn(2, 3, 48, 80)
    expected, prefix = plain.eval().forward_intermediates(
        images, indices=[2], intermediates_only=True, return_prefix_tokens=True
    )[0]
    torch.testing.assert_close(backbone(images)[0], expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(backbone.embed(images, "token"), prefix[:, 0], rtol=1e-5, atol=1e-5)


def test_beits_smaller_grid_is_that_of_a_smaller_table():
    from mim_bench.backbones.beit import token_index

    table, grid = (4, 5), (2, 3)
    rows = 7 * 9 + 3
    values = torch.arange(rows)
    centre = values[:-3].view(7, 9)[2:5, 2:7].flatten()  # the offsets that a 2x3 grid has
    own = torch.cat((centre, values[-3:]))
    assert torch.equal(values[token_index(grid, table)], own[token_index(grid, grid)])


@pytest.mark.parametrize("family", ["vit", "vit14", "deit", "beit", "eva"])
def test_a_plain_network_asked_for_levels_makes_a_pyramid(family):
    torch.manual_seed(0)
    size = (56, 56) if family in {"vit14", "eva"} else (64, 64)
    backbone = build_backbone(BackboneSpec(family), [size], LEVELS, out_norm="new")
    assert backbone.strides == LEVELS
    assert backbone.channels == (6, 12, 24, 24)
    for height, width in (size, (41, 55)):
        maps = backbone(torch.randn(2, 3, height, width))
        assert [tuple(level.shape) for level in maps] == [
            (2, channels, -(-height // stride), -(-width // stride))
            for channels, stride in zip(backbone.channels, LEVELS, strict=True)
        ]
        sum((level * torch.randn_like(level)).sum() for level in maps).backward()
        assert all(param.grad is not None for param in backbone.parameters())
    groups = backbone.param_groups("mim-depth", 0.5)
    scale_of = {name: group.scale for group in groups for name in group.names}
    assert {s for name, s in scale_of.items() if name.startswith("backbone.pyramid.")} == {1.0}
    assert backbone.embed(torch.randn(1, 3, *size)).shape == (1, 24)


def test_a_pyramids_coarse_level_is_pooled_and_its_own_is_kept():
    backbone = build_backbone(BackboneSpec("vit"), [(64, 64)], (16, 32)).eval()
    images = torch.randn(1, 3, 64, 64)
    own, coarse = backbone(images)
    torch.testing.assert_close(own, build_like(backbone, images))
    torch.testing.assert_close(coarse, F.max_pool2d(own, 2))


def build_like(backbone, images):
    return backbone.net.forward_intermediates(images, indices=[2], intermediates_only=True)[0]


def test_a_pyramid_over_weights_is_still_random(tmp_path):
    """Skipping random initialisation must not reach what no file fills."""
    net = build_backbone(BackboneSpec("vit"), [(64, 64)], (16,)).net
    torch.save(net.state_dict(), tmp_path / "w.pth")
    loaded = build_backbone(BackboneSpec("vit", str(tmp_path / "w.pth")), [(64, 64)], LEVELS)
    assert all(
        p.std() > 0
        for n, p in loaded.pyramid.named_parameters()
        if n.endswith("weight") and p.ndim > 1
    )
