"""The learning rates of whole trainings."""

import math

import numpy as np
import pytest
import torch
from depth_cases import golden
from hypothesis import given
from hypothesis import strategies as st
from swintrack_cases import golden as swintrack_golden

from mim_bench.errors import UserError
from mim_bench.tasks.schedules import Budget, Constant, RiseFall, build_schedule

GOLDEN = golden("depth")
PUBLISHED = RiseFall(5e-4, 3e-5, 0.9)


@pytest.mark.parametrize(
    ("epoch", "rate"), [(1, 8.0e-5), (6, 2.82e-4), (12, 5.0e-4), (18, 2.48e-4), (24, 3e-5)]
)
def test_published_points(epoch, rate):
    iterations = 1009
    found = PUBLISHED(epoch * iterations, Budget(25 * iterations, 25))
    assert found == pytest.approx(rate, rel=4e-3)  # published with two or three digits


def test_the_last_of_an_odd_number_of_epochs_is_flat():
    budget = Budget(25 * 40, 25)
    rates = [PUBLISHED(step, budget) for step in range(24 * 40 - 1, 25 * 40 + 1)]
    assert rates[1:] == pytest.approx([3e-5] * 41)
    assert rates[0] > 3.01e-5
    assert PUBLISHED(12 * 40, budget) == 5e-4


@pytest.mark.parametrize(
    "case", GOLDEN["schedule"], ids=lambda c: f"{c['epochs']} x {c['iterations']}"
)
def test_same_rates_as_the_authors_code(case):
    steps = case["epochs"] * case["iterations"]
    rates = np.array([PUBLISHED(s, Budget(steps, case["epochs"])) for s in range(1, steps + 1)])
    for step, rate in case["points"]:
        assert rates[step - 1] == pytest.approx(rate, rel=1e-12), step
    means = rates.reshape(case["epochs"], -1).mean(1)
    np.testing.assert_allclose(means, case["epoch_means"], rtol=1e-12)


@given(st.integers(2, 60), st.integers(1, 2000), st.floats(0.0, 1.0), st.floats(0.01, 1.0))
def test_formula_on_random_budgets(epochs, iterations, where, scale):
    step = max(1, int(where * epochs * iterations))
    half = epochs // 2
    position = step / (iterations * half)
    if step < iterations * half:
        expected = 47e-5 * position**0.9 + 3e-5
    else:
        expected = max(3e-5, 5e-4 - 47e-5 * (position - 1) ** 0.9)
    found = PUBLISHED(step, Budget(epochs * iterations, epochs), scale)
    assert found == pytest.approx(expected * scale, rel=1e-6)


