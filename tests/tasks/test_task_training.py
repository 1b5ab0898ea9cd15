"""What a task does in training: rates, groups, logs, frozen backbones, no waiting."""

import pytest
import torch
from standins import Rates, Recorder, fit, make_batch, make_task
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from mim_bench.tasks.schedules import Budget


def test_rates_of_each_step_are_the_schedule_times_the_layer_scale(tmp_path):
    task, rates = make_task(layer_decay=0.5), Rates()
    fit(task, tmp_path, callbacks=[rates], max_epochs=5)
    assert len(rates.seen) == 20
    for step, row in enumerate(rates.seen, 1):
        turn = 8  # 5 // 2 epochs of 4 steps
        if step < turn:
            rate = 47e-5 * (step / turn) ** 0.9 + 3e-5
        else:
            rate = max(3e-5, 5e-4 - 47e-5 * (step / turn - 1) ** 0.9)
        for name, found in row.items():
            scale = {"layer_00": 0.25, "layer_01": 0.5}.get(name[:8], 1.0)
            assert found == pytest.approx(rate * scale, rel=1e-9), (step, name)


def test_accumulation_counts_optimiser_steps(tmp_path):
    task, rates = make_task(), Rates()
    fit(task, tmp_path, callbacks=[rates], max_epochs=4, accumulate_grad_batches=2)
    assert task.budget == Budget(8, 4)
    expected = [task.schedule(step, task.budget) for step in range(1, 9)]
    assert [row["head_decay"] for row in rates.seen] == pytest.approx(expected)


def test_a_resumed_training_keeps_its_schedule(tmp_path):
    first = make_task()
    trainer = fit(first, tmp_path, max_epochs=6, limit_val_batches=0)
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    second = make_task()
    second.on_load_checkpoint(torch.load(tmp_path / "last.ckpt", weights_only=True))
    assert second.budget == first.budget == Budget(24, 6)


def test_budget_in_steps(tmp_path):
    task = make_task()
    fit(task, tmp_path, max_epochs=-1, max_steps=7, limit_val_batches=0)
    assert task.budget == Budget(7, None)


def test_optimiser_groups_and_weight_decay():
    task = make_task(weight_decay=0.07, betas=[0.8, 0.9])
    optimiser = task.configure_optimizers()
    assert isinstance(optimiser, torch.optim.AdamW)
    names = {id(weight): name for name, weight in task.network.named_parameters()}
    seen = []
    for group in optimiser.param_groups:
        assert group["betas"] == (0.8, 0.9)
        for weight in group["params"]:
            plain = weight.ndim == 1
            assert group["weight_decay"] == (0.0 if plain else 0.07), names[id(weight)]
            seen.append(names[id(weight)])
    assert sorted(seen) == sorted(names.values())


def test_a_parameter_without_a_group_is_no_silent_loss():
    task = make_task()
    task.network.backbone.param_groups = lambda *_: []
    with pytest.raises(RuntimeError, match=r"backbone\.first\.weight"):
        task.configure_optimizers()


def test_all_parameters_get_a_gradient():
    task = make_task()
    task.loss(make_batch()).backward()
    assert all(weight.grad is not None for weight in task.parameters())


def test_frozen_backbone_does_not_move(tmp_path):
    task = make_task(mode="frozen")
    groups = task.configure_optimizers().param_groups
    head = {id(weight) for weight in task.network.head.parameters()}
    assert {id(weight) for group in groups for weight in group["params"]} == head
    before = {name: value.clone() for name, value in task.network.state_dict().items()}
    fit(task, tmp_path, max_epochs=2)
    task.train()
    assert task.network.head.training
    assert not any(module.training for module in task.network.backbone.modules())
    after = task.network.state_dict()
    assert all(torch.equal(before[n], after[n]) for n in before if n.startswith("backbone."))
    moved = [n for n in before if n.startswith("head.") and not torch.equal(before[n], after[n])]
    assert any("running_mean" in name for name in moved)
    assert any("weight" in name for name in moved)


def test_logs_stand_only_at_the_trainers_interval(tmp_path):
    task, recorder = make_task(), Recorder()
    calls = []
    log = task.log_dict
    task.log_dict = lambda values, **kw: (calls.append(set(values)), log(values, **kw))
    fit(task, tmp_path, logger=recorder, max_epochs=4, log_every_n_steps=5)
    assert recorder.steps("train/loss") == [4, 9, 14]
    assert recorder.steps("lr/head_decay") == [4, 9, 14]
    assert sum("train/loss" in names for names in calls) == 3
    assert len(recorder.steps("val/rmse")) == 4


class NoWaiting(TorchDispatchMode):
    """Fails when a value is read back from the device, or a shape depends on values."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.name()
        assert "_local_scalar_dense" not in name, name
        assert "nonzero" not in name, name
        assert "masked_select" not in name, name
        return func(*args, **(kwargs or {}))


def test_a_training_step_never_waits_for_the_device():
    task = make_task()
    batch = make_batch()
    with NoWaiting():
        task.loss(batch).backward()
    with pytest.raises(AssertionError, match="_local_scalar_dense"), NoWaiting():
        task.loss(batch).item()


def test_loss_falls(tmp_path):
    torch.manual_seed(0)
    task = make_task(lr=5e-3, min_lr=5e-3, schedule="constant")
    for weight in task.network.head.parameters():
        if weight.ndim > 1:
            nn.init.kaiming_normal_(weight)
    batch = make_batch(4, 32, 32, holes=0.0)
    batch["depth"][:] = batch["image"].float().mean((1, 2, 3))[:, None, None] / 30
    batch["depth"][:2] *= 2
    batch["image"][:2] //= 3
    recorder = Recorder()
    fit(task, tmp_path, batch, size=4, max_epochs=40, logger=recorder, log_every_n_steps=1)
    losses = [row["train/loss"] for _, row in recorder.rows if "train/loss" in row]
    assert losses[-1] < 0.3 * losses[0]


def test_network_is_one_graph_for_the_compiler():
    task = make_task().eval()
    images = task.images(make_batch(2, 32, 32))
    with torch.no_grad():
        expected = task.network(images)
        task.network.compile(backend="eager", fullgraph=True)
        torch.testing.assert_close(task.network(images), expected)
    assert "head.fuse.0.weight" in task.network.state_dict()
