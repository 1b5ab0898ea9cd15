"""Learning-rate schedules: functions from optimiser step and layer scale to an absolute rate."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from mim_bench.errors import UserError, unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


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


@dataclass(frozen=True)
class WarmUp:
    """A linear rise of the factor on what a schedule says, over the first steps.

    Everything is scaled by layer. Source: MMCV's hooks, which the authors' pose code uses: at
    step s, counted from 1, the factor is 1 - (1 - (s - 1) / steps) * (1 - ratio). SwinTrack's
    released code has the same rise over a share of the training, which need not be whole steps.

    Attributes:
        warmup_steps: Steps of the rise; none by default.
        warmup_ratio: The factor at its start.
        warmup_share: The rise as a share of the training, in place of `warmup_steps`.

    Raises:
        UserError: Both lengths of the rise are given.
    """

    warmup_steps: int = 0
    warmup_ratio: float = 0.001
    warmup_share: float = 0.0

    def __post_init__(self) -> None:
        """Refuse two lengths."""
        if self.warmup_steps and self.warmup_share:
            raise UserError(
                f"warmup_steps is {self.warmup_steps} and warmup_share is {self.warmup_share}",
                where="task.schedule_options",
                expected="one of them",
            )

    def factor(self, step: int, budget: Budget) -> float:
        """Return the factor of a step, counted from 1."""
        steps = self.warmup_steps or self.warmup_share * budget.steps
        if step - 1 >= steps:
            return 1.0
        return 1 - (1 - (step - 1) / steps) * (1 - self.warmup_ratio)


@dataclass(frozen=True)
class StepDecay(WarmUp):
    """Falls by a factor at given shares of the training, scaled by layer.

    Source: the paper's section 4.2 for pose, epoch 120 of 150; SwinTrack's released code, epoch
    210 of 300.

    Attributes:
        max_lr: The rate at the beginning.
        milestones: Shares of the training, each above 0 and below 1. With a budget in epochs a
            fall comes between two epochs: share * epochs, rounded.
        gamma: What the rate is multiplied by at each.
    """

    max_lr: float = 0.0
    milestones: Sequence[float] = (0.8,)
    gamma: float = 0.1

    def __call__(self, step: int, budget: Budget, scale: float = 1.0) -> float:
        """Return the learning rate (see `Schedule`)."""
        done, whole = _progress(step, budget)
        passed = sum(done >= round(share * whole) for share in self.milestones)
        return scale * self.max_lr * math.pow(self.gamma, passed) * self.factor(step, budget)


@dataclass(frozen=True)
class Cosine(WarmUp):
    """Falls along half a cosine, from epoch to epoch, scaled by layer, the minimum too.

    Source: MMCV's `CosineAnnealing`, which the authors' pose code uses. A budget in steps falls
    from step to step.

    Attributes:
        max_lr: The rate at the beginning.
        min_lr: The rate at which it would arrive after the last epoch.
    """

    max_lr: float = 0.0
    min_lr: float = 0.0

    def __call__(self, step: int, budget: Budget, scale: float = 1.0) -> float:
        """Return the learning rate (see `Schedule`)."""
        done, whole = _progress(step, budget)
        fall = (1 + math.cos(math.pi * done / whole)) / 2
        rate = self.min_lr + (self.max_lr - self.min_lr) * fall
        return scale * rate * self.factor(step, budget)


@dataclass(frozen=True)
class CosineWarmup:
    """Rises linearly, then falls along half a cosine, from step to step.

    The peak is scaled by layer; where the rise starts and the minimum are the same for all layers,
    as timm's scheduler has them. Source: Swin's and SimMIM's released fine-tuning code. Before
    optimiser step s, counted from 0, of T with a rise of W: start + s (max - start) / W, then
    min + (max - min) (1 + cos(pi t / L)) / 2.

    Attributes:
        max_lr: The rate at the peak.
        min_lr: The rate at which it would arrive after the last step.
        warmup_lr: The rate of the first step.
        warmup_share: The rise as a share of the training.
        prefix: Whether the cosine begins where the rise ends: t = s - W, L = T - W (Swin). Else it
            spans the whole training and the rise lies over its first part (t = s, L = T), so that
            the rate drops when the rise is over (SimMIM).
    """

    max_lr: float
    min_lr: float = 0.0
    warmup_lr: float = 0.0
    warmup_share: float = 0.2
    prefix: bool = True

    def __call__(self, step: int, budget: Budget, scale: float = 1.0) -> float:
        """Return the learning rate (see `Schedule`)."""
        done, peak = step - 1, scale * self.max_lr
        rise = round(self.warmup_share * budget.steps)
        if done < rise:
            return self.warmup_lr + done * (peak - self.warmup_lr) / rise
        passed, length = (done - rise, budget.steps - rise) if self.prefix else (done, budget.steps)
        fall = (1 + math.cos(math.pi * passed / max(1, length))) / 2
        return self.min_lr + (peak - self.min_lr) * fall


def _progress(step: int, budget: Budget) -> tuple[int, int]:
    """Return epochs done before a step and in all; steps where the budget is in steps."""
    if not budget.epochs:
        return step - 1, budget.steps
    each = max(1, budget.steps // budget.epochs)
    return min((step - 1) // each, budget.epochs - 1), budget.epochs


SCHEDULES: dict[str, Callable[..., Schedule]] = {
    "rise-fall": RiseFall,
    "constant": Constant,
    "step": StepDecay,
    "cosine": Cosine,
    "cosine-warmup": CosineWarmup,
}
"""Schedules by the name that a recipe gives: dataclasses whose fields are their settings."""


def build_schedule(
    name: str,
    lr: float,
    min_lr: float = 0.0,
    power: float = 0.9,
    options: Mapping[str, Any] | None = None,
) -> Schedule:
    """Build a schedule by its name.

    Args:
        name: A key of `SCHEDULES`.
        lr: The highest rate.
        min_lr: The lowest one, for schedules that have one.
        power: For schedules that have one.
        options: The other fields of the schedule.

    Raises:
        UserError: There is no such schedule or option, or the rates make no sense.
    """
    if name not in SCHEDULES:
        raise UserError([unknown("schedule", name, SCHEDULES, "task.schedule")])
    if lr <= 0 or min_lr < 0 or min_lr > lr:
        raise UserError(
            f"lr is {lr} and min_lr is {min_lr}", where="task", expected="0 <= min_lr <= lr, lr > 0"
        )
    fields = [field.name for field in dataclasses.fields(SCHEDULES[name])]  # type: ignore[arg-type]
    own = {"max_lr": lr, "min_lr": min_lr, "power": power}
    open_to = [field for field in fields if field not in own]
    chosen = dict(options or {})
    if wrong := [
        unknown(f"option of the schedule {name}", key, open_to, "task.schedule_options")
        for key in chosen
        if key not in open_to
    ]:
        raise UserError(wrong)
    _check_options(chosen)
    return SCHEDULES[name](**{key: own[key] for key in fields if key in own}, **chosen)


def _check_options(options: Mapping[str, Any]) -> None:
    """Raise a UserError unless shares lie between 0 and 1 and numbers are not negative."""
    for key, value in options.items():
        where = f"task.schedule_options.{key}"
        if key == "prefix":
            if not isinstance(value, bool):
                raise UserError(f"is {value!r}", where=where, expected="true or false")
            continue
        values = value if isinstance(value, (list, tuple)) else [value]
        if any(isinstance(one, bool) or not isinstance(one, (int, float)) for one in values):
            raise UserError(f"is {value!r}", where=where, expected="a number, or a list of them")
        if key == "milestones" and not all(0 < share < 1 for share in values):
            raise UserError(
                f"is {value}", where=where, expected="shares of the training between 0 and 1"
            )
        if key == "warmup_share" and not 0 <= value < 1:
            raise UserError(
                f"is {value}", where=where, expected="a share of the training, at least 0, below 1"
            )
        if any(one < 0 for one in values):
            raise UserError(f"is {value}", where=where, expected="no negative number")
