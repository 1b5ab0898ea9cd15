"""Processes that draw: started once for a world, each takes the next unit when it is free.

They are plain child processes, `python -m` this module: unlike spawned workers they do not run
the caller's script again, which need not guard its main part.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, TYPE_CHECKING, Any

from mim_bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MOST_JOBS = 4
_WORTH_A_PROCESS = 8  # frames; starting one costs about two frames


def default_jobs() -> int:
    """Return one process per core that this process may use, four at most."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(usable or 1, _MOST_JOBS))


@dataclass
class _Child:
    process: subprocess.Popen[str]
    errors: IO[str]


class Crew:
    """Draws the units of datasets, one dataset after another, in this process and in children.

    Children start when there is enough to draw, and end with the `with` block.

    Args:
        jobs: Processes, this one among them.
    """

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self._children: list[_Child] = []

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        for child in self._children:  # they hold nothing; after an error or Ctrl-C they may be busy
            child.process.kill()
            child.process.communicate()
            child.errors.close()
        self._children.clear()

    def draw(
        self, writer: str, folder: Path, seed: int, counts: Mapping[str, int], total: int
    ) -> Iterator[int]:
        """Draw all units of a dataset; yields the number of each that is done.

        Args:
            writer: Module with `draw_frame(folder, seed, counts, number)`; `FRAMES_PER_UNIT` says
                how many frames a number stands for, if not one.
            folder: Where to draw.
            seed: The world's seed.
            counts: Split -> frames.
            total: Number of units.

        Raises:
            UserError: A child process failed.
        """
        module = importlib.import_module(writer)
        frames = total * getattr(module, "FRAMES_PER_UNIT", 1)
        helpers = self._staffed(min(self.jobs, frames // _WORTH_A_PROCESS, total) - 1)
        left: SimpleQueue[int] = SimpleQueue()
        for number in range(total):
            left.put(number)
        done: SimpleQueue[int | UserError] = SimpleQueue()
        order = [writer, str(folder), seed, dict(counts)]
        leads = [
            threading.Thread(target=_lead, args=(child, order, left, done), daemon=True)
            for child in helpers
        ]
        for lead in leads:
            lead.start()
        seen = 0
        while seen < total:
            # the children's news first, and waiting for it only when nothing is left to draw
            try:
                news = done.get_nowait()
            except Empty:
                own = _next(left)
                if own is None:
                    news = done.get()
                else:
                    module.draw_frame(folder, seed, counts, own)
                    news = own
            if isinstance(news, UserError):
                raise news
            seen += 1
            yield news
        for lead in leads:
            lead.join()

    def _staffed(self, count: int) -> list[_Child]:
        """Return `count` children, started now as far as they are not there yet."""
        # the child finds this very package, wherever it was imported from
        home = str(Path(__file__).parents[3])
        path = os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH", "")]))
        while len(self._children) < count:
            errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - kept for as long as the child
            process = subprocess.Popen(
                [sys.executable, "-m", __name__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, "PYTHONPATH": path},
            )
            self._children.append(_Child(process, errors))
        return self._children[: max(count, 0)]


def _next(left: SimpleQueue[int]) -> int | None:
    try:
        return left.get_nowait()
    except Empty:
        return None


def _lead(
    child: _Child, order: list[Any], left: SimpleQueue[int], done: SimpleQueue[int | UserError]
) -> None:
    """Hand one unit after another to a child, and tell what it has done."""
    pipe, answers = child.process.stdin, child.process.stdout
    assert pipe is not None
    assert answers is not None
    while (number := _next(left)) is not None:
        try:
            pipe.write(json.dumps([*order, number]) + "\n")
            pipe.flush()
            answer = answers.readline()
        except (OSError, ValueError):
            answer = ""
        if not answer:
            status = child.process.wait()
            child.errors.seek(0)
            said = child.errors.read().strip().splitlines()
            done.put(
                UserError(
                    f"a process that draws the miniature world failed (status {status}): "
                    + (said[-1] if said else "no message"),
                    where=str(order[1]),
                )
            )
            return
        done.put(number)


def main() -> None:
    """Draw what each line of standard input asks for, and answer with a line; its end ends it."""
    for line in sys.stdin:
        writer, folder, seed, counts, number = json.loads(line)
        importlib.import_module(writer).draw_frame(Path(folder), seed, counts, number)
        print(number, flush=True)


if __name__ == "__main__":
    main()
