"""Whole parts of the depth protocol against the numbers of the authors' code.

`tests/official/depth.py` took the numbers; weights and input come from seeded formulas.
"""

import numpy as np
import pytest
import torch
from depth_cases import (
    EVALUATIONS,
    NETWORKS,
    NO_GRADIENT,
    TRAINING,
    depth_network,
    evaluation_frames,
    golden,
    golden_backbones,
    network_batch,
    official_name,
    task_from,
    train,
    trained,
    training_task,
    values,
    write_frames,
)
from standins import make_task, make_trainer
from torch import nn

from mim_bench.benchmarks.recipe import load_recipe
from mim_bench.datamodules.depth import DepthDataModule
from mim_bench.tasks.depth import DepthTask
from mim_bench.tasks.depth_loss import silog
from mim_bench.tasks.schedules import Budget

NUMBERS = golden("depth_networks")
GROUPS = golden("depth_groups")
SIZES = {"base": (0.9, 0.3), "large": (0.85, 0.5)}


@pytest.fixture(autouse=True, scope="module")
def _backbones():
    with golden_backbones():
        yield


@pytest.fixture(scope="module")
def state():
    return {name: values(name, tuple(shape)) for name, shape in NUMBERS["state"]}


def small_task(state, folder, case, **settings):
    shape = {"image_size": [case["size"]] * 2, "window": case["window"]}
    return task_from(state, folder, max_depth=case["max_depth"], **shape, **settings)


def test_numbers_belong_to_the_cases(state):
    taken = [{key: case[key] for key in NETWORKS[0]} for case in NUMBERS["cases"]]
    assert taken == NETWORKS
    scales = torch.cat([t.flatten() for name, t in state.items() if "logit_scale" in name])
    assert 0 < int((scales > np.log(100)).sum()) < len(scales)  # the cap is met


@pytest.mark.parametrize(
    "case", NUMBERS["cases"], ids=lambda c: f"{c['size']} {'train' if c['train'] else 'eval'}"
)
def test_network_has_the_authors_output_and_gradients(case, state, tmp_path):
    task = small_task(state, tmp_path, case)
    images, depth = network_batch(case)
    network = task.network.train(case["train"])
    output = network(images)
    loss = silog(output.squeeze(1), depth)
    loss.backward()
    found = output.detach().flatten()
    np.testing.assert_allclose(found[case["places"]].numpy(), case["values"], rtol=1e-5)
    assert found.double().mean().item() == pytest.approx(case["mean"], rel=1e-6)
    assert loss.item() == pytest.approx(case["loss"], rel=1e-5)
    norms = {official_name(n): w.grad.norm().item() for n, w in network.named_parameters()}
    expected = dict(zip(trained(NUMBERS["state"]), case["gradients"], strict=True))
    assert norms.keys() == expected.keys()
    least = 1e-6 * max(expected.values())
    for name, norm in expected.items():
        if not (case["train"] and name in NO_GRADIENT):
            # processors round gradients apart by 1e-5
            assert norms[name] == pytest.approx(norm, rel=3e-5, abs=least), name
    statistics = {
        official_name(name): float(tensor.norm())
        for name, tensor in network.state_dict().items()
        if "running_" in name
    }
    assert statistics == pytest.approx(case["statistics"], rel=1e-5)


def test_weights_of_the_authors_fill_every_parameter(state, tmp_path):
    task = small_task(state, tmp_path, NETWORKS[0])
    weights = task.network.state_dict()
    assert {official_name(name) for name in weights} == set(state)
    assert all(torch.equal(tensor, state[official_name(n)]) for n, tensor in weights.items())
    report = task.network.backbone.report
    for theirs, ours in report.renamed.items():
        if not ours.startswith("norm."):
            assert official_name(f"backbone.net.{ours}") == theirs


def test_training_has_the_authors_losses(state, tmp_path):
    task = training_task(state, tmp_path)
    losses = train(task, make_trainer(tmp_path, max_epochs=TRAINING["epochs"]))
    np.testing.assert_allclose(losses[:2], NUMBERS["losses"][:2], rtol=1e-5)
    # Adam takes a gradient that is rounding alone for as good as any other
    np.testing.assert_allclose(losses, NUMBERS["losses"], rtol=5e-4)


