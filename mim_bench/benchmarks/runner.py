"""The flow of one command: data, plan, workers, and the table that fills while they work."""

from __future__ import annotations

import signal
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mim_bench import reports
from mim_bench.benchmarks import claims, data
from mim_bench.benchmarks.launcher import LocalLauncher, problems_of
from mim_bench.benchmarks.plan import Node, Plan, Request, make_plan
from mim_bench.benchmarks.recipe import load_recipe, recipe_files
from mim_bench.benchmarks.searching import (
    failed_searches,
    next_trials,
    searched_recipe,
    trials_of,
)
from mim_bench.benchmarks.suite import Suite, load_suite
from mim_bench.benchmarks.tables import build_tables
from mim_bench.datamodules import miniature
from mim_bench.errors import Problem, UserError, unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from mim_bench.benchmarks.recipe import Recipe
    from mim_bench.benchmarks.store import RunFolder, Store

EXIT_FAILED = 1
"""Exit status when a run failed."""

EXIT_STOPPED = 130
"""Exit status when the user stopped the command; the same command goes on where it was."""


@dataclass(frozen=True)
class Selection:
    """What a command shows and runs: suites, columns of them, a user's recipes.

    Attributes:
        suites: The suites.
        recipes: Recipes outside of the suites.
        columns: The columns to run; empty for all.
    """

    suites: Sequence[Suite]
    recipes: Sequence[Recipe] = ()
    columns: Sequence[str] = ()

    def recipe_of(self) -> dict[str, str]:
        """Return the requested columns with the recipe that serves each."""
        return {
            column.name: column.recipe
            for suite in self.suites
            for column in suite.columns
            if column.recipe and (not self.columns or column.name in self.columns)
        }


def select(suites: Sequence[str], recipes: Sequence[str], columns: Sequence[str]) -> Selection:
    """Load suites and recipes and check the named columns.

    Raises:
        UserError: An unknown suite, recipe or column; all are named together.
    """
    loaded = [load_suite(name) for name in suites]
    own = [load_recipe(name) for name in recipes]
    known = [column.name for suite in loaded for column in suite.columns]
    known += [column for recipe in own for column in recipe.columns]
    problems = [unknown("column", name, known) for name in columns if name not in known]
    if problems:
        raise UserError(problems)
    return Selection(loaded, own, tuple(columns))


@dataclass
class Run:
    """One `mim-bench run`.

    Attributes:
        selection: What to show and run.
        request: The rows and settings.
        store: Where runs are kept.
        launcher: What runs them.
        console: Where progress is shown.
    """

    selection: Selection
    request: Request
    store: Store
    launcher: LocalLauncher
    console: Console
    plan: Plan | None = field(default=None, init=False)

    def execute(self) -> int:
        """Draw what must be drawn, run what must be run, show the table; return the exit status."""
        self.store.prepare()
        with self._stoppable():
            try:
                self._draw()
                self.plan = make_plan(self.request, self.store)
                # trials first: a search that is to try one again has no winner yet
                todo = self._prepare([*trials_of(self.plan), *self.plan.nodes])
                todo += self._more(self.launcher.jobs - len(todo))
                if todo:
                    self._launch(todo)
            finally:
                self.launcher.close()
        assert self.plan is not None
        return self._finish(self.plan)

    def _draw(self) -> None:
        """Draw the parts of the miniature world that the request needs and the cache lacks."""
        datasets = needed_datasets(self.request)
        if not datasets:
            return
        folder = miniature.world_folder()
        if miniature.is_drawn(folder, datasets):
            return
        self.launcher.prewarm()
        self.console.print(
            f"No data root is given: drawing the miniature world ({', '.join(datasets)}) "
            f"into {folder}",
            soft_wrap=True,
        )
        draw(self.console, datasets)

    def _prepare(self, nodes: Sequence[Node]) -> list[RunFolder]:
        """Write down planned runs; return those that are to be run now."""
        todo = []
        for node in nodes:
            folder = node.folder(self.store)
            run = folder.read()
            if not node.missing(self.store):
                if run.get("kind") == "trial" and node.kind != "trial":  # a row from now on
                    folder.update(**{**run, **_merged(folder, run, node.job())})
                continue
            if run.get("state") == "failed" and not self.launcher.retry_failed:
                continue
            if run.get("state") == "pruned" and node.kind == "trial":
                continue
            claim = claims.holder(folder.path)
            if not (claim and claims.is_alive(claim)):  # else another command runs it
                folder.update(**{**run, **_merged(folder, run, node.job()), "state": "planned"})
            todo.append(folder)
        return todo

    def _more(self, free: int) -> list[RunFolder]:
        """Return the runs that have become known: what searches try next, and what they found.

        Args:
            free: How many workers have nothing to do.
        """
        assert self.plan is not None
        found: list[RunFolder] = []
        while True:
            before = len(self.plan.nodes)
            self.plan = self.plan.grown()
            found += self._prepare(self.plan.nodes[before:])
            trials = next_trials(self.plan, free - len(found))
            new = self._prepare(trials)
            found += new
            if len(new) == len(trials):
                return found
            # what the store holds already is known at once, and the search goes on

    def _launch(self, folders: Sequence[RunFolder]) -> None:
        assert self.plan is not None
        examples = [one.examples[0] for one in self.plan.awaiting]
        later = [{"recipe": one.recipe, "resolved": one.resolved.content} for one in examples]
        with reports.LiveView(self.tables, self.console) as view:
            more = self._more if examples else None
            self.launcher.run(folders, view.poll, more, later)

    def tables(self) -> list[reports.Table]:
        """Build the tables of this command from the store."""
        assert self.plan is not None
        return build_tables(self.selection, self.plan, self.store)

    def _finish(self, plan: Plan) -> int:
        reports.render(self.tables(), "terminal", self.console)
        folders = [node.folder(self.store) for node in [*plan.nodes, *trials_of(plan)]]
        unfinished = plan.unfinished(self.store)
        if self.launcher.stopping and not problems_of(folders):
            self.console.print("Stopped. The same command goes on where it was.")
            return EXIT_STOPPED
        causes = [*problems_of(folders), *self._idle(unfinished)]
        causes += [problem for found in failed_searches(plan).values() for problem in found]
        for problem in causes:
            self.console.print(str(problem), style="red", markup=False, soft_wrap=True)
        return EXIT_FAILED if unfinished or plan.awaiting else 0

    def _idle(self, nodes: Sequence[Node]) -> Iterator[Problem]:
        """Yield why runs that did not fail have no score."""
        for node in nodes:
            folder = node.folder(self.store)
            state = folder.read().get("state")
            if state == "running":
                yield Problem(
                    "another process works on it",
                    str(folder.path),
                    action="wait for it; if it is gone (another machine), remove claim.json there",
                )
            elif state != "failed":
                log = self.launcher.store_log
                yield Problem(
                    f"did not run ({state})", str(folder.path), action=f"see {log}" if log else ""
                )

    def _stoppable(self) -> Any:
        return _Stoppable(self.launcher, self.console)


