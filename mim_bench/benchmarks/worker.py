"""The worker's entry, `python -m mim_bench.benchmarks.worker`: runs one run after another.

It imports torch once for many runs. A launcher writes the job file (the folders of planned runs),
starts workers and watches the store; claims keep two workers off one run. While the job file says
`open`, more may be added to it, and workers wait for them. With --wait a worker imports first and
begins when a line arrives on its standard input.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mim_bench.benchmarks.claims import Claim
from mim_bench.benchmarks.stopping import StopRequest
from mim_bench.benchmarks.store import RunFolder
from mim_bench.errors import Problem, UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_WAIT_SECONDS = 0.1
_AGAIN_SECONDS = 5.0

EXIT_PROBLEMS = 3
"""Exit status when recipes are wrong; the problems stand in `<job file>.problems`."""

EXIT_INTERRUPTED = 4
"""Exit status when the worker was asked to stop."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the runs of a job file."""
    parser = argparse.ArgumentParser(prog="python -m mim_bench.benchmarks.worker")
    parser.add_argument("--job", type=Path, required=True, help="the job file (JSON)")
    parser.add_argument("--wait", action="store_true", help="import, then wait for a line on stdin")
    options = parser.parse_args(arguments)
    stop = StopRequest()
    stop.watch_parent()
    if options.wait and _rank() == 0:  # further ranks are relaunched with the same arguments
        _import_all()
        if not sys.stdin.readline():
            return 0
    job = json.loads(options.job.read_text(encoding="utf-8"))
    _import_all()
    threads = int(job.get("threads") or 1)
    folders = [RunFolder(Path(path)) for path in job["runs"]]
    if job.get("check", True) and (problems := check(folders, job.get("later") or [])):
        lines = [vars(problem) for problem in problems]
        options.job.with_suffix(".problems").write_text(json.dumps(lines), encoding="utf-8")
        return EXIT_PROBLEMS
    retry = bool(job.get("retry_failed"))
    for folder in _runs(options.job, stop):
        if _rank() > 0:
            _follow(folder, stop, threads)
        elif claim := Claim.acquire(folder.path):
            try:
                _run(folder, stop, threads, retry)
            finally:
                claim.release()
    return EXIT_INTERRUPTED if stop.is_set() else 0


def _runs(job_file: Path, stop: StopRequest) -> Iterator[RunFolder]:
    """Yield a job's runs, those too that are added while others run, until the worker is stopped.

    A run that another process held is yielded again while there is nothing else to do.
    """
    seen: set[str] = set()
    looked = time.monotonic()
    while not stop.is_set():
        job = json.loads(job_file.read_text(encoding="utf-8"))
        new = [path for path in job["runs"] if path not in seen]
        if new:
            seen.add(new[0])
            yield RunFolder(Path(new[0]))
        elif not job.get("open"):
            return
        else:
            time.sleep(_WAIT_SECONDS)
            if time.monotonic() - looked > _AGAIN_SECONDS:
                looked = time.monotonic()
                seen = {path for path in seen if RunFolder(Path(path)).read()["state"] != "planned"}


def check(folders: Sequence[RunFolder], later: Sequence[Mapping[str, Any]] = ()) -> list[Problem]:
    """Check the recipes of planned runs against their classes; each different one once.

    Args:
        folders: The runs.
        later: `recipe` and `resolved` of runs that will be known after a search.
    """
    from mim_bench.benchmarks.check import check_recipe

    seen: dict[str, list[Problem]] = {}
    for run in [*(folder.read() for folder in folders), *later]:
        key = json.dumps(run["resolved"], sort_keys=True, default=str)
        if key not in seen:
            seen[key] = check_recipe(run["resolved"], run["recipe"])
    return list(dict.fromkeys(problem for problems in seen.values() for problem in problems))


def _import_all() -> None:
    import mim_bench.benchmarks.execution
    import mim_bench.datamodules.depth
    import mim_bench.tasks.depth  # noqa: F401


def _rank() -> int:
    """Return this process's rank among those that Lightning relaunches for several devices."""
    return int(os.environ.get("LOCAL_RANK", "0")) + int(os.environ.get("NODE_RANK", "0"))


def _run(folder: RunFolder, stop: StopRequest, threads: int, retry: bool) -> None:
    """Execute one run and write down how it ended."""
    from mim_bench.benchmarks import environment
    from mim_bench.benchmarks.callbacks import Interrupted
    from mim_bench.benchmarks.execution import execute
    from mim_bench.benchmarks.pruning import Pruned

    job = folder.read()
    if job.get("state") == "pruned" or (job.get("state") == "failed" and not retry):
        return
    if all(folder.is_finished(score) for score in job["scores"]):
        return  # another worker ended it since the plan was made
    timings = {**(job.get("timings") or {}), "started": time.time(), "ended": None}
    folder.update(
        state="running",
        error=None,
        timings=timings,
        environment=environment.environment(),
        git=environment.git_state(),
    )
    folder.progress("starting", 0, 1)
    state, error = "done", None
    with _log_to(folder.log):
        try:
            execute(job, folder, stop, threads)
        except Interrupted:
            state = "interrupted"
        except Pruned:
            state = "pruned"
        except UserError as problem:
            state, error = "failed", str(problem)
            print(f"failed: {problem}", file=sys.stderr)
        except (Exception, SystemExit) as problem:  # one run failing must not end the others
            # a stop that comes while the trainer is being set up ends it its own way
            stopped = isinstance(problem, SystemExit) and stop.is_set()
            state = "interrupted" if stopped else "failed"
            error = f"{type(problem).__name__}: {problem}".splitlines()[0]
            traceback.print_exc()
    ended = {**(folder.read().get("timings") or timings), "ended": time.time()}
    failure = {"cause": error, "log": folder.log.name} if state == "failed" else None
    folder.update(state=state, error=failure, timings=ended)


def _follow(folder: RunFolder, stop: StopRequest, threads: int) -> None:
    """Execute a run as one of its further ranks: rank 0 alone writes to the store."""
    from mim_bench.benchmarks.execution import execute

    execute(folder.read(), folder, stop, threads)


@contextmanager
def _log_to(path: Path) -> Iterator[None]:
    """Send everything that is printed, by child processes too, to a run's log."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    with path.open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    print(f"--- {time.strftime('%Y-%m-%d %H:%M:%S')} pid {os.getpid()}", flush=True)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for saved, number in zip(kept, (1, 2), strict=True):
            os.dup2(saved, number)
            os.close(saved)


def read_problems(job_file: Path) -> list[Problem]:
    """Return the problems that a worker left beside its job file."""
    path = job_file.with_suffix(".problems")
    if not path.is_file():
        return []
    lines: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return [Problem(**line) for line in lines]


if __name__ == "__main__":
    sys.exit(main())
