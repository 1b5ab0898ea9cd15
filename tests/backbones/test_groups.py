"""Layer ids and weight decay, against the tables that the papers' code gives."""

from __future__ import annotations

import pytest
import torch

from mim_bench.backbones.build import build_backbone
from mim_bench.backbones.groups import layer_ids
from mim_bench.backbones.network import create
from mim_bench.backbones.spec import BackboneSpec
from mim_bench.errors import UserError

DEEP = {
    "depths": (2, 2, 18, 2),
    "embed_dim": 4,
    "num_heads": (1, 1, 1, 1),
    "img_size": 64,
    "window_size": 2,
}


@pytest.fixture(params=["swinv2_base_window12_192", "swin_base_patch4_window7_224"])
def deep(request, entries):
    """A Swin or SwinV2 as deep as the published base and large, and very thin."""
    name = entries("deep", request.param, **DEEP)
    return build_backbone(BackboneSpec(name), [(64, 64)], out_norm="new")


def ids_of(backbone, convention):
    """Layer ids that stand in groups, by the start of the parameters' names."""
    found = {}
    for group in backbone.param_groups(convention, 0.9, prefix=""):
        for name in group.names:
            parts = name.removeprefix("net.").split(".")
            length = 4 if parts[:1] == ["layers"] and parts[2] == "blocks" else 3
            key = ".".join(parts[:length]) if parts[0] == "layers" else parts[0]
            found.setdefault(key, set()).add(group.layer)
    assert all(len(layers) == 1 for layers in found.values())
    return {key: layers.pop() for key, layers in found.items()}


def published(merging_counts):
    """The table written out plainly: walk through the network, count up."""
    table, layer = {"patch_embed": 0}, 0
    for stage, depth in enumerate((2, 2, 18, 2)):
        if stage > 0:
            layer += merging_counts
            table[f"layers.{stage}.downsample"] = layer
        for block in range(depth):
            layer += 1
            table[f"layers.{stage}.blocks.{block}"] = layer
    return {**table, "norms": layer + 1}


def test_mim_depth_has_29_ids(deep):
    assert deep.num_layers("mim-depth") == 29
    ids = ids_of(deep, "mim-depth")
    assert ids == published(merging_counts=1)
    assert [ids[f"layers.{stage}.downsample"] for stage in (1, 2, 3)] == [3, 6, 25]
    assert (ids["layers.2.blocks.0"], ids["layers.2.blocks.17"]) == (7, 24)
    assert (ids["layers.3.blocks.1"], ids["norms"]) == (27, 28)


def test_simmim_has_26_ids(deep):
    assert deep.num_layers("simmim") == 26
    ids = ids_of(deep, "simmim")
    assert ids == published(merging_counts=0)
    assert [ids[f"layers.{stage}.downsample"] for stage in (1, 2, 3)] == [2, 4, 22]
    assert (ids["layers.3.blocks.1"], ids["norms"]) == (24, 25)


def test_timm_has_its_own_ids(deep):
    from timm.optim._param_groups import param_groups_layer_decay

    assert deep.num_layers("timm") == 26
    ids = ids_of(deep, "timm")
    assert [ids[f"layers.{stage}.downsample"] for stage in (1, 2, 3)] == [3, 5, 23]
    # the scales of timm's own groups, with a head
    deep.net.head = torch.nn.Linear(2, 2)
    theirs = {
        id(param): group["lr_scale"]
        for group in param_groups_layer_decay(deep.net, 0.05, layer_decay=0.8)
        for param in group["params"]
    }
    del deep.net.head
    for group in deep.param_groups("timm", 0.8):
        for param, name in zip(group.params, group.names, strict=True):
            if "norms." not in name:
                assert group.scale == pytest.approx(theirs[id(param)])


def test_published_scale_of_the_patch_embedding(deep):
    assert deep.param_groups("mim-depth", 0.9)[0].scale == pytest.approx(0.0523, abs=5e-5)
    assert deep.param_groups("mim-depth", 0.85)[0].scale == pytest.approx(0.01056, abs=5e-6)
    assert deep.param_groups("mim-depth", 0.9)[-1].scale == 1


def test_stages_that_are_gone_do_not_count(entries):
    name = entries("deep", "swinv2_base_window12_192", **DEEP)
    backbone = build_backbone(BackboneSpec(name), [(64, 64)], levels=(16,))
    assert backbone.num_layers("mim-depth") == (2 + 1) + (2 + 1) + 18 + 2
    assert backbone.num_layers("simmim") == 22 + 2


def test_vit_has_depth_plus_two(entries):
    backbone = build_backbone(BackboneSpec("vit"), [(64, 64)], out_norm="loaded")
    for convention in ("mim-depth", "simmim"):
        assert backbone.num_layers(convention) == 5
        layers = {
            name.removeprefix("backbone.net."): group.layer
            for group in backbone.param_groups(convention, 0.5)
            for name in group.names
        }
        assert {layers[name] for name in ("cls_token", "pos_embed", "patch_embed.proj.bias")} == {0}
        assert [layers[f"blocks.{index}.norm1.weight"] for index in range(3)] == [1, 2, 3]
        assert layers["backbone.norms.0.weight"] == 4


def test_other_families_have_timm_ids_everywhere(entries):
    backbone = build_backbone(BackboneSpec("convnext"), [(64, 64)])
    groups = [backbone.param_groups(convention, 0.9) for convention in ("mim-depth", "timm")]
    assert [(g.layer, g.scale) for g in groups[0]] == [(g.layer, g.scale) for g in groups[1]]


