"""What Optuna says of a study: the next trial's values, and which trial is hopeless."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from mim_bench.files import digest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import optuna

    from mim_bench.benchmarks.study import Trial


def propose(content: Mapping[str, Any], trials: Sequence[Trial]) -> dict[str, Any]:
    """Ask Optuna for the values of the next trial; those that still run count as poor ones."""
    study = optuna_study(content, trials, number=len(trials))
    return dict(study.ask(distributions(content["space"])).params)


def is_hopeless(content: Mapping[str, Any], trials: Sequence[Trial], mine: Trial) -> bool:
    """Tell whether a trial is to be ended, as Optuna's pruner says of its validations so far.

    Args:
        content: What the study's file says.
        trials: The study's trials; those of the same run are left out.
        mine: The trial.
    """
    study = optuna_study(content, [trial for trial in trials if trial.run != mine.run])
    return bool(study.pruner.prune(study, _frozen(content, mine)))


def optuna_study(
    content: Mapping[str, Any], trials: Sequence[Trial], number: int = 0
) -> optuna.Study:
    """Build Optuna's study of some trials; the store keeps them, this is a view.

    Args:
        content: What the study's file says.
        trials: Its trials.
        number: The trial that is to be asked for; with the seed it decides what is drawn.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    seed = int(digest([content["seed"], number])[:8], 16)
    sampler: optuna.samplers.BaseSampler
    if content["sampler"] == "random":
        sampler = optuna.samplers.RandomSampler(seed=seed)
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that this option may change
            sampler = optuna.samplers.TPESampler(seed=seed, constant_liar=True)
    pruner: optuna.pruners.BasePruner = optuna.pruners.NopPruner()
    if content["pruner"] == "median":
        pruner = optuna.pruners.MedianPruner()
    study = optuna.create_study(
        direction="maximize" if content["direction"] == "max" else "minimize",
        sampler=sampler,
        pruner=pruner,
    )
    study.add_trials([_frozen(content, trial) for trial in trials])
    return study


def _frozen(content: Mapping[str, Any], trial: Trial) -> optuna.trial.FrozenTrial:
    from optuna.trial import TrialState, create_trial

    states = {
        "done": TrialState.COMPLETE,
        "failed": TrialState.FAIL,
        "pruned": TrialState.PRUNED,
    }
    state = states.get(trial.state, TrialState.RUNNING)
    if state is TrialState.COMPLETE and trial.value is None:
        state = TrialState.FAIL
    value = trial.value
    if state is TrialState.PRUNED and trial.steps:
        value = trial.steps[max(trial.steps)]  # what it had come to
    return create_trial(
        state=state,
        value=value if state in (TrialState.COMPLETE, TrialState.PRUNED) else None,
        params=dict(trial.values),
        distributions=distributions(content["space"]),
        intermediate_values=dict(trial.steps),
    )


def distributions(
    space: Mapping[str, Mapping[str, Any]],
) -> dict[str, optuna.distributions.BaseDistribution]:
    """Return a space in Optuna's words."""
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    found: dict[str, Any] = {}
    for name, entry in space.items():
        if "choices" in entry:
            found[name] = CategoricalDistribution(entry["choices"])
            continue
        low, high, log = entry["low"], entry["high"], bool(entry.get("log"))
        step = entry.get("step")
        if isinstance(low, int) and isinstance(high, int):
            found[name] = IntDistribution(low, high, log=log, step=int(step or 1))
        else:
            found[name] = FloatDistribution(float(low), float(high), log=log, step=step)
    return found


def holds(entry: Mapping[str, Any], value: Any) -> bool:
    """Tell whether a value lies in a setting's range."""
    if "choices" in entry:
        return value in entry["choices"]
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return False
    low, high, step = entry["low"], entry["high"], entry.get("step")
    if not low <= value <= high:
        return False
    steps = (value - low) / step if step else 0.0
    whole = isinstance(low, int) and isinstance(high, int)
    return abs(steps - round(steps)) < 1e-8 and (not whole or float(value).is_integer())
