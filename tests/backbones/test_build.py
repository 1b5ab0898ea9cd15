"""Windows, norms, eps, padding order, and the miniature backbones."""

from __future__ import annotations

import math

import pytest
import torch

from mim_bench.backbones.build import build_backbone
from mim_bench.backbones.catalogue import DEFAULT_BACKBONES, catalogue
from mim_bench.backbones.formats import HALF, IMAGENET
from mim_bench.backbones.network import create, padding_multiple
from mim_bench.backbones.spec import BackboneSpec
from mim_bench.errors import UserError

THIN = {"embed_dim": 4, "num_heads": (1, 1, 1, 1), "depths": (2, 2, 2, 2)}


def windows_of(backbone):
    """Window and shift of each stage's second block (the first is never shifted)."""
    blocks = [info for info in backbone.blocks() if info.depth % 2]
    return [info.window[0] for info in blocks], [info.shift[0] for info in blocks]


@pytest.mark.parametrize(
    ("size", "window", "windows", "shifts"),
    [
        (480, 30, [30, 30, 30, 15], [15, 15, 0, 0]),  # NYUv2
        (352, 22, [22, 22, 22, 11], [11, 11, 0, 0]),  # KITTI
        (256, 16, [16, 16, 16, 8], [8, 8, 0, 0]),  # pose
        (96, 6, [6, 6, 6, 3], [3, 3, 0, 0]),
        (192, None, [12, 12, 12, 6], [6, 6, 0, 0]),
        (480, None, [30, 30, 30, 15], [15, 15, 0, 0]),
    ],
)
def test_windows_as_published(entries, size, window, windows, shifts):
    name = entries("thin", "swinv2_base_window12_192", **THIN)
    backbone = build_backbone(BackboneSpec(name), [(size, size)], window=window)
    assert windows_of(backbone) == (windows, shifts)
    build_backbone(BackboneSpec(name), [(size, size)], window=window, pad_order="official")


def extremes(backbone):
    found = dict(backbone.own.named_buffers())
    return [float(found[name].max()) for name in sorted(found) if name.startswith("coordinates")]


def test_coordinates_are_divided_by_the_pretraining_window(entries, tmp_path):
    name = entries("thin", "swinv2_base_window12_192", **THIN)
    random = build_backbone(BackboneSpec(name), [(480, 480)], window=30)
    # no pretraining: each window by itself
    assert extremes(random) == pytest.approx([math.log2(9) / 3] * 4)
    torch.save(random.net.state_dict(), tmp_path / "w.pth")
    loaded = build_backbone(BackboneSpec(name, str(tmp_path / "w.pth")), [(480, 480)], window=30)
    expected = [math.log2(1 + 8 * 29 / 11) / 3] * 3 + [math.log2(1 + 8 * 14 / 5) / 3]
    assert expected[0] == pytest.approx(1.488, abs=5e-4)
    assert extremes(loaded) == pytest.approx(expected)


def test_a_declared_pretraining_window_is_kept(entries, tmp_path):
    thin = {**THIN, "img_size": 64, "window_size": 4, "pretrained_window_sizes": (12, 12, 12, 6)}
    name = entries("declared", "swinv2_base_window12_192", **thin)
    backbone = build_backbone(BackboneSpec(name), [(64, 64)])
    torch.save(backbone.net.state_dict(), tmp_path / "w.pth")
    spec = BackboneSpec(name, str(tmp_path / "w.pth"))
    same = build_backbone(spec, [(64, 64)])
    assert extremes(same) == pytest.approx(extremes(backbone))
    assert extremes(same)[0] == pytest.approx(math.log2(1 + 8 * 3 / 11) / 3)
    wider = build_backbone(spec, [(64, 64)], window=8)
    assert extremes(wider)[0] == pytest.approx(math.log2(1 + 8 * 7 / 11) / 3)


def test_one_size_networks_pad_up_to_their_size(entries):
    backbone = build_backbone(BackboneSpec("maxvit"), [(60, 50)], (4, 32))
    assert backbone.input_size == (64, 64)
    shapes = [tuple(level.shape[-2:]) for level in backbone(torch.randn(1, 3, 60, 50))]
    assert shapes == [(15, 13), (2, 2)]


def eps_of(module):
    return {m.eps for m in module.modules() if isinstance(m, torch.nn.LayerNorm)}