def test_a_family_with_names_like_swins_has_timm_ids():
    focal, _ = create(BackboneSpec("focalnet_tiny_srf"), {}, device="meta")
    assert layer_ids(focal, "mim-depth") == layer_ids(focal, "timm")


def test_a_family_that_timm_has_no_groups_for_is_numbered_by_block():
    net, _ = create(BackboneSpec("poolformer_s12"), {}, device="meta")
    ids, count = layer_ids(net, "mim-depth")
    assert count == sum((2, 2, 6, 2)) + 2
    expected = {name: 0 for name in ids if name.startswith("stem.")}
    layer = 0
    for stage, depth in enumerate((2, 2, 6, 2)):
        start = f"stages.{stage}.downsample."  # with the block that follows, as timm's others
        expected |= {name: layer + 1 for name in ids if name.startswith(start)}
        for block in range(depth):
            layer += 1
            start = f"stages.{stage}.blocks.{block}."
            expected |= {name: layer for name in ids if name.startswith(start)}
    assert ids == {**expected, "head.norm.weight": 13, "head.norm.bias": 13}


@pytest.mark.parametrize("name", ["pit_ti_224", "csatv2"])
def test_a_family_of_unknown_blocks_has_no_layers(name):
    net, _ = create(BackboneSpec(name), {}, device="meta")
    with pytest.raises(UserError, match="its blocks are not known"):
        layer_ids(net, "timm")


def test_without_layer_decay_no_order_is_needed():
    backbone = build_backbone(BackboneSpec("pit_ti_224"), [(224, 224)])
    groups = backbone.param_groups("timm", 1.0, prefix="")
    assert {group.scale for group in groups} == {1.0}
    names = sorted(name for group in groups for name in group.names)
    assert names == sorted(name for name, _ in backbone.named_parameters())
    with pytest.raises(UserError, match="its blocks are not known"):
        backbone.param_groups("timm", 0.9)


def undecayed(backbone, convention):
    groups = backbone.param_groups(convention, 0.9, prefix="")
    return {name for group in groups if not group.decay for name in group.names}


def test_weight_decay_of_swin(deep):
    names = dict(deep.named_parameters())
    expected = {
        name
        for name, param in names.items()
        if param.ndim == 1
        or name.endswith(".bias")
        or any(w in name for w in ("cpb_mlp", "logit_scale", "relative_position_bias_table"))
    }
    special = {name for name in expected if names[name].ndim > 1}
    assert special
    for convention in ("mim-depth", "simmim", "timm"):
        assert undecayed(deep, convention) == expected


def test_weight_decay_of_vit_and_beit(entries):
    vit = build_backbone(BackboneSpec("vit"), [(64, 64)])
    for convention in ("mim-depth", "simmim"):
        free = undecayed(vit, convention)
        assert {"net.pos_embed", "net.cls_token", "net.blocks.0.norm1.weight"} <= free
        assert "net.patch_embed.proj.weight" not in free
        assert "net.blocks.0.attn.qkv.weight" not in free
    # SimMIM's code decays the bias tables of its ViTs, the depth code those of none
    beit = build_backbone(BackboneSpec("beit"), [(64, 64)])
    table = "net.blocks.0.attn.relative_position_bias_table"
    assert table in undecayed(beit, "mim-depth")
    assert table not in undecayed(beit, "simmim")


_TABLE = "attn.relative_position_bias_table"
_V2 = ("attn.logit_scale", "attn.cpb_mlp.0.weight", "attn.cpb_mlp.2.weight")
# family, convention: what no weight decay applies to beside vectors and biases; of each block,
# and of the network
EXEMPT = [
    *(("swin", convention, (_TABLE,), ()) for convention in ("mim-depth", "simmim", "timm")),
    *(("swinv2", convention, _V2, ()) for convention in ("mim-depth", "simmim", "timm")),
    *(("vit", c, (), ("pos_embed", "cls_token")) for c in ("mim-depth", "simmim", "timm")),
    ("beit", "mim-depth", (_TABLE,), ("cls_token",)),
    ("beit", "simmim", (), ("cls_token",)),
    ("beit", "timm", (_TABLE,), ("cls_token",)),
    ("convnext", "mim-depth", (), ()),
    ("convnext", "simmim", (), ()),
]


@pytest.mark.parametrize(("family", "convention", "in_blocks", "others"), EXEMPT)
def test_no_weight_decay_on_exactly_these(entries, family, convention, in_blocks, others):
    backbone = build_backbone(BackboneSpec(family), [(64, 64)], out_norm="new")
    names = dict(backbone.named_parameters())
    expected = {f"net.{b.name}.{end}" for b in backbone.blocks() for end in in_blocks}
    expected |= {f"net.{name}" for name in others}
    assert expected <= set(names)
    expected |= {name for name, p in names.items() if p.ndim == 1 or name.endswith(".bias")}
    assert undecayed(backbone, convention) == expected


def test_frozen_parameters_are_left_out(entries):
    backbone = build_backbone(BackboneSpec("vit"), [(64, 64)], out_norm="frozen")
    names = [name for group in backbone.param_groups("timm", 1.0) for name in group.names]
    assert not any("norms" in name for name in names)
    assert all(group.scale == 1 for group in backbone.param_groups("timm", 1.0))


def test_errors(entries):
    backbone = build_backbone(BackboneSpec("vit"), [(64, 64)])
    with pytest.raises(UserError, match="did you mean 'simmim'"):
        backbone.param_groups("simim", 0.9)
    with pytest.raises(UserError, match=r"layer decay is 1\.1"):
        backbone.param_groups("timm", 1.1)
