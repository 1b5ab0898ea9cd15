"""Facts of the search, each broken once."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_PLAN = "tests/benchmarks/test_search.py"
_RUNS = "tests/benchmarks/test_search_runs.py"

SEARCH = (
    Mutation(
        "the winner is the best, not the worst",
        "benchmarks/study.py",
        'sign = -1 if direction == "max" else 1',
        'sign = 1 if direction == "max" else -1',
        _PLAN,
    ),
    Mutation(
        "of equals the earlier wins",
        "benchmarks/study.py",
        "(sign * (trial.value or 0.0), trial.number)",
        "(sign * (trial.value or 0.0), -trial.number)",
        _PLAN,
    ),
    Mutation(
        "a winner waits for all trials of the budget",
        "benchmarks/study.py",
        "if len(trials) < budget or not all(trial.ended for trial in trials):",
        "if not all(trial.ended for trial in trials):",
        _PLAN,
    ),
    Mutation(
        "trials are trained on the search's split",
        "benchmarks/searching.py",
        '"train_split": search.train_split, "val_split"',
        '"val_split"',
        _PLAN,
    ),
    Mutation(
        "trials are scored on the search's split",
        "benchmarks/searching.py",
        '"split": search.split, "checkpoint": "last"}',
        '"checkpoint": "last"}',
        _PLAN,
    ),
    Mutation(
        "the winner's values are trained with",
        "benchmarks/plan.py",
        'found = {"search.space": values}',
        'found = {"search.space": {}}',
        _PLAN,
    ),
    Mutation(
        "the first trial has the recipe's own values",
        "benchmarks/study.py",
        "if number or not all(",
        "if True or not all(",
        _PLAN,
    ),
    Mutation(
        "a searched score isn't the recipe's own",
        "benchmarks/identity.py",
        '**({"selection": dict(selection)} if selection else {}),',
        "",
        _PLAN,
    ),
    Mutation(
        "what is set by hand isn't searched",
        "benchmarks/search.py",
        'if dotted(name.split(".")) not in given',
        "if True",
        _PLAN,
    ),
    Mutation(
        "pruning starts after five trials",
        "benchmarks/sampling.py",
        "optuna.pruners.MedianPruner()",
        "optuna.pruners.MedianPruner(n_startup_trials=1)",
        _PLAN,
    ),
    Mutation(
        "a search has one trial at a time",
        "benchmarks/searching.py",
        "if not at_work[study.id] and (node := study.ask(plan.trials)) is not None:",
        "if (node := study.ask(plan.trials)) is not None:",
        _PLAN,
    ),
    Mutation(
        "trials are no rows",
        "reports/records.py",
        'if run.get("kind") == "trial" and not trials:',
        'if run.get("kind") == "nothing" and not trials:',
        _PLAN,
    ),
)
