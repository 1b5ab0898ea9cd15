"""The tracking task and its tracker: the published steps on a network that says known things."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from standins import TinyBackbone
from tracking_folders import LENGTH, SIZE, boxes, make_got10k

from mim_bench.crops import around, frame_mean
from mim_bench.datamodules.readers.got10k import GOT10k
from mim_bench.errors import UserError
from mim_bench.tasks.tracker import Follower, Tracker
from mim_bench.tasks.tracking import TrackingTask
from mim_bench.tasks.tracking_outcomes import tracks_of
from mim_bench.tasks.tracking_trivial import FirstBox

SMALL = {"image_size": (64, 64), "template_size": (32, 32), "encoder_layers": 1, "heads": 2}


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MIM_BENCH_CACHE", str(tmp_path / "cache"))


class TinyTask(TrackingTask):
    """On a backbone that is built in no time."""

    def build_backbone(self):
        return TinyBackbone()


def make_task(backbone=None, **settings):
    torch.manual_seed(0)
    kind = TinyTask if backbone is None else TrackingTask
    return kind(backbone or "vit_mini", drop_path=0.0, window=None, **{**SMALL, **settings})


def make_batch(count=4, seed=0):
    rng = np.random.default_rng(seed)
    places = rng.uniform(5, 30, (count, 4)).astype(np.float32)

    def pictures(side):
        return torch.from_numpy(rng.integers(0, 256, (count, 3, side, side), dtype=np.uint8))

    return {
        "id": [str(k) for k in range(count)],
        "template": pictures(32),
        "search": pictures(64),
        "box": torch.from_numpy(places),
    }


def sequences(root, count=2):
    """A batch of sequences, the first longer than the others."""
    make_got10k(root, val=count)
    reader = GOT10k(root)
    samples = [reader.sample("val", k) for k in range(count)]
    for sample in samples[1:]:
        sample["frames"] = sample["frames"][: LENGTH - 2]
    batch = {key: [sample[key] for sample in samples] for key in samples[0]}
    batch["box"] = torch.from_numpy(np.stack(batch["box"]))
    return batch


class Oracle(torch.nn.Module):
    """Says what it is told: `maps` (H, W) of logits and `places` (H, W, 4), for every target."""

    def __init__(self, maps, places):
        super().__init__()
        self.maps, self.places = maps, places
        self.templates, self.searches = [], []

    def features(self, images):
        self.templates.append(images)
        return images.mean((2, 3), keepdim=True)

    def locate(self, template, search):
        self.searches.append(search)
        count = len(search)
        assert len(template) == count
        return {
            "score": self.maps.expand(count, *self.maps.shape),
            "box": self.places.expand(count, *self.places.shape),
        }


def asked(task, maps, place=(0.5, 0.5, 0.25, 0.25)):
    """Put an oracle in the task's place of a network; every cell gives the same box."""
    places = torch.tensor(place).expand(*maps.shape, 4)
    task.network = Oracle(maps, places)
    return task


@pytest.mark.parametrize("backbone", ["vit_mini", "convnext_mini"])
def test_a_few_steps_lower_the_loss_of_every_parameter(backbone):
    task, batch = make_task(backbone), make_batch()
    optimiser = torch.optim.AdamW(task.parameters(), lr=2e-3)
    losses = []
    for step in range(12):
        loss = sum(task.loss(batch).values())
        optimiser.zero_grad()
        loss.backward()
        if not step:
            idle = [n for n, p in task.named_parameters() if p.requires_grad and p.grad is None]
            assert idle == []
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.9 * losses[0]


def test_both_terms_are_weighted():
    batch = make_batch()
    plain = make_task(score_weight=1.0, box_weight=1.0).loss(batch)
    usual = make_task().loss(batch)
    for name in ("score", "box"):
        torch.testing.assert_close(usual[name], 1.5 * plain[name])