@given(st.integers(1, 500), st.one_of(st.none(), st.just(1)))
def test_budgets_without_two_epochs_turn_in_the_middle(steps, epochs):
    rates = [PUBLISHED(step, Budget(steps, epochs)) for step in range(1, steps + 1)]
    assert all(3e-5 <= rate <= 5e-4 for rate in rates)
    turn = max(1, steps // 2)
    assert rates[turn - 1] == max(rates) == 5e-4
    assert rates[:turn] == sorted(rates[:turn])
    assert rates[turn - 1 :] == sorted(rates[turn - 1 :], reverse=True)


def test_constant():
    assert Constant(1e-3)(7, Budget(10), 0.5) == 5e-4


def test_names():
    assert build_schedule("rise-fall", 5e-4, 3e-5, 0.9) == PUBLISHED
    assert build_schedule("constant", 5e-4, 3e-5, 0.9) == Constant(5e-4)
    with pytest.raises(UserError, match="did you mean 'rise-fall'"):
        build_schedule("rise_fall", 5e-4, 3e-5, 0.9)
    with pytest.raises(UserError, match="min_lr"):
        build_schedule("rise-fall", 1e-5, 3e-5, 0.9)


def test_step_decay_falls_at_its_epoch():
    schedule = build_schedule("step", 5e-4, options={"milestones": [0.8], "gamma": 0.1})
    budget = Budget(steps=150 * 7, epochs=150)
    rates = [schedule(step, budget) for step in range(1, budget.steps + 1)]
    assert rates[: 120 * 7] == [5e-4] * (120 * 7)
    assert rates[120 * 7 :] == pytest.approx([5e-5] * (30 * 7))
    assert schedule(1, budget, scale=0.25) == 5e-4 / 4


def test_step_decay_in_steps():
    schedule = build_schedule("step", 1.0, options={"milestones": [0.5, 0.75]})
    rates = [schedule(step, Budget(steps=8)) for step in range(1, 9)]
    assert rates == pytest.approx([1, 1, 1, 1, 0.1, 0.1, 0.01, 0.01])


def mmcv_cosine(step, per_epoch, epochs, base, ratio, warmup, start):
    """MMCV's hook in plain words: the regular rate by epoch, a warm-up by iteration on top."""
    iteration, epoch = step - 1, (step - 1) // per_epoch
    target = base * ratio
    regular = target + 0.5 * (base - target) * (math.cos(math.pi * epoch / epochs) + 1)
    if iteration >= warmup:
        return regular
    return regular * (1 - (1 - iteration / warmup) * (1 - start))


def test_cosine_with_warm_up_is_mmcvs():
    options = {"warmup_steps": 50, "warmup_ratio": 0.001}
    schedule = build_schedule("cosine", 5e-4, 5e-9, options=options)
    budget = Budget(steps=15 * 20, epochs=15)
    for step in range(1, budget.steps + 1):
        expected = mmcv_cosine(step, 20, 15, 5e-4, 1e-5, 50, 0.001)
        assert schedule(step, budget) == pytest.approx(expected, rel=1e-9)
        assert schedule(step, budget, 0.3) == pytest.approx(0.3 * expected, rel=1e-9)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"milestone": [0.5]}, "milestones"),
        ({"milestones": [120]}, "shares of the training"),
        ({"warmup_steps": -1}, "no negative number"),
        ({"gamma": "a tenth"}, "a number"),
    ],
)
def test_wrong_options_of_a_schedule(options, named):
    with pytest.raises(UserError, match=named):
        build_schedule("step", 1e-3, options=options)


@pytest.mark.parametrize("case", swintrack_golden()["rates"], ids=lambda c: f"{c['epochs']} epochs")
def test_step_decay_after_a_warm_up_is_swintracks(case):
    options = {"milestones": [0.7], "gamma": 0.1, "warmup_share": 0.01, "warmup_ratio": 0.001}
    schedule = build_schedule("step", 5e-4, options=options)
    steps = case["epochs"] * case["iterations"]
    budget = Budget(steps, case["epochs"])
    for step, factor in case["points"]:
        assert schedule(step, budget) == pytest.approx(5e-4 * factor, rel=1e-8), step
        assert schedule(step, budget, 0.1) == pytest.approx(5e-5 * factor, rel=1e-8), step
    for done in range(steps):  # in plain words
        rise = min(1.0, 0.001 + 0.999 * done / (0.01 * steps))
        fallen = 0.1 if done // case["iterations"] >= 0.7 * case["epochs"] else 1.0
        assert schedule(done + 1, budget) == pytest.approx(5e-4 * rise * fallen, rel=1e-8)


def test_two_lengths_of_a_warm_up():
    with pytest.raises(UserError, match="and warmup_share is"):
        build_schedule("cosine", 1e-3, options={"warmup_steps": 5, "warmup_share": 0.1})
    with pytest.raises(UserError, match="a share of the training"):
        build_schedule("cosine", 1e-3, options={"warmup_share": 5})


@pytest.mark.parametrize("prefix", [True, False])
@pytest.mark.parametrize("scale", [1.0, 0.3])
def test_cosine_warmup_is_timms_by_layer(prefix, scale):
    """Peaks are scaled by layer; starts and minima are not."""
    from timm.scheduler import CosineLRScheduler

    total, rise = 100, 20
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([{"params": [parameter], "lr": scale * 1e-3}])
    theirs = CosineLRScheduler(
        optimiser,
        t_initial=total - rise if prefix else total,
        lr_min=2e-6,
        warmup_lr_init=1e-6,
        warmup_t=rise,
        warmup_prefix=prefix,
        t_in_epochs=False,
        cycle_limit=1,
    )
    options = {"warmup_lr": 1e-6, "warmup_share": 0.2, "prefix": prefix}
    ours = build_schedule("cosine-warmup", 1e-3, 2e-6, options=options)
    for done in range(total):
        theirs.step_update(done)
        expected = optimiser.param_groups[0]["lr"]
        assert ours(done + 1, Budget(total), scale) == pytest.approx(expected, rel=1e-9)
