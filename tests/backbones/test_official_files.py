"""Files as the official codes write them give the reference networks' features, or an error."""

from __future__ import annotations

import pytest
import torch

from mim_bench.backbones.build import build_backbone
from mim_bench.backbones.spec import BackboneSpec
from mim_bench.errors import UserError

from .reference import files
from .reference.simmim_vit import SimMIMViT
from .reference.small import SHAPE, as_timm
from .reference.swin import Swin
from .reference.swinv2 import SwinV2
from .reference.weights import another, randomise

pytestmark = pytest.mark.usefixtures("entries")
TIMM = {**as_timm(SHAPE), "img_size": 48}
UNITS = (3, 3, 2)
LEVELS = (4, 8, 16)
# whole windows of 4; windows of 3 at the pretraining size; non-square; what needs padding
SIZES = {(64, 64): 4, (48, 48): 3, (64, 128): 4, (60, 60): 4, (75, 42): 5}


def close(backbone, network, size):
    """Compare in double precision: random weights of this size amplify rounding."""
    generator = torch.Generator().manual_seed(7)
    images = torch.randn(2, 3, *size, generator=generator, dtype=torch.float64)
    with torch.no_grad():
        expected = network.double()(images)
        expected = [expected] if isinstance(expected, torch.Tensor) else expected
        for mine, theirs in zip(backbone.double().eval()(images), expected, strict=True):
            scale = float(theirs.abs().max())
            if float((mine - theirs).abs().max()) > 1e-5 * max(scale, 1):
                return False
    return True


def swinv2(window, order="official", units=UNITS):
    windows = (window,) * 3
    network = SwinV2(**SHAPE, windows=windows, pretrained_windows=units, pad_order=order, eps=1e-6)
    return randomise(network, 0)


def loaded(entries, path, size, window, units=UNITS, order="official", **options):
    name = entries(
        "v2", "swinv2_tiny_window8_256", **TIMM, window_size=3, pretrained_window_sizes=units
    )
    spec = BackboneSpec(name, str(path), options=options)
    settings = {"window": window, "norm_eps": 1e-6, "pad_order": order}
    return build_backbone(spec, [size], LEVELS, **settings)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("order", ["official", "timm"])
@pytest.mark.parametrize("kind", ["cpb_mlp", "rpe_mlp", "stripped", "supervised"])
def test_swinv2(entries, tmp_path, kind, size, order):
    network = swinv2(SIZES[size], order)
    if kind == "supervised":
        contents = files.supervised_swinv2(network, size=48)
    elif kind == "stripped":
        contents = files.simmim_swinv2(network, stripped=True)
    else:
        contents = files.simmim_swinv2(network, kind, size=48)
    files.save(contents, tmp_path / "w.pth")
    backbone = loaded(entries, tmp_path / "w.pth", size, SIZES[size], order=order)
    assert backbone.report.missing == ()
    assert backbone.report.resampled == ()
    assert backbone.report.format.name == ("swinv2" if kind == "supervised" else "simmim-swinv2")
    assert close(backbone, network, size)


def test_what_must_not_be_overlooked_is_seen(entries, tmp_path):
    """Another pretraining window or order of padding gives other features."""
    network = swinv2(4)
    files.save(files.simmim_swinv2(network, stripped=True), tmp_path / "w.pth")
    assert close(loaded(entries, tmp_path / "w.pth", (60, 60), 4), network, (60, 60))
    assert not close(
        loaded(entries, tmp_path / "w.pth", (60, 60), 4, order="timm"), network, (60, 60)
    )
    assert not close(loaded(entries, tmp_path / "w.pth", (60, 60), 4, (4, 4, 2)), network, (60, 60))


def test_a_bias_network_under_an_unknown_name_is_refused(entries, tmp_path):
    contents = files.simmim_swinv2(swinv2(4), stripped=True)
    contents["model"] = {k.replace("rpe_mlp", "bias_net"): v for k, v in contents["model"].items()}
    torch.save(contents, tmp_path / "w.pth")
    with pytest.raises(UserError, match=r"18 tensors of blocks that the network lacks: .*bias_net"):
        loaded(entries, tmp_path / "w.pth", (64, 64), 4)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("supervised", [True, False])
