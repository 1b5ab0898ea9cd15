"""Pairs of tracking: which sets, sequences and frames an epoch draws, and what becomes of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tracking_folders import LENGTH, SIZE, make_all, make_got10k

from mim_bench.crops import around
from mim_bench.datamodules.readers.tracking import TrackingSets
from mim_bench.datamodules.readers.tracks import Track
from mim_bench.datamodules.tracking import TrackingDataModule, jittered
from mim_bench.datamodules.tracking_pairs import PairPlan, candidates, pick_frames
from mim_bench.errors import UserError

PLAIN = {"template_size": (16, 16), "search_size": (32, 32), "samples_per_epoch": 24}


@pytest.fixture
def make(tmp_path, monkeypatch):
    monkeypatch.setenv("MIM_BENCH_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "data"

    def build(reader=None, **changes):
        if not root.exists():
            make_all(root)
        reader = reader or TrackingSets(root, got10k_selection="all")
        return TrackingDataModule(reader, **{**PLAIN, "batch_size": 4, "seed": 3, **changes})

    return build


class Source:
    """A set of made-up tracks; frames are plain."""

    def __init__(self, name, valid, rate=None, still=False, boxes=None):
        self.name, self.still, self.valid, self.rate = name, still, valid, rate
        self.boxes = boxes

    def __len__(self):
        return len(self.valid)

    def track(self, index):
        valid = np.array(self.valid[index], bool)
        boxes = np.tile([4.0, 5.0, 10.0, 8.0], (len(valid), 1))
        if self.boxes is not None:
            boxes[:] = self.boxes[index]
        return Track(f"{self.name}{index}", boxes, valid, self.rate)

    def frame(self, index, number):
        return np.full((30, 40, 3), 10 * number + index, np.uint8)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=4),
    st.integers(1, 60),
    st.integers(0, 5),
    st.integers(0, 3),
)
def test_sets_go_through_permutations_across_epochs(counts, length, seed, extra):
    weights = [1.0 + k for k in range(len(counts))]
    plan = PairPlan(seed, counts, weights, length)
    epochs = 3 + extra
    drawn = np.concatenate([plan.epoch(epoch) for epoch in range(epochs)])
    first = 0
    for count in counts:
        mine = drawn[(drawn >= first) & (drawn < first + count)] - first
        for start in range(0, len(mine) - count + 1, count):
            assert sorted(mine[start : start + count]) == list(range(count))
        first += count
    # an epoch is the same whether or not those before it were asked for
    later = PairPlan(seed, counts, weights, length).epoch(epochs - 1)
    np.testing.assert_array_equal(later, plan.epoch(epochs - 1))


def test_sets_are_drawn_by_their_weights():
    plan = PairPlan(0, [50, 50, 50], [1, 2, 1], 8000)
    shares = np.bincount(plan.picks(0), minlength=3) / 8000
    np.testing.assert_allclose(shares, [0.25, 0.5, 0.25], atol=0.02)
    assert not (PairPlan(1, [50, 50, 50], [1, 2, 1], 8000).epoch(0) == plan.epoch(0)).all()


@pytest.mark.parametrize(("rate", "reach"), [(None, 100), (30.0, 100), (10.0, 33), (1.0, 3)])
def test_frames_are_two_that_show_the_target_within_reach(rate, reach):
    valid = np.random.default_rng(0).random(400) < 0.6
    track = Track("one", np.ones((400, 4)), valid, rate)
    rng = np.random.default_rng(1)
    pairs = [pick_frames(track, False, rng, 50) for _ in range(3000)]
    found = np.array([pair for pair in pairs if pair is not None])
    assert valid[found].all()
    gaps = np.abs(found[:, 0] - found[:, 1])
    assert (gaps.min(), gaps.max()) == (1, pytest.approx(reach, abs=3))
    assert gaps.max() <= reach
    assert abs((found[:, 0] < found[:, 1]).mean() - 0.5) < 0.05


def test_frames_of_pictures_are_one_object():
    track = Track("one", np.ones((5, 4)), np.array([0, 1, 1, 0, 1], bool))
    rng = np.random.default_rng(0)
    seen = {pick_frames(track, True, rng, 50) for _ in range(60)}
    assert seen == {(1, 1), (2, 2), (4, 4)}


def test_a_sequence_without_a_pair_passes_the_draw_on():
    sources = [Source("a", [[1, 1]]), Source("b", [[0, 1, 0], [0, 0], [1, 0, 1]])]
    for draw, index in ((0, 0), (1, 2), (2, 2), (3, 2)):
        name = "a" if draw == 0 else "b"
        first = next(candidates(sources, draw, np.random.default_rng(0), 50))
        assert (first[0].name, first[1]) == (name, index)


def test_a_box_outside_of_its_picture_passes_the_draw_on(make):
    outside = Source("a", [[1, 1], [1, 1]], boxes=[[90, 5, 9, 9], [5, 5, 9, 9]])
    data = make()
    data.reader.sources = lambda: [outside]
    loader = data.train_dataloader()
    assert {name for batch in loader for name in batch["sequence"]} == {"a1"}
    outside.boxes[1] = [90, 5, 9, 9]
    with pytest.raises(UserError, match="no sequence of the set shows its target"):
        next(iter(data.train_dataloader()))


def test_batches_have_what_the_task_takes(make):
    batch = next(iter(make().train_dataloader()))
    assert batch["template"].shape == (4, 3, 16, 16)
    assert batch["search"].shape == (4, 3, 32, 32)
    assert batch["box"].shape == (4, 4)
    x, y, wide, high = batch["box"].T
    assert (wide > 0).all()
    assert (high > 0).all()
    assert (x >= 0).all()
    assert (x + wide <= 32).all()
    assert (y + high <= 32).all()


def test_workers_and_places_change_no_sample(make):
    whole = list(make().train_dataloader())
    for more in (list(make(num_workers=2).train_dataloader()),):
        for one, two in zip(whole, more, strict=True):
            assert one["id"] == two["id"]
            for key in ("template", "search", "box"):
                assert (one[key] == two[key]).all()
    assert whole[0]["id"] != next(iter(make(seed=4).train_dataloader()))["id"]


def test_the_box_is_where_the_target_is(make):
    # a bright square on black: its place in the search region is what the box says
    boxes = np.tile([14.0, 9.0, 8.0, 6.0], (2, 1))

    class Square(Source):
        def track(self, index):
            return Track("s", boxes, np.ones(2, bool))

        def frame(self, index, number):
            frame = np.zeros((30, 40, 3), np.uint8)
            frame[9:15, 14:22] = 255
            return frame

    data = make(search_size=(64, 64), grey_p=0.0, colour=0.0)
    data.reader.sources = lambda: [Square("s", [[1, 1]])]
    for batch in list(data.train_dataloader())[:4]:
        for search, box in zip(batch["search"], batch["box"].numpy(), strict=True):
            rows, columns = np.nonzero(search[0].numpy() > 127)
            assert len(rows)
            x, y, wide, high = box
            assert abs(columns.min() - x) < 2.5
            assert abs(columns.max() + 1 - x - wide) < 2.5
            assert abs(rows.min() - y) < 2.5
            assert abs(rows.max() + 1 - y - high) < 2.5


def test_jitter_stretches_and_moves_as_published():
    box, rng = np.array([40.0, 30.0, 30.0, 18.0]), np.random.default_rng(0)
    still = around(box, 4.0, (224, 224))
    found = [jittered(box, 4.0, (224, 224), 0.25, 3.0, rng) for _ in range(4000)]
    logs = np.log([one.scale / still.scale for one in found])
    np.testing.assert_allclose(logs.std(0), 0.25, atol=0.01)
    np.testing.assert_allclose(logs.mean(0), 0.0, atol=0.02)
    assert abs(np.corrcoef(logs.T)[0, 1]) < 0.05
    shifts = np.array([one.target - still.target for one in found])
    reach = np.array([0.75 * (box[2:] * one.scale).sum() for one in found])
    assert (np.abs(shifts) <= reach[:, None] + 1e-9).all()
    assert np.abs(shifts / reach[:, None]).max() > 0.95
    for one in found[:500]:
        x, y, wide, high = one.to_crop(box)
        assert x < 223.5
        assert y < 223.5
        assert x + wide > 0.5
        assert y + high > 0.5


def test_colour_changes_template_and_search_apart_and_grey_both(make):
    class Shade(Source):
        def frame(self, index, number):
            return np.tile(np.array([200, 120, 40], np.uint8), (30, 40, 1))

    def shades(**changes):
        data = make(samples_per_epoch=200, **changes)
        data.reader.sources = lambda: [Shade("s", [[1, 1]])]
        batches = list(data.train_dataloader())
        template = np.concatenate([batch["template"][:, :, 8, 8] for batch in batches])
        return template, np.concatenate([batch["search"][:, :, 16, 16] for batch in batches])

    template, search = shades(colour=0.0, grey_p=0.3)
    grey = (template[:, 0] == template[:, 2]) & (template[:, 0] == template[:, 1])
    assert (grey == ((search[:, 0] == search[:, 2]) & (search[:, 0] == search[:, 1]))).all()
    assert 0.2 < grey.mean() < 0.4
    template, search = shades(colour=0.4, grey_p=0.0)
    assert np.corrcoef(template[:, 0], search[:, 0])[0, 1] < 0.3
    assert template.astype(float).std(0).min() > 2


def test_sequences_of_like_length_are_followed_together(make):
    data = make(eval_batch_size=2)
    data.reader.lengths = lambda split: [9, 3]
    (batch,) = list(data.eval_dataloader("got10k-val"))
    assert batch["id"] == ["GOT-10k_Val_000002", "GOT-10k_Val_000001"]
    assert [len(frames) for frames in batch["frames"]] == [LENGTH, LENGTH]
    left = list(data.eval_dataloader("got10k-val", skip=["GOT-10k_Val_000002"]))
    assert [batch["id"] for batch in left] == [["GOT-10k_Val_000001"]]


def test_the_card_says_what_was_trained_on(tmp_path, monkeypatch, make):
    card = make().card("lasot-test")
    assert card["training_sets"] == {"got10k": 3, "lasot": 2, "trackingnet": 3, "coco": 2}
    other = tmp_path / "other"
    make_got10k(other)
    some = make(TrackingSets(other, missing="leave-out", got10k_selection="all"))
    assert some.card("got10k-val")["training_sets"] == {"got10k": 3}
    assert SIZE == (48, 36)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"samples_per_epoch": 0}, "data.samples_per_epoch"),
        ({"radius": 0}, "data.radius"),
        ({"crop": "exact"}, "unknown crop 'exact'"),
        ({"weights": {"got": 2}}, "unknown set 'got'"),
        ({"weights": {"got10k": 0, "lasot": 0, "trackingnet": 0, "coco": 0}}, "data.weights"),
        ({"search_factor": 0.5}, "data.search_factor"),
    ],
)
def test_settings_are_checked(make, changes, said):
    with pytest.raises(UserError, match=said):
        make(**changes).epoch_plan(0)
