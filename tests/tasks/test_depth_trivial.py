"""The mean depth map: against a slow plain formula, and what it costs."""

from __future__ import annotations

import weakref

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from standins import make_batch, make_task

from mim_bench.errors import UserError
from mim_bench.tasks.depth_trivial import FRAMES, MeanDepth, known_depth, to_size


def plain_mean(maps):
    """Pixel by pixel, in the size of the first map."""
    height, width = maps[0].shape
    mean = np.zeros((height, width))
    everything = []
    holes = []
    for row in range(height):
        for column in range(width):
            seen = []
            for depth in maps:
                tall, wide = depth.shape
                value = depth[
                    int((row + 0.5) * tall / height + 1e-9),
                    int((column + 0.5) * wide / width + 1e-9),
                ]
                if value > 0 and np.isfinite(value):
                    seen.append(float(value))
            everything += seen
            if seen:
                mean[row, column] = sum(seen) / len(seen)
            else:
                holes.append((row, column))
    for place in holes:
        mean[place] = sum(everything) / len(everything)
    return mean


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 10**6),
    st.lists(st.tuples(st.integers(1, 7), st.integers(1, 9)), min_size=1, max_size=5),
    st.floats(0, 0.95),
)
def test_the_map_is_the_mean_of_what_is_known_at_each_pixel(seed, sizes, holes):
    rng = np.random.default_rng(seed)
    maps = [rng.uniform(0.5, 80, size).astype(np.float32) for size in sizes]
    for depth in maps:
        depth[rng.uniform(size=depth.shape) < holes] = 0
    maps[0][0, 0] = 3.0  # something is known
    found = MeanDepth.fit(iter(maps))
    np.testing.assert_allclose(found.depth, plain_mean(maps), rtol=1e-5)
    assert found.depth.shape == sizes[0]
    assert found.name == f"per-pixel mean depth of {len(maps)} training frame" + "s" * (
        len(maps) > 1
    )


def test_where_nothing_is_ever_known_stands_the_mean_of_all_depths():
    maps = [np.array([[0.0, 2.0, 4.0]]), np.array([[0.0, 0.0, 6.0]])]
    np.testing.assert_allclose(MeanDepth.fit(maps).depth, [[4.0, 2.0, 5.0]])


def test_what_is_no_number_is_unknown():
    maps = [np.array([[np.nan, np.inf, -1.0, 2.0]]), np.array([[1.0, 3.0, 5.0, 2.0]])]
    np.testing.assert_allclose(MeanDepth.fit(maps).depth, [[1.0, 3.0, 5.0, 2.0]])


def test_a_mask_of_the_sample_is_heeded():
    sample = {"depth": np.full((1, 2), 3.0), "valid": np.array([[True, False]])}
    assert known_depth(sample).tolist() == [[3.0, 0.0]]
    assert known_depth({"depth": np.full((1, 2), 3.0)}).tolist() == [[3.0, 3.0]]


def test_without_any_known_depth_there_is_no_map():
    for maps in ([], [np.zeros((2, 2))] * 3):
        with pytest.raises(UserError, match=f"no depth is known in {len(maps)} training frames"):
            MeanDepth.fit(maps)


def test_maps_are_not_kept():
    alive = []

    def maps():
        for number in range(20):
            depth = np.full((50, 60 + number), 1.0)
            alive.append(weakref.ref(depth))
            yield depth
            del depth
            assert sum(ref() is not None for ref in alive) <= 2

    MeanDepth.fit(maps())
    assert len(alive) == 20


def test_every_picture_gets_the_map_in_its_size():
    rng = np.random.default_rng(0)
    predictor = MeanDepth(rng.uniform(1, 9, (6, 8)), 3)
    batch = make_batch(3, 6, 8)
    found = predictor.predict(batch, {"windows": 16, "flip": True})
    assert found.dtype == torch.float32
    assert (found.shape, found.device) == (batch["depth"].shape, batch["depth"].device)
    for one in found:
        np.testing.assert_array_equal(one.numpy(), predictor.depth)
    larger = predictor.predict(make_batch(1, 12, 24), {})[0].numpy()
    np.testing.assert_array_equal(larger, predictor.depth.repeat(2, 0).repeat(3, 1))
    np.testing.assert_array_equal(to_size(larger, 6, 8), predictor.depth)


def test_it_is_fitted_on_evenly_spaced_frames_of_the_training_split():
    asked = []

    class Data:
        train_split = "learn"

        def some_samples(self, split, most):
            asked.append((split, most))
            for value in (1.0, 3.0):
                yield {"depth": np.full((4, 4), value), "valid": np.ones((4, 4), dtype=bool)}

    predictor = make_task().trivial_predictor(Data())
    assert asked == [("learn", FRAMES)]
    assert FRAMES == 512
    np.testing.assert_array_equal(predictor.depth, np.full((4, 4), 2.0))
