"""The trials of a search: kept in the store, asked of Optuna, and the winner among them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from mim_bench.benchmarks.sampling import holds, propose
from mim_bench.benchmarks.store import ENDED, RunFolder
from mim_bench.errors import Problem, UserError
from mim_bench.files import digest, read_json, write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mim_bench.benchmarks.nodes import Node
    from mim_bench.benchmarks.search import Search

_FILE = "search.json"
VALIDATIONS = "validations.json"
"""In a trial's folder: the searched metric at each validation, which pruning compares."""


@dataclass(frozen=True)
class Trial:
    """One trial.

    Attributes:
        number: Its place in the study, from 0.
        values: Dotted setting -> value.
        run: The training id of its run.
        state: The run's state; `planned` before there is one.
        value: The metric; None where there is none.
        steps: The metric at each validation, by training step.
        cause: Why it failed.
    """

    number: int
    values: Mapping[str, Any]
    run: str
    state: str = "planned"
    value: float | None = None
    steps: Mapping[int, float] = field(default_factory=dict)
    cause: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing more will be known of it."""
        return self.state in ENDED


@dataclass(frozen=True)
class Study:
    """A search of one recipe for one backbone.

    Attributes:
        id: The search's id: a hash of what its trials have in common beside the space.
        recipe: The recipe that is searched.
        title: The backbone, as tables show it.
        folder: Where it is kept: beside the runs of its trials.
        search: What is searched.
        metric: The metric's name.
        direction: `min` or `max`.
        defaults: The recipe's own values of what is searched: the first trial, where the space
            holds them.
        make: Makes the node of a trial from its values.
    """

    id: str
    recipe: str
    title: str
    folder: Path
    search: Search
    metric: str
    direction: str
    defaults: Mapping[str, Any]
    make: Callable[[Mapping[str, Any]], Node] = field(repr=False)
    _nodes: dict[str, Node] = field(default_factory=dict, repr=False)
    _done: dict[int, Trial] = field(default_factory=dict, repr=False)

    def trials(self, most: int | None = None) -> list[Trial]:
        """Return the study's first trials as the store knows them.

        Raises:
            UserError: The study was made with another space.
        """
        entries = self._read()["trials"][:most]
        # what is done stays so, and live tables ask often
        new = read_trials(self.folder, [one for one in entries if one["number"] not in self._done])
        self._done.update({trial.number: trial for trial in new if trial.state == "done"})
        known = self._done | {trial.number: trial for trial in new}
        return [known[entry["number"]] for entry in entries]

    def nodes(self, most: int) -> list[Node]:
        """Return the nodes of the study's first trials."""
        return [self._node(entry["values"]) for entry in self._read()["trials"][:most]]

    def ask(self, budget: int) -> Node | None:
        """Add a trial and return its node; None when there are as many as the budget allows.

        What it tries follows from the study's seed, its number, and what is known of the others.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / ".lock"):
            content = self._read()
            number = len(content["trials"])
            if number >= budget:
                return None
            values = dict(self.defaults)
            if number or not all(
                holds(entry, values.get(name)) for name, entry in self.search.space.items()
            ):
                values = propose(content, read_trials(self.folder, content["trials"]))
            node = self._node(values)
            entry = {"number": number, "values": values, "run": node.id, "score": node.scores[0].id}
            content["trials"].append(entry)
            write_json(self.folder / _FILE, content)
        return node

    def winner(self, budget: int) -> Trial | None:
        """Return the best of the first trials, the earlier of equals; None before all have ended.

        Raises:
            UserError: None of them has a value; the first cause is quoted.
        """
        trials = self.trials(budget)
        if len(trials) < budget or not all(trial.ended for trial in trials):
            return None
        best = best_of(trials, self.direction)
        if best is None:
            cause = next((trial.cause for trial in trials if trial.cause), "no cause was recorded")
            raise UserError(
                f"all {len(trials)} trials failed, the first one: {cause}",
                where=f"search of {self.recipe} / {self.title}",
                action=f"read {RunFolder(self.folder.parent / trials[0].run).log}; "
                "`--retry failed` runs them again",
            )
        return best

    def selection(self, budget: int, reported: bool) -> dict[str, Any]:
        """Return what a score says of the search behind its settings (a part of its card)."""
        search = self.search
        selected = f"{search.split}, the reported split" if reported else search.split
        return {
            "trials": budget,
            "recipe": self.recipe,
            "trained_on": search.train_split,
            "selected_on": selected,
            "reported": reported,
            "metric": self.metric,
            "seed": search.seed,
            **search.facts(),
        }

    def _node(self, values: Mapping[str, Any]) -> Node:
        key = digest(values)
        if key not in self._nodes:
            self._nodes[key] = self.make(values)
        return self._nodes[key]

    def _read(self) -> dict[str, Any]:
        new = {
            "id": self.id,
            "recipe": self.recipe,
            "backbone": self.title,
            "column": self.search.column,
            "split": self.search.split,
            "train_split": self.search.train_split,
            "metric": self.metric,
            "direction": self.direction,
            "seed": self.search.seed,
            **self.search.facts(),
            "trials": [],
        }
        content = read_study(self.folder)
        if content is None:
            return new
        changed = list(_changes(content, self.search.facts()))
        if changed:
            raise UserError(
                Problem(
                    change,
                    str(self.folder / _FILE),
                    action="search as before, or give the new search a name of its own: "
                    "`search.study` in the recipe",
                )
                for change in changed
            )
        return content


def _changes(content: Mapping[str, Any], facts: Mapping[str, Any]) -> list[str]:
    """Say how a study's space and ways differ from what is asked for."""
    found = [
        f"the study was made with {name} {content.get(name)!r}, now it is {facts[name]!r}"
        for name in ("sampler", "pruner")
        if content.get(name) != facts[name]
    ]
    old, new = content.get("space") or {}, facts["space"]
    for name in dict.fromkeys([*old, *new]):
        if old.get(name) != new.get(name):
            before, after = (str(one.get(name, "not searched")) for one in (old, new))
            found.append(f"the study was made with another space: {name} was {before}, is {after}")
    return found


