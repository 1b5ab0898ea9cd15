"""Nodes of the plan: runs with their identities, made without torch and without images."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mim_bench.benchmarks import data, identity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mim_bench.backbones.spec import BackboneSpec
    from mim_bench.benchmarks.recipe import ColumnTest, Recipe, Resolved
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
        trials: Trials of each search; 0 takes the recipes' own values.
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
    trials: int = 0


@dataclass(frozen=True)
class PlannedScore:
    """A column that a node yields.

    Attributes:
        test: How it is scored.
        id: The score id.
        view: The part or form of the split that its options choose (see `Reader.view`).
        fingerprint: The tested view's fingerprint.
        records: Id of the per-sample records, which several columns may share.
        selection: How the run's settings were searched for (see `Study.selection`); empty where
            they are the recipe's own.
    """

    test: ColumnTest
    id: str
    view: str
    fingerprint: str
    records: str
    selection: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Node:
    """A node of the plan: one run.

    Attributes:
        kind: `train`, or `trial` of a search.
        needs: Ids of the searches from which it takes values.
        values: What it takes: dotted setting -> value.
        study: For a trial: the id of the search whose trial it is.
    """

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
    values: Mapping[str, Any] = field(default_factory=dict)
    study: str = ""

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
            **({"selection": dict(score.selection)} if score.selection else {}),
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
            "values": dict(self.values),
            "needs": list(self.needs),
            "study": self.study,
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


def make_node(
    resolved: Resolved,
    source: data.DataSource,
    reader: Reader,
    spec: BackboneSpec,
    seed: int,
    request: Request,
    tests: Sequence[ColumnTest],
    selections: Mapping[str, Mapping[str, Any]] | None = None,
    study: str = "",
) -> Node:
    """Return the node of one run, with its identities.

    Args:
        resolved: The recipe after overlays and a search's values.
        source: Its data.
        reader: Its reader.
        spec: Its backbone.
        seed: Its seed.
        request: Of which mode, overrides and `save_predictions` are taken.
        tests: What is scored.
        selections: By column how the settings were searched for.
        study: The id of that search.
    """
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
        selection = (selections or {}).get(test.column, {})
        trials = {"search": study, "trials": selection["trials"]} if selection else None
        hashed_score = identity.score_identity(training, hashed_test, fingerprint, trials)
        scores.append(
            PlannedScore(
                test,
                identity.short_id(hashed_score),
                view,
                fingerprint,
                identity.short_id(identity.records_identity(training, hashed_test, fingerprint)),
                selection,
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
