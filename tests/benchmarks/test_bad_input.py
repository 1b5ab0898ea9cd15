"""Bad input: one clear error each, before anything is trained, and nothing lost."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import pytest

RUN = ("run", "--suite", "geometric", "--columns", "nyuv2", "--backbone", "vit_mini")
QUICK = ("--set", "trainer.max_steps=1", "--set", "data.num_workers=0")


@pytest.fixture
def root(tmp_path, small_cache):
    """A data root that may be damaged."""
    (world,) = small_cache.glob("world-*-seed0")
    shutil.copytree(world, tmp_path / "root")
    return tmp_path / "root"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "--suite", "geometrik"), ["unknown suite 'geometrik'", "'geometric'"]),
        (("run", "--suite", "geometric", "--columns", "nyu2"), ["unknown column", "'nyuv2'"]),
        (("run", "--suite", "combined", "--columns", "coco-box"), ["column coco-box", "not built"]),
        (("run", "--suite", "geometric", "--backbone", "swinv2_mimi"), ["did you mean 'swinv2_"]),
        (("run", "--suite", "geometric", "--backbone", "vit_mini=no.pth"), ["no weights file"]),
        (("run",), ["nothing to run"]),
        (("run", "nowhere.yaml"), ["no such recipe file"]),
        ((*RUN, "--set", "task.lrr=1"), ["did you mean 'task.lr'"]),
        ((*RUN, "--set", "task.lr=fast", "--set", "data.crop=3"), ["'fast'", "data.crop"]),
        ((*RUN, "--data-root", "nowhere"), ["there is no such data root", "nowhere"]),
        ((*RUN, "--preset", "paper"), ["paper preset needs the real data"]),
        (("show", "nyu"), ["unknown name 'nyu'", "did you mean 'nyuv2'"]),
        (("report",), ["there is no store"]),
        ((*RUN, "--backbone", "vit_mini", "--label", "a", "--label", "b"), ["named twice"]),
        ((*RUN, "--seed", "-1"), ["-1 is no seed"]),
        ((*RUN, "--set", "trainer.max_steps=0"), ["with --set", "max_steps is 0"]),
        (("explain", "abc"), ["no run 'abc'"]),
        (("data", "check", "nowhere"), ["no such folder"]),
    ],
)
def test_mistakes_on_the_command_line(cli, arguments, said):
    done = cli(*arguments, status=2)
    assert done.stderr.startswith("error: ")
    for part in said:
        assert part in done.stderr, done.stderr


def test_all_wrong_arguments_of_a_recipe_at_once(cli, tmp_path):
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(
        """
name: mine
task: {class_path: mim_bench.tasks.depth.DepthTask, init_args: {lr: fast, layer_decy: 0.9}}
data: {class_path: mim_bench.datamodules.depth.DepthDataModule, init_args: {reader: nyuv2, flip: 3}}
trainer: {max_steps: 1}
tests:
  mine: {split: test, metric: rms, direction: min, options: {flipp: true}}
