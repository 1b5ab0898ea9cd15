"""`backbone inspect` says what a file is, and never ends in a traceback."""

from __future__ import annotations

import json

import pytest
import torch

from mim_bench.backbones.build import build_backbone
from mim_bench.backbones.inspection import inspect_file
from mim_bench.backbones.spec import BackboneSpec
from mim_bench.cli import app

from .reference import files
from .reference.swinv2 import SwinV2
from .reference.weights import randomise


@pytest.fixture(scope="module")
def simmim(tmp_path_factory):
    path = tmp_path_factory.mktemp("w") / "swinv2.pth"
    shape = {"embed_dim": 8, "depths": (2, 2, 2, 2), "heads": (1, 1, 2, 2)}
    windows = {"windows": (6, 6, 6, 3), "pretrained_windows": (6, 6, 6, 3)}
    network = randomise(SwinV2(**shape, **windows, pad_order="official"), 0)
    files.save(files.simmim_swinv2(network, size=96), path)
    return path


def test_what_it_says_of_a_simmim_file(simmim):
    content = inspect_file(simmim)
    assert content["format"] == "SimMIM, SwinV2"
    assert content["prefix"] == "encoder."
    assert content["depths"] == [2, 2, 2, 2]
    assert content["window"] == content["pretraining_window"] == [6, 6, 6, 3]
    assert content["resolution"] == 96
    assert content["foreign"] == ["yacs.config.CfgNode"]
    assert "optimizer" in content["beside"]


def test_held_against_a_network(simmim):
    content = inspect_file(simmim, "swinv2_mini")
    mapped = {entry["name"]: entry["to"] for entry in content["mapped"]}
    rpe = "encoder.layers.*.blocks.*.attn.rpe_mlp.*.weight"
    assert mapped[rpe] == "layers.*.blocks.*.attn.cpb_mlp.*.weight"
    assert "encoder.mask_token" in content["dropped"]
    assert content["misfits"], "another width must not pass unseen"


def test_a_deeper_networks_file_does_not_fill_a_shallower_one(tmp_path, capsys):
    """A run refuses it, though every name of the network is there."""
    net = build_backbone(BackboneSpec("vit_mini"), [(96, 96)], (16,), out_norm="none").net
    state = {**net.state_dict(), "norm.weight": torch.ones(96), "norm.bias": torch.zeros(96)}
    torch.save(state, tmp_path / "whole.pth")
    assert "problem" not in inspect_file(tmp_path / "whole.pth", "vit_mini")
    deeper = {k.replace("blocks.7.", "blocks.8."): v for k, v in state.items()}
    torch.save({**deeper, **state}, tmp_path / "deep.pth")
    content = inspect_file(tmp_path / "deep.pth", "vit_mini")
    assert "holds 12 tensors of blocks that the network lacks" in content["problem"]
    assert content["missing"] == {}
    command = ["backbone", "inspect", str(tmp_path / "deep.pth"), "--as", "vit_mini"]
    app(command, standalone_mode=False)
    assert "fills the whole network" not in capsys.readouterr().out


def test_the_command(simmim, capsys):
    app(["backbone", "inspect", str(simmim), "--as", "swinv2_mini"], standalone_mode=False)
    shown = capsys.readouterr().out
    # of another width, and with a block more in its last stage
    assert "tensors of blocks that the network lacks" in shown
    assert "of another shape:" in shown
    assert "fills the whole network" not in shown
    app(["backbone", "inspect", str(simmim), "--json"], standalone_mode=False)
    assert json.loads(capsys.readouterr().out)["format"] == "SimMIM, SwinV2"


def test_unknown_contents_are_listed(tmp_path):
    torch.save({"a.0.b": torch.ones(2), "a.1.b": torch.ones(2)}, tmp_path / "w.pth")
    content = inspect_file(tmp_path / "w.pth")
    assert content["format"] == "no format known"
    assert content["names"] == {"a.*.b": 2}
