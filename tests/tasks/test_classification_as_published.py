"""Classification against the numbers of Swin's fine-tuning code.

`tests/official/classification.py` took the numbers; weights and input come from seeded formulas.
"""

import numpy as np
import pytest
import torch
from classification_cases import (
    CLASSES,
    EPOCHS,
    ITERATIONS,
    MIXED,
    SCALES,
    changed_part,
    global_draws,
    golden,
    halves,
    labels,
    logits,
    official_name,
    pictures,
    summary,
    task,
    task_from,
)
from depth_cases import golden_backbones, values
from torch.nn import functional

from mim_bench.benchmarks.recipe import load_recipe
from mim_bench.tasks import classification
from mim_bench.tasks.classification_mixing import Mixing, erase
from mim_bench.tasks.schedules import Budget, build_schedule

NUMBERS = golden()
RECIPE = NUMBERS["recipe"]


@pytest.fixture(autouse=True, scope="module")
def _backbones():
    with golden_backbones():
        yield


@pytest.fixture(scope="module")
def same_weights(tmp_path_factory):
    """Our network with the weights that the golden numbers were taken with."""
    state = {name: values(name, tuple(shape)) for name, shape in NUMBERS["network"]["state"]}
    return task_from(state, tmp_path_factory.mktemp("weights")).network.eval()


def test_logits_and_gradients(same_weights):
    found = same_weights(pictures(0, (64, 64)))
    functional.cross_entropy(found, labels(), label_smoothing=0.1).backward()
    numbers = NUMBERS["network"]
    np.testing.assert_allclose(found.detach(), numbers["logits"], rtol=1e-5, atol=1e-6)
    norms = {official_name(n): float(w.grad.norm()) for n, w in same_weights.named_parameters()}
    assert norms.keys() == {n for n, _ in numbers["state"] if "running" not in n}
    for name, norm in numbers["gradients"].items():
        assert norms[name] == pytest.approx(norm, rel=3e-5), name


def test_layers_and_weight_decay():
    """26 layers for depths 2, 2, 18, 2: the last is that of the head and the last norm."""
    settings = {key: RECIPE[key] for key in ("layer_decay", "weight_decay")}
    one, numbers = task("golden_deep", **settings), NUMBERS["groups"]
    names = {id(w): official_name(n) for n, w in one.network.named_parameters()}
    groups = one.configure_optimizers().param_groups
    found = {names[id(w)]: group for group in groups for w in group["params"]}
    assert len(found) == numbers["parameters"]
    assert sum(map(len, (group["params"] for group in groups))) == len(found)
    assert max(numbers["layers"].values()) == 25
    for name, group in found.items():
        block, inner = halves(name)
        kind = inner if block.startswith("layers") else name
        scale = RECIPE["layer_decay"] ** (25 - numbers["layers"][block])
        assert group["scale"] == pytest.approx(scale, rel=1e-12), name
        expected = RECIPE["weight_decay"] if numbers["decays"][kind] else 0.0
        assert group["weight_decay"] == expected, name


@pytest.mark.parametrize("prefix", [True, False])
def test_rates_of_a_training(prefix):
    """The released loop sets a rate after the step it is for: each is used one step later."""
    options = {key: RECIPE[key] for key in ("warmup_lr", "warmup_share")} | {"prefix": prefix}
    schedule = build_schedule("cosine-warmup", RECIPE["lr"], RECIPE["min_lr"], options=options)
    budget = Budget(EPOCHS * ITERATIONS, EPOCHS)
    for step, *rates in NUMBERS["rates"][str(prefix)]:
        for scale, rate in zip(SCALES, rates, strict=True):
            # their step counts from 0 and ours from 1
            assert schedule(max(1, step), budget, scale) == pytest.approx(rate, rel=1e-9), step


@pytest.mark.parametrize("seed", MIXED)
def test_mixed_pictures_and_targets(seed):
    numbers = NUMBERS["mixing"][seed]
    with global_draws(seed) as rng:
        mixed, targets = Mixing()(pictures(seed, (16, 20)), labels(), CLASSES, rng)
    np.testing.assert_allclose(targets, numbers["targets"], atol=1e-6)
    np.testing.assert_allclose(summary(mixed), numbers["pictures"], atol=0.05)
    loss = functional.cross_entropy(logits(seed), targets)
    assert float(loss) == pytest.approx(numbers["loss"], rel=1e-5)


def test_erased_parts():
    some = 0
    for seed in MIXED:
        start = pictures(seed, (32, 48))
        with global_draws(seed) as rng:
            after = erase(start.clone(), RECIPE["erasing"], rng)
        found = [changed_part(*pair) for pair in zip(start, after, strict=True)]
        assert found == NUMBERS["erasing"][seed]
        some += sum(part is not None for part in found)
    assert some > 6


def test_pictures_are_erased_before_they_are_mixed(monkeypatch):
    """As in the released code, where loading erases and the training step mixes."""

    def blanked(images, probability, rng):
        assert probability == RECIPE["erasing"]
        images[0] = 1000.0
        return images

    monkeypatch.setattr(classification, "erase", blanked)
    one = task(cutmix=0.0)
    batch = {"image": torch.zeros(4, 3, 64, 64, dtype=torch.uint8), "label": labels()}
    images, targets = one.training_inputs(batch)
    share = (float(targets[0, 0]) - 0.02) / 0.9
    assert 0 < share < 1
    assert images[0].mean() == pytest.approx(1000 * share, abs=3)
    assert images[3].mean() == pytest.approx(1000 * (1 - share), abs=3)


def test_the_head_starts_as_theirs():
    linear = task().network.head.linear
    assert float(linear.bias.detach().abs().max()) == 0
    # 640 numbers of a normal distribution that is cut far out
    assert float(linear.weight.detach().std()) == pytest.approx(0.02, rel=0.15)


@pytest.mark.parametrize("name", ["cog-l1", "pets"])
def test_recipes_have_the_released_settings(name):
    """Rates are per picture: those of 512 pictures a step, scaled by the batch."""
    content = load_recipe(name).resolve("paper", "base").content
    training, data = (content[part]["init_args"] for part in ("task", "data"))
    stated = {**data, **content["trainer"], **training, **training["schedule_options"]}
    share = data["batch_size"] / 512
    for key, value in RECIPE.items():
        scaled = value * share if key in ("lr", "min_lr", "warmup_lr") else value
        assert stated[key] == pytest.approx(scaled) if key != "interpolation" else value, key
    assert training["schedule"] == "cosine-warmup"
    assert training["decay_convention"] == "simmim"
