"""The plan: a graph of runs with their identities, made without torch and without images."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mim_bench.benchmarks import data, identity
from mim_bench.benchmarks.recipe import Recipe, load_recipe, recipe_files
from mim_bench.errors import Problem, UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mim_bench.backbones.spec import BackboneSpec
    from mim_bench.benchmarks.recipe import ColumnTest, Resolved
    from mim_bench.benchmarks.store import RunFolder, Store
    from mim_bench.datamodules.readers.base import Reader


@dataclass(frozen=True)
class Request:
    """What a command asks for.

    Attributes:
        columns: Column name -> the recipe that serves it, in the table's order.
        recipes: Recipes that are asked for themselves (a user's YAML files), with all columns.
        backbones: The rows.
        seeds: One run for each.
        mode: `finetune` or `frozen`.
        preset: `paper`, `miniature`, or None for the default of the data.
        data_root: The user's data root, or None.
        overrides: `--set`: dotted keys with values.
        named: Columns that the user named: that one of these can't run is an error.
        save_predictions: Whether each tested sample's prediction is kept as a file.
    """

    columns: Mapping[str, str]
    backbones: Sequence[BackboneSpec]
    recipes: Sequence[Recipe] = ()
    seeds: Sequence[int] = (0,)
    mode: str = "finetune"
    preset: str | None = None
    data_root: str | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)
    named: frozenset[str] = frozenset()
    save_predictions: bool = False


@dataclass(frozen=True)
class PlannedScore:
    """A column that a node yields.

    Attributes:
        test: How it is scored.
        id: The score id.
        view: The part or form of the split that its options choose (see `Reader.view`).
        fingerprint: The tested view's fingerprint.
        records: Id of the per-sample records, which several columns may share.
    """

    test: ColumnTest
    id: str
    view: str
    fingerprint: str
    records: str


@dataclass(frozen=True)
class Node:
    """A node of the plan: one run. (Its kind is `train`; `needs` holds the edges to come.)"""

    id: str
    recipe: str
    resolved: Resolved
    backbone: BackboneSpec
    source: data.DataSource
    seed: int
    mode: str
    overrides: Mapping[str, Any]
    identity: Mapping[str, Any]
    scores: tuple[PlannedScore, ...]
    save_predictions: bool = False
    kind: str = "train"
    needs: tuple[str, ...] = ()

    def folder(self, store: Store) -> RunFolder:
        """Return the node's folder in a store."""
        return store.folder(self.recipe, self.backbone.slug, self.id)

    def missing(self, store: Store) -> list[PlannedScore]:
        """Return the scores that a store lacks."""
        folder = self.folder(store)
        return [score for score in self.scores if not folder.is_finished(self._score(score))]

    def _score(self, score: PlannedScore) -> dict[str, Any]:
        """Return a score as a worker needs it."""
        return {
            **vars(score.test),
            "id": score.id,
            "view": score.view,
            "fingerprint": score.fingerprint,
            "records": score.records,
            "save_predictions": self.save_predictions,
        }

    def job(self) -> dict[str, Any]:
        """Return what a worker needs to run it, as plain content (a part of run.json)."""
        return {
            "id": self.id,
            "kind": self.kind,
            "recipe": self.recipe,
            "source": self.resolved.source,
            "preset": self.source.preset,
            "data": self.source.title,
            "data_root": str(self.source.root),
            "overrides": dict(self.overrides),
            "mode": self.mode,
            "seed": self.seed,
            "backbone": {
                **self.backbone.to_dict(),
                "slug": self.backbone.slug,
                "title": self.backbone.title,
                "size": self.backbone.size,
                "weights_sha256": self.backbone.weights_sha256(),
            },
            "columns": [score.test.column for score in self.scores],
            "resolved": self.resolved.content,
            "identity": dict(self.identity),
            "fingerprints": {
                **self.identity["fingerprints"],
                **{score.view: score.fingerprint for score in self.scores},
            },
            "scores": [self._score(score) for score in self.scores],
        }


@dataclass(frozen=True)
class Plan:
    """Nodes in the order in which they are worth running, and why columns are left out.

    Attributes:
        nodes: The runs.
        reasons: Column -> why nothing runs for it.
    """

    nodes: tuple[Node, ...]
    reasons: Mapping[str, str]

    def unfinished(self, store: Store) -> list[Node]:
        """Return the nodes of which a store lacks a score."""
        return [node for node in self.nodes if node.missing(store)]


def make_plan(request: Request) -> Plan:
    """Turn a request into runs.

    Raises:
        UserError: Unknown or ill-formed recipes, settings, columns; nothing at all can run, or a
            column that the user named can't.
    """
    wanted, reasons = _wanted(request)
    nodes: list[Node] = []
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
                if tests:
                    nodes += [
                        _node(resolved, source, reader, spec, seed, request, tests)
                        for seed in request.seeds
                    ]
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
    if not nodes:
        raise UserError(Problem(reason, f"column {name}") for name, reason in reasons.items())
    # a row's cells fill together only where recipes are few; columns first keeps backbones fair
    return Plan(tuple(nodes), reasons)


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


def _node(
    resolved: Resolved,
    source: data.DataSource,
    reader: Reader,
    spec: BackboneSpec,
    seed: int,
    request: Request,
    tests: Sequence[ColumnTest],
) -> Node:
    train = data.train_split(resolved)
    hashed = identity.training_identity(
        resolved.content,
        recipe=resolved.name,
        backbone=spec.identity(),
        fingerprints={train: reader.fingerprint(train)},
        seed=seed,
        preset=source.preset,
        mode=request.mode,
    )
    training = identity.short_id(hashed)
    scores = []
    for test in tests:
        view = reader.view(test.split, test.options)
        fingerprint = reader.fingerprint(view)
        hashed_test = replace(test, options=reader.scored_options(test.options))
        scores.append(
            PlannedScore(
                test,
                identity.short_id(identity.score_identity(training, hashed_test, fingerprint)),
                view,
                fingerprint,
                identity.short_id(identity.records_identity(training, hashed_test, fingerprint)),
            )
        )
    return Node(
        id=training,
        recipe=resolved.name,
        resolved=resolved,
        backbone=spec,
        source=source,
        seed=seed,
        mode=request.mode,
        overrides={k: v for k, v in request.overrides.items() if identity.counts(k)},
        identity=hashed,
        scores=tuple(scores),
        save_predictions=request.save_predictions,
    )


def _short(problems: Sequence[Problem]) -> str:
    first = str(problems[0]).splitlines()[0]
    return first if len(problems) == 1 else f"{first} (and {len(problems) - 1} more)"
