"""From the options that `run` and `plan` share to a selection and a request. (No torch.)."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from mim_bench.backbones import catalogue, spec
from mim_bench.benchmarks.plan import Request
from mim_bench.benchmarks.runner import Selection, select
from mim_bench.benchmarks.settings import parse_override
from mim_bench.benchmarks.suite import TABLE_SUITES
from mim_bench.errors import Problem, UserError

if TYPE_CHECKING:
    from collections.abc import Sequence


_LAST_SEED = 2**32 - 1  # NumPy's


def _typed(one: spec.BackboneSpec) -> str:
    return one.name if one.weights is None else f"{one.name}={one.weights}"


def make_request(
    recipes: Sequence[str],
    suite: str | None,
    columns: str | None,
    backbone: Sequence[str],
    label: Sequence[str],
    data_root: str | None,
    preset: str | None,
    mode: str,
    seed: Sequence[int],
    overrides: Sequence[str],
    save_predictions: bool = False,
    trials: int = 0,
) -> tuple[Selection, Request]:
    """Read the options as they were typed.

    Raises:
        UserError: Unknown suites, recipes, columns, backbones, ill-formed settings.
    """
    if suite is None and not recipes:
        raise UserError(
            "nothing to run",
            expected="--suite NAME or RECIPE.yaml",
            action="`mim-bench list suites`",
        )
    suites = [] if suite is None else list(TABLE_SUITES) if suite == "all" else [suite]
    named = [name.strip() for name in (columns or "").split(",") if name.strip()]
    selection = select(suites, list(dict.fromkeys(recipes)), named)
    names = list(backbone) or list(catalogue.DEFAULT_BACKBONES)
    problems: list[Problem] = []
    if len(label) > len(names):
        problems.append(
            Problem(f"{len(label)} --label for {len(names)} backbones", action="one per backbone")
        )
    padded: list[str | None] = [*label, *[None] * len(names)]
    changes = dict(parse_override(text) for text in overrides)
    loading = {
        key.removeprefix("backbone."): changes.pop(key)
        for key in list(changes)
        if key.startswith("backbone.")
    }
    specs = [
        dataclasses.replace(spec.BackboneSpec.parse(name, padded[index]), options=loading)
        for index, name in enumerate(names)
    ]
    for one in specs:
        problems += one.check()
    problems += [
        Problem(f"{_typed(one)} is named twice", "--backbone", "each row once")
        for one in {(each.name, each.weights): each for each in specs}.values()
        if sum((one.name, one.weights) == (other.name, other.weights) for other in specs) > 1
    ]
    problems += [
        Problem(f"{number} is no seed", "--seed", f"0 to {_LAST_SEED}")
        for number in seed
        if not 0 <= number <= _LAST_SEED
    ]
    if problems:
        raise UserError(problems)
    request = Request(
        columns=selection.recipe_of(),
        recipes=selection.recipes,
        backbones=specs,
        seeds=list(dict.fromkeys(seed or [0])),
        mode=mode,
        preset=preset,
        data_root=data_root,
        overrides=changes,
        named=frozenset(named),
        save_predictions=save_predictions,
        trials=trials,
    )
    return selection, request