def test_norm_eps(entries):
    for family in ("swinv2", "swin", "vit", "beit", "maxvit"):
        backbone = build_backbone(BackboneSpec(family), [(64, 64)], norm_eps=3e-4, out_norm="new")
        assert eps_of(backbone) == {3e-4}
    plain = build_backbone(BackboneSpec("convnext"), [(64, 64)])
    same = build_backbone(BackboneSpec("convnext"), [(64, 64)], norm_eps=3e-4)
    assert eps_of(plain) == eps_of(same) == {1e-6}
    assert eps_of(build_backbone(BackboneSpec("swinv2"), [(64, 64)], out_norm="new").norms) == {
        1e-5
    }


def test_out_norm_normalises_channels(entries):
    image = torch.randn(2, 3, 64, 64)
    raw = build_backbone(BackboneSpec("convnext"), [(64, 64)], (8, 32)).eval()
    normed = build_backbone(BackboneSpec("convnext"), [(64, 64)], (8, 32), out_norm="new").eval()
    normed.net.load_state_dict(raw.net.state_dict())
    for plain, level in zip(raw(image), normed(image), strict=True):
        mean, var = plain.mean(1, keepdim=True), plain.var(1, unbiased=False, keepdim=True)
        torch.testing.assert_close(level, (plain - mean) / (var + 1e-6).sqrt())
    assert list(raw.norms.parameters()) == []


def test_a_loaded_out_norm_is_trained_and_a_frozen_one_stays_at_one(entries, tmp_path):
    import timm

    net = timm.create_model("vit_tiny_patch16_224", num_classes=0, embed_dim=24, depth=3,
                            num_heads=2, img_size=64)  # fmt: skip
    torch.nn.init.normal_(net.norm.weight)
    torch.save(net.state_dict(), tmp_path / "w.pth")
    spec = BackboneSpec("vit", str(tmp_path / "w.pth"))
    loaded = build_backbone(spec, [(64, 64)], out_norm="loaded").eval()
    assert torch.equal(loaded.norms[0].weight, net.norm.weight)
    assert all(parameter.requires_grad for parameter in loaded.norms.parameters())
    assert {"norm.weight", "norm.bias"} <= set(loaded.report.used)
    image = torch.randn(1, 3, 64, 64)
    expected = net.eval().forward_features(image)[:, 1:].transpose(1, 2).reshape(1, 24, 4, 4)
    torch.testing.assert_close(loaded(image)[0], expected)
    # the authors' pose code does not load it either: its name is norm3, the file's is norm
    frozen = build_backbone(spec, [(64, 64)], out_norm="frozen").eval()
    assert not any(parameter.requires_grad for parameter in frozen.norms.parameters())
    plain = build_backbone(spec, [(64, 64)]).eval()(image)[0]
    mean, var = plain.mean(1, keepdim=True), plain.var(1, unbiased=False, keepdim=True)
    torch.testing.assert_close(frozen(image)[0], (plain - mean) / (var + 1e-6).sqrt())
    torch.save({k: v for k, v in net.state_dict().items() if k != "norm.bias"}, tmp_path / "w.pth")
    with pytest.raises(UserError, match=r"missing: norm\.bias"):
        build_backbone(spec, [(64, 64)], out_norm="loaded")


def test_out_norm_that_is_not_there(entries):
    with pytest.raises(UserError, match="no final LayerNorm at stride 32"):
        build_backbone(BackboneSpec("resnet"), [(64, 64)], out_norm="loaded")
    with pytest.raises(UserError, match="no final LayerNorm at stride 16"):
        build_backbone(BackboneSpec("swinv2"), [(64, 64)], (16,), out_norm="loaded")
    frozen = build_backbone(BackboneSpec("resnet"), [(64, 64)], out_norm="frozen")
    assert len(list(frozen.norms.parameters())) == 2


def test_settings_are_checked_together():
    with pytest.raises(UserError) as caught:
        build_backbone(
            BackboneSpec("resnt50"),
            [],
            out_norm="nwe",
            pad_order="offical",
            drop_path=1.0,
            window=0,
        )
    text = str(caught.value)
    for part in ("'resnet50'", "'new'", "'official'", "drop_path is 1.0", "sizes", "window is 0"):
        assert part in text


