"""The worker looks at a run's features once, whatever else a test does, and tables tell of it."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from lightning.pytorch import Callback
from safetensors.torch import load_file, save_file

from mim_bench.backbones.spec import BackboneSpec
from mim_bench.benchmarks import execution, testing
from mim_bench.benchmarks.features import MeasureFeatures
from mim_bench.benchmarks.plan import Request, make_plan
from mim_bench.benchmarks.stopping import StopRequest
from mim_bench.benchmarks.store import RunFolder, Store
from mim_bench.benchmarks.suite import load_suite
from mim_bench.reports import build_tables, collect, render
from mim_bench.tasks.depth import DepthTask
from mim_bench.tasks.features import feature_statistics


@pytest.fixture(scope="module")
def trained(small_cache, tmp_path_factory):
    """Runs that were trained (a step) and tested, by mode."""
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIM_BENCH_CACHE", str(small_cache))
        overrides = {
            "trainer.max_steps": 1, "trainer.val_check_interval": 99,
            "data.num_workers": 0, "data.batch_size": 4,
        }  # fmt: skip
        store = Store(tmp_path_factory.mktemp("trained"))
        for mode in ("finetune", "frozen"):
            request = Request(
                {"nyuv2": "nyuv2"}, [BackboneSpec("vit_mini")], mode=mode, overrides=overrides
            )
            (node,) = make_plan(request).nodes
            folder = node.folder(store)
            folder.update(**node.job())
            execution.execute(folder.read(), folder, StopRequest())
            found[mode] = folder
    return found


@pytest.fixture
def again(trained, small_cache, monkeypatch, tmp_path):
    """Copy a run, forget its scores, change it and test it; returns its folder."""
    monkeypatch.setenv("MIM_BENCH_CACHE", str(small_cache))

    def run(name="run", change=None, mode="finetune", keep=False, callbacks=()):
        source = trained[mode]
        folder = RunFolder(tmp_path / name / "nyuv2" / "vit_mini" / source.id)
        shutil.copytree(source.path, folder.path)
        for part in ("scores", "records"):
            shutil.rmtree(folder.path / part)
        if not keep:
            folder.update(features=None)
        if change:
            change(folder)
        build = execution.build_trainer

        def with_more(settings, where, own, **more):
            return build(settings, where, [*callbacks, *own], **more)

        with monkeypatch.context() as patch:
            patch.setattr(execution, "build_trainer", with_more)
            execution.execute(folder.read(), folder, StopRequest())
        return folder

    return run


def score(folder):
    (path,) = folder.path.glob("scores/*.json")
    return json.loads(path.read_text())


@pytest.mark.parametrize("mode", ["finetune", "frozen"])
def test_a_run_holds_the_features_of_its_first_test_batch(trained, again, mode):
    kept = {}

    class Keep(Callback):
        def on_test_batch_start(self, trainer, module, batch, batch_idx, *_):
            if batch_idx == 0:
                backbone, predict = module.network.backbone, module.predict
                handle = backbone.register_forward_hook(lambda *c: kept.setdefault("maps", c[-1]))
                predict(batch, module.test_options)
                handle.remove()

    found = again(mode=mode, callbacks=[Keep()]).read()["features"]
    assert found == {**feature_statistics(kept["maps"]), "collapsed": False}
    assert found["vectors"] > 100
    assert trained[mode].read()["features"] == found


def test_it_changes_no_score_and_no_random_state(trained, again, monkeypatch):
    states = []

    class Watch(Callback):
        def on_test_batch_end(self, *_):
            states.append(torch.random.get_rng_state())

    predict = DepthTask.predict

    def random(self, batch, options):
        torch.rand(3)
        return predict(self, batch, options)

    monkeypatch.setattr(DepthTask, "predict", random)
    measured = again("measured", callbacks=[Watch()])
    kept = again("kept", keep=True, callbacks=[Watch()])
    assert measured.read()["features"] == kept.read()["features"]
    assert len(states) == 4
    assert torch.equal(states[0], states[2])
    values = {score(folder)["value"] for folder in (measured, kept, trained["finetune"])}
    assert len(values) == 1


def test_a_batch_is_passed_on_once_per_run(again, monkeypatch):
    counts = []
    predict = DepthTask.predict

    def counting(self, batch, options):
        counts.append(len(batch["id"]))
        return predict(self, batch, options)

    monkeypatch.setattr(DepthTask, "predict", counting)
    again("measured")
    assert counts == [4, 4, 1]
    counts.clear()
    again("known", keep=True)
    assert counts == [4, 1]


@pytest.mark.parametrize("value", [0.0, float("nan")])
def test_broken_weights_are_marked_in_the_table(again, value, monkeypatch):
    def spoil(folder):
        (path,) = (folder.path / "checkpoints").glob("*.safetensors")
        weights = load_file(path)
        for key, tensor in weights.items():
            if key.startswith("backbone."):
                tensor.fill_(value)
        save_file(weights, path)

    folder = again(change=spoil)
    found = folder.read()["features"]
    assert found["collapsed"] is True
    assert found["finite"] is (value == 0.0)
    records = collect(folder.path.parents[2])
    (table,) = build_tables(records, load_suite("geometric"))
    assert "¶ nyuv2 (vit_mini" in render(table)


def test_features_of_lost_weights_are_not_kept(again):
    def lose(folder):
        (path,) = (folder.path / "checkpoints").glob("*.safetensors")
        path.unlink()
        folder.update(features={"vectors": 1, "finite": False, "collapsed": True})

    assert again(change=lose, keep=True).read()["features"]["collapsed"] is False


def test_a_network_without_a_backbone_has_none(again, monkeypatch):
    monkeypatch.setattr(testing, "MeasureFeatures", Blind)
    folder = again()
    assert folder.read()["features"] is None
    assert score(folder)["state"] == "done"


class Blind(MeasureFeatures):
    """Sees a backbone that returns a dictionary."""

    def on_test_batch_start(self, trainer, module, batch, batch_idx, *_):
        backbone = module.network.backbone
        first = backbone.register_forward_hook(lambda *call: {"maps": call[-1]})
        head = module.network.head.register_forward_pre_hook(
            lambda _, given: (given[0]["maps"], *given[1:]) if isinstance(given[0], dict) else given
        )
        super().on_test_batch_start(trainer, module, batch, batch_idx)
        first.remove()
        head.remove()


def test_a_compiled_network_is_seen_too(again):
    class Compiled(Callback):
        def on_test_start(self, trainer, module):
            module.network.compile(backend="eager")

        def on_test_batch_start(self, trainer, module, batch, batch_idx, *_):
            module.predict(batch, module.test_options)  # a graph without hooks

    plain = again("plain").read()["features"]
    assert again("compiled", callbacks=[Compiled()]).read()["features"] == plain
