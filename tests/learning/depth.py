"""Depth needs seeing: the default backbones against the mean depth map of the training set.

Run: python -m tests.learning.depth [--steps 120] [--columns nyuv2]
Claim: on the miniature world, with the shipped recipes and their miniature preset (120 steps), the
best default backbone's RMSE is at most 0.85 of that of the per-pixel mean depth of the training
frames, which no picture is needed for.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

LIMIT = 0.85


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, help="Default: those of the miniature preset.")
    parser.add_argument("--columns", default="nyuv2", help="Columns of depth, with commas.")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "runs"
        command = [sys.executable, "-m", "mim_bench", "run", "--suite", "geometric"]
        command += ["--columns", options.columns, "--store", str(store)]
        command += ["--seed", str(options.seed)]
        if options.steps:
            for key in ("max_steps", "val_check_interval"):
                command += ["--set", f"trainer.{key}={options.steps}"]
        subprocess.run(command, check=True)
        for column in options.columns.split(","):
            ratios = {}
            for path in store.glob(f"*/*/*/scores/{column}-*.json"):
                score = json.loads(path.read_text())
                ratios[path.parents[2].name] = score["value"] / score["trivial"]["value"]
            for name, ratio in sorted(ratios.items(), key=lambda item: item[1]):
                print(f"{column}: {name} has {ratio:.3f} of the trivial predictor's RMSE")
            failed |= min(ratios.values()) > LIMIT
    if failed:
        sys.exit(f"no default backbone has at most {LIMIT} of the trivial predictor's RMSE")


if __name__ == "__main__":
    main()
