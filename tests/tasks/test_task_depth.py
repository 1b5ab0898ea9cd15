"""DepthTask on a stand-in backbone: input, loss, validation, test, settings, a user's own task."""

import inspect
import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from jsonargparse import ArgumentParser
from lightning.pytorch import Callback
from lightning.pytorch.loggers import TensorBoardLogger
from standins import Recorder, TinyDepth, fit, loader, make_batch, make_task, make_trainer
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn

from mim_bench.errors import UserError
from mim_bench.tasks.base import Task
from mim_bench.tasks.depth import DepthTask
from mim_bench.tasks.depth_metrics import METRICS


@pytest.mark.parametrize("norm", ["none", "backbone"])
def test_input_norm(norm):
    task = make_task(input_norm=norm)
    batch = make_batch()
    expected = batch["image"].numpy() / 255.0
    if norm == "backbone":
        mean = np.array([0.5, 0.4, 0.3]).reshape(3, 1, 1)
        expected = (expected - mean) / np.array([0.2, 0.25, 0.5]).reshape(3, 1, 1)
    np.testing.assert_allclose(task.images(batch).numpy(), expected, rtol=1e-5, atol=1e-6)
    assert task.card({})["input_norm"] == norm


def test_loss_is_silog_of_valid_pixels():
    task = make_task().eval()
    batch = make_batch(holes=0.4)
    batch["valid"][:, :9] = False
    depth = task.network(task.images(batch)).detach().numpy()[:, 0]
    mask = batch["valid"].numpy() & (batch["depth"].numpy() > 0)
    d = np.log(batch["depth"].numpy()[mask]) - np.log(depth[mask])
    expected = np.sqrt((d**2).mean() - 0.5 * d.mean() ** 2)
    assert float(task.loss(batch).detach()) == pytest.approx(expected, rel=1e-5)


def test_validation_is_the_mean_of_the_records_and_test_gives_them(tmp_path):
    task = make_task()
    trainer = fit(task, tmp_path, max_epochs=2)
    batch = make_batch(3, seed=9)
    task.eval()
    with torch.no_grad():
        records = task.evaluate(batch, {})
    assert [record["id"] for record in records] == batch["id"]
    for name in METRICS:
        found = float(trainer.callback_metrics[f"val/{name}"])
        assert found == pytest.approx(task.score(records, name), rel=1e-4)

    class Keep(Callback):
        kept = ()

        def on_test_batch_end(self, trainer, module, outputs, *_):
            self.kept = [*self.kept, *outputs["records"]]

    keep = Keep()
    task.test_options = {"flip": False, "windows": 1}
    make_trainer(tmp_path, callbacks=[keep]).test(task, loader(batch, 2), verbose=False)
    with torch.no_grad():
        plain = task.evaluate(batch, {"flip": False, "windows": 1})
    assert [r["id"] for r in keep.kept] == batch["id"]
    assert [r["rmse"] for r in keep.kept] == pytest.approx([r["rmse"] for r in plain], rel=1e-5)
    assert plain[0]["rmse"] != records[0]["rmse"]
    assert json.loads(json.dumps(plain)) == plain


def test_options_reach_the_records():
    task = make_task().eval()
    batch = make_batch(2, 48, 64)
    with torch.no_grad():
        whole = task.evaluate(batch, {"crop": "none", "max_depth": 10})
        capped = task.evaluate(batch, {"crop": "none", "max_depth": 5.0})
        cropped = task.evaluate(batch, {"crop": "eigen"})
    known = ((batch["depth"] > 1e-3) & (batch["depth"] < 5)).sum((1, 2)).tolist()
    assert [record["pixels"] for record in capped] == known
    assert all(c["pixels"] < w["pixels"] for c, w in zip(cropped, whole, strict=True))


