"""SiLog against its formula."""

import numpy as np
import pytest
import torch
from depth_cases import golden, loss_batch

from mim_bench.tasks.depth_loss import silog

GOLDEN = golden("depth")


def slow_silog(prediction, target, focus=0.5):
    differences = [
        np.log(t) - np.log(p)
        for p, t in zip(prediction.ravel(), target.ravel(), strict=True)
        if t > 0
    ]
    mean = sum(differences) / len(differences)
    squares = sum(d * d for d in differences) / len(differences)
    return np.sqrt(squares - focus * mean**2)


def drawn(seed, shape=(3, 8, 9)):
    rng = np.random.default_rng(seed)
    target = rng.uniform(0.1, 10, shape)
    target[rng.uniform(size=shape) < 0.3] = 0
    return rng.uniform(0.1, 10, shape), target


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("focus", [0.5, 0.85, 0.0])
def test_formula(seed, focus):
    prediction, target = drawn(seed)
    found = silog(torch.tensor(prediction), torch.tensor(target), focus=focus)
    assert found.dtype == torch.float32
    assert float(found) == pytest.approx(slow_silog(prediction, target, focus), rel=1e-5)


def test_batch_counts_jointly_and_not_image_by_image():
    prediction, target = drawn(1)
    target[0, 1:] = 0
    joint = float(silog(torch.tensor(prediction), torch.tensor(target)))
    single = np.mean([slow_silog(p, t) for p, t in zip(prediction, target, strict=True)])
    assert joint == pytest.approx(slow_silog(prediction, target), rel=1e-5)
    assert abs(joint - single) > 1e-3


@pytest.mark.parametrize("case", GOLDEN["silog"], ids=lambda case: f"seed {case['seed']}")
def test_same_value_and_gradient_as_the_authors_code(case):
    target, prediction = loss_batch(case["seed"])
    loss = silog(prediction.requires_grad_(), target)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(case["loss"], rel=1e-5)
    assert float(prediction.grad.abs().sum()) == pytest.approx(case["grad_abs_sum"], rel=1e-5)
    np.testing.assert_allclose(
        prediction.grad.flatten()[:40].numpy(), case["grad_first"], rtol=1e-5, atol=1e-9
    )


def test_no_upper_limit_of_depth():
    prediction, target = drawn(2)
    target = np.where(target > 5, target * 100, target)
    found = float(silog(torch.tensor(prediction), torch.tensor(target)))
    assert found == pytest.approx(slow_silog(prediction, target), rel=1e-5)


def test_valid_leaves_known_pixels_out():
    prediction, target = drawn(3)
    valid = np.random.default_rng(0).uniform(size=target.shape) < 0.5
    found = silog(torch.tensor(prediction), torch.tensor(target), torch.tensor(valid))
    assert float(found) == pytest.approx(slow_silog(prediction, target * valid), rel=1e-5)


@pytest.mark.parametrize("kind", ["no valid pixel", "exact", "zero prediction"])
def test_gradient_is_finite_where_the_formula_is_not(kind):
    prediction, target = (torch.tensor(values).float() for values in drawn(4))
    if kind == "no valid pixel":
        target = torch.zeros_like(target)
    elif kind == "exact":
        prediction = target.clamp_min(1.0)
        target = prediction.clone()
    else:
        prediction[0] = 0
    weight = torch.ones((), requires_grad=True)
    loss = silog(prediction * weight, target)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(weight.grad)
    if kind != "zero prediction":
        assert float(loss.detach()) == float(weight.grad) == 0.0


def test_half_precision_predictions_are_scored_in_float32():
    prediction, target = drawn(5)
    rounded = torch.tensor(prediction).bfloat16()
    found = float(silog(rounded, torch.tensor(target)))
    assert found == pytest.approx(slow_silog(rounded.double().numpy(), target), rel=1e-5)
