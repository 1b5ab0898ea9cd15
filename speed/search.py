"""Two workers searching against one: trials per hour.

Run: python -m speed.search [--trials 8] [--columns pets]
Claim, on two cores without a GPU: two workers do at least 1.6 times as much as one. Both have one
core per worker, since a worker alone would use the second one too.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path


def search(store: Path, options: argparse.Namespace, jobs: int) -> float:
    """Search in a store; return the seconds from the first trial's start to the last one's end."""
    command = [sys.executable, "-m", "mim_bench", "run", "--suite", "semantic"]
    command += ["--columns", options.columns, "--backbone", options.backbone, "--store", str(store)]
    command += ["--trials", str(options.trials), "--jobs", str(jobs)]
    command += ["--set", "data.num_workers=0", "--set", f"trainer.max_steps={options.steps}"]
    command += ["--set", f"trainer.val_check_interval={options.steps}"]
    if hasattr(os, "sched_setaffinity"):  # one worker on one core, two on two
        cores = sorted(os.sched_getaffinity(0))[:jobs]
        command = ["taskset", "-c", ",".join(map(str, cores)), *command]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    runs = [json.loads(path.read_text()) for path in store.glob("*/*/*/run.json")]
    trials = [run["timings"] for run in runs if run["kind"] == "trial"]
    print(f"{jobs} worker(s): {len(trials)} different trials", flush=True)
    spent = max(one["ended"] for one in trials) - min(one["started"] for one in trials)
    return spent / len(trials)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--columns", default="pets")
    parser.add_argument("--backbone", default="convnext_mini")
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(options.rounds):
            one, two = (search(Path(folder) / f"{turn}-{jobs}", options, jobs) for jobs in (1, 2))
            print(f"seconds per trial: {one:.2f} and {two:.2f}, {one / two:.2f} times (claim: 1.6)")


if __name__ == "__main__":
    main()