def test_an_image_without_ground_truth_is_left_out_of_the_score():
    task = make_task().eval()
    batch = make_batch(2)
    batch["depth"][1] = 0
    with torch.no_grad():
        records = task.evaluate(batch, {})
    assert records[1]["pixels"] == 0
    assert records[1]["rmse"] is None
    assert task.score(records, "rmse") == records[0]["rmse"]
    with pytest.raises(UserError, match="no sample has a rmse"):
        task.score(records[1:], "rmse")


def test_score_does_not_depend_on_order():
    rng = np.random.default_rng(0)
    records = [{"id": str(i), "rmse": float(v)} for i, v in enumerate(rng.lognormal(0, 3, 500))]
    assert DepthTask.score(records, "rmse") == DepthTask.score(records[::-1], "rmse")


def test_check_options_names_each_mistake():
    good = {"flip": False, "windows": 16, "crop": "garg", "max_depth": 80}
    assert DepthTask.check_options(good) == []
    bad = {"flip": 1, "windows": 0, "crop": "grag", "max_depth": "ten", "flipp": True}
    problems = [str(problem) for problem in DepthTask.check_options(bad)]
    assert len(problems) == 5
    assert any("did you mean 'garg'?" in problem for problem in problems)
    assert any("did you mean 'flip'?" in problem for problem in problems)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"mode": "finetun"}, "did you mean 'finetune'"),
        ({"input_norm": "imagenet"}, "input_norm 'imagenet'"),
        ({"schedule": "rise"}, "rise-fall"),
        ({"crop": "egen"}, "did you mean 'eigen'"),
        ({"windows": 0}, "windows is 0"),
        ({"betas": [0.9]}, "betas is"),
    ],
)
def test_settings_that_do_not_exist(arguments, text):
    with pytest.raises(UserError, match=text):
        make_task(**arguments)


def test_card_is_plain_and_says_what_the_number_means():
    card = make_task(norm_eps=1e-6).card({"windows": 16, "crop": "garg", "max_depth": 80})
    assert json.loads(json.dumps(card)) == card
    assert card["crop"] == "garg"
    assert card["windows"] == 16
    assert card["max_depth"] == 80
    assert card["flip"] is True
    assert card["mean"] == "per image"
    assert card["norm_eps"] == 1e-6


def test_largest_depth_comes_from_setting_dataset_or_nyu():
    assert make_task().max_depth == 10.0
    assert make_task(info={"max_depth": 80.0}).network.head.max_depth == 80.0
    assert make_task(info={"max_depth": 80.0}, max_depth=20).max_depth == 20.0
    assert make_task(info={"max_depth": 80.0}).card({})["max_depth"] == 80.0


def test_published_defaults():
    defaults = {
        name: parameter.default
        for cls in (Task, DepthTask)
        for name, parameter in inspect.signature(cls.__init__).parameters.items()
    }
    published = {
        "image_size": (480, 480),
        "window": 30,
        "norm_eps": 1e-6,
        "out_norm": "new",
        "drop_path": 0.3,
        "layer_decay": 0.9,
        "lr": 5e-4,
        "min_lr": 3e-5,
        "lr_power": 0.9,
        "schedule": "rise-fall",
        "weight_decay": 0.05,
        "betas": (0.9, 0.999),
        "input_norm": "none",
        "decay_convention": "mim-depth",
        "levels": (32,),
        "deconv_channels": (32, 32, 32),
        "deconv_kernel": 2,
        "silog_focus": 0.5,
        "flip": True,
        "windows": 2,
        "crop": "eigen",
    }
    assert {name: defaults[name] for name in published} == published