miniature: {}
"""
    )
    for command in (["run"], ["plan", "--check"]):
        done = cli(*command, "mine.yaml", "--backbone", "vit_mini", status=2)
        for part in ("lr", "layer_decay", "flip", "'rmse'", "flipp"):
            assert part in done.stderr, done.stderr
    assert not list(tmp_path.rglob("scores"))


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_missing_list(cli, root, split):
    (root / "nyu_depth_v2" / f"{split}_list.txt").unlink()
    done = cli(*RUN, "--data-root", str(root), "--preset", "miniature", status=2)
    assert f"{split}_list.txt" in done.stderr
    assert f"{split}_list.txt" in cli("data", "check", str(root), status=1).stdout


def test_a_missing_picture(cli, root):
    lost = next((root / "nyu_depth_v2").glob("*/rgb_00000.jpg"))
    lost.unlink()
    done = cli(*RUN, "--data-root", str(root), "--preset", "miniature", status=2)
    assert lost.name in done.stderr
    assert "missing" in done.stderr


def test_an_empty_list(cli, root):
    (root / "nyu_depth_v2" / "train_list.txt").write_text("\n")
    done = cli(*RUN, "--data-root", str(root), "--preset", "miniature", status=2)
    assert "empty" in done.stderr


def test_a_truncated_picture_fails_its_run_with_the_cause(cli, root):
    for picture in (root / "nyu_depth_v2").glob("*/rgb_*.jpg"):
        picture.write_bytes(picture.read_bytes()[:5000])
    arguments = ("--data-root", str(root), "--preset", "miniature", *QUICK)
    done = cli(*RUN, *arguments, "--set", "data.num_workers=1", status=1)
    assert "is cut short" in done.stdout, done.stdout
    assert "rgb_" in done.stdout


def test_checkpoints_that_are_none(cli, tmp_path):
    class Evil:
        def __reduce__(self):
            return Path.touch, (tmp_path / "executed",)

    (tmp_path / "evil.pth").write_bytes(pickle.dumps({"weights": Evil()}))
    (tmp_path / "page.pth").write_text("<!DOCTYPE html><html></html>")
    (tmp_path / "cut.safetensors").write_bytes(b"\x10\x00\x00\x00\x00\x00\x00\x00{")
    names = [f"--backbone=vit_mini={name}" for name in ("evil.pth", "page.pth", "cut.safetensors")]
    done = cli(*RUN[:5], *names, *QUICK, status=1)
    assert not (tmp_path / "executed").exists()
    for part in ("evil.pth", "page.pth", "cut.safetensors"):
        assert part in done.stdout
    assert done.stdout.count("failed:") >= 3


def test_weights_that_miss_a_part_are_refused_unless_allowed(cli, tmp_path):
    import torch
    from safetensors.torch import save_file

    from mim_bench.backbones.build import build_backbone
    from mim_bench.backbones.spec import BackboneSpec

    whole = build_backbone(BackboneSpec("vit_mini"), [(96, 96)]).net.state_dict()
    half = {name: tensor.contiguous() for name, tensor in whole.items() if "blocks.7" not in name}
    save_file(half, tmp_path / "half.safetensors")
    torch.save({"other": torch.zeros(1)}, tmp_path / "other.pth")
    names = ("--backbone", "vit_mini=half.safetensors", "--backbone", "vit_mini=other.pth")
    done = cli(*RUN[:5], *names, *QUICK, status=1)
    assert "tensors are missing: blocks.7.norm1.weight" in done.stdout
    assert "no name in the weights belongs" in done.stdout
    allowed = ("--backbone", "vit_mini=half.safetensors", "--set", "backbone.allow_missing=true")
    cli(*RUN[:5], *allowed, *QUICK)


def test_a_store_of_a_newer_version(cli, tmp_path):
    folder = tmp_path / "runs" / "nyuv2" / "vit_mini" / "abc"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"schema": 99}))
    for arguments in (("report",), ("status",), ("explain", "abc")):
        assert "newer mim-bench" in cli(*arguments, status=2).stderr


def test_a_store_that_cannot_be_written(cli, tmp_path):
    (tmp_path / "file").write_text("")
    assert "no folder" in cli(*RUN, "--store", "file", status=2).stderr
    assert "can't be written" in cli(*RUN, "--store", "file/inner", status=2).stderr


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("raise RuntimeError('boom')", "importing 'mine' failed: RuntimeError: boom"),
        ("def f(:", "importing 'mine' failed: SyntaxError"),
        ("import sys; sys.exit(3)", "importing 'mine' failed: SystemExit: 3"),
        ("import nowhere_at_all", "importing 'mine' failed: there is no module 'nowhere_at_all'"),
        ("", "has no class 'Mine'"),
    ],
)
def test_a_module_that_cannot_be_imported(cli, tmp_path, module, said):
    (tmp_path / "mine.py").write_text(module + "\n")
    recipe = (Path(__file__).parents[2] / "docs/examples/own_task.yaml").read_text()
    recipe = recipe.replace("own_task.PlainDepth", "mine.Mine")
    (tmp_path / "mine.yaml").write_text(recipe)
    done = cli("plan", "--check", "mine.yaml", "--backbone", "vit_mini", status=2)
    assert said in done.stderr
    (tmp_path / "bad.pth").write_text("<html>")
    arguments = ("--suite", "geometric", "--columns", "nyuv2", "--backbone", "vit_mini=bad.pth")
    assert "bad.pth" in cli("plan", "--check", *arguments, status=2).stderr
