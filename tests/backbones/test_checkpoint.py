"""Reading checkpoints: every wrapping, every broken file, nothing executed."""

from __future__ import annotations

import argparse
import os
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from mim_bench.backbones.build import build_backbone
from mim_bench.backbones.checkpoint import read_checkpoint, read_state_dict
from mim_bench.backbones.loading import SkipRandom, adapt_state, load_weights
from mim_bench.backbones.spec import BackboneSpec
from mim_bench.errors import UserError

STATE = {"stem.weight": torch.arange(6.0).reshape(2, 3), "stem.bias": torch.ones(2)}


def same(state, expected=STATE):
    assert list(state) == list(expected)
    assert all(torch.equal(state[name], expected[name]) for name in expected)


@pytest.mark.parametrize(
    "content",
    [
        STATE,
        {"model": STATE, "epoch": 3, "optimizer": {"lr": 1.0}},
        {"state_dict": STATE},
        {"state_dict": {"module": STATE}},
        {f"module.{name}": tensor for name, tensor in STATE.items()},
        {"model": {f"_orig_mod.module.{name}": tensor for name, tensor in STATE.items()}},
        {**STATE, "epoch": 7, "name": "x"},
        {name: torch.nn.Parameter(tensor) for name, tensor in STATE.items()},
    ],
)
def test_wrappers_are_opened(content, tmp_path):
    torch.save(content, tmp_path / "w.pth")
    same(read_state_dict(tmp_path / "w.pth"))


