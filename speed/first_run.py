"""The README's first run after installation, and the second run, in seconds.

Run: python -m speed.first_run
Claims, on two cores without a GPU: first cell within 90 s of the start, second run within 2 s.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def run(scratch: Path) -> tuple[float, float | None, str]:
    """Run the suite; return seconds in all, seconds to the first score file, and the output."""
    store = scratch / "runs"
    known = set(store.glob("*/*/*/scores/*.json"))
    command = [sys.executable, "-m", "mim_bench", "run", "--suite", "geometric"]
    command += ["--store", str(store)]
    environment = {**os.environ, "MIM_BENCH_CACHE": str(scratch / "cache")}
    started = time.perf_counter()
    first = None
    with (scratch / "output.txt").open("w+") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
        while process.poll() is None:
            if first is None and set(store.glob("*/*/*/scores/*.json")) - known:
                first = time.perf_counter() - started
            time.sleep(0.02)
        seconds = time.perf_counter() - started
        output.seek(0)
        text = output.read()
    if process.returncode:
        sys.exit(f"the run ended with status {process.returncode}:\n{text}")
    return seconds, first, text


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        seconds, first, text = run(Path(folder))
        print(text)
        print(f"first run: first cell after {first:.1f} s, all after {seconds:.1f} s")
        seconds, _, _ = run(Path(folder))
        print(f"second run: {seconds:.2f} s")


if __name__ == "__main__":
    main()
