"""Runs of tracking, as a user sees them: three columns of one training, servers, killed tests."""

import json
import shutil
import zipfile

import numpy as np
import pytest

from mim_bench.backbones.spec import BackboneSpec
from mim_bench.benchmarks import execution
from mim_bench.benchmarks.plan import Request, make_plan
from mim_bench.benchmarks.stopping import StopRequest
from mim_bench.benchmarks.store import Store
from mim_bench.benchmarks.trained import load_task
from mim_bench.datamodules import miniature
from mim_bench.tasks.tracker import Tracker
from mim_bench.tasks.tracking import TrackingTask

OVERRIDES = {
    "trainer.max_steps": 1,
    "trainer.val_check_interval": 1,
    "data.num_workers": 0,
    "data.batch_size": 2,
    "data.eval_batch_size": 1,
    "task.image_size": [64, 64],
    "task.template_size": [32, 32],
    "data.search_size": [64, 64],
    "data.template_size": [32, 32],
}
COLUMNS = ("got10k", "trackingnet", "lasot")


@pytest.fixture(scope="module")
def tested(small_cache, tmp_path_factory):
    """A run of all three columns that was killed in its test's second sequence and went on."""
    store = Store(tmp_path_factory.mktemp("store"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIM_BENCH_CACHE", str(small_cache))
        request = Request(
            columns=dict.fromkeys(COLUMNS, "tracking"),
            backbones=[BackboneSpec("vit_mini")],
            overrides=OVERRIDES,
        )
        (node,) = make_plan(request).nodes
        folder = node.folder(store)
        folder.update(**node.job())
        predict, seen = TrackingTask.predict, []

        def killed(self, batch, options):
            if self.trainer.testing:
                if len(seen) == 1:
                    raise KeyboardInterrupt
                seen.extend(batch["id"])
            return predict(self, batch, options)

        def counted(self, batch, options):
            if self.trainer.testing:
                seen.extend(batch["id"])
            return predict(self, batch, options)

        patch.setattr(TrackingTask, "predict", killed)
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            execution.execute(folder.read(), folder, StopRequest())
        patch.setattr(TrackingTask, "predict", counted)
        execution.execute(folder.read(), folder, StopRequest())
    return folder, seen, small_cache


def scores(folder):
    found = [json.loads(path.read_text()) for path in folder.path.glob("scores/*.json")]
    return {score["column"]: score for score in found}


def test_a_killed_test_goes_on_behind_the_last_finished_sequence(tested):
    folder, seen, _ = tested
    assert len(seen) == len(set(seen)) == 4  # two of GOT-10k, one each of the others
    assert len(list(folder.path.glob("records/*/rank0-*.jsonl"))) == 4


def test_one_training_fills_three_columns(tested):
    folder, _, _ = tested
    found = scores(folder)
    assert set(found) == set(COLUMNS)
    for column, metric in (("got10k", "ao"), ("trackingnet", "suc"), ("lasot", "suc")):
        score = found[column]
        assert (score["state"], score["metric"]) == ("done", metric)
        assert 0 <= score["value"] <= 100
        assert score["trivial"]["predictor"] == "first box kept"
        assert set(score["card"]["training_sets"]) == {"got10k", "lasot", "trackingnet", "coco"}
        details = json.loads((folder.path / score["details"]).read_text())
        assert len(details["by_sequence"]) == score["samples"]
        assert list((folder.path / "details").glob(f"{column}-*.png"))
    assert {"suc", "suc_visible"} <= set(found["lasot"]["all"])
    assert found["lasot"]["card"]["success"] == "IoU > t"


def test_archives_are_those_of_the_servers(tested):
    folder, _, _ = tested
    found = scores(folder)
    for column, sample in (("got10k", "{0}/{0}_001.txt"), ("trackingnet", "{0}.txt")):
        score = found[column]
        assert "plays the server" in score["server"]
        details = json.loads((folder.path / score["details"]).read_text())
        with zipfile.ZipFile(folder.path / score["submission"]) as archive:
            names = archive.namelist()
        assert {sample.format(name) for name in details["by_sequence"]} <= set(names)


def test_a_trained_run_is_a_tracker(tested):
    folder, _, _ = tested
    tracker = Tracker(load_task(folder.path))
    frame = np.zeros((80, 120, 3), np.uint8)
    tracker.init(frame, (40, 30, 20, 16))
    box, score = tracker.update(frame)
    assert box.shape == (4,)
    assert 0 <= score <= 1


def test_other_rules_score_the_same_tracks(tested, monkeypatch):
    folder, _, cache = tested
    monkeypatch.setenv("MIM_BENCH_CACHE", str(cache))
    request = Request(
        columns={"lasot": "tracking"},
        backbones=[BackboneSpec("vit_mini")],
        overrides={**OVERRIDES, "tests.lasot.options.rules": "swintrack"},
    )
    (node,) = make_plan(request).nodes
    assert node.id == folder.id
    (score,) = node.scores
    assert score.id not in {one["id"] for one in scores(folder).values()}
    assert (folder.path / "records" / score.records).is_dir()


def test_without_a_test_split_the_validation_stands_in_marked(cli, small_cache, tmp_path):
    root = tmp_path / "data"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIM_BENCH_CACHE", str(small_cache))
        shutil.copytree(miniature.world_folder() / "GOT-10k", root / "GOT-10k")
    shutil.rmtree(root / "GOT-10k" / "test")
    settings = [part for key, value in OVERRIDES.items() for part in ("--set", f"{key}={value}")]
    done = cli(
        *("run", "--suite", "geometric", "--columns", "got10k", "--backbone", "vit_mini"),
        *("--data-root", str(root), "--preset", "miniature", *settings),
    )
    assert "◊ got10k: measured on got10k-val" in done.stdout
    (path,) = (tmp_path / "runs").glob("*/*/*/scores/*.json")
    score = json.loads(path.read_text())
    assert (score["split"], score["stands_for"]) == ("got10k-val", "got10k-test")
    assert "trained without lasot, trackingnet, coco" in " ".join(score["notes"])
    csv = cli("report", "--format", "csv").stdout
    assert "got10k-val" in csv
