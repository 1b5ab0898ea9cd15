"""The trivial predictor in a test: its score, whatever happens to the test, and when it fails."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from lightning.pytorch import Callback

from mim_bench.backbones.spec import BackboneSpec
from mim_bench.benchmarks import execution, testing
from mim_bench.benchmarks.callbacks import Interrupted
from mim_bench.benchmarks.plan import Request, make_plan
from mim_bench.benchmarks.stopping import StopRequest
from mim_bench.benchmarks.store import RunFolder, Store
from mim_bench.datamodules.readers.nyuv2 import NYUv2
from mim_bench.errors import UserError
from mim_bench.tasks.depth import DepthTask
from mim_bench.tasks.depth_trivial import MeanDepth
from mim_bench.verbs import looking

NAME = "per-pixel mean depth of 12 training frames"


@pytest.fixture(scope="module")
def trained(small_cache, tmp_path_factory):
    """A run that is trained (a step) and not tested."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIM_BENCH_CACHE", str(small_cache))
        overrides = {
            "trainer.max_steps": 1,
            "trainer.val_check_interval": 99,
            "data.num_workers": 0,
            "data.batch_size": 4,
        }
        request = Request({"nyuv2": "nyuv2"}, [BackboneSpec("vit_mini")], overrides=overrides)
        (node,) = make_plan(request).nodes
        folder = node.folder(Store(tmp_path_factory.mktemp("trained")))
        folder.update(**node.job())
        execution.execute(folder.read(), folder, StopRequest())
    for part in ("scores", "records"):
        shutil.rmtree(folder.path / part)
    return folder


@pytest.fixture
def tested(trained, small_cache, monkeypatch, tmp_path):
    """Test the run in a folder of its own; returns the scores' files by column."""
    monkeypatch.setenv("MIM_BENCH_CACHE", str(small_cache))
    build = execution.build_trainer

    def run(name="whole", *, stop_in=None, columns=None, **data):
        folder = RunFolder(tmp_path / name / trained.id)
        if not folder.path.exists():
            shutil.copytree(trained.path, folder.path)
        job = folder.read()
        job["resolved"]["data"]["init_args"].update(data)
        (first,) = job["scores"]
        job["scores"] = [{**first, **changes} for changes in columns or [{}]]
        stop = StopRequest()

        class Stop(Callback):
            def on_test_batch_start(self, trainer, module, batch, batch_idx, *_):
                if batch_idx == stop_in:
                    stop.set()

        def with_stop(settings, where, callbacks, **more):
            return build(settings, where, [Stop(), *callbacks], **more)

        monkeypatch.setattr(execution, "build_trainer", with_stop)
        if stop_in is None:
            execution.execute(job, folder, stop)
        else:
            with pytest.raises(Interrupted):
                execution.execute(job, folder, stop)
        found = [json.loads(path.read_text()) for path in folder.path.glob("scores/*.json")]
        return folder.path, {score["column"]: score for score in found}

    return run


def frames(small_cache, split):
    """Ground truth in every fifth pixel, which is what a scale of 0.2 leaves."""
    (world,) = small_cache.glob("world-*-seed0")
    reader = NYUv2(world)
    return [reader.sample(split, index)["depth"][::5, ::5] for index in range(reader.count(split))]


def by_hand(small_cache, crop, cap):
    """RMSE and d1 per picture, then their means, of the mean map: in plain NumPy."""
    train = np.stack(frames(small_cache, "train")).astype(float)
    known = (train > 0).sum(0)
    mean = np.where(known > 0, train.sum(0) / np.maximum(known, 1), train[train > 0].mean())
    rows, columns = crop
    errors, shares = [], []
    for depth in frames(small_cache, "test"):
        truth, guess = depth[rows, columns].astype(float), mean[rows, columns]
        counted = (truth > 1e-3) & (truth < cap)
        truth, guess = truth[counted], guess[counted]
        errors.append(np.sqrt(((truth - guess) ** 2).mean()))
        shares.append((np.maximum(truth / guess, guess / truth) < 1.25).mean())
    return np.mean(errors), np.mean(shares)


