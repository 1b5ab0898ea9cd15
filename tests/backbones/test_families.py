"""Every family keeps the contract of a backbone: shapes, gradients, sizes, groups, reloading."""

from __future__ import annotations

import pytest
import torch

from mim_bench.backbones.build import build_backbone
from mim_bench.backbones.spec import BackboneSpec
from mim_bench.errors import UserError

from .families import FAMILIES, FIXED, LARGEST_FIRST, PATCH14, PLAIN

pytestmark = pytest.mark.usefixtures("entries")
LEVELS = (4, 8, 16, 32)


def build(family, sizes=((64, 64),), levels=None, **settings):
    levels = levels or ((16,) if family in PLAIN else LEVELS)
    return build_backbone(BackboneSpec(family), sizes, levels, **settings)


def ceil_shapes(backbone, count, height, width):
    return [
        (count, channels, -(-height // stride), -(-width // stride))
        for channels, stride in zip(backbone.channels, backbone.strides, strict=True)
    ]


@pytest.mark.parametrize("family", FAMILIES)
def test_contract(family, tmp_path):
    torch.manual_seed(0)
    backbone = build(family, drop_path=0.2, out_norm="new")
    assert backbone.strides == (
        ((14,) if family in PATCH14 else (16,)) if family in PLAIN else LEVELS
    )
    assert len(backbone.mean) == len(backbone.std) == 3

    maps = backbone(torch.randn(2, 3, 64, 64))
    assert [tuple(level.shape) for level in maps] == ceil_shapes(backbone, 2, 64, 64)
    sum((level * torch.randn_like(level)).sum() for level in maps).backward()
    idle = [name for name, param in backbone.named_parameters() if param.grad is None]
    # the class token's own query is not used after the last block, but all parameters are
    assert idle == [], "unused parameters break distributed training"

    if family in FIXED:
        with pytest.raises(UserError, match="built for inputs of"):
            backbone(torch.randn(1, 3, 128, 96))
    elif family in LARGEST_FIRST:
        with pytest.raises(UserError, match="grids of up to 4x4 patches and got 8x6"):
            backbone(torch.randn(1, 3, 128, 96))
        assert backbone(torch.randn(1, 3, 47, 33))[0].shape[-2:] == (3, 3)
    else:
        for height, width in ((96, 32), (65, 47)):
            shapes = [tuple(level.shape) for level in backbone(torch.randn(2, 3, height, width))]
            assert shapes == ceil_shapes(backbone, 2, height, width)

    backbone.eval()
    image = torch.randn(1, 3, 64, 64)
    assert backbone.embed(image).shape == (1, backbone.channels[-1])

    for convention in ("mim-depth", "simmim", "timm"):
        groups = backbone.param_groups(convention, 0.8)
        names = [name for group in groups for name in group.names]
        assert sorted(names) == sorted(f"backbone.{n}" for n, _ in backbone.named_parameters())
        last = backbone.num_layers(convention) - 1
        assert {group.layer for group in groups} <= set(range(last + 1))
        assert groups[0].layer == 0
        assert all(group.scale == pytest.approx(0.8 ** (last - group.layer)) for group in groups)
        assert len({group.name for group in groups}) == len(groups)

    # what it saved, it can be built from, bit for bit
    path = tmp_path / "net.pth"
    torch.save({"model": backbone.net.state_dict()}, path)
    again = build_backbone(
        BackboneSpec(family, str(path)), [(64, 64)], backbone.strides, out_norm="new"
    ).eval()
    assert again.report.missing == ()
    assert again.report.dropped == ()
    for mine, theirs in zip(backbone(image), again(image), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=0)


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - {"vit14", "tf_mobilenetv3"}))
def test_same_seed_same_network(family):
    states = []
    for _ in range(2):
        torch.manual_seed(3)
        states.append(build(family).state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


@pytest.mark.parametrize("family", ["resnet", "convnext", "vit", "efficientnet", "pvtv2", "swinv2"])
def test_maps_are_those_of_timm(family):
    """The features are timm's own, where no padding is needed."""
    import timm

    architecture, arguments = FAMILIES[family]
    torch.manual_seed(0)
    backbone = build(family).eval()
    torch.manual_seed(0)
    kwargs = {**arguments, "features_only": True, "num_classes": 0}
    if family not in PLAIN:
        kwargs["out_indices"] = tuple(range(-4, 0))
    plain = timm.create_model(architecture, **kwargs).eval()
    plain.load_state_dict(
        dict(zip(plain.state_dict(), backbone.net.state_dict().values(), strict=True))
    )
    image = torch.randn(2, 3, 64, 64)
    expected = plain(image)[-len(backbone.strides) :]
    if family == "swinv2":  # timm answers channels last
        expected = [level.permute(0, 3, 1, 2) for level in expected]
    for mine, theirs in zip(backbone(image), expected, strict=True):
        torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("family", ["swinv2", "convnext", "resnet", "efficientnet", "maxvit"])
def test_stages_beyond_the_last_level_are_gone(family):
    whole, part = build(family), build(family, levels=(8, 16))
    assert part.strides == (8, 16)
    assert sum(p.numel() for p in part.parameters()) < sum(p.numel() for p in whole.parameters())
    torch.manual_seed(0)
    maps = part(torch.randn(2, 3, 64, 64))
    sum(level.square().sum() for level in maps).backward()
    assert all(param.grad is not None for param in part.parameters())


@pytest.mark.parametrize("family", ["swin", "swinv2", "vit", "convnext"])
@pytest.mark.parametrize("levels", [(16,), (32,)])
def test_drop_path_rises_linearly_over_the_blocks_left(family, levels):
    backbone = build(family, levels=levels, drop_path=0.3)
    blocks = backbone.blocks()
    for info in blocks:
        rates = [
            module.drop_prob
            for module in info.module.modules()
            if type(module).__name__ == "DropPath"
        ]
        assert bool(rates) == (info.depth > 0)
        assert rates == pytest.approx([0.3 * info.depth / (len(blocks) - 1)] * len(rates))


def test_levels_that_are_not_there_are_named():
    with pytest.raises(UserError, match="no features at stride 64"):
        build("resnet", levels=(8, 64))
    assert build("vit", levels=(4,)).strides == (16,)


def test_one_size_families_refuse_a_second_size():
    with pytest.raises(UserError, match="asked for 64x64, 128x128"):
        build("maxvit", sizes=((64, 64), (128, 128)))
    assert build("vit", sizes=((64, 64), (128, 128))).input_size is None


def test_learned_positions_lie_on_the_first_sizes_grid():
    backbone = build("vit", sizes=((96, 48), (64, 64)))
    assert backbone.net.pos_embed.shape[1] == 6 * 3 + 1
    assert backbone(torch.randn(1, 3, 64, 64))[0].shape[-2:] == (4, 4)


def test_forward_keeps_no_size_state():
    torch.manual_seed(0)
    backbone = build("vit").eval()
    image = torch.randn(1, 3, 64, 64)
    before = backbone(image)[0]
    backbone(torch.randn(1, 3, 96, 80))
    torch.testing.assert_close(backbone(image)[0], before, rtol=0, atol=0)


@pytest.mark.parametrize("level", [4, 8, 32])
def test_fused_branches_at_odd_sizes_and_one_level(level):
    """HRNet adds maps of all strides, whichever is asked for: its input is padded for all."""
    whole, one = build("hrnet"), build("hrnet", levels=(level,))
    whole.eval(), one.eval()
    one.net.load_state_dict(whole.net.state_dict(), strict=False)
    image = torch.randn(1, 3, 65, 47)
    padded = torch.zeros(1, 3, 96, 64)
    padded[..., :65, :47] = image
    expected = whole(padded)[LEVELS.index(level)][..., : -(-65 // level), : -(-47 // level)]
    torch.testing.assert_close(one(image)[0], expected)
    one(image)[0].sum().backward()
    assert all(param.grad is not None for param in one.parameters())


def test_padding_is_zeros_on_the_right_and_below():
    backbone = build("convnext").eval()
    image = torch.randn(1, 3, 70, 50)
    padded = torch.zeros(1, 3, 96, 64)
    padded[..., :70, :50] = image
    for mine, theirs in zip(backbone(image), backbone(padded), strict=True):
        height, width = mine.shape[-2:]
        torch.testing.assert_close(mine, theirs[..., :height, :width])


def test_embed_token_and_its_errors():
    backbone = build("vit", out_norm="loaded").eval()
    image = torch.randn(2, 3, 64, 64)
    assert backbone.embed(image, "token").shape == (2, 24)
    tokens = backbone.net.forward_intermediates(
        image, indices=[2], return_prefix_tokens=True, intermediates_only=True
    )[0][1]
    expected = torch.nn.functional.layer_norm(tokens[:, 0], (24,), eps=1e-6)
    torch.testing.assert_close(backbone.embed(image, "token"), expected)
    with pytest.raises(UserError, match="no class token"):
        build("resnet").embed(image, "token")
    with pytest.raises(UserError, match="unknown pooling 'mean'"):
        backbone.embed(image, "mean")


def test_compiles_without_graph_breaks():
    for family in ("vit", "swinv2"):
        backbone = build(family).eval()
        explained = torch._dynamo.explain(backbone)(torch.randn(1, 3, 64, 64))
        assert explained.graph_break_count == 0, explained.break_reasons