class _Stoppable:
    """Turns Ctrl-C and SIGTERM into a stop at the next batch; a second one kills."""

    def __init__(self, launcher: LocalLauncher, console: Console) -> None:
        self.launcher = launcher
        self.console = console
        self._old: dict[int, Any] = {}

    def __enter__(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._old[number] = signal.signal(number, self._stop)

    def _stop(self, *_: Any) -> None:
        if not self.launcher.working:
            raise KeyboardInterrupt
        again = self.launcher.stopping
        self.launcher.stop(kill=again)
        if not again:
            self.console.print(
                "Stopping at the next batch, with a checkpoint. Once more ends it at once."
            )

    def __exit__(self, *_: object) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)


def needed_datasets(request: Request) -> list[str]:
    """Return the datasets of the miniature world that a request will read."""
    known = recipe_files()
    names = dict.fromkeys(name for name in request.columns.values() if name in known)
    found: list[str] = []
    recipes = [*(load_recipe(name) for name in names), *request.recipes]
    searched = map(searched_recipe, recipes) if request.trials else ()
    for recipe in [*recipes, *(one for one in searched if one is not None)]:
        source = data.choose(recipe, request.data_root, request.preset)
        if isinstance(source, data.DataSource) and source.world:
            found += data.drawn_from(recipe.content)
    return sorted(set(found))


def draw(console: Console, datasets: Sequence[str], folder: Any = None, seed: int = 0) -> None:
    """Draw the miniature world with a progress bar (a line where there is no terminal)."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    started = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bars: dict[str, Any] = {}

        def show(part: str, done: int, total: int) -> None:
            if part not in bars:
                bars[part] = progress.add_task(part, total=total)
            progress.update(bars[part], completed=done)

        target = folder or miniature.world_folder(seed)
        miniature.draw_world(target, tuple(datasets), seed=seed, progress=show)
    console.print(f"The world is drawn ({time.monotonic() - started:.0f} s).")


def _merged(folder: RunFolder, run: dict[str, Any], job: dict[str, Any]) -> dict[str, Any]:
    """Add a plan's columns to those that a run has scored; what was only asked for goes."""
    new = {score["id"] for score in job["scores"]}
    old = [
        score
        for score in run.get("scores") or []
        if score["id"] not in new and folder.has_score(score["column"], score["id"])
    ]
    columns = dict.fromkeys([score["column"] for score in old] + job["columns"])
    whole = {**job, "scores": old + job["scores"], "columns": list(columns)}
    if job["kind"] == "trial" and run.get("kind") == "train":  # a row that a search tries too
        whole |= {key: run.get(key) for key in ("kind", "overrides", "values", "needs")}
    return whole


def main_console(aside: bool = False) -> Console:
    """Return the console for what a command prints: full width and plain without a terminal.

    Args:
        aside: Print to standard error, since standard output is for JSON.
    """
    return reports.open_console(sys.stderr if aside else sys.stdout)