def test_settings_without_use_are_noted(entries):
    backbone = build_backbone(BackboneSpec("convnext"), [(64, 64)], window=7)
    assert backbone.notes == ("window 7 is not used: convnext has none to set",)
    assert build_backbone(BackboneSpec("swinv2"), [(64, 64)], window=4).notes == ()
    ghost = build_backbone(BackboneSpec("ghostnet_050"), [(64, 64)], drop_path=0.1)
    assert ghost.notes == ("drop_path 0.1 is not used: ghostnet_050 has none",)


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("resnet18", {"dynamic_img_size"}),
        ("vgg11", {"dynamic_img_size", "drop_path_rate"}),
        ("poolformer_s12", {"dynamic_img_size"}),
        ("hrnet_w18_small", {"dynamic_img_size", "drop_path_rate"}),
        ("vit_tiny_patch16_224", set()),
    ],
)
def test_arguments_that_an_architecture_does_not_know_are_left_out(name, refused):
    optional = {"drop_path_rate": 0.1, "dynamic_img_size": True}
    assert create(BackboneSpec(name), optional, device="meta")[1] == refused


def test_what_timm_refuses_is_a_user_error(entries):
    for arguments in ({"no_such_argument": 1}, {"depths": "two"}):
        name = entries("wrong", "convnext_atto", **arguments)
        with pytest.raises(UserError, match="timm can't build 'wrong'"):
            build_backbone(BackboneSpec(name), [(64, 64)])


@pytest.mark.parametrize(
    ("layer", "keeps"),
    [
        (torch.nn.Conv2d(1, 1, 3, stride=2, padding=1), True),
        (torch.nn.Conv2d(1, 1, 1, stride=2), True),
        (torch.nn.Conv2d(1, 1, 7, stride=4, padding=3), True),
        (torch.nn.Conv2d(1, 1, 4, stride=4), False),
        (torch.nn.Conv2d(1, 1, 3, stride=2), False),
        (torch.nn.MaxPool2d(3, 2, 1), True),
        (torch.nn.MaxPool2d(2, 2), False),
        (torch.nn.MaxPool2d(2, 2, ceil_mode=True), True),
        (torch.nn.MaxPool2d(3, 2, ceil_mode=True), False),
        (torch.nn.AvgPool2d(2, 2, ceil_mode=True), True),
    ],
)
def test_inputs_are_padded_where_a_layer_would_cut(layer, keeps):
    stride = layer.stride[0] if isinstance(layer.stride, tuple) else layer.stride
    lengths = range(8, 30)
    as_stride = [layer(torch.zeros(1, 1, n, n)).shape[-1] == -(-n // stride) for n in lengths]
    assert all(as_stride) == keeps
    assert padding_multiple(torch.nn.Sequential(layer), 32) == (1 if keeps else 32)


def test_maps_that_are_too_small_are_refused():
    backbone = build_backbone(BackboneSpec("pit_ti_224"), [(64, 64)], (8,))
    with pytest.raises(UserError, match="'pit_ti_224' yields a map of 7x7 at stride 8"):
        backbone(torch.randn(1, 3, 64, 64))


def test_pretrained_weights_that_cannot_be_had(monkeypatch):
    import timm

    def offline(*args, pretrained=False, **kwargs):
        if pretrained:
            raise OSError("no connection")
        return create(*args, **kwargs)

    create = timm.create_model
    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(UserError, match="weights for 'resnet10t' can't be had: no connection"):
        build_backbone(BackboneSpec("resnet10t", "pretrained"), [(64, 64)])


@pytest.mark.parametrize("name", DEFAULT_BACKBONES)
def test_miniature_backbones(name):
    torch.manual_seed(0)
    backbone = build_backbone(BackboneSpec(name), [(96, 96)], window=6, drop_path=0.1)
    count = sum(param.numel() for param in backbone.parameters())
    assert count == catalogue()[name].params <= 1_000_000
    (coarsest,) = backbone(torch.randn(2, 3, 96, 96))
    stride = 16 if name == "vit_mini" else 32
    assert backbone.strides == (stride,)
    assert coarsest.shape == (2, backbone.channels[0], 96 // stride, 96 // stride)
    if name == "swinv2_mini":
        stages = {info.stage: info.window for info in backbone.blocks()}
        assert stages == {0: (6, 6), 1: (6, 6), 2: (6, 6), 3: (3, 3)}
    if name != "vit_mini":
        pyramid = build_backbone(BackboneSpec(name), [(96, 96)], (4, 8, 16, 32), window=6)
        assert pyramid.strides == (4, 8, 16, 32)


def test_a_random_network_is_normalised_as_its_entry_says():
    spec = BackboneSpec("vit_small/mocov3")
    backbone = build_backbone(spec, [(32, 32)], (16,))
    assert (backbone.mean, backbone.std) == IMAGENET  # timm has 0.5 for the architecture
    assert backbone.notes == ()
    chosen = BackboneSpec(spec.name, options={"normalisation": "half"})
    backbone = build_backbone(chosen, [(32, 32)], (16,))
    assert (backbone.mean, backbone.std) == HALF