def test_the_cell_is_chosen_under_a_window_and_gives_its_box(tmp_path):
    maps = torch.full((4, 4), -4.0)
    maps[0, 3], maps[2, 1] = 2.0, -0.4  # 0.88 at the border, 0.40 inside
    task = asked(make_task(), maps)
    places = torch.zeros(4, 4, 4)
    places[0, 3] = torch.tensor([0.9, 0.1, 0.2, 0.2])
    places[2, 1] = torch.tensor([0.4, 0.6, 0.25, 0.5])
    task.network.places = places
    frame = np.zeros((60, 80, 3), np.uint8)
    box = np.array([30.0, 20.0, 12.0, 8.0])
    for window, row in ((0.49, (2, 1)), (0.0, (0, 3))):
        tracker = Tracker(task, window=window, min_size=1.0)
        tracker.init(frame, box)
        found, score = tracker.update(frame)
        # by hand: shares of the search region of 64 pixels, which has the box's middle at its own
        scale = around(box, 4.0, (64, 64)).scale[0]
        x, y, wide, high = (float(value) for value in places[row])
        middle = [36 + (x - 0.5) * 64 / scale, 24 + (y - 0.5) * 64 / scale]
        sides = [wide * 64 / scale, high * 64 / scale]
        expected = [middle[0] - sides[0] / 2, middle[1] - sides[1] / 2, *sides]
        np.testing.assert_allclose(found, expected, rtol=1e-5)
        assert score == pytest.approx(float(torch.sigmoid(maps[row])), abs=1e-6)


def test_the_window_is_the_symmetric_hann(tmp_path):
    from mim_bench.tasks.tracker import hann_window

    rows, columns = np.hanning(5), np.hanning(7)
    np.testing.assert_allclose(hann_window(5, 7), np.outer(rows, columns), atol=1e-6)


def test_what_is_reported_is_uncut_and_what_is_remembered_is_cut():
    # the box found reaches out of the frame at the left
    task = asked(make_task(), torch.zeros(4, 4), (0.25, 0.5, 0.5, 0.25))
    frame = np.zeros((60, 80, 3), np.uint8)
    tracker = Tracker(task, min_size=1.0)
    tracker.init(frame, (2, 20, 10, 10))
    found, _ = tracker.update(frame)
    assert found[0] < 0
    kept = tracker.target.box
    assert kept[0] == 0
    assert kept[0] + kept[2] == pytest.approx(found[0] + found[2])
    # outside altogether: the one before is kept
    task.network.places = torch.tensor([-3.0, 0.5, 0.1, 0.1]).expand(4, 4, 4)
    tracker.update(frame)
    np.testing.assert_array_equal(tracker.target.box, kept)


def test_small_boxes_count_as_larger_when_the_region_is_cut():
    task = asked(make_task(), torch.zeros(4, 4))
    follower = Follower(task, min_size=10.0)
    frame = np.zeros((60, 80, 3), np.uint8)
    with torch.inference_mode():
        (target,) = follower.start([frame], [np.array([30.0, 20.0, 4.0, 12.0])])
    ((_, between),) = follower.searches([frame], [target])
    expected = around((27.0, 20.0, 10.0, 12.0), 4.0, (64, 64))
    np.testing.assert_allclose(between.scale, expected.scale)
    np.testing.assert_allclose(between.source, expected.source)


def test_the_first_frames_mean_fills_all_searches():
    task = asked(make_task(input_norm="none"), torch.zeros(4, 4))
    tracker = Tracker(task)
    first = np.full((60, 80, 3), 200, np.uint8)
    tracker.init(first, (0, 0, 20, 20))
    tracker.update(np.zeros((60, 80, 3), np.uint8))
    corner = task.network.searches[0][0, :, 0, 0] * 255
    np.testing.assert_allclose(corner, frame_mean(first), atol=0.6)


def test_sequences_in_a_batch_are_followed_as_alone(tmp_path):
    batch = sequences(tmp_path, 3)
    task = make_task(pictures=0).eval()
    with torch.inference_mode():
        together = task.predict(batch, {})
        for k in range(3):
            alone = task.predict({key: value[k : k + 1] for key, value in batch.items()}, {})[0]
            np.testing.assert_allclose(together[k].boxes, alone.boxes, rtol=1e-4, atol=1e-3)
        tracker = Tracker(task)
        frames = [np.asarray(Image.open(file)) for file in batch["frames"][1]]
        tracker.init(frames[0], batch["box"][1].tolist())
        found = [tracker.update(frame)[0] for frame in frames[1:]]
    np.testing.assert_allclose(together[1].boxes[1:], found, rtol=1e-4, atol=1e-3)
    assert [len(one.boxes) for one in together] == [LENGTH, LENGTH - 2, LENGTH - 2]
    np.testing.assert_array_equal(together[0].boxes[0], boxes(0)[0])


