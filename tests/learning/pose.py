"""Pose needs seeing: the best default backbone against the mean pose in each box.

Run: python -m tests.learning.pose [--backbone convnext_mini] [--steps 700] [--column coco-val]
Claim: on the miniature world and on boxes of ground truth, a training of at most two minutes
(two cores) reaches an AP of at least 15 % and three times that of the mean pose of the training set
in each box, which itself lies between 1 and 10 %.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

LEAST, TIMES, TRIVIAL, SECONDS = 15.0, 3.0, (1.0, 10.0), 120.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backbone", default="convnext_mini")
    parser.add_argument("--steps", type=int, default=700)
    parser.add_argument("--column", default="coco-val")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], help="More settings.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "runs"
        command = [sys.executable, "-m", "mim_bench", "run", "--suite", "geometric"]
        command += ["--columns", options.column, "--backbone", options.backbone]
        command += ["--store", str(store), "--seed", str(options.seed)]
        settings = [f"tests.{options.column}.options.boxes=gt", *options.set]
        settings += [
            f"trainer.{key}={options.steps}" for key in ("max_steps", "val_check_interval")
        ]
        for setting in settings:
            command += ["--set", setting]
        subprocess.run(command, check=True)
        (path,) = store.glob(f"*/*/*/scores/{options.column}-*.json")
        score = json.loads(path.read_text())
        seconds = json.loads((path.parents[1] / "run.json").read_text())["timings"]["fit_s"]
    value, trivial = score["value"], score["trivial"]["value"]
    print(f"{options.column}: AP {value:.1f} after {options.steps} steps in {seconds:.0f} s")
    print(f"{score['trivial']['predictor']}: AP {trivial:.1f}")
    if value < LEAST or value < TIMES * trivial or not TRIVIAL[0] <= trivial <= TRIVIAL[1]:
        sys.exit("the claim does not hold")
    if seconds > SECONDS:
        sys.exit(f"the training took more than {SECONDS:.0f} s")


if __name__ == "__main__":
    main()
