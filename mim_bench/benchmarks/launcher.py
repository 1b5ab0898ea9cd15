"""The local launcher: starts worker processes on this machine, watches and stops them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mim_bench.benchmarks import claims
from mim_bench.benchmarks.store import ENDED
from mim_bench.benchmarks.worker import EXIT_PROBLEMS, read_problems
from mim_bench.errors import Problem, UserError
from mim_bench.files import write_atomic

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mim_bench.benchmarks.store import RunFolder

_POLL_SECONDS = 0.25
_PATIENCE_SECONDS = 60.0


@dataclass
class LocalLauncher:
    """Runs planned runs in worker processes.

    Attributes:
        jobs: How many workers run at once.
        timeout: Minutes after which a run is stopped and counts as failed; None for no limit.
        fail_fast: Stop everything at the first failure.
        retry_failed: Run runs that failed before.
        store_log: Where workers write what belongs to no run.
    """

    jobs: int = 1
    timeout: float | None = None
    fail_fast: bool = False
    retry_failed: bool = False
    store_log: Path | None = None
    _workers: list[subprocess.Popen[str]] = field(default_factory=list)
    _waiting: list[subprocess.Popen[str]] = field(default_factory=list)
    _temporary: Any = None
    stopping: bool = False

    @property
    def working(self) -> bool:
        """Whether runs are in workers' hands."""
        return bool(self._workers)

    def _job_file(self) -> Path:
        if self._temporary is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="mim-bench-")
        return Path(self._temporary.name) / "job.json"

    def _start(self, wait: bool) -> subprocess.Popen[str]:
        arguments = [sys.executable, "-m", "mim_bench.benchmarks.worker"]
        arguments += ["--job", str(self._job_file()), *(["--wait"] if wait else [])]
        # classes of the current folder are found by the worker as they are by the command
        paths = [str(Path.cwd()), os.environ.get("PYTHONPATH", "")]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(path for path in paths if path),
            "NO_ALBUMENTATIONS_UPDATE": "1",
        }
        log = self.store_log.open("ab") if self.store_log else subprocess.DEVNULL
        try:
            return subprocess.Popen(
                arguments,
                stdin=subprocess.PIPE if wait else subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                text=True,
                start_new_session=True,  # Ctrl-C reaches the workers through `stop` alone
            )
        finally:
            if log is not subprocess.DEVNULL:
                log.close()  # type: ignore[union-attr]

    def prewarm(self) -> None:
        """Start a worker that imports torch while the data is drawn and the plan is made."""
        if not self._waiting:
            self._waiting.append(self._start(wait=True))

    def run(
        self,
        folders: Sequence[RunFolder],
        watch: Callable[[], None],
        more: Callable[[int], Sequence[RunFolder]] | None = None,
        later: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Run planned runs to their end; `watch` is called between looks at the workers.

        Args:
            folders: The runs.
            watch: Called between looks at the workers.
            more: Called with the number of workers that have nothing to do whenever a run has
                ended; returns runs that are known by now.
            later: What the first worker checks besides (see `worker.check`).

        Raises:
            UserError: The first worker found recipes wrong; nothing was trained.
        """
        queue = list(folders)
        while queue and not self.stopping:
            together, alone = _divided(queue)
            if together:
                queue = [*alone, *self._run_group(together, watch, more, later)]
            else:
                # Lightning relaunches the script for several devices: such a run has its own job
                self._run_group(alone[:1], watch, None, later)
                known = more(self.jobs) if more is not None and not self.stopping else ()
                queue = [*alone[1:], *known]
            later = ()

    def _run_group(
        self,
        folders: Sequence[RunFolder],
        watch: Callable[[], None],
        more: Callable[[int], Sequence[RunFolder]] | None,
        later: Sequence[Mapping[str, Any]],
    ) -> list[RunFolder]:
        """Run a group in rounds until nothing of it can be brought on.

        Returns:
            Runs that have become known and need several devices.
        """
        known = list(folders)
        others: list[RunFolder] = []
        checked = False
        while remaining := self._remaining(known):
            count = self.jobs if more is not None else min(self.jobs, len(remaining))
            job = {
                "runs": [str(folder.path.resolve()) for folder in remaining],
                "threads": max(1, usable_cores() // count),
                "check": not checked,
                "later": list(later),
                "retry_failed": self.retry_failed,
                "open": more is not None,
            }
            self._write_job(job)
            while len(self._workers) < count:
                self._workers.append(self._next_worker())
            new, apart = self._watch(remaining, watch, job, more)
            problems = read_problems(self._job_file())
            if problems:
                raise UserError(problems)
            checked = True
            known += new
            others += apart
            if self.stopping or not self._settle([*remaining, *new]):
                break
        return others

    def _write_job(self, job: Mapping[str, Any]) -> None:
        write_atomic(self._job_file(), json.dumps(job, default=str), durable=False)

    def _next_worker(self) -> subprocess.Popen[str]:
        if self._waiting:
            worker = self._waiting.pop()
            if worker.poll() is None and worker.stdin is not None:
                worker.stdin.write("go\n")
                worker.stdin.close()
                return worker
        return self._start(wait=False)

    def _remaining(self, folders: Sequence[RunFolder]) -> list[RunFolder]:
        states = [one for one in ENDED if one != "failed" or not self.retry_failed]
        found = []
        for folder in folders:
            run = folder.read()
            scored = all(folder.is_finished(score) for score in run["scores"])
            if run.get("state") not in states or (run.get("state") == "done" and not scored):
                found.append(folder)
        return found

    def _watch(
        self,
        folders: Sequence[RunFolder],
        watch: Callable[[], None],
        job: dict[str, Any],
        more: Callable[[int], Sequence[RunFolder]] | None,
    ) -> tuple[list[RunFolder], list[RunFolder]]:
        """Wait for the workers to end, and give them what becomes known meanwhile.

        Returns:
            What was given to them, and what needs several devices.
        """
        mine = list(folders)
        apart: list[RunFolder] = []
        before = -1
        while any(worker.poll() is None for worker in self._workers):
            watch()
            if self.timeout is not None:
                self._stop_late(mine)
            if self.fail_fast and any(folder.read().get("state") == "failed" for folder in mine):
                self.stop()
            if more is not None and job["open"] and not self.stopping:
                left = self._left(mine)
                if left != before:
                    together, others = _divided(more(max(0, self.jobs - left)))
                    mine += together
                    apart += others
                    before = left + len(together)
                    job["runs"] += [str(folder.path.resolve()) for folder in together]
                    job["open"] = before > 0
                    self._write_job(job)
            time.sleep(_POLL_SECONDS)
        codes = [worker.returncode for worker in self._workers]
        self._workers.clear()
        watch()
        if EXIT_PROBLEMS not in codes:
            _bury(mine, codes)
        return mine[len(folders) :], apart

    def _left(self, folders: Sequence[RunFolder]) -> int:
        """Return how many runs the workers have at work, or still before them."""
        dead = [worker.returncode for worker in self._workers if worker.poll() is not None]
        if dead:  # a search would wait for their runs
            _bury(folders, dead)
        return sum(1 for folder in folders if self._goes_on(folder))

    def _goes_on(self, folder: RunFolder) -> bool:
        """Tell whether a worker of this command has a run at work, or still before it."""
        if folder.read().get("state") not in ("planned", "running"):
            return False
        claim = claims.holder(folder.path)
        mine = {worker.pid for worker in self._workers}
        return not claim or claim.get("pid") in mine or not claims.is_alive(claim)

    def _settle(self, folders: Sequence[RunFolder]) -> bool:
        """Tell whether another round can bring runs on: some ended, and some are still planned."""
        self.retry_failed = False  # one more try, not many
        states = [folder.read().get("state") for folder in folders]
        held = [claims.holder(folder.path) for folder in folders]
        foreign = [claim for claim in held if claim and claims.is_alive(claim)]
        return any(state in ENDED for state in states) and not foreign

    def _stop_late(self, folders: Sequence[RunFolder]) -> None:
        for folder in folders:
            run = folder.read()
            started = (run.get("timings") or {}).get("started")
            limit = (self.timeout or 0.0) * 60
            if run.get("state") != "running" or not started or time.time() - started < limit:
                continue
            claim = claims.holder(folder.path) or {}
            for worker in self._workers:
                if worker.pid == claim.get("pid"):
                    _end(worker)
            cause = f"stopped after {self.timeout:g} minutes (--timeout)"
            folder.update(state="failed", error={"cause": cause, "log": folder.log.name})

    def stop(self, kill: bool = False) -> None:
        """Ask the workers to save a checkpoint and end; `kill` ends them at once."""
        self.stopping = True
        for worker in [*self._workers, *self._waiting]:
            if worker.poll() is None:
                worker.send_signal(signal.SIGKILL if kill else signal.SIGTERM)

    def close(self) -> None:
        """End waiting workers and remove temporary files."""
        for worker in self._waiting:
            worker.kill()  # it holds nothing yet
            worker.wait()
            if worker.stdin is not None:
                worker.stdin.close()
        self._waiting.clear()
        for worker in self._workers:
            _end(worker)
        if self._temporary is not None:
            self._temporary.cleanup()


def usable_cores() -> int:
    """Return the cores that this process may use, which a container or a job can limit."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _divided(folders: Sequence[RunFolder]) -> tuple[list[RunFolder], list[RunFolder]]:
    """Divide runs into those of one device, which share a worker, and the others."""
    together = [folder for folder in folders if _devices(folder) == 1]
    return together, [folder for folder in folders if folder not in together]


def _devices(folder: RunFolder) -> Any:
    trainer = folder.read()["resolved"]["trainer"]
    return trainer.get("devices", 1) if trainer.get("num_nodes", 1) == 1 else None


def _end(worker: subprocess.Popen[str]) -> None:
    if worker.poll() is not None:
        return
    worker.send_signal(signal.SIGTERM)
    try:
        worker.wait(_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()


def _bury(folders: Sequence[RunFolder], codes: Sequence[int]) -> None:
    """Write down the cause for runs whose worker died without a word."""
    for folder in folders:
        claim = claims.holder(folder.path)
        if folder.read().get("state") != "running" or (claim and claims.is_alive(claim)):
            continue
        signals = [signal.Signals(-code).name for code in codes if code < 0]
        what = f"killed by {signals[0]}" if signals else f"ended with status {max(codes)}"
        hint = " (out of memory?)" if "SIGKILL" in signals else ""
        cause = f"the worker was {what}{hint}" if signals else f"the worker {what}"
        folder.update(state="failed", error={"cause": cause, "log": folder.log.name})


def problems_of(folders: Sequence[RunFolder]) -> list[Problem]:
    """Return the causes of the runs that failed."""
    found = []
    for folder in folders:
        run = folder.read()
        if run.get("state") == "failed":
            cause = (run.get("error") or {}).get("cause", "unknown")
            found.append(
                Problem(
                    cause,
                    f"{run['recipe']} / {run['backbone']['title']}",
                    action=f"read {folder.log}; `--retry failed` runs it again",
                )
            )
    return found