def test_swin(entries, tmp_path, size, supervised):
    window = SIZES[size]
    network = randomise(Swin(**SHAPE, windows=(window,) * 3, pad_order="official"), 0)
    contents = (files.supervised_swin if supervised else files.simmim_swin)(network, size=64)
    files.save(contents, tmp_path / "w.pth")
    arguments = {**TIMM, "img_size": 64, "window_size": window}
    name = entries("v1", "swin_tiny_patch4_window7_224", **arguments)
    spec = BackboneSpec(name, str(tmp_path / "w.pth"))
    settings = {"window": window, "pad_order": "official"}
    backbone = build_backbone(spec, [size], LEVELS, **settings)
    assert backbone.report.missing == ()
    covered = -(-min(size) // 16) >= window  # else the last stage has a smaller table
    assert (backbone.report.resampled == ()) == covered
    if covered:
        assert close(backbone, network, size)


@pytest.mark.parametrize("size", [(64, 64), (64, 48)])
def test_simmim_vit(entries, tmp_path, size):
    grid = (size[0] // 16, size[1] // 16)
    network = randomise(SimMIMViT(24, 3, 2, grid=grid), 0)
    files.save(files.simmim_vit(network), tmp_path / "w.pth")
    arguments = {"embed_dim": 24, "depth": 3, "num_heads": 2, "img_size": size}
    name = entries("b", "beit_base_patch16_224", **arguments)
    backbone = build_backbone(BackboneSpec(name, str(tmp_path / "w.pth")), [size], (16,))
    assert backbone.report.missing == ()
    assert backbone.report.format.name == "simmim-vit"
    # SimMIM's input is ImageNet's, where timm's BEiT has 0.5 for all
    assert backbone.mean == (0.485, 0.456, 0.406)
    if grid[0] == grid[1]:  # timm's filter resamples the tables of grids that are not square
        assert backbone.report.resampled == ()
        assert close(backbone, network, size)


def vit_state(**changes):
    arguments = {"embed_dim": 24, "depth": 3, "num_heads": 2, "img_size": 64, **changes}
    import timm

    return randomise(timm.create_model("vit_tiny_patch16_224", **arguments, num_classes=0), 3)


PLAIN = {
    "deit": files.deit,
    "mocov3": files.mocov3,
    "mae": files.mae,
    "mae-full": lambda s: files.mae(s, full=True),
    "dino": files.dino,
    "dino-full": lambda s: files.dino(s, full=True),
    "ibot": files.ibot,
    "ibot-full": lambda s: files.ibot(s, full=True),
    "msn": files.msn,
    "run": lambda s: {"state_dict": {f"network.backbone.net.{k}": v for k, v in s.items()}},
}


@pytest.mark.parametrize("kind", PLAIN)
@pytest.mark.parametrize("legacy", [False, True])
def test_plain_vits(tmp_path, kind, legacy):
    net = vit_state()
    files.save(PLAIN[kind](net.state_dict()), tmp_path / "w.pth", legacy=legacy)
    backbone = build_backbone(BackboneSpec("vit", str(tmp_path / "w.pth")), [(64, 64)], (16,))
    assert backbone.report.missing == ()
    own = net.state_dict()
    filled = backbone.net.state_dict()
    assert all(torch.equal(tensor, own[name]) for name, tensor in filled.items())


def test_the_other_of_two_encoders(tmp_path):
    net = vit_state()
    for kind, option in (("momentum", "momentum"), ("base", "base")):
        files.save(files.mocov3(net.state_dict(), kind), tmp_path / f"{kind}.pth")
        spec = BackboneSpec("vit", str(tmp_path / f"{kind}.pth"), options={"encoder": option})
        backbone = build_backbone(spec, [(64, 64)], (16,))
        assert torch.equal(backbone.net.blocks[1].mlp.fc1.weight, net.blocks[1].mlp.fc1.weight)
        assert backbone.report.format.encoder == option


@pytest.mark.parametrize("option", ["base", "momentum"])
def test_the_report_names_the_encoder_that_was_taken(tmp_path, option):
    teacher, student = vit_state().state_dict(), another(vit_state().state_dict(), 4)
    torch.save({"teacher": teacher, "student": student}, tmp_path / "w.pth")
    spec = BackboneSpec("vit", str(tmp_path / "w.pth"), options={"encoder": option})
    backbone = build_backbone(spec, [(64, 64)], (16,))
    wanted = student if option == "base" else teacher
    assert torch.equal(backbone.net.patch_embed.proj.bias, wanted["patch_embed.proj.bias"])
    assert backbone.report.format.encoder == option


RESNETS = {
    "mocov2": files.mocov2_resnet,
    "mocov3": files.mocov3,
    "densecl": files.densecl,
    "densecl-full": lambda s: files.densecl(s, full=True),
    "detco": files.detco,
    "pixpro": files.pixpro,
    "pixpro-full": lambda s: files.pixpro(s, full=True),
}


@pytest.mark.parametrize("kind", RESNETS)
def test_resnets_of_pixel_level_pretexts(tmp_path, kind):
    import timm

    net = randomise(timm.create_model("resnet26", num_classes=0), 5)
    files.save(RESNETS[kind](net.state_dict()), tmp_path / "w.pth")
    backbone = build_backbone(BackboneSpec("resnet26", str(tmp_path / "w.pth")), [(64, 64)], (32,))
    own = net.state_dict()
    filled = backbone.net.state_dict()
    assert all(torch.equal(tensor, own[name]) for name, tensor in filled.items())
    assert backbone.report.format.name == "resnet"
    assert backbone.mean == (0.485, 0.456, 0.406)


def test_a_deeper_networks_weights_are_refused(tmp_path):
    torch.save(vit_state(depth=5).state_dict(), tmp_path / "w.pth")
    with pytest.raises(UserError, match="holds 24 tensors of blocks that the network lacks") as e:
        build_backbone(BackboneSpec("vit", str(tmp_path / "w.pth")), [(64, 64)], (16,))
    assert "depth 5" in str(e.value)


def test_a_wider_or_shallower_networks_weights_are_refused(tmp_path):
    torch.save(vit_state(depth=2).state_dict(), tmp_path / "shallow.pth")
    with pytest.raises(UserError, match="12 of 40 tensors are missing"):
        build_backbone(BackboneSpec("vit", str(tmp_path / "shallow.pth")), [(64, 64)], (16,))
    torch.save(vit_state(embed_dim=36).state_dict(), tmp_path / "wide.pth")
    with pytest.raises(UserError, match="has shape"):
        build_backbone(BackboneSpec("vit", str(tmp_path / "wide.pth")), [(64, 64)], (16,))


def test_another_architecture_is_said_to_be_one(tmp_path):
    files.save(files.simmim_swinv2(swinv2(4)), tmp_path / "w.pth")
    with pytest.raises(UserError, match="SimMIM, SwinV2"):
        build_backbone(BackboneSpec("vit", str(tmp_path / "w.pth")), [(64, 64)], (16,))