@pytest.mark.parametrize("size", SIZES)
def test_every_parameter_has_the_authors_rate_and_weight_decay(size):
    """The recipe's settings on a network as deep as the published ones, all else thin."""
    recipe = load_recipe("nyuv2").resolve("paper", size).content["task"]["init_args"]
    assert (recipe["layer_decay"], recipe["drop_path"]) == SIZES[size]
    recipe |= {"image_size": [64, 64], "window": 4}
    task = DepthTask("golden_deep", **recipe)
    names = {id(weight): official_name(name) for name, weight in task.network.named_parameters()}
    found = {
        names[id(weight)]: (group["scale"], group["weight_decay"])
        for group in task.configure_optimizers().param_groups
        for weight in group["params"]
    }
    expected = {
        name: (group[size], group["weight_decay"])
        for group in GROUPS.values()
        for name in group["names"]
    }
    assert found.keys() == expected.keys()
    for name, pair in expected.items():
        assert found[name] == pytest.approx(pair, rel=1e-12), name


def test_recipe_has_the_authors_settings():
    task = DepthTask(
        "golden_deep",
        **load_recipe("nyuv2").resolve("paper").content["task"]["init_args"]
        | {"image_size": [64, 64], "window": 4},
    )
    for case in golden("depth")["schedule"]:
        budget = Budget(case["epochs"] * case["iterations"], case["epochs"])
        for step, rate in case["points"]:
            assert task.schedule(step, budget) == pytest.approx(rate, rel=1e-12)
    optimizer = task.configure_optimizers()
    assert isinstance(optimizer, torch.optim.AdamW)
    assert (optimizer.defaults["betas"], optimizer.defaults["eps"]) == ((0.9, 0.999), 1e-8)
    rng = np.random.default_rng(0)
    depth = torch.from_numpy(rng.uniform(0.1, 12, (2, 1, 64, 64)).astype(np.float32))
    batch = {"image": torch.from_numpy(rng.integers(0, 256, (2, 3, 64, 64), dtype=np.uint8))}
    torch.testing.assert_close(task.images(batch), batch["image"] / 255.0)
    guess = torch.full((2, 64, 64), 5.0)
    d = np.log(depth[:, 0].numpy().astype(float)) - np.log(5.0)
    expected = np.sqrt((d**2).mean() - 0.5 * d.mean() ** 2)
    assert float(task.depth_loss(guess, {"depth": depth[:, 0]})) == pytest.approx(expected)
    epsilons = {m.eps for m in task.network.backbone.modules() if isinstance(m, nn.LayerNorm)}
    assert epsilons == {1e-6}


class Stored(nn.Module):
    def forward(self, images):
        return depth_network(images)


def mean_metrics(task, batches):
    task.eval()
    task.network = Stored()
    with torch.no_grad():
        records = [record for batch in batches for record in task.evaluate(batch, {})]
    names = golden("depth_data")["evaluated"]["nyu"]
    return {name: task.score(records, name) for name in names}


def test_whole_test_has_the_authors_means_on_nyu(tmp_path):
    name, dataset, size, units, _ = EVALUATIONS[0]
    write_frames(tmp_path, dataset, "test", evaluation_frames(*size, units))
    batches = DepthDataModule("nyuv2", tmp_path, eval_batch_size=2).eval_dataloader("test")
    test = load_recipe("nyuv2").resolve("paper").tests()["nyuv2"]
    found = mean_metrics(make_task(**test.options), batches)
    assert found == pytest.approx(golden("depth_data")["evaluated"][name], rel=1e-5)


@pytest.mark.parametrize(("number", "crop"), [(1, "garg"), (2, "kitti-eigen")])
def test_whole_test_has_the_authors_means_on_kitti(number, crop):
    name, _, (height, width), units, _ = EVALUATIONS[number]
    places = {(row["height"], row["width"]): row for row in golden("depth_data")["kb_crop"]}
    top, left = (places[height, width][key] for key in ("top", "left"))
    assert (top, left) == (height - 352, int((width - 1216) / 2))
    kept = slice(top, top + 352), slice(left, left + 1216)
    batches = [
        {
            "id": [str(index)],
            "image": torch.from_numpy(image[kept].copy()).permute(2, 0, 1)[None],
            "depth": torch.from_numpy((depth[kept] / np.float32(units)).astype(np.float32))[None],
        }
        for index, (image, depth) in enumerate(evaluation_frames(height, width, units))
    ]
    task = make_task(max_depth=80.0, windows=16, crop=crop)
    found = mean_metrics(task, batches)
    assert found == pytest.approx(golden("depth_data")["evaluated"][name], rel=1e-5)
