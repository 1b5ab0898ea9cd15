"""The plan: which runs a request needs, and which of them wait for a search."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

from mim_bench.benchmarks import data
from mim_bench.benchmarks.nodes import Node, Request, make_node
from mim_bench.benchmarks.recipe import Recipe, load_recipe, recipe_files
from mim_bench.benchmarks.searching import Studies
from mim_bench.errors import Problem, UserError

__all__ = ["Awaiting", "Node", "Plan", "Request", "make_plan"]

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from mim_bench.backbones.spec import BackboneSpec
    from mim_bench.benchmarks.recipe import ColumnTest, Resolved
    from mim_bench.benchmarks.store import Store
    from mim_bench.benchmarks.study import Study, Trial
    from mim_bench.datamodules.readers.base import Reader


@dataclass(frozen=True)
class Awaiting:
    """Runs of one recipe and backbone that take their values from a search yet to end.

    Attributes:
        study: The search.
        make: Makes its nodes, one for each seed, from the winner; without one as the recipe says.
    """

    study: Study
    make: Callable[[Trial | None], list[Node]] = field(repr=False)

    @cached_property
    def examples(self) -> list[Node]:
        """Its nodes as they are but for the winner's values, which change their identities."""
        return self.make(None)


@dataclass(frozen=True)
class Plan:
    """Nodes in the order in which they are worth running, and why columns are left out.

    Attributes:
        nodes: The runs whose identity is known.
        reasons: Column -> why nothing runs for it.
        awaiting: The runs that wait for a search.
        trials: The budget of each search.
    """

    nodes: tuple[Node, ...]
    reasons: Mapping[str, str]
    awaiting: tuple[Awaiting, ...] = ()
    trials: int = 0

    @property
    def studies(self) -> list[Study]:
        """The searches that something waits for, each once."""
        return list({one.study.id: one.study for one in self.awaiting}.values())

    def unfinished(self, store: Store) -> list[Node]:
        """Return the nodes of which a store lacks a score."""
        return [node for node in self.nodes if node.missing(store)]

    def grown(self) -> Plan:
        """Return the plan with the runs whose searches have ended by now.

        A search that has no winner stays awaited; `Study.winner` tells why.
        """
        winners: dict[str, Trial | None] = {}
        for study in self.studies:
            with suppress(UserError):
                winners[study.id] = study.winner(self.trials)
        nodes, waiting = list(self.nodes), []
        for one in self.awaiting:
            winner = winners.get(one.study.id)
            if winner is None:
                waiting.append(one)
            else:
                nodes += one.make(winner)
        return replace(self, nodes=tuple(nodes), awaiting=tuple(waiting))


def make_plan(request: Request, store: Store | None = None) -> Plan:
    """Turn a request into runs.

    Args:
        request: What is asked for.
        store: Where searches are kept; only a request with trials needs it.

    Returns:
        The plan; the runs of searches that have ended are in it once it has `grown`.

    Raises:
        UserError: Unknown or ill-formed recipes, settings, columns; nothing at all can run, or a
            column that the user named can't.
    """
    wanted, reasons = _wanted(request)
    studies = Studies(request, store, [recipe for recipe, _ in wanted])
    nodes: list[Node] = []
    awaiting: list[Awaiting] = []
    problems: list[Problem] = []
    for recipe, columns in wanted:
        source = data.choose(recipe, request.data_root, request.preset)
        if isinstance(source, Problem):
            lacking = [source]
        else:
            lacking = []
            for spec in request.backbones:
                resolved = recipe.resolve(source.preset, spec.size, dict(request.overrides))
                # one reader for all of it: it keeps what it has parsed
                reader = data.open_reader(resolved, source)
                lacking = reader.check(data.training_splits(resolved))
                study = None
                if not lacking:
                    study, lacking = studies.of(recipe, spec)
                if lacking:
                    break
                tests, blocked = _check_tests(resolved, reader, columns)
                reasons.update({column: _short(found) for column, found in blocked.items()})
                # one column of a recipe may lack its data, such as a test set, and the others run
                problems += [
                    problem
                    for column, found in blocked.items()
                    if _is_asked_for(recipe, [column], request)
                    for problem in found
                ]
                if not tests:
                    continue
                if study is None:
                    nodes += [
                        make_node(resolved, source, reader, spec, seed, request, tests)
                        for seed in request.seeds
                    ]
                    continue
                make = partial(_after_search, recipe, source, reader, spec, request, tests, study)
                awaiting.append(Awaiting(study, make))
        if lacking:
            reasons.update({column: _short(lacking) for column in columns})
            if _is_asked_for(recipe, columns, request):
                problems += lacking
    problems += [
        Problem(reasons[column], f"column {column}")
        for column in request.columns
        if column in request.named and request.columns[column] not in recipe_files()
    ]
    if problems:
        raise UserError(dict.fromkeys(problems))
    if not nodes and not awaiting:
        raise UserError(Problem(reason, f"column {name}") for name, reason in reasons.items())
    # a row's cells fill together only where recipes are few; columns first keeps backbones fair
    return Plan(tuple(nodes), reasons, tuple(awaiting), request.trials)


