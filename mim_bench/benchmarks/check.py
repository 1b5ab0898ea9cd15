"""Checks a recipe's arguments against the classes that take them, each on its own."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from jsonargparse import ArgumentError, ArgumentParser

from mim_bench.errors import Problem, UserError, unknown
from mim_bench.imports import import_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mim_bench.backbones.spec import BackboneSpec

GIVEN_TO_TASK = frozenset({"backbone", "mode", "info"})
"""What the worker gives a task; a recipe doesn't spell it."""

GIVEN_TO_DATA = frozenset({"seed"})
"""What the worker gives a datamodule, beside the root."""


def parameters(cls: type) -> dict[str, inspect.Parameter]:
    """Return the constructor's parameters by name; `**kwargs` lead on to the next base class."""
    found: dict[str, inspect.Parameter] = {}
    for base in cls.__mro__:
        init = base.__dict__.get("__init__")
        if init is None:
            continue
        signature = list(inspect.signature(init).parameters.values())[1:]
        for parameter in signature:
            if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
                found.setdefault(parameter.name, parameter)
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in signature):
            break
    return found


def check_arguments(
    cls: type, arguments: Mapping[str, Any], where: str, given: Iterable[str]
) -> list[Problem]:
    """Check constructor arguments: unknown names, missing ones, wrong types; all at once.

    Args:
        cls: The class.
        arguments: What the recipe gives.
        where: Where it stands in the recipe.
        given: Names that the worker gives.
    """
    known = parameters(cls)
    given = set(given)
    open_to = [name for name in known if name not in given]
    problems = []
    for name, value in arguments.items():
        if name not in open_to:
            problems.append(unknown("key", name, open_to, where))
        elif (wrong := _type_error(cls, name, value, known)) is not None:
            problems.append(Problem(wrong, f"{where}.{name}"))
    problems += [
        Problem(f"the key {name!r} is missing", where)
        for name in open_to
        if known[name].default is inspect.Parameter.empty and name not in arguments
    ]
    return problems


def _type_error(
    cls: type, name: str, value: Any, known: Mapping[str, inspect.Parameter]
) -> str | None:
    """Let jsonargparse, which also reads annotations of type-checking imports, try one argument."""
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(cls, fail_untyped=False, skip=set(known) - {name})
    try:
        parser.parse_object({name: value})
    except ArgumentError as error:
        annotation = known[name].annotation
        wanted = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
        del error
        return f"{value!r} does not fit the type {wanted or annotation}"
    return None


def check_recipe(content: Mapping[str, Any], recipe: str) -> list[Problem]:
    """Check a resolved recipe's task, data and tests against their classes.

    Args:
        content: `Resolved.content`.
        recipe: The recipe's name, for the problems.

    Returns:
        All problems, each naming its key.
    """
    problems: list[Problem] = []
    classes: dict[str, type] = {}
    for part, given in (("task", GIVEN_TO_TASK), ("data", GIVEN_TO_DATA)):
        where = f"recipe {recipe}, {part}"
        try:
            cls = import_object(content[part]["class_path"], where)
        except UserError as error:
            problems += error.problems
            continue
        if not isinstance(cls, type):
            problems.append(Problem(f"{content[part]['class_path']} is no class", where))
            continue
        classes[part] = cls
        arguments = content[part].get("init_args") or {}
        problems += check_arguments(cls, arguments, where, given)
    task: Any = classes.get("task")
    if task is None:
        return problems
    for column, test in content["tests"].items():
        where = f"recipe {recipe}, tests.{column}"
        if test["metric"] not in task.metrics:
            problems.append(unknown("metric", test["metric"], task.metrics, where))
        elif task.metrics[test["metric"]] != test["direction"]:
            right = task.metrics[test["metric"]]
            problems.append(
                Problem(f"direction is {test['direction']}", where, f"{right} for {test['metric']}")
            )
        problems += [
            Problem(problem.what, f"{where}.options", problem.expected, problem.action)
            for problem in task.check_options(dict(test.get("options") or {}))
        ]
    return problems


def check_weights(backbone: BackboneSpec) -> list[Problem]:
    """Check that a backbone's file can be read; whether it fits is seen when a run builds it."""
    from mim_bench.backbones.checkpoint import read_state_dict
    from mim_bench.backbones.spec import PRETRAINED

    if backbone.weights in (None, PRETRAINED):
        return []
    try:
        read_state_dict(str(backbone.weights))
    except UserError as error:
        return list(error.problems)
    return []
