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
from mim_bench.benchmarks.worker import EXIT_PROBLEMS, read_problems
from mim_bench.errors import Problem, UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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

    def run(self, folders: Sequence[RunFolder], watch: Callable[[], None]) -> None:
        """Run planned runs to their end; `watch` is called between looks at the workers.

        Raises:
            UserError: The first worker found recipes wrong; nothing was trained.
        """
        alone = [folder for folder in folders if _devices(folder) != 1]
        together = [folder for folder in folders if _devices(folder) == 1]
        groups = [together] if together else []
        for group in [*groups, *([folder] for folder in alone)]:
            if not self.stopping:
                self._run_group(group, watch)

    def _run_group(self, folders: Sequence[RunFolder], watch: Callable[[], None]) -> None:
        checked = False
        while remaining := self._remaining(folders):
            count = max(1, min(self.jobs, len(remaining)))
            job = {
                "runs": [str(folder.path.resolve()) for folder in remaining],
                "threads": max(1, usable_cores() // count),
                "check": not checked,
                "retry_failed": self.retry_failed,
            }
            self._job_file().write_text(json.dumps(job), encoding="utf-8")
            while len(self._workers) < count:
                self._workers.append(self._next_worker())
            self._watch(remaining, watch)
            problems = read_problems(self._job_file())
            if problems:
                raise UserError(problems)
            checked = True
            if self.stopping or not self._settle(remaining):
                return

    def _next_worker(self) -> subprocess.Popen[str]:
        if self._waiting:
            worker = self._waiting.pop()
            if worker.poll() is None and worker.stdin is not None:
                worker.stdin.write("go\n")
                worker.stdin.close()
                return worker
        return self._start(wait=False)

    def _remaining(self, folders: Sequence[RunFolder]) -> list[RunFolder]:
        states = ("done", "failed") if not self.retry_failed else ("done",)
        found = []
        for folder in folders:
            run = folder.read()
            scored = all(folder.is_finished(score) for score in run["scores"])
            if run.get("state") not in states or (run.get("state") == "done" and not scored):
                found.append(folder)
        return found

    def _watch(self, folders: Sequence[RunFolder], watch: Callable[[], None]) -> None:
        """Wait for the workers to end."""
        while any(worker.poll() is None for worker in self._workers):
            watch()
            if self.timeout is not None:
                self._stop_late(folders)
            if self.fail_fast and any(folder.read().get("state") == "failed" for folder in folders):
                self.stop()
            time.sleep(_POLL_SECONDS)
        codes = [worker.returncode for worker in self._workers]
        self._workers.clear()
        watch()
        if EXIT_PROBLEMS not in codes:
            _bury(folders, codes)

    def _settle(self, folders: Sequence[RunFolder]) -> bool:
        """Tell whether another round can bring runs on: some ended, and some are still planned."""
        self.retry_failed = False  # one more try, not many
        states = [folder.read().get("state") for folder in folders]
        held = [claims.holder(folder.path) for folder in folders]
        foreign = [claim for claim in held if claim and claims.is_alive(claim)]
        return any(state in ("failed", "done") for state in states) and not foreign

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
