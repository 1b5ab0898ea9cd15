"""Parameter groups: a factor for the backbone, and decay of everything."""

import pytest
import torch
from standins import TinyBackbone, make_task
from torch import nn

from mim_bench.backbones.build import build_backbone
from mim_bench.backbones.spec import BackboneSpec
from mim_bench.errors import UserError
from mim_bench.tasks.network import Network
from mim_bench.tasks.optimisation import parameter_groups


def by_name(network, **settings):
    """Return scale and weight decay of each parameter."""
    names = {id(weight): name for name, weight in network.named_parameters()}
    return {
        names[id(weight)]: (group["scale"], group["weight_decay"])
        for group in parameter_groups(network, **settings)
        for weight in group["params"]
    }


@pytest.mark.parametrize("name", ["swinv2_mini", "vit_mini", "convnext_mini", "resnet18"])
@pytest.mark.parametrize("layer_decay", [1.0, 0.8])
def test_the_backbone_learns_slower_but_not_the_norm_behind_it(name, layer_decay):
    backbone = build_backbone(BackboneSpec(name), [(64, 64)], (16,), out_norm="new")
    network = Network(backbone, nn.Linear(3, 3))
    common = {"convention": "mim-depth", "layer_decay": layer_decay, "weight_decay": 0.01}
    before = by_name(network, **common)
    found = by_name(network, **common, backbone_lr=0.1, decay_on="all")
    assert set(found) == {key for key, _ in network.named_parameters()}
    assert all(decay == 0.01 for _, decay in found.values())
    kept = {key for key in found if not key.startswith("backbone.net.")}
    assert kept == {"head.weight", "head.bias", "backbone.norms.0.weight", "backbone.norms.0.bias"}
    for key, (scale, _) in found.items():
        assert scale == pytest.approx(1.0 if key in kept else 0.1 * before[key][0])
    groups = parameter_groups(network, **common, backbone_lr=0.1, decay_on="all")
    names = [group["name"] for group in groups]
    assert len(names) == len(set(names))
    assert {"head", "out_norm"} <= set(names)
    assert not any("decay" in group for group in names)


def test_a_users_backbone_without_parts():
    network = Network(TinyBackbone(), nn.Linear(3, 3))
    found = by_name(
        network, convention="mim-depth", layer_decay=0.5, weight_decay=0.1, backbone_lr=0.2
    )
    assert found["backbone.first.weight"] == (pytest.approx(0.05), 0.1)
    assert found["backbone.second.bias"] == (pytest.approx(0.1), 0.0)
    assert found["head.weight"] == (1.0, 0.1)


def test_a_frozen_backbone_has_no_groups():
    network = Network(TinyBackbone(), nn.Linear(3, 3), frozen=True)
    groups = parameter_groups(network, "mim-depth", 1.0, 0.1, decay_on="all")
    assert [group["name"] for group in groups] == ["head"]


def test_a_tasks_settings():
    task = make_task(
        lr=1e-3, min_lr=0.0, layer_decay=1.0, weight_decay=0.02, backbone_lr=0.5, decay_on="all"
    )
    optimiser = task.configure_optimizers()
    assert isinstance(optimiser, torch.optim.AdamW)
    rates = {group["name"]: group["lr"] for group in optimiser.param_groups}
    assert rates["head"] == 1e-3
    assert rates["layer_00"] == pytest.approx(5e-4)
    assert {group["weight_decay"] for group in optimiser.param_groups} == {0.02}
    with pytest.raises(UserError, match="decay_on"):
        make_task(decay_on="everything")
    with pytest.raises(UserError, match="mode frozen"):
        make_task(backbone_lr=0)
