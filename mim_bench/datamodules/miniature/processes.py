"""Shares the frames of a dataset among processes of their own.

They are plain child processes, `python -m` this module: unlike spawned workers they do not run
the caller's script again, which need not guard its main part.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from queue import Queue
from typing import TYPE_CHECKING

from mim_bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import IO

_MOST_JOBS = 4
_WORTH_A_PROCESS = 8  # frames; starting one costs about two frames


def default_jobs() -> int:
    """Return one process per core that this process may use, four at most."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(usable or 1, _MOST_JOBS))


def draw_shares(
    writer: str, folder: Path, seed: int, counts: Mapping[str, int], total: int, jobs: int
) -> Iterator[int]:
    """Draw all frames of a dataset; yields once for each frame that is done.

    Args:
        writer: Module with `draw_frame(folder, seed, counts, number)`; `FRAMES_PER_UNIT` says how
            many frames a number stands for, if not one.
        folder: Where to draw.
        seed: The world's seed.
        counts: Split -> frames.
        total: Number of frames.
        jobs: Processes, this one among them.

    Raises:
        UserError: A child process failed.
    """
    frames = total * getattr(importlib.import_module(writer), "FRAMES_PER_UNIT", 1)
    jobs = max(1, min(jobs, frames // _WORTH_A_PROCESS, total))
    done: Queue[int] = Queue()
    command = [sys.executable, "-m", __name__, writer, str(folder), str(seed), json.dumps(counts)]
    # the child finds this very package, wherever it was imported from
    home = str(Path(__file__).parents[3])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, _search_path(home)))}
    children = [
        subprocess.Popen(
            [*command, str(share), str(jobs), str(total)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for share in range(1, jobs)
    ]
    errors: list[list[str]] = [[] for _ in children]
    readers = [
        threading.Thread(target=_listen, args=(pipe, sink), daemon=True)
        for child, error in zip(children, errors, strict=True)
        for pipe, sink in ((child.stdout, done), (child.stderr, error))
    ]
    for thread in readers:
        thread.start()
    try:
        for number in _draw_share(writer, folder, seed, counts, range(0, total, jobs)):
            yield number
            while not done.empty():
                yield done.get()
        while any(thread.is_alive() for thread in readers):
            for thread in readers:
                thread.join(timeout=0.05)
            while not done.empty():
                yield done.get()
        while not done.empty():
            yield done.get()
        for child, error in zip(children, errors, strict=True):
            if child.wait():
                raise UserError(
                    f"a process that draws the miniature world failed (status {child.returncode}): "
                    + (error[-1].strip() if error else "no message"),
                    where=str(folder),
                )
    finally:
        for child in children:  # after an error or Ctrl-C
            if child.poll() is None:
                child.kill()
                child.wait()


def _search_path(home: str) -> list[str]:
    return [home, os.environ.get("PYTHONPATH", "")]


def _listen(pipe: IO[str] | None, sink: Queue[int] | list[str]) -> None:
    for line in pipe or ():
        if isinstance(sink, Queue):
            sink.put(int(line))
        else:
            sink.append(line)


def _draw_share(
    writer: str, folder: Path, seed: int, counts: Mapping[str, int], numbers: range
) -> Iterator[int]:
    module = importlib.import_module(writer)
    for number in numbers:
        module.draw_frame(folder, seed, counts, number)
        yield number


def main(arguments: list[str]) -> None:
    """Draw one share, with a line per frame on standard output; a closed pipe ends it."""
    writer, folder, seed, counts, share, jobs, total = arguments
    numbers = range(int(share), int(total), int(jobs))
    for number in _draw_share(writer, Path(folder), int(seed), json.loads(counts), numbers):
        print(number, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
