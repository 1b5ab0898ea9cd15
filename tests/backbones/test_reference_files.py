"""The checkpoint contents the other tests load: the given weights are in them, and much else."""

from __future__ import annotations

import pickle
import sys

import pytest
import timm
import torch

from .reference import files
from .reference.simmim_vit import SimMIMViT
from .reference.swin import Swin
from .reference.swinv2 import SwinV2
from .reference.weights import another, randomise

SHAPE = {"embed_dim": 8, "depths": (2, 2), "heads": (1, 2), "windows": (4, 4)}
V2 = randomise(SwinV2(**SHAPE, bias_name="rpe_mlp"))
V1 = randomise(Swin(**SHAPE))
VIT = randomise(SimMIMViT(24, 2, 2, 4))
TINY = {"img_size": 64, "embed_dim": 24, "depth": 2, "num_heads": 2}


def state(name, **options):
    return another(timm.create_model(name, **options).state_dict(), 5)


PLAIN = state("vit_tiny_patch16_224", **TINY)
RESNET = state("resnet50", layers=(1, 1, 1, 2), channels=(4, 8, 12, 16))
DINOV2 = state("vit_small_patch14_reg4_dinov2", **{**TINY, "img_size": 56})
BEIT = state("beit_base_patch16_224", **TINY)

# contents, path to the weights, prefix, the weights that stand there
CASES = {
    "simmim_swinv2": (files.simmim_swinv2(V2), "model", "encoder.", V2.state_dict()),
    "stripped": (files.simmim_swinv2(V2, stripped=True), "model", "", V2.state_dict()),
    "simmim_swin": (files.simmim_swin(V1), "model", "encoder.", V1.state_dict()),
    "simmim_vit": (files.simmim_vit(VIT), "model", "encoder.", VIT.state_dict()),
    "supervised_v1": (files.supervised_swin(V1), "model", "", V1.state_dict()),
    "deit": (files.deit(PLAIN), "model", "", PLAIN),
    "moco": (files.mocov3(PLAIN), "state_dict", "module.base_encoder.", PLAIN),
    "momentum": (
        files.mocov3(PLAIN, "momentum"),
        "state_dict",
        "module.momentum_encoder.",
        PLAIN,
    ),
    "moco_resnet": (files.mocov3(RESNET), "state_dict", "module.base_encoder.", RESNET),
    "mocov2": (files.mocov2_resnet(RESNET), "state_dict", "module.encoder_q.", RESNET),
    "mae": (files.mae(PLAIN), "model", "", PLAIN),
    "mae_full": (files.mae(PLAIN, full=True), "model", "", PLAIN),
    "beit": (files.beit(BEIT), "model", "", BEIT),
    "dino": (files.dino(PLAIN), None, "", PLAIN),
    "dino_full": (files.dino(PLAIN, full=True), "teacher", "backbone.", PLAIN),
    "ibot": (files.ibot(PLAIN), "state_dict", "", PLAIN),
    "ibot_student": (
        files.ibot(PLAIN, full=True, which="student"),
        "student",
        "module.backbone.",
        PLAIN,
    ),
    "msn": (files.msn(PLAIN), "target_encoder", "module.", PLAIN),
    "densecl": (files.densecl(RESNET), "state_dict", "", RESNET),
    "densecl_full": (files.densecl(RESNET, full=True), "state_dict", "encoder_q.0.", RESNET),
    "detco": (files.detco(RESNET), "state_dict", "", RESNET),
    "pixpro": (files.pixpro(RESNET, full=True), "model", "module.encoder.", RESNET),
}
SKIPPED = ("head.", "fc.", "fc_norm.")


@pytest.mark.parametrize("case", CASES)
def test_the_given_weights_stand_where_the_project_has_them(case):
    contents, key, prefix, wanted = CASES[case]
    found = contents if key is None else contents[key]
    wanted = {k: v for k, v in wanted.items() if not k.startswith(SKIPPED)}
    for name, value in wanted.items():
        torch.testing.assert_close(found[prefix + name], value, rtol=0, atol=0)