def test_its_score_goes_the_networks_way(tested, small_cache):
    columns = [
        {},
        {"column": "d1", "id": "b", "metric": "d1", "direction": "max"},
        {"column": "all", "id": "c", "records": "r", "options": {"crop": "none", "max_depth": 3.0}},
    ]
    path, scores = tested(columns=columns)
    eigen = slice(9, 94), slice(8, 120)  # 45:471 and 41:601, a fifth of it
    rmse, d1 = by_hand(small_cache, eigen, 10.0)
    assert scores["nyuv2"]["trivial"]["value"] == pytest.approx(rmse, rel=1e-5)
    # a pixel at the very bound may fall to either side of it: single against double precision
    assert scores["nyuv2"]["trivial"]["all"]["d1"] == pytest.approx(d1, abs=1e-4)
    assert scores["d1"]["trivial"]["value"] == pytest.approx(d1, abs=1e-4)
    whole, _ = by_hand(small_cache, (slice(None), slice(None)), 3.0)
    assert scores["all"]["trivial"]["value"] == pytest.approx(whole, rel=1e-5)
    for score in scores.values():
        assert score["trivial"]["predictor"] == NAME
        assert score["trivial"]["value"] != score["value"]
    beside = path / scores["nyuv2"]["trivial"]["records"]
    lines = [line for shard in beside.glob("*.jsonl") for line in shard.read_text().splitlines()]
    values = [json.loads(line)["rmse"] for line in lines]
    assert len(values) == scores["nyuv2"]["samples"]
    assert np.mean(values) == pytest.approx(rmse, rel=1e-5)


def test_nothing_that_happens_to_a_test_changes_it(tested):
    _, scores = tested(eval_batch_size=5)
    whole = scores["nyuv2"]
    for batch in (0, 1):
        path, found = tested(f"stopped{batch}", stop_in=batch, eval_batch_size=2)
        assert not found
        assert len(list(path.glob("records/*/trivial-*/*.jsonl"))) == 1
        path, found = tested(f"stopped{batch}", eval_batch_size=1)
        assert found["nyuv2"]["trivial"] == whole["trivial"]
        assert found["nyuv2"]["value"] == pytest.approx(whole["value"], rel=1e-6)
        beside = path / found["nyuv2"]["trivial"]["records"]
        assert len(list(beside.glob("*.jsonl"))) == 2
        assert sum(len(shard.read_text().splitlines()) for shard in beside.glob("*")) == 5
    _, found = tested("workers", eval_batch_size=3, num_workers=1)
    assert found["nyuv2"]["trivial"] == whole["trivial"]


def test_a_kill_between_the_two_records_leaves_no_gap(tested):
    path, scores = tested(eval_batch_size=2)
    (network,) = path.glob("records/*/*.jsonl")
    first, *_ = network.read_text().splitlines(keepends=True)
    for kept in ("", first + '{"id'):
        shutil.rmtree(path / "scores")
        network.write_text(kept)
        _, again = tested(eval_batch_size=2)
        assert again["nyuv2"]["trivial"] == scores["nyuv2"]["trivial"]
        for later in path.glob("records/*/rank0-[1-9].jsonl"):
            later.unlink()


def test_its_record_is_there_before_the_networks(tested, monkeypatch):
    def killed(*_):
        raise Interrupted

    monkeypatch.setattr(testing.WriteRecords, "on_test_batch_end", killed)
    path, _ = tested(stop_in=9, eval_batch_size=2)
    counts = [
        len(shard.read_text().splitlines())
        for records in ("*", "*/trivial-*")
        for shard in path.glob(f"records/{records}/*.jsonl")
    ]
    assert counts == [0, 2]


def test_records_of_the_network_alone_are_completed_without_it(tested, monkeypatch):
    path, scores = tested()
    shutil.rmtree(path / "scores")
    (beside,) = path.glob("records/*/trivial-*")
    (shard,) = beside.glob("*.jsonl")
    shard.write_text("".join(shard.read_text().splitlines(keepends=True)[1:3]))
    monkeypatch.setattr(DepthTask, "predict", None)  # the network is not asked
    _, again = tested()
    assert again["nyuv2"] == scores["nyuv2"]


def test_records_of_another_predictor_are_not_taken_for_its_own(tested, monkeypatch):
    path, scores = tested()
    shutil.rmtree(path / "scores")
    monkeypatch.setattr(
        DepthTask, "trivial_predictor", lambda self, data: MeanDepth(np.full((2, 2), 1.0), 1)
    )
    _, again = tested()
    assert again["nyuv2"]["trivial"]["predictor"] == "per-pixel mean depth of 1 training frame"
    assert again["nyuv2"]["trivial"]["value"] != scores["nyuv2"]["trivial"]["value"]


