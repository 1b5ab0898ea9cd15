"""The metric of tracks: batches, ranks and copies give what the evaluation of all tracks gives."""

from __future__ import annotations

import pickle

import pytest
import torch
from torchmetrics.utilities.data import dim_zero_cat
from tracking_cases import track_case, truth_case

from mim_bench.errors import UserError
from mim_bench.tasks.tracking_metrics import TrackingBenchmark
from mim_bench.tasks.tracking_rules import evaluate

BENCHMARKS = ("got10k", "trackingnet", "lasot")


def case(benchmark):
    truth = truth_case(benchmark, 4)
    return truth, track_case(truth, 4)


def expected(rules, truth, tracks):
    held = {**truth, "sequences": {name: truth["sequences"][name] for name in tracks}}
    return {name: 100 * value for name, value in evaluate(rules, held, tracks).values.items()}


def add(metric, tracks):
    metric.update(list(tracks), [torch.from_numpy(track) for track in tracks.values()])


def values(metric):
    return {name: float(value) for name, value in metric.compute().items()}


@pytest.mark.parametrize("rules", [*BENCHMARKS, "swintrack"])
def test_batches_in_any_order(rules):
    truth, tracks = case("lasot" if rules == "swintrack" else rules)
    metric = TrackingBenchmark(rules, truth)
    items = list(tracks.items())[::-1]
    for part in (items[:2], items[2:3], [], items[3:]):
        add(metric, dict(part))
    whole = expected(rules, truth, tracks)
    assert values(metric) == whole
    assert values(pickle.loads(pickle.dumps(metric))) == whole
    metric.reset()
    some = dict(items[2:0:-1])  # the others are left out
    add(metric, some)
    assert values(metric) == expected(rules, truth, some)


def test_mistakes_are_named():
    truth, tracks = case("lasot")
    with pytest.raises(UserError, match="otb"):
        TrackingBenchmark("otb", truth)
    metric = TrackingBenchmark("lasot", truth)
    with pytest.raises(UserError, match="'thing-99'"):
        add(metric, {"thing-99": tracks["thing-1"]})
    metric.update([], [])
    with pytest.raises(UserError, match="no sequence"):
        metric.compute()
    add(metric, {"thing-1": tracks["thing-1"][:5]})
    with pytest.raises(UserError, match="sequence thing-1: has 5 boxes"):
        metric.compute()


@pytest.mark.parametrize("benchmark", BENCHMARKS)
@pytest.mark.parametrize("shares", [(1, 2), (0, 3), (3, 0)])
def test_two_ranks_are_one(benchmark, shares):
    truth, tracks = case(benchmark)
    ranks = []

    def gather(mine, group=None):
        del group
        parts = [dim_zero_cat(rank.rows) for rank in ranks]
        assert any(torch.equal(mine, part) for part in parts)
        assert len({part.shape[1:] for part in parts}) == 1  # else real ranks wait for ever
        assert len({part.dtype for part in parts}) == 1
        return parts

    for _ in shares:
        apart = {"dist_sync_fn": gather, "distributed_available_fn": lambda: True}
        ranks.append(TrackingBenchmark(benchmark, truth, **apart))
    whole = expected(benchmark, truth, tracks)
    for _ in range(2):
        owners = [rank for rank, share in zip(ranks, shares, strict=True) for _ in range(share)]
        for number, (name, track) in enumerate(tracks.items()):
            add(owners[number % len(owners)], {name: track})
        for rank in ranks:
            rank.update([], [])
            assert values(rank) == whole
        for rank in ranks:
            rank.reset()