def test_two_branches_hold_different_weights():
    moco = files.mocov3(PLAIN)["state_dict"]
    dino = files.dino(PLAIN, full=True)
    msn = files.msn(PLAIN)
    name = "blocks.0.attn.qkv.weight"
    base, momentum = f"module.base_encoder.{name}", f"module.momentum_encoder.{name}"
    assert not torch.equal(moco[base], moco[momentum])
    assert not torch.equal(
        dino["student"][f"module.backbone.{name}"], dino["teacher"][f"backbone.{name}"]
    )
    assert not torch.equal(
        msn["encoder"][f"module.{name}"], msn["target_encoder"][f"module.{name}"]
    )


def test_every_parameter_is_random():
    for net in (V2, V1, VIT):
        for name, value in net.state_dict().items():
            assert value.numel() == 1 or float(value.std()) > 0.01, name


def test_buffers_of_a_swinv2_file():
    model = files.simmim_swinv2(V2, "cpb_mlp")["model"]
    first = "encoder.layers.0.blocks."
    assert model[f"{first}0.attn.relative_coords_table"].shape == (1, 7, 7, 2)
    assert model[f"{first}0.attn.relative_position_index"].shape == (16, 16)
    assert model[f"{first}1.attn_mask"].shape == (16, 16, 16)  # 16 windows of 16 tokens
    assert sorted(model[f"{first}1.attn_mask"].unique().tolist()) == [-100, 0]
    assert f"{first}0.attn_mask" not in model
    assert model["encoder.mask_token"].shape == (1, 1, 8)
    assert model["decoder.0.weight"].shape == (3 * 8**2, 16, 1, 1)
    assert any("cpb_mlp" in k for k in model)
    assert not any("rpe_mlp" in k for k in model)
    bare = files.simmim_swinv2(V2, stripped=True)["model"]
    assert bare.keys() == V2.state_dict().keys()
    supervised = files.supervised_swinv2(V2)["model"]
    assert {"head.weight", "norm.weight"} < supervised.keys()
    assert not any(k.startswith("encoder.") or "rpe_mlp" in k for k in supervised)


@pytest.mark.parametrize("legacy", [False, True])
def test_a_trained_file_holds_a_class_that_cannot_be_imported(tmp_path, legacy):
    path = files.save(files.simmim_swinv2(V2), tmp_path / "simmim.pth", legacy)
    assert "yacs" not in sys.modules
    with pytest.raises(pickle.UnpicklingError, match=r"yacs\.config"):
        torch.load(path, weights_only=True)
    with pytest.raises(ModuleNotFoundError, match="yacs"):
        torch.load(path, weights_only=False)
    path = files.save(files.mae(PLAIN, full=True), tmp_path / "mae.pth", legacy)
    with pytest.raises(pickle.UnpicklingError, match=r"argparse\.Namespace"):
        torch.load(path, weights_only=True)
    path = files.save(files.msn(PLAIN), tmp_path / "msn.pth", legacy)
    assert torch.load(path, weights_only=True)["epoch"] == 600


@pytest.mark.parametrize("registers", [True, False])
def test_dinov2_is_what_timm_reads(registers):
    name = f"vit_small_patch14_{'reg4_' if registers else ''}dinov2"
    net = timm.create_model(name, **{**TINY, "img_size": 56, "num_classes": 0})
    given = DINOV2 if registers else another(net.state_dict(), 6)
    found = files.dinov2(given)
    assert found["mask_token"].shape == (1, 24)
    assert found["blocks.0.ls1.gamma"].shape == (24,)
    net.load_state_dict(timm.models.vision_transformer.checkpoint_filter_fn(found, net))
    for key, value in net.state_dict().items():
        torch.testing.assert_close(value, given[key])


def test_a_detectron2_file():
    found = files.detectron2(RESNET)["model"]
    assert found["stem.conv1.norm.running_var"].shape == (64,)
    assert found["res5.0.shortcut.norm.weight"].shape == (64,)
    assert found["res5.1.conv3.weight"].shape == (64, 16, 1, 1)