def _after_search(
    recipe: Recipe,
    source: data.DataSource,
    reader: Reader,
    spec: BackboneSpec,
    request: Request,
    tests: Sequence[ColumnTest],
    study: Study,
    winner: Trial | None,
) -> list[Node]:
    """Return a recipe's nodes with a winner's values, one for each seed."""
    values = dict(winner.values) if winner is not None else {}
    found = {"search.space": values}
    resolved = recipe.resolve(source.preset, spec.size, dict(request.overrides), found)
    selections = {
        test.column: study.selection(
            request.trials, study.recipe == recipe.name and test.split == study.search.split
        )
        for test in tests
    }
    nodes = [
        make_node(resolved, source, reader, spec, seed, request, tests, selections, study.id)
        for seed in request.seeds
    ]
    return [replace(node, values=values, needs=(study.id,)) for node in nodes]


def _wanted(request: Request) -> tuple[list[tuple[Recipe, list[str]]], dict[str, str]]:
    """Group the requested columns by recipe; name the reason of those that no recipe serves."""
    known = recipe_files()
    by_recipe: dict[str, list[str]] = {}
    reasons: dict[str, str] = {}
    for column, recipe in request.columns.items():
        if recipe in known:
            by_recipe.setdefault(recipe, []).append(column)
        else:
            reasons[column] = "not built yet in this release"
    wanted = [(load_recipe(name), columns) for name, columns in by_recipe.items()]
    return [*wanted, *((recipe, recipe.columns) for recipe in request.recipes)], reasons


def _is_asked_for(recipe: Recipe, columns: Iterable[str], request: Request) -> bool:
    return recipe in request.recipes or bool(request.named & set(columns))


def _check_tests(
    resolved: Resolved, reader: Reader, columns: Sequence[str]
) -> tuple[list[ColumnTest], dict[str, list[Problem]]]:
    """Return the tests whose data is there, and of the other columns what is missing.

    A test whose split is not there is made on the one that its recipe names `instead`.
    """
    tests, blocked = [], {}
    for column, test in resolved.tests().items():
        if column not in columns:
            continue
        problems = reader.check([reader.view(test.split, test.options)])
        if problems and test.instead:
            other = replace(test, split=test.instead, stands_for=test.split)
            if not reader.check([reader.view(other.split, other.options)]):
                test, problems = other, []  # noqa: PLW2901
        if problems:
            blocked[column] = problems
        else:
            tests.append(test)
    return tests, blocked


def _short(problems: Sequence[Problem]) -> str:
    first = str(problems[0]).splitlines()[0]
    return first if len(problems) == 1 else f"{first} (and {len(problems) - 1} more)"