def no_ground_truth(self, data):
    raise OSError("no ground truth\nat all")


class Broken(MeanDepth):
    """Fails in the second batch."""

    asked = 0

    def predict(self, batch, options):
        self.asked += 1
        if self.asked > 1:
            raise ZeroDivisionError("of its own")
        return super().predict(batch, options)


class Undefined(MeanDepth):
    """Predicts what has no defined error."""

    def predict(self, batch, options):
        return super().predict(batch, options) * 0 - 1  # a logarithm of it is NaN


def nameless(self, data):
    predictor = MeanDepth(np.ones((2, 2)), 1)
    del predictor.name
    return predictor


@pytest.mark.parametrize(
    ("fit", "metric", "cause"),
    [
        (no_ground_truth, "rmse", "OSError: no ground truth"),
        (nameless, "rmse", "AttributeError"),
        (lambda self, data: Broken(np.ones((2, 2)), 1), "rmse", "ZeroDivisionError: of its own"),
        (lambda self, data: Undefined(np.ones((2, 2)), 1), "silog", "FloatingPointError: silog"),
    ],
)
def test_a_predictor_that_fails_costs_no_score(tested, monkeypatch, capsys, fit, metric, cause):
    columns = [{"metric": metric}]
    _, whole = tested("whole", columns=columns, eval_batch_size=2)
    monkeypatch.setattr(DepthTask, "trivial_predictor", fit)
    _, found = tested("broken", columns=columns, eval_batch_size=2)
    score = found["nyuv2"]
    assert (score["state"], score["value"]) == ("done", whole["nyuv2"]["value"])
    assert list(score["trivial"]) == ["error"]
    assert score["trivial"]["error"].startswith(cause)
    said = capsys.readouterr().err
    assert "Traceback" in said
    assert said.count("warning: no trivial predictor stands beside this score") == 1


def test_a_task_without_one_has_none_and_its_ids_are_the_same(tested, monkeypatch):
    path, whole = tested()
    monkeypatch.delattr(DepthTask, "trivial_predictor")
    bare, found = tested("bare")
    assert {**whole["nyuv2"], "trivial": 0} == {**found["nyuv2"], "trivial": 0}
    assert "trivial" not in found["nyuv2"]
    assert not list(bare.glob("records/*/trivial*"))
    names = [sorted(file.name for file in one.glob("scores/*")) for one in (path, bare)]
    assert names[0] == names[1]
    assert path.name == bare.name
    assert "trivial" not in json.dumps(whole["nyuv2"]["card"])


@pytest.mark.filterwarnings("ignore:.*no measurement", "ignore:column nyuv2")
def test_frames_without_ground_truth_are_left_out_and_noted(tested, monkeypatch, capsys):
    """A depth map of zeros has no error: the mean is over the others, and the score says so."""
    _, whole = tested()
    assert "notes" not in whole["nyuv2"]
    read = NYUv2.sample

    def emptied(numbers):
        def sample(reader, split, index):
            found = read(reader, split, index)
            hide = split == "test" and index in numbers
            return {**found, "depth": found["depth"] * 0} if hide else found

        return sample

    monkeypatch.setattr(NYUv2, "sample", emptied({1}))
    path, scores = tested("one")
    (note,) = scores["nyuv2"]["notes"]
    assert note.startswith("1 of 5 samples have no ground truth that counts")
    assert note.endswith("/rgb_00001")
    records = [
        json.loads(line)
        for shard in path.glob("records/*/*.jsonl")
        for line in shard.read_text().splitlines()
    ]
    values = [record["rmse"] for record in records]
    assert values.count(None) == 1
    assert scores["nyuv2"]["value"] == pytest.approx(np.mean([v for v in values if v is not None]))
    assert scores["nyuv2"]["value"] != whole["nyuv2"]["value"]
    looking.show_run(str(path.parent), str(path), None, as_json=False)
    assert f"note: {note}" in capsys.readouterr().out
    monkeypatch.setattr(NYUv2, "sample", emptied(range(5)))
    with pytest.raises(UserError, match="no sample has a rmse"):
        tested("all")