def test_safetensors_and_the_old_format(tmp_path):
    save_file(STATE, tmp_path / "w.safetensors")
    same(dict(sorted(read_state_dict(tmp_path / "w.safetensors").items(), reverse=True)))
    torch.save(STATE, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    same(read_state_dict(tmp_path / "old.pth"))


class Touch:
    """Makes a file when it is unpickled by a reader that executes what a file asks for."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("new_format", [True, False])
def test_code_in_a_file_is_never_executed(tmp_path, new_format):
    bait = tmp_path / "executed"
    torch.save(
        {"model": STATE, "config": Touch(bait)},
        tmp_path / "w.pth",
        _use_new_zipfile_serialization=new_format,
    )
    with pytest.raises(UserError) as caught:
        read_state_dict(tmp_path / "w.pth")
    assert not bait.exists()
    assert "asks to run posix.mkdir; nothing of it was run" in str(caught.value)
    (tmp_path / "plain.pkl").write_bytes(pickle.dumps(Touch(bait)))
    with pytest.raises(UserError):
        read_state_dict(tmp_path / "plain.pkl")
    assert not bait.exists()


@pytest.mark.parametrize("new_format", [True, False])
def test_a_settings_object_beside_the_weights_becomes_data(tmp_path, new_format):
    torch.save(
        {"model": STATE, "args": argparse.Namespace(lr=1)},
        tmp_path / "w.pth",
        _use_new_zipfile_serialization=new_format,
    )
    checkpoint = read_checkpoint(tmp_path / "w.pth")
    same(checkpoint.state)
    assert checkpoint.opened == ("model",)
    assert checkpoint.beside == ("args",)
    assert checkpoint.foreign == ("argparse.Namespace",)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_broken_files_are_user_errors(tmp_path, suffix):
    whole = tmp_path / f"whole{suffix}"
    if suffix == ".pth":
        torch.save(STATE, whole)
    else:
        save_file(STATE, whole)
    data = whole.read_bytes()
    contents = {
        "cut": data[: len(data) // 2],
        "start": data[:10],
        "empty": b"",
        "page": b"<!DOCTYPE html><html>Not found</html>",
        "json": b'{"error": "not found"}',
        "pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
        "noise": bytes(range(256)) * 8,
    }
    for name, content in contents.items():
        path = tmp_path / f"{name}{suffix}"
        path.write_bytes(content)
        with pytest.raises(UserError) as caught:
            read_state_dict(path)
        assert str(path) in str(caught.value)


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(0, 900), noise=st.binary(max_size=30), at=st.integers(0, 900))
def test_any_damage_is_a_user_error_or_harmless(tmp_path_factory, cut, noise, at):
    path = tmp_path_factory.mktemp("damaged") / "w.pth"
    torch.save(STATE, path)
    data = path.read_bytes()
    data = data[: len(data) - cut]
    path.write_bytes(data[:at] + noise + data[at + len(noise) :])
    try:
        state = read_state_dict(path)
    except UserError:
        return
    assert all(isinstance(tensor, torch.Tensor) for tensor in state.values())


def test_missing_file_folder_and_content_without_tensors(tmp_path):
    for path in (tmp_path / "no.pth", tmp_path):
        with pytest.raises(UserError, match="can't be read"):
            read_state_dict(path)
    for content in ({"epoch": 3}, [torch.ones(2)], {"model": {}}):
        torch.save(content, tmp_path / "w.pth")
        with pytest.raises(UserError, match="no named tensors"):
            read_state_dict(tmp_path / "w.pth")


# --- bringing them into a network ---


@pytest.fixture
def saved(entries, tmp_path):
    """saved(family, change) -> (network's own state, path of a checkpoint made from it)."""

    def save(family, change=lambda state: state):
        torch.manual_seed(1)
        levels = (16,) if family == "vit" else (32,)
        net = build_backbone(BackboneSpec(family), [(64, 64)], levels, out_norm="none").net
        state = net.state_dict()
        torch.save({"model": change(dict(state))}, tmp_path / "w.pth")
        return state, str(tmp_path / "w.pth")

    return save


def load(family, path, **options):
    return build_backbone(BackboneSpec(family, path, options=options), [(64, 64)], (32,))


def test_the_report_accounts_for_every_tensor(saved):
    def change(state):
        return {
            **{f"module.encoder.{name}": tensor for name, tensor in state.items()},
            "decoder.0.weight": torch.ones(3),
            "encoder.head.fc.weight": torch.ones(5, 32),
            "encoder.mask_token": torch.ones(1, 1, 8),
        }

    state, path = saved("convnext", change)
    backbone = load("convnext", path)
    same(backbone.net.state_dict(), state)
    report = backbone.report
    assert set(report.used) == set(state)
    assert report.renamed == {f"encoder.{name}": name for name in state}
    assert set(report.dropped) == {
        "decoder.0.weight",
        "encoder.head.fc.weight",
        "encoder.mask_token",
    }
    assert report.missing == report.resampled == ()


def test_official_swinv2_names(saved):
    """Merging at the end of a stage, rpe_mlp, norm3, buffers of another window."""

    def change(state):
        official = {"encoder.norm3.weight": torch.full((64,), 2.0)}
        official["encoder.norm3.bias"] = torch.full((64,), 3.0)
        for name, tensor in state.items():
            new = name.replace("cpb_mlp", "rpe_mlp")
            if "downsample" in name:
                stage = int(name.split(".")[1])
                new = name.replace(f"layers.{stage}", f"layers.{stage - 1}")
            official["encoder." + new] = tensor
        official["encoder.layers.0.blocks.0.attn.relative_coords_table"] = torch.ones(1, 5, 5, 2)
        official["encoder.layers.0.blocks.1.attn_mask"] = torch.ones(4, 9, 9)
        return official

    state, path = saved("swinv2", change)
    same(load("swinv2", path).net.state_dict(), state)
    spec = BackboneSpec("swinv2", path)
    normed = build_backbone(spec, [(64, 64)], out_norm="loaded")
    assert torch.equal(normed.norms[0].weight, torch.full((64,), 2.0))
    assert torch.equal(normed.norms[0].bias, torch.full((64,), 3.0))
    assert {"norm.weight", "norm.bias"} <= set(normed.report.used)
    fresh = build_backbone(spec, [(64, 64)], out_norm="new")
    assert torch.equal(fresh.norms[0].weight, torch.ones(64))


def test_missing_names_are_refused_then_initialised(saved):
    gone = "stages.2.blocks.1.mlp.fc1.weight"

    def change(state):
        del state[gone]
        return state

    state, path = saved("convnext", change)
    with pytest.raises(UserError, match=f"1 of {len(state)} tensors are missing: {gone}"):
        load("convnext", path)
    torch.manual_seed(5)
    backbone = load("convnext", path, allow_missing=True)
    assert backbone.report.missing == (gone,)
    filled = backbone.net.state_dict()[gone]
    assert filled.std() == pytest.approx(0.02, rel=0.2)
    torch.manual_seed(5)
    assert torch.equal(load("convnext", path, allow_missing=True).net.state_dict()[gone], filled)


def test_a_long_list_of_missing_names_is_cut(saved):
    _, path = saved("convnext", lambda state: dict(list(state.items())[:3]))
    with pytest.raises(UserError, match=r"… and \d+ more"):
        load("convnext", path)


def test_shapes_nan_and_foreign_names(saved):
    def bend(state):
        state["stem.0.bias"] = torch.ones(9)
        state["stem.1.weight"] = torch.full_like(state["stem.1.weight"], float("nan"))
        return state

    _, path = saved("convnext", bend)
    with pytest.raises(UserError) as caught:
        load("convnext", path)
    text = str(caught.value)
    assert "stem.0.bias has shape (9,)" in text
    assert "stem.1.weight holds NaN" in text
    assert path in text
    _, path = saved("convnext")
    for family in ("resnet", "vit"):
        with pytest.raises(UserError, match="no name in the weights"):
            load(family, path)


def test_positions_are_resampled_and_said_so(saved):
    state, path = saved("vit")
    backbone = build_backbone(BackboneSpec("vit", path), [(96, 128)], (16,))
    assert backbone.report.resampled == ("pos_embed",)
    positions = backbone.net.pos_embed
    assert positions.shape == (1, 1 + 6 * 8, 24)
    assert torch.equal(positions[:, 0], state["pos_embed"][:, 0])
    grid = state["pos_embed"][:, 1:].reshape(1, 4, 4, 24).permute(0, 3, 1, 2)
    expected = torch.nn.functional.interpolate(grid, (6, 8), mode="bicubic", antialias=True)
    torch.testing.assert_close(positions[:, 1:], expected.flatten(2).transpose(1, 2))


def test_a_run_of_our_own_can_be_loaded_again(entries, tmp_path):
    backbone = build_backbone(BackboneSpec("resnet"), [(64, 64)])
    state = {f"backbone.{name}": tensor for name, tensor in backbone.state_dict().items()}
    torch.save({"state_dict": {**state, "head.weight": torch.ones(2)}}, tmp_path / "last.ckpt")
    again = load("resnet", str(tmp_path / "last.ckpt"))
    same(again.net.state_dict(), backbone.net.state_dict())
    assert again.report.dropped == ("head.weight",)


@pytest.mark.parametrize("family", ["resnet", "vit", "swinv2", "convnext", "efficientnet"])
def test_random_initialisation_is_skipped_where_all_is_loaded(saved, family):
    state, path = saved(family)
    torch.manual_seed(2)
    before = torch.get_rng_state()
    backbone = load(family, path)
    assert torch.equal(torch.get_rng_state(), before)
    same(backbone.net.state_dict(), state)


@pytest.mark.filterwarnings("ignore:mean is more than 2 std")
def test_skipping_ends_where_torch_draws_until_it_fits():
    before = torch.get_rng_state()
    with SkipRandom():
        layer = torch.nn.Linear(3, 3)
        for bounds in ((-2, 2), (5, 6), (2.5, 4)):
            for mean in (0.0, 3.0):
                torch.nn.init.trunc_normal_(layer.weight, mean, 1.0, *bounds)
        torch.nn.init.xavier_uniform_(layer.weight)
        torch.nn.init.orthogonal_(layer.weight)
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.equal(torch.nn.Linear(3, 3).weight, torch.nn.Linear(3, 3).weight)


def test_half_precision_files_fill_full_precision_networks(saved):
    state, path = saved("convnext", lambda s: {name: t.half() for name, t in s.items()})
    for name, tensor in load("convnext", path).net.state_dict().items():
        assert tensor.dtype == torch.float32
        torch.testing.assert_close(tensor, state[name].half().float())


def test_filters_that_fail_name_the_file(saved):
    net = torch.nn.Linear(2, 2)
    with pytest.raises(UserError, match="no name"):
        load_weights(net, adapt_state(net, {"a": torch.ones(1)}), where="w.pth")
