"""Checkpoints: whole or not at all, read as data; the best weights are kept beside the last."""

from __future__ import annotations

import errno
import json
import os
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from mim_bench.benchmarks import checkpoints, environment
from mim_bench.benchmarks.callbacks import FiniteLoss, KeepBest, step_seed
from mim_bench.benchmarks.execution import share_cores, split_batch
from mim_bench.benchmarks.store import RunFolder
from mim_bench.errors import UserError


def test_a_full_disk_keeps_the_last_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "last.ckpt"
    store = checkpoints.WholeCheckpointIO()
    store.save_checkpoint({"step": torch.tensor(1)}, path)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="the last checkpoint before is kept"):
        store.save_checkpoint({"step": torch.tensor(2)}, path)
    assert int(store.load_checkpoint(path)["step"]) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["last.ckpt"]


def test_a_damaged_checkpoint_is_told(tmp_path):
    path = tmp_path / "last.ckpt"
    checkpoints.WholeCheckpointIO().save_checkpoint({"step": torch.zeros(1000)}, path)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(UserError, match="is damaged"):
        checkpoints.WholeCheckpointIO().load_checkpoint(path)


def test_weights_come_back_whole(tmp_path):
    network, other = nn.BatchNorm1d(3), nn.BatchNorm1d(3)
    network(torch.randn(8, 3))
    checkpoints.save_weights(network, tmp_path / "final.safetensors")
    checkpoints.load_network(other, tmp_path / "final.safetensors")
    assert torch.equal(other.running_mean, network.running_mean)
    with pytest.raises(RuntimeError):
        checkpoints.load_network(nn.BatchNorm1d(4), tmp_path / "final.safetensors")


@pytest.mark.parametrize(("direction", "kept"), [("min", 1.0), ("max", 3.0)])
def test_the_best_weights_are_kept(tmp_path, direction, kept):
    folder = RunFolder(tmp_path)
    best = KeepBest(folder, {"rmse": direction})
    for value in (2.0, 1.0, float("nan"), 3.0):
        network = nn.Linear(1, 1)
        nn.init.constant_(network.weight, value)
        metrics = {"val/rmse": torch.tensor(value)}
        trainer = SimpleNamespace(callback_metrics=metrics, is_global_zero=True)
        best.on_validation_end(trainer, SimpleNamespace(network=network))
    found = nn.Linear(1, 1)
    checkpoints.load_network(found, folder.checkpoints / "best-rmse.safetensors")
    assert float(found.weight) == kept
    again = KeepBest(folder, {"rmse": direction})
    again.load_state_dict(json.loads(json.dumps(best.state_dict())))
    assert again.best == {"rmse": kept}


def test_a_loss_that_is_not_finite_ends_the_run():
    look = FiniteLoss(every=2)
    batch = {"id": ["a", "b"]}
    bad = {"loss": torch.tensor(float("nan"))}
    look.on_train_batch_end(SimpleNamespace(global_step=1), None, bad, batch)
    with pytest.raises(FloatingPointError, match="at step 2; samples of the batch: a, b"):
        look.on_train_batch_end(SimpleNamespace(global_step=2), None, bad, batch)


def test_step_seeds_differ_by_seed_batch_and_rank():
    seeds = {
        step_seed(*place) for place in [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 11, 1)]
    }
    assert len(seeds) == 5
    assert all(0 <= seed < 2**63 for seed in seeds)


@pytest.mark.parametrize(
    ("devices", "accumulate", "per_device"), [(1, 1, 24), (2, 1, 12), (2, 3, 4), (5, 1, None)]
)
def test_the_batch_is_divided_or_refused(devices, accumulate, per_device):
    datamodule = SimpleNamespace(effective_batch_size=24, batch_size=24)
    trainer = SimpleNamespace(world_size=devices)
    settings = {"accumulate_grad_batches": accumulate, "batch_norm": "device"}
    if per_device is None:
        with pytest.raises(UserError, match=r"24 can't be divided by 5 device"):
            split_batch(datamodule, trainer, settings)
        return
    split_batch(datamodule, trainer, settings)
    assert datamodule.device_batch_size == per_device
    assert datamodule.batch_report["batch_norm"] == per_device
    split_batch(datamodule, trainer, {**settings, "batch_norm": "sync"})
    assert datamodule.batch_report["batch_norm"] == 24


def test_loader_processes_get_a_core_each():
    old = torch.get_num_threads()
    try:
        share_cores(4, 1)
        assert torch.get_num_threads() == 3
        share_cores(2, 4)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(old)


def test_peak_memory_begins_anew():
    held = bytearray(300 << 20)
    held[::4096] = b"x" * len(held[::4096])
    high = environment.peak_memory_mb()
    del held
    environment.reset_peak_memory()
    if not os.path.exists("/proc/self/clear_refs"):  # noqa: PTH110
        pytest.skip("no such system call here")
    assert environment.peak_memory_mb() < high - 200


def test_the_environment_is_plain_content():
    found = json.loads(json.dumps(environment.environment()))
    assert found["torch"]
    assert found["cpus"] >= 1
