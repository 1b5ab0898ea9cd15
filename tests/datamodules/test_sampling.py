"""What an epoch draws, and how ranks share it."""

from __future__ import annotations

from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import BatchSampler

from mim_bench.datamodules.randomness import python_random, sample_generator
from mim_bench.datamodules.sampling import Draw, EpochSampler, EvalSampler, epoch_plan, ranks

counts = st.integers(1, 60)


def plan_of(count, seed=3):
    return lambda epoch: epoch_plan(seed, epoch, count)


def shard(rank, world):
    return lambda: (rank, world)


@given(counts, st.integers(0, 2**32), st.integers(0, 50))
def test_an_epoch_is_a_permutation(count, seed, epoch):
    plan = epoch_plan(seed, epoch, count)
    assert sorted(plan) == list(range(count))
    assert np.array_equal(plan, epoch_plan(seed, epoch, count))


def test_epochs_and_seeds_differ():
    plans = {tuple(epoch_plan(seed, epoch, 30)) for seed in range(5) for epoch in range(5)}
    assert len(plans) == 25


@settings(deadline=None)
@given(counts, st.integers(1, 5), st.integers(1, 4), st.integers(0, 3))
def test_ranks_share_each_step_of_the_epoch(count, world, size, epoch):
    samplers = [
        EpochSampler(plan_of(count), count, epoch, shard=shard(rank, world))
        for rank in range(world)
    ]
    batches = [list(BatchSampler(sampler, size, drop_last=True)) for sampler in samplers]
    assert len({len(of_rank) for of_rank in batches}) == 1
    plan = epoch_plan(3, epoch, count)
    for step, parts in enumerate(zip(*batches, strict=True)):
        draws = sorted(chain(*parts), key=lambda draw: draw.position)
        first = step * size * world
        # the same samples at the same positions as one rank would have in a batch of all
        assert draws == [Draw(epoch, p, plan[p]) for p in range(first, first + size * world)]
    for sampler in samplers:
        assert len(list(sampler)) == len(sampler) == count // world


@settings(deadline=None)
@given(counts, st.integers(1, 3), st.integers(1, 4), st.data())
def test_going_on_gives_the_rest_of_the_epoch(count, world, size, data):
    whole = [
        list(
            BatchSampler(EpochSampler(plan_of(count), count, 2, shard=shard(r, world)), size, True)
        )
        for r in range(world)
    ]
    last = max(count // world // size - 1, 0)
    done = data.draw(st.integers(0, last))
    for rank in range(world):
        sampler = EpochSampler(plan_of(count), count, 2, done * size * world, shard(rank, world))
        assert list(BatchSampler(sampler, size, True)) == whole[rank][done:]
        assert len(sampler) == count // world  # trainers count from the epoch's beginning
        sampler.set_epoch(3)
        assert [draw.position for draw in sampler] == list(
            range(rank, count - count % world, world)
        )
        sampler.set_epoch(2)
        assert list(BatchSampler(sampler, size, True)) == whole[rank][done:]


@pytest.mark.parametrize("world", [1, 2])
def test_behind_the_last_batch_the_next_epoch_comes(world):
    sampler = EpochSampler(plan_of(12), 12, 4, 12, shard(0, world))
    fresh = EpochSampler(plan_of(12), 12, 5, shard=shard(0, world))
    for epoch in (4, 5):  # the trainer may still count the epoch that is done
        sampler.set_epoch(epoch)
        assert list(sampler) == list(fresh)
    sampler.set_epoch(6)
    assert next(iter(sampler)).epoch == 6


@given(st.lists(st.integers(0, 999), unique=True, max_size=40), st.integers(1, 6))
def test_evaluation_neither_pads_nor_repeats(indices, world):
    parts = [EvalSampler(indices, shard(rank, world)) for rank in range(world)]
    seen = [draw.sample for part in parts for draw in part]
    assert sorted(seen) == sorted(indices)
    assert [len(list(part)) for part in parts] == [len(part) for part in parts]


def test_one_process_is_one_rank():
    assert ranks() == (0, 1)


@pytest.mark.parametrize("change", [(1, 0, 0), (0, 1, 0), (0, 0, 1)])
def test_a_samples_generator_depends_on_seed_epoch_and_position(change):
    same = [sample_generator(0, 0, 0).random() for _ in range(2)]
    assert same[0] == same[1]
    assert sample_generator(*change).random() != same[0]
    assert python_random(sample_generator(0, 0, 0)).random() == (
        python_random(sample_generator(0, 0, 0)).random()
    )


def test_neighbouring_generators_are_unrelated():
    first = np.array([sample_generator(5, 1, p).random(3) for p in range(2000)])
    assert abs(np.corrcoef(first[:-1, 0], first[1:, 0])[0, 1]) < 0.09
    assert np.abs(np.corrcoef(first.T) - np.eye(3)).max() < 0.09
    assert abs(first.mean() - 0.5) < 0.03
