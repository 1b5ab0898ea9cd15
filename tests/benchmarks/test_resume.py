"""A training stopped after any batch ends in the weights of one that never stopped."""

from __future__ import annotations

import pytest
import torch
from lightning.pytorch import Callback
from safetensors.torch import load_file

from mim_bench.backbones.spec import BackboneSpec
from mim_bench.benchmarks import execution
from mim_bench.benchmarks.callbacks import Interrupted
from mim_bench.benchmarks.plan import Request, make_plan
from mim_bench.benchmarks.stopping import StopRequest
from mim_bench.benchmarks.store import Store

STEPS = 7  # 12 frames in batches of 4: two epochs and a step


class StopAfter(Callback):
    """Asks to stop in the middle of a batch, as a signal would."""

    def __init__(self, stop: StopRequest, batch: int) -> None:
        self.stop = stop
        self.batch = batch

    def on_train_batch_start(self, trainer, *_):
        if trainer.fit_loop.total_batch_idx + 1 == self.batch:
            self.stop.set()


@pytest.fixture
def train(small_cache, monkeypatch, tmp_path):
    """Train in this process, stopping in the given batches; returns the final weights."""
    monkeypatch.setenv("MIM_BENCH_CACHE", str(small_cache))
    build = execution.build_trainer

    def run(name, *stops, workers=0, accumulate=1, seed=0):
        overrides = {
            "trainer.max_steps": STEPS,
            "trainer.val_check_interval": 2,
            "trainer.accumulate_grad_batches": accumulate,
            "trainer.log_every_n_steps": 3,
            "data.batch_size": 4,
            "data.num_workers": workers,
            "task.drop_path": 0.3,
        }
        request = Request(
            columns={"nyuv2": "nyuv2"},
            backbones=[BackboneSpec("vit_mini")],
            overrides=overrides,
            seeds=[seed],
        )
        (node,) = make_plan(request).nodes
        folder = node.folder(Store(tmp_path / name))
        folder.update(**node.job())
        for batch in (*stops, None):
            stop = StopRequest()

            def with_stop(settings, where, callbacks, *, batch=batch, stop=stop, **more):
                extra = [StopAfter(stop, batch)] if batch is not None else []
                return build(settings, where, [*extra, *callbacks], **more)

            monkeypatch.setattr(execution, "build_trainer", with_stop)
            if batch is None:
                execution.execute(folder.read(), folder, stop)
            else:
                with pytest.raises(Interrupted):
                    execution.execute(folder.read(), folder, stop)
        return load_file(folder.checkpoints / "final.safetensors")

    return run


def equal(first, second):
    return all(torch.equal(first[name], second[name]) for name in first)


def test_stopping_after_any_batch_changes_nothing(train):
    whole = train("whole")
    for batch in range(1, STEPS):
        assert equal(train(f"stop{batch}", batch), whole), f"stopped in batch {batch}"
    assert equal(train("often", 1, 3, 4, 6), whole)
    assert not equal(train("seed", seed=1), whole)


def test_workers_and_accumulated_batches_go_on_alike(train):
    whole = train("whole")
    assert equal(train("workers", 3, workers=2), whole)
    parts = train("parts", accumulate=2)
    assert equal(train("parts stopped", 3, 8, accumulate=2), parts)
