"""DepthTask on the catalogue's small backbones."""

import pytest
import torch
from standins import loader, make_batch, make_trainer

from mim_bench.tasks.depth import DepthTask

NAMES = ["swinv2_mini", "vit_mini", "convnext_mini"]


def build(name, **arguments):
    torch.manual_seed(0)
    settings = {"image_size": [96, 96], "window": 6, "crop": "eigen", **arguments}
    return DepthTask(name, **settings)


@pytest.mark.parametrize("name", NAMES)
def test_trains_validates_and_tests(name, tmp_path):
    task = build(name)
    trainer = make_trainer(tmp_path, max_epochs=-1, max_steps=2)
    validation = make_batch(2, 96, 128, seed=1)
    trainer.fit(task, loader(make_batch(4, 96, 96), 2), loader(validation, 2))
    assert torch.isfinite(trainer.callback_metrics["val/rmse"])
    task.loss(make_batch(2, 96, 96)).backward()
    assert all(weight.grad is not None for weight in task.parameters())
    groups = trainer.optimizers[0].param_groups
    scales = {round(group["scale"], 6) for group in groups}
    assert max(scales) == 1.0
    assert min(scales) < 0.5
    grouped = [id(weight) for group in groups for weight in group["params"]]
    assert sorted(grouped) == sorted(id(weight) for weight in task.parameters())
    task.eval()
    with torch.no_grad():
        found = task.predict(validation, {})
    assert found.shape == (2, 96, 128)
    assert bool(((found > 0) & (found < 10)).all())


def test_head_stands_on_the_real_stride():
    deconvolutions = {
        name: sum(isinstance(m, torch.nn.ConvTranspose2d) for m in build(name).network.modules())
        for name in NAMES
    }
    assert deconvolutions == {"swinv2_mini": 3, "vit_mini": 2, "convnext_mini": 3}


@pytest.mark.parametrize("name", NAMES)
def test_frozen(name):
    task = build(name, mode="frozen").train()
    before = {key: value.clone() for key, value in task.network.backbone.state_dict().items()}
    optimiser = task.configure_optimizers()
    assert {group["name"] for group in optimiser.param_groups} == {"head_decay", "head_no_decay"}
    task.loss(make_batch(2, 96, 96)).backward()
    optimiser.step()
    after = task.network.backbone.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)