def test_each_argument_has_a_type_that_recipes_are_checked_by():
    given = {"backbone", "info", "mode"}
    for cls in (Task, DepthTask):
        parameters = dict(list(inspect.signature(cls.__init__).parameters.items())[1:])
        assert all(p.annotation is not inspect.Parameter.empty for p in parameters.values())
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(DepthTask, fail_untyped=True, skip=given)
    settings = {"image_size": [96, 96], "betas": [0.9, 0.99], "windows": 1, "weight_decay": 0.1}
    parsed = parser.parse_object(settings)
    assert parsed.image_size == [96, 96]
    assert parsed.pictures == 4
    for wrong in ({"windows": "two"}, {"weight_decay": "x"}, {"image_size": 96}, {"flip": 3}):
        with pytest.raises(Exception, match=next(iter(wrong))):
            parser.parse_object(wrong)


class PlainHead(nn.Module):
    def __init__(self, channels, factor):
        super().__init__()
        self.depth = nn.Sequential(nn.Conv2d(channels, factor**2, 1), nn.PixelShuffle(factor))

    def forward(self, levels, size):
        return self.depth(levels[-1])[..., : size[0], : size[1]].exp()


class PlainDepth(TinyDepth):
    """A user's own depth task: another head, another loss, an argument of its own."""

    def __init__(self, backbone, *, gain: float = 1.0, **kwargs):
        self.gain = gain
        super().__init__(backbone, **kwargs)

    def build_head(self, channels, strides):
        return PlainHead(channels[-1], strides[-1])

    def depth_loss(self, prediction, batch):
        known = batch["depth"] > 0
        error = torch.where(known, prediction - batch["depth"], 0.0).abs()
        return {"l1": self.gain * error.mean(), "small": 1e-3 * prediction.mean()}


def test_a_users_own_depth_task(tmp_path):
    recorder = Recorder()
    task = make_task(PlainDepth, gain=2.0)
    batch = make_batch(8, 32, 32)
    fit(task, tmp_path, batch, max_epochs=30, logger=recorder, log_every_n_steps=1)
    losses = [row["train/loss"] for _, row in recorder.rows if "train/loss" in row]
    parts = [row["train/l1"] + row["train/small"] for _, row in recorder.rows if "train/l1" in row]
    assert losses == pytest.approx(parts)
    assert np.mean(losses[-8:]) < 0.9 * np.mean(losses[:8])
    assert np.isfinite([row["val/rmse"] for _, row in recorder.rows if "val/rmse" in row]).all()


def test_pictures_of_the_same_samples_each_time(tmp_path):
    recorder = Recorder()
    fit(make_task(pictures=2), tmp_path, logger=recorder, max_epochs=2)
    tags = [(tag, step) for tag, _, step in recorder.shown]
    assert tags == [
        ("val/sample-9-0", 4),
        ("val/sample-9-1", 4),
        ("val/sample-9-0", 8),
        ("val/sample-9-1", 8),
    ]
    assert all(picture.shape == (32 + 26, 4 * 40, 3) for _, picture, _ in recorder.shown)
    assert not np.array_equal(recorder.shown[0][1], recorder.shown[2][1])


def test_tensorboard_holds_curves_and_pictures(tmp_path):
    fit(
        make_task(pictures=1),
        tmp_path,
        logger=TensorBoardLogger(tmp_path, name="", version=""),
        max_epochs=1,
        log_every_n_steps=2,
    )
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    tags = events.Tags()
    assert {"train/loss", "lr/head_decay", "lr/layer_00_decay", "val/rmse"} <= set(tags["scalars"])
    assert tags["images"] == ["val/sample-9-0"]
    assert [event.step for event in events.Scalars("lr/head_decay")] == [1, 3]
    assert [event.step for event in events.Scalars("train/loss")] == [1, 3]


@pytest.mark.parametrize("module", ["", ".schedules", ".options", ".scores"])
def test_what_plans_import_loads_no_torch(module):
    code = f"import sys, mim_bench.tasks{module}; print('torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


def test_the_loss_joins_the_batches_of_all_ranks(monkeypatch):
    seen = []
    monkeypatch.setattr("mim_bench.tasks.depth_loss.sum_over_ranks", lambda s: seen.append(s) or s)
    make_task().loss(make_batch())
    assert len(seen) == 1
