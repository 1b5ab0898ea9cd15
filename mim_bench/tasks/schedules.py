"""Learning-rate schedules: functions from optimiser step and layer scale to an absolute rate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mim_bench.errors import UserError, unknown

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Budget:
    """How long a training lasts.

    Attributes:
        steps: Optimiser steps of the whole training.
        epochs: Epochs of the whole training; None where the budget is given in steps.
    """

    steps: int
    epochs: int | None = None


class Schedule(Protocol):
    """What a task asks before each optimiser step, once per parameter group."""

    def __call__(self, step: int, budget: Budget, scale: float = 1.0) -> float:
        """Return the learning rate.

        Args:
            step: The optimiser step about to be taken, counted from 1.
            budget: The whole training's length.
            scale: The parameter group's layer scale. Each schedule says what of it is scaled:
                published warm-ups and minima are in some recipes and are not in others.
        """


@dataclass(frozen=True)
class RiseFall:
    """Rises over the first half of the epochs and falls over the second, with one power.

    With E epochs, I steps in each and h = E // 2, both halves last I h steps; what is left when
    E is odd stays at `min_lr`. Everything, the minimum too, is scaled by layer. Source: the
    authors' code for depth (power 0.9, 3e-5 to 5e-4); the paper only says "polynomial".

    A budget in steps turns at `steps // 2`, and so does one of a single epoch.

    Attributes:
        max_lr: The rate at the turn.
        min_lr: The rate near which it starts and at which it ends.
        power: The power of both halves.
    """

    max_lr: float
    min_lr: float
    power: float = 0.9

    def __call__(self, step: int, budget: Budget, scale: float = 1.0) -> float:
        """Return the learning rate (see `Schedule`)."""
        turn = self.turn(budget)
        span = self.max_lr - self.min_lr
        if step < turn:
            return scale * (self.min_lr + span * math.pow(step / turn, self.power))
        fallen = span * math.pow(step / turn - 1, self.power)
        return scale * max(self.min_lr, self.max_lr - fallen)

    @staticmethod
    def turn(budget: Budget) -> int:
        """Return the step at which the rate is highest."""
        epochs = budget.epochs or 0
        if epochs >= 2:
            return max(1, budget.steps // epochs * (epochs // 2))
        return max(1, budget.steps // 2)


@dataclass(frozen=True)
class Constant:
    """One rate throughout, scaled by layer.

    Attributes:
        max_lr: The rate.
    """

    max_lr: float

    def __call__(self, step: int, budget: Budget, scale: float = 1.0) -> float:
        """Return the learning rate (see `Schedule`)."""
        del step, budget
        return self.max_lr * scale


SCHEDULES: dict[str, Callable[[float, float, float], Schedule]] = {
    "rise-fall": RiseFall,
    "constant": lambda max_lr, _min_lr, _power: Constant(max_lr),
}
"""Schedules by the name that a recipe gives: functions of (lr, min_lr, power)."""


def build_schedule(name: str, lr: float, min_lr: float, power: float) -> Schedule:
    """Build a schedule by its name.

    Raises:
        UserError: There is no such schedule, or the rates make no sense.
    """
    if name not in SCHEDULES:
        raise UserError([unknown("schedule", name, SCHEDULES, "task.schedule")])
    if lr <= 0 or min_lr < 0 or min_lr > lr:
        raise UserError(
            f"lr is {lr} and min_lr is {min_lr}", where="task", expected="0 <= min_lr <= lr, lr > 0"
        )
    return SCHEDULES[name](lr, min_lr, power)