def study_folder(backbone: Path, study: str) -> Path:
    """Return where a search is kept: in its backbone's folder, beside the runs of its trials."""
    return backbone / f"search-{study}"


def read_study(folder: Path) -> dict[str, Any] | None:
    """Return what a study's file says; None where there is none."""
    try:
        return read_json(folder / _FILE)
    except FileNotFoundError:
        return None


def find_studies(store: Path) -> list[tuple[Path, dict[str, Any]]]:
    """Return the folders of a store's searches with what their files say."""
    found = sorted(store.glob(str(study_folder(Path("*/*"), "*") / _FILE)))
    return [(path.parent, read_json(path)) for path in found]


def scored(trials: Sequence[Trial]) -> list[Trial]:
    """Return the trials that have a value."""
    return [trial for trial in trials if trial.state == "done" and trial.value is not None]


def best_of(trials: Sequence[Trial], direction: str) -> Trial | None:
    """Return the best trial, the earlier of equals; None where none has a value."""
    sign = -1 if direction == "max" else 1
    return min(
        scored(trials), key=lambda trial: (sign * (trial.value or 0.0), trial.number), default=None
    )


def read_trials(folder: Path, entries: Sequence[Mapping[str, Any]]) -> list[Trial]:
    """Return trials as their runs in the store tell."""
    return [_read_trial(folder, entry) for entry in entries]


def _read_trial(folder: Path, entry: Mapping[str, Any]) -> Trial:
    run = RunFolder(folder.parent / entry["run"])
    content = run.read()
    state = str(content.get("state") or "planned")
    value = None
    column = _column(content, entry["score"])
    if column and run.has_score(column, entry["score"]):
        value, state = read_json(run.score_file(column, entry["score"])).get("value"), "done"
    elif state == "done":
        state = "planned"  # done, but with other scores than this one
    return Trial(
        number=int(entry["number"]),
        values=entry["values"],
        run=entry["run"],
        state=state,
        value=value,
        steps=read_validations(run),
        cause=str((content.get("error") or {}).get("cause") or ""),
    )


def _column(run: Mapping[str, Any], score: str) -> str:
    found = [one["column"] for one in run.get("scores") or [] if one["id"] == score]
    return found[0] if found else ""


def read_validations(run: RunFolder) -> dict[int, float]:
    """Return the searched metric of a run by training step."""
    try:
        content = read_json(run.path / VALIDATIONS)
    except (FileNotFoundError, UserError):  # it is written without waiting for the disk
        return {}
    return {int(step): float(value) for step, value in content["steps"]}
