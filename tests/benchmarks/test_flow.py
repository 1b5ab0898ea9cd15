"""The whole flow as a user has it: run, look, run again, break it, go on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from mim_bench.benchmarks.recipe import load_recipe, recipe_files

if TYPE_CHECKING:
    from pathlib import Path

SMALL = ("--set", "trainer.max_steps=3", "--set", "trainer.log_every_n_steps=1")
SMALL += ("--set", "trainer.val_check_interval=2", "--set", "data.num_workers=0")
RUN = ("run", "--suite", "geometric", "--columns", "nyuv2", *SMALL)


def runs(store: Path) -> list[dict]:
    return [json.loads(path.read_text()) for path in sorted(store.glob("*/*/*/run.json"))]


def scores(store: Path) -> dict[str, float]:
    found = {}
    for path in store.glob("*/*/*/scores/*.json"):
        found[f"{path.parents[2].name}/{path.name}"] = json.loads(path.read_text())["value"]
    return found


@pytest.fixture(scope="module")
def finished(mim_bench, tmp_path_factory):
    """A store that one command filled: two backbones, one of them with two seeds."""
    folder = tmp_path_factory.mktemp("finished")
    rows = ("--backbone", "vit_mini", "--backbone", "convnext_mini", "--label", "my ViT")
    done = mim_bench(*RUN, *rows, "--seed", "0", "--seed", "1", cwd=folder)
    return folder, done.stdout


def test_a_run_fills_the_table(finished):
    folder, said = finished
    assert "miniature preset · miniature world" in said
    assert "my ViT, 2 seeds" in said
    assert "convnext_mini (random), 2 seeds" in said
    assert "SwinV2-B 1K-MIM" in said
    assert "never with the paper" in said
    assert len(scores(folder / "runs")) == 4
    for run in runs(folder / "runs"):
        assert run["state"] == "done"
        assert run["environment"]["torch"]
        assert run["fingerprints"].keys() == {"train", "test"}
        assert run["timings"]["fit_s"] > 0
        assert run["peak_memory_mb"] > 0
        assert run["batch"]["effective"] == 8
        assert run["parameters"] > 100_000


def test_a_score_carries_its_card(finished):
    (path, *_) = sorted((finished[0] / "runs").glob("nyuv2/vit_mini/*/scores/*.json"))
    score = json.loads(path.read_text())
    card = score["card"]
    assert score["samples"] == 5
    assert score["all"]["rmse"] == score["value"]
    wanted = {"input_norm": "none", "crop": "eigen", "flip": True, "windows": 2}
    assert {key: card[key] for key in wanted} == wanted
    assert card["mean"] == "per image"
    assert card["overrides"]["trainer.max_steps"] == 3
    records = [
        json.loads(line)
        for shard in (path.parents[1] / score["records"]).glob("*.jsonl")
        for line in shard.read_text().splitlines()
    ]
    assert len(records) == 5
    assert sum(record["rmse"] for record in records) / 5 == pytest.approx(score["value"])


def test_a_second_run_comes_from_the_store(finished, cli):
    folder, _ = finished
    before = {path: path.stat().st_mtime_ns for path in (folder / "runs").rglob("*.json")}
    started = time.monotonic()
    done = cli(*RUN, "--backbone", "vit_mini", "--label", "my ViT", cwd=folder)
    assert time.monotonic() - started < 10  # no worker: it would import torch
    assert "my ViT" in done.stdout
    after = {path: path.stat().st_mtime_ns for path in (folder / "runs").rglob("*.json")}
    assert before == after


def test_tensorboard_holds_what_people_look_for(finished):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (folder, *_) = sorted((finished[0] / "runs").glob("nyuv2/vit_mini/*/tensorboard"))
    events = EventAccumulator(str(folder))
    events.Reload()
    tags = events.Tags()
    assert {"train/loss", "val/rmse", "speed/data_wait", "speed/images_per_second"} <= set(
        tags["scalars"]
    )
    assert any(tag.startswith("lr/") for tag in tags["scalars"])
    assert tags["images"]
    texts = set(tags["tensors"])
    assert {"recipe/text_summary", "protocol card/nyuv2/text_summary"} <= texts


def test_looking_at_a_store(finished, cli):
    folder, _ = finished
    run = runs(folder / "runs")[0]
    assert run["id"] in cli("status", cwd=folder).stdout
    listed = json.loads(cli("status", "--json", cwd=folder).stdout)
    assert {row["state"] for row in listed} == {"done"}
    explained = cli("explain", run["id"][:6], cwd=folder).stdout
    assert "fingerprints" in explained
    assert "input_norm" in explained
    other = next(one for one in runs(folder / "runs") if one["seed"] != run["seed"])
    assert "seed" in cli("explain", run["id"], other["id"], cwd=folder).stdout
    assert "no run 'zz'" in cli("explain", "zz", cwd=folder, status=2).stderr
    markdown = cli("report", "--suite", "geometric", "--format", "md", cwd=folder).stdout
    assert "| my ViT, 2 seeds" in markdown
    assert cli("report", "--format", "csv", cwd=folder).stdout.count("my ViT") >= 1
    cli("report", "--format", "csv", "--out", "table.csv", cwd=folder)
    assert "nyuv2" in (folder / "table.csv").read_text()
    assert json.loads(cli("report", "--json", cwd=folder).stdout)


def test_a_new_option_tests_the_old_checkpoint(finished, cli, tmp_path):
    shutil.copytree(finished[0] / "runs", tmp_path / "runs")
    weights = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("*.safetensors")}
    done = cli(*RUN, "--backbone", "vit_mini", "--set", "tests.nyuv2.options.flip=false")
    assert "0." in done.stdout or "1." in done.stdout or "2." in done.stdout
    assert weights == {
        path: path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("*.safetensors")
    }
    assert len(scores(tmp_path / "runs")) == len(scores(finished[0] / "runs")) + 1


def test_frozen_trains_the_head_alone_and_is_a_row_of_its_own(cli, tmp_path):
    done = cli(*RUN, "--backbone", "vit_mini", "--mode", "frozen")
    assert "vit_mini (random), frozen" in done.stdout
    (run,) = runs(tmp_path / "runs")
    assert run["mode"] == "frozen"


def test_one_run_failing_leaves_the_others(cli, tmp_path):
    # a ResNet has no final layer norm to load, a ViT has
    changes = ("--set", "task.out_norm=loaded")
    done = cli(*RUN, *changes, "--backbone", "resnet18", "--backbone", "vit_mini", status=1)
    assert "failed" in done.stdout
    assert "no final LayerNorm" in done.stdout
    assert len(scores(tmp_path / "runs")) == 1
    states = {run["backbone"]["name"]: run["state"] for run in runs(tmp_path / "runs")}
    assert states == {"resnet18": "failed", "vit_mini": "done"}
    # it is not tried again by itself, and is when asked
    again = cli(*RUN, *changes, "--backbone", "resnet18", status=1)
    assert "`--retry failed` runs it again" in again.stdout
    old = runs(tmp_path / "runs")[0]["timings"]["started"]
    cli(*RUN, *changes, "--backbone", "resnet18", "--retry", "failed", status=1)
    assert runs(tmp_path / "runs")[0]["timings"]["started"] > old


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_run_goes_on_to_the_same_score(how, small_cache, tmp_path, cli):
    steps = ("--set", "trainer.max_steps=12", "--set", "trainer.checkpoint_minutes=0")
    command = (*RUN, *steps, "--backbone", "vit_mini")
    process = subprocess.Popen(
        [sys.executable, "-m", "mim_bench", *command, "--store", "broken"],
        cwd=tmp_path,
        env={**os.environ, "MIM_BENCH_CACHE": str(small_cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    deadline = time.monotonic() + 120
    while not list((tmp_path / "broken").rglob("last.ckpt")):
        assert time.monotonic() < deadline
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.01)
    process.send_signal(how)
    said = process.stdout.read()
    process.wait()
    if how == signal.SIGINT:
        assert process.returncode == 130, said
        assert "goes on where it was" in said
        (run,) = runs(tmp_path / "broken")
        assert run["state"] == "interrupted"
    else:  # the worker notices that its launcher is gone, and stops by itself
        while any(run["state"] == "running" for run in runs(tmp_path / "broken")):
            assert time.monotonic() < deadline
            time.sleep(0.1)
    assert not scores(tmp_path / "broken")
    cli(*command, "--store", "broken")
    cli(*command, "--store", "whole")
    assert scores(tmp_path / "broken") == scores(tmp_path / "whole")


def test_two_workers_share_the_runs(cli, tmp_path):
    backbones = ("--backbone", "vit_mini", "--backbone", "convnext_mini")
    cli(*RUN, *backbones, "--jobs", "2")
    assert len(scores(tmp_path / "runs")) == 2
    hosts = [(tmp_path / "runs").rglob("log.txt")]
    assert hosts


def test_json_output_is_json(finished, cli):
    folder, _ = finished
    done = cli(*RUN, "--backbone", "vit_mini", "--label", "my ViT", "--json", cwd=folder)
    (table,) = json.loads(done.stdout)["tables"]
    assert table["rows"]
    planned = json.loads(
        cli("plan", *RUN[1:], "--backbone", "vit_mini", "--json", cwd=folder).stdout
    )
    assert planned["runs"][0]["state"] == "cached"


def test_two_devices_test_each_sample_once_and_agree_with_one(cli, tmp_path):
    cli(*RUN, "--backbone", "vit_mini", "--store", "one")
    two = ("--set", "trainer.devices=2", "--set", "trainer.accelerator=cpu")
    cli(*RUN, *two, "--backbone", "vit_mini", "--store", "two")
    (run,) = runs(tmp_path / "two")
    assert run["batch"] == {**run["batch"], "effective": 8, "per_device": 4, "devices": 2}
    for records in ("records/*", "records/*/trivial-*"):
        shards = sorted((tmp_path / "two").glob(f"*/*/*/{records}/*.jsonl"))
        lines = [line for path in shards for line in path.read_text().splitlines()]
        names = [json.loads(line)["id"] for line in lines]
        assert len(shards) == 2
        assert len(names) == len(set(names)) == 5
    one, both = (
        json.loads(path.read_text())["trivial"]
        for store in ("one", "two")
        for path in (tmp_path / store).rglob("scores/*.json")
    )
    assert one == both
    assert one["predictor"] == "per-pixel mean depth of 12 training frames"
    assert [run["id"] for run in runs(tmp_path / "one")] == [run["id"]]
    # batch norm sees the device's batch, so the two trainings differ a little
    values = [*scores(tmp_path / "one").values(), *scores(tmp_path / "two").values()]
    assert values[0] == pytest.approx(values[1], abs=0.05)


def test_real_photographs_train_and_test(cli, real_data, tmp_path):
    done = cli(
        *RUN, "--preset", "miniature", "--data-root", str(real_data), "--backbone", "vit_mini"
    )
    assert f"miniature preset · {real_data}" in done.stdout
    (run,) = runs(tmp_path / "runs")
    # two frames are fewer than a batch: they train with their own size, and it is written down
    assert (run["batch"]["effective"], run["batch"]["configured"]) == (2, 8)
    (value,) = scores(tmp_path / "runs").values()
    assert 0 < value < 5


def test_fail_fast_leaves_the_rest_planned(cli, tmp_path):
    broken = ("--set", "task.out_norm=loaded", "--backbone", "resnet18", "--backbone", "vit_mini")
    done = cli(*RUN, *broken, "--fail-fast", status=1)
    states = {run["backbone"]["name"]: run["state"] for run in runs(tmp_path / "runs")}
    assert states["resnet18"] == "failed"
    assert states["vit_mini"] != "done"
    assert "no final LayerNorm" in done.stdout


def test_a_run_that_takes_too_long_is_stopped_and_can_go_on(cli, tmp_path):
    long = ("--set", "trainer.max_steps=100000", "--set", "trainer.val_check_interval=100000")
    done = cli(*RUN, *long, "--backbone", "vit_mini", "--timeout", "0.05", status=1)
    assert "stopped after 0.05 minutes (--timeout)" in done.stdout
    (run,) = runs(tmp_path / "runs")
    assert run["state"] == "failed"
    assert list(tmp_path.rglob("last.ckpt"))


def test_data_is_made_and_checked(cli, small_cache, tmp_path):
    (world,) = small_cache.glob("world-*-seed0")
    assert "holds this world already" in cli("data", "make", str(world)).stdout
    said = cli("data", "check", str(world)).stdout
    assert "nyuv2: complete train 12, test 5" in said
    (tmp_path / "empty").mkdir()
    said = cli("data", "check", str(tmp_path / "empty"))
    assert "nyuv2: not there" in said.stdout
    assert "sync.zip" in said.stdout  # where to get it
    cli("data", "check", str(tmp_path / "empty"), "--dataset", "nyuv2", status=1)


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (("list", "suites"), ["geometric", "lasot"]),
        (("list", "recipes"), ["nyuv2"]),
        (("list", "datasets"), ["NYU Depth V2", "licence"]),
        (("list", "tasks"), ["mim_bench.tasks.depth.DepthTask"]),
        (("list", "backbones"), ["swinv2_mini", "default row", "swinv2_base_1k_500k.pth"]),
        (("list", "backbones", "--all"), ["resnet50", "swinv2_base_window12_192"]),
        (("show", "nyuv2"), ["max_depth", "licence", "24231", "rmse"]),
        (("show", "geometric"), ["crowdpose"]),
        (("show", "vit_mini"), ["embed_dim"]),
        (
            ("show", "swinv2_base/1k-mim"),
            ["to get it: curl -L", "nyuv2: 30, 30, 30, 15 at 480x480", "mean: [0.485,"],
        ),
        (("show", "vit_small/dino"), ["dino_deitsmall16_pretrain.pth", "Apache-2.0"]),
        (("show", "resnet50"), ["timm"]),
    ],
)
def test_looking_things_up(cli, arguments, parts):
    done = cli(*arguments)
    for part in parts:
        assert part in done.stdout
    assert json.loads(cli(*arguments, "--json").stdout)


def test_every_shipped_recipe_trains_and_is_tested(cli, tmp_path):
    """A step of each, on the miniature world; those of `RUN` have tests of their own."""
    names = [name for name in recipe_files() if name != "nyuv2"]
    done = cli(
        "run", *names, "--backbone", "vit_mini", *SMALL,
        "--set", "trainer.max_steps=1", "--set", "data.batch_size=2",
    )  # fmt: skip
    assert "vit_mini (random)" in done.stdout
    for name in names:
        found = {}
        for path in (tmp_path / "runs" / name).glob("*/*/scores/*.json"):
            score = json.loads(path.read_text())
            found[score["column"]] = score
        assert found.keys() == load_recipe(name).content["tests"].keys()
        for score in found.values():
            assert score["state"] == "done"
            assert score["value"] >= 0
            assert score["trivial"]["value"] >= 0
        score = found[min(found)]
        if name == "kitti":
            assert score["card"]["frame_crop"] == [352, 1216]
            assert score["card"]["windows"] == 16
            assert score["card"]["crop"] == "garg"
            assert score["card"]["max_depth"] == 80
            assert "per-pixel mean depth of 9 training frames" in score["trivial"]["predictor"]