def test_templates_are_looked_at_once(tmp_path):
    batch = sequences(tmp_path)
    task = asked(make_task(), torch.zeros(4, 4))
    with torch.inference_mode():
        task.predict(batch, {})
    assert len(task.network.templates) == 1
    assert [len(search) for search in task.network.searches] == [2] * (LENGTH - 3) + [1, 1]


def test_records_give_the_score_of_their_rules(tmp_path):
    batch = sequences(tmp_path)
    truth = GOT10k(tmp_path).ground_truth("val")
    truth["sequences"] = {
        name: {**one, **{key: one[key][: len(frames)] for key in ("boxes", "absent", "cover")}}
        for (name, one), frames in zip(truth["sequences"].items(), batch["frames"], strict=True)
    }
    task = make_task()
    records = task.records(FirstBox().predict(batch, {}), batch, {})
    assert [set(record) for record in records] == [{"id", "boxes", "scores", "seconds"}] * 2
    values = task.scores(records, truth, {"rules": "got10k"})
    assert 0 < values["ao"] < 100
    metric = task.build_metric(truth)
    task.update_metric(metric, FirstBox().predict(batch, {}), batch)
    assert float(metric.compute()["ao"]) == pytest.approx(values["ao"])
    details = task.details(records, truth, {"rules": "got10k"})
    assert set(details["by_sequence"]) == set(batch["id"])
    assert details["curves"]["overlap"]["score"] == pytest.approx(values["ao"] / 100)
    assert task.figures(details, "mine")["overlap"].startswith(b"\x89PNG")


def test_a_submission_is_read_back_as_it_was_sent(tmp_path):
    batch = sequences(tmp_path)
    task = make_task()
    records = task.records(FirstBox().predict(batch, {}), batch, {})
    truth = GOT10k(tmp_path).ground_truth("val")
    for benchmark in ("got10k", "trackingnet"):
        sent = task.submission(records, {"rules": benchmark})
        path = tmp_path / sent.name
        path.write_bytes(sent.archive())
        frames = {name: len(track) for name, track in tracks_of(records).items()}
        task.check_submission(path, {"benchmark": benchmark, "frames": frames})
    short = {**truth, "benchmark": "trackingnet"}
    assert task.score_submission(path, short)["suc"] > 0
    with pytest.raises(UserError, match="no server for tracks under the rules 'lasot'"):
        task.submission(records, {"rules": "lasot"})


def test_pictures_show_frames_and_searches(tmp_path):
    batch = sequences(tmp_path)
    task = make_task().eval()
    with torch.inference_mode():
        drawn = task.draw(task.predict(batch, {}), batch, 1)
    ((name, picture),) = drawn
    assert name == "GOT-10k_Val_000001"
    assert picture.dtype == np.uint8
    assert picture.shape[2] == 3
    assert picture.shape[1] > picture.shape[0]


def test_the_heads_drop_path_waits():
    task = make_task(head_drop_path=0.5)
    rates = [module for module in task.network.head.modules() if hasattr(module, "on")]
    assert len(rates) == 2
    task.network.head.set_drop_path(False)
    assert not any(module.on for module in rates)


@pytest.mark.parametrize(
    "box", [(10, 10, 0, 5), (200, 10, 5, 5), (10, 10, float("nan"), 5), (-9, 0, 5, 5)]
)
def test_a_first_box_that_is_no_place_is_refused(box):
    tracker = Tracker(make_task())
    with pytest.raises(UserError, match="is no place in the first frame, which is 48 x 36"):
        tracker.init(np.zeros((SIZE[1], SIZE[0], 3), np.uint8), box)


def test_a_frame_of_another_size_is_named(tmp_path):
    batch = sequences(tmp_path, 1)
    Image.new("RGB", (20, 20)).save(batch["frames"][0][3])
    with pytest.raises(UserError, match="is 20 x 20, the frames before 48 x 36") as caught:
        make_task().predict(batch, {})
    assert "00000004.jpg" in str(caught.value)


def test_settings_are_checked():
    with pytest.raises(UserError, match="can't be divided by 5 heads"):
        make_task(heads=5)
    with pytest.raises(UserError, match="levels"):
        make_task(levels=(8, 16))
