"""Which search a recipe's settings come from, and what the searches of a plan try next."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mim_bench.benchmarks import data, identity
from mim_bench.benchmarks.nodes import make_node
from mim_bench.benchmarks.recipe import Resolved, load_recipe, recipe_files
from mim_bench.benchmarks.search import example, read_search
from mim_bench.benchmarks.settings import value_of
from mim_bench.benchmarks.study import Study, study_folder
from mim_bench.errors import Problem, UserError, unknown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mim_bench.backbones.spec import BackboneSpec
    from mim_bench.benchmarks.nodes import Node, Request
    from mim_bench.benchmarks.plan import Plan
    from mim_bench.benchmarks.recipe import Recipe
    from mim_bench.benchmarks.search import Search
    from mim_bench.benchmarks.store import Store
    from mim_bench.datamodules.readers.base import Reader


def searched_recipe(recipe: Recipe) -> Recipe | None:
    """Return the recipe whose search gives a recipe its values; None where there is none.

    Raises:
        UserError: It takes them from a recipe that isn't there, or that doesn't search.
    """
    block = recipe.content.get("search")
    if not block:
        return None
    if "from" not in block:
        return recipe
    name, where = str(block["from"]), f"{recipe.source}, search.from"
    beside = recipe.source.parent / name
    if name not in recipe_files() and not beside.is_file():
        raise UserError([unknown("recipe", name, recipe_files(), where)])
    other = load_recipe(name if name in recipe_files() else str(beside))
    if "space" not in (other.content.get("search") or {}):
        raise UserError(
            f"the recipe {name!r} has no search of its own",
            where=where,
            action="name a recipe with a `search:` block that has a space",
        )
    return other


class Studies:
    """The searches of a request: one for each searched recipe and backbone.

    Args:
        request: What is asked for.
        store: Where they are kept.
        recipes: The recipes to run.

    Raises:
        UserError: Trials are asked for, and no recipe has a search.
    """

    def __init__(self, request: Request, store: Store | None, recipes: Sequence[Recipe]) -> None:
        self.request = request
        self.store = store
        self._known: dict[tuple[str, str], tuple[Study | None, list[Problem]]] = {}
        if request.trials and recipes and not any(map(searched_recipe, recipes)):
            raise UserError(
                f"no search is there for --trials {request.trials}: none of the recipes has one",
                where=", ".join(recipe.name for recipe in recipes),
                expected="a `search:` block (see docs/search.md)",
                action="write one into a recipe of your own that extends it, or leave out --trials",
            )

    def of(self, recipe: Recipe, spec: BackboneSpec) -> tuple[Study | None, list[Problem]]:
        """Return the search that a recipe's values come from, and what it lacks."""
        owner = searched_recipe(recipe) if self.request.trials else None
        if owner is None:
            return None, []
        key = (owner.name, spec.slug)
        if key not in self._known:
            self._known[key] = self._open(owner, spec)
        return self._known[key]

    def _open(self, recipe: Recipe, spec: BackboneSpec) -> tuple[Study | None, list[Problem]]:
        request = self.request
        assert self.store is not None  # a request with trials has one
        source = data.choose(recipe, request.data_root, request.preset)
        if isinstance(source, Problem):
            return None, [source]
        plain = recipe.resolve(source.preset, spec.size, dict(request.overrides))
        search = read_search(plain.search, plain.content["tests"], request.overrides, plain.source)
        reader = data.open_reader(plain, source)
        problems = _check_splits(search, reader, plain)
        if problems:
            raise UserError(problems)
        tried = {name: example(entry) for name, entry in search.space.items()}
        recipe.resolve(source.preset, spec.size, None, {"search.space": tried})  # unknown keys
        lacking = reader.check([search.train_split, search.split])
        if lacking:
            return None, lacking
        test = _trial(plain, search).tests()[search.column]

        def make(values: Mapping[str, Any]) -> Node:
            more = {"search.set": search.set, "search.space": values}
            resolved = recipe.resolve(source.preset, spec.size, dict(request.overrides), more)
            trial = _trial(resolved, search)
            opened = data.open_reader(trial, source) if search.set else reader
            once = replace(request, save_predictions=False)
            node = make_node(trial, source, opened, spec, search.seed, once, [test])
            return replace(node, kind="trial", values=dict(values), study=study)

        study = ""  # which `make` takes when it is known
        hashed: dict[str, Any] = {
            "training": make({}).id,
            "column": search.column,
            "split": search.split,
            "metric": test.metric,
            "options": test.options,
        }
        hashed |= {"study": search.study, "fixed": list(search.fixed)}
        study = identity.short_id(hashed)
        defaults = {name: value_of(plain.content, name) for name in search.space}
        return (
            Study(
                id=study,
                recipe=recipe.name,
                title=spec.title,
                folder=study_folder(self.store.root / recipe.name / spec.slug, study),
                search=search,
                metric=test.metric,
                direction=test.direction,
                defaults=defaults,
                make=make,
            ),
            [],
        )


def _check_splits(search: Search, reader: Reader, resolved: Resolved) -> list[Problem]:
    """Return a problem for each split that the dataset doesn't have."""
    known = list(reader.info.splits)
    return [
        Problem(
            f"{reader.info.title} has no split {getattr(search, name)!r} to search with",
            f"{resolved.source}, search.{name}",
            f"one of {', '.join(known)}",
            "choose a split that is not the one that is reported",
        )
        for name in ("train_split", "split")
        if getattr(search, name) not in known
    ]


def _trial(resolved: Resolved, search: Search) -> Resolved:
    """Return a recipe as a trial runs it: on the search's splits, with the one column."""
    content = dict(resolved.content)
    part = content["data"]
    splits = {"train_split": search.train_split, "val_split": search.split}
    content["data"] = {**part, "init_args": {**(part.get("init_args") or {}), **splits}}
    test = {**content["tests"][search.column], "split": search.split, "checkpoint": "last"}
    test.pop("instead", None)
    content["tests"] = {search.column: test}
    return Resolved(resolved.name, resolved.source, content)


def trials_of(plan: Plan) -> list[Node]:
    """Return the known trials of the searches that something of a plan waits for."""
    return [node for study in plan.studies for node in study.nodes(plan.trials)]


def next_trials(plan: Plan, free: int) -> list[Node]:
    """Ask the searches of a plan for what they try next.

    Each has one trial at a time, as it learns from those before; more only where workers have
    nothing else to do.

    Args:
        plan: The plan.
        free: How many workers have nothing to do.
    """
    found: list[Node] = []
    at_work: dict[str, int] = {}
    studies = {study.id: study for study in plan.studies}
    for study in studies.values():
        at_work[study.id] = sum(not trial.ended for trial in study.trials(plan.trials))
        if not at_work[study.id] and (node := study.ask(plan.trials)) is not None:
            found.append(node)
            at_work[study.id] += 1
    while len(found) < free and studies:
        fewest = min(studies, key=lambda name: at_work[name])
        if (node := studies[fewest].ask(plan.trials)) is None:
            del studies[fewest]
        else:
            found.append(node)
            at_work[fewest] += 1
    return found


def failed_searches(plan: Plan) -> dict[str, list[Problem]]:
    """Return why searches ended without a winner, by their ids."""
    found = {}
    for study in plan.studies:
        try:
            study.winner(plan.trials)
        except UserError as error:
            found[study.id] = list(error.problems)
    return found
