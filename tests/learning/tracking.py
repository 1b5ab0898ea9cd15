"""Tracking needs seeing: the best default backbone against the first box, and against itself.

Run: python -m tests.learning.tracking [--backbone convnext_mini] [--steps 820] [--column got10k]
Claims: on the miniature world keeping the first box has an AO (GOT-10k's rules) from 20 to 40 %; a
training of at most two minutes (two cores) has at least 1.2 times that, and 1.1 times the AO of
the same network without training. A tracker that follows colours alone is reported beside it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
import torch

from mim_bench.benchmarks.trained import load_task
from mim_bench.datamodules.miniature import hidden_labels
from mim_bench.datamodules.readers.tracking import TrackingSets
from mim_bench.tasks.tracker import Follower
from mim_bench.tasks.tracking_rules import evaluate

FIRST, OVER_FIRST, OVER_UNTRAINED, SECONDS = (20.0, 40.0), 1.2, 1.1, 120.0
METRIC = {"got10k": "ao", "trackingnet": "suc", "lasot": "suc"}


def shift_of_colours(files: list[str], box: np.ndarray) -> np.ndarray:
    """Follow the histogram of the first box's hues and saturations by mean shift."""
    frame = cv2.cvtColor(cv2.imread(files[0]), cv2.COLOR_BGR2HSV)
    x, y, wide, high = (int(value) for value in np.round(box))
    part = frame[max(y, 0) : y + high, max(x, 0) : x + wide]
    histogram = cv2.calcHist([part], [0, 1], None, [16, 8], [0, 180, 0, 256])
    cv2.normalize(histogram, histogram, 0, 255, cv2.NORM_MINMAX)
    window, found = (x, y, wide, high), [np.asarray(box, float)]
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 10, 1)
    for file in files[1:]:
        frame = cv2.cvtColor(cv2.imread(file), cv2.COLOR_BGR2HSV)
        likely = cv2.calcBackProject([frame], [0, 1], histogram, [0, 180, 0, 256], 1)
        _, window = cv2.meanShift(likely, window, criteria)
        found.append(np.array(window, float))
    return np.stack(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backbone", default="convnext_mini")
    parser.add_argument("--steps", type=int, default=820)
    parser.add_argument("--column", default="got10k", choices=list(METRIC))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], help="More settings.")
    options = parser.parse_args()
    rules, metric = options.column, METRIC[options.column]
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "runs"

        def run(steps: int) -> tuple[Path, dict, float]:
            command = [sys.executable, "-m", "mim_bench", "run", "--suite", "geometric"]
            command += ["--columns", options.column, "--backbone", options.backbone]
            command += ["--store", str(store), "--seed", str(options.seed)]
            settings = [f"trainer.{key}={steps}" for key in ("max_steps", "val_check_interval")]
            for setting in [*settings, *options.set]:
                command += ["--set", setting]
            known = set(store.glob("*/*/*/scores/*.json"))
            subprocess.run(command, check=True)
            (path,) = set(store.glob("*/*/*/scores/*.json")) - known
            seconds = json.loads((path.parents[1] / "run.json").read_text())["timings"]["fit_s"]
            return path.parents[1], json.loads(path.read_text()), seconds

        where, score, seconds = run(options.steps)
        job = json.loads((where / "run.json").read_text())
        reader = TrackingSets(job["data_root"])
        split = score["split"]
        labels = hidden_labels(reader.root, *reader.labels_of(split))
        truth = reader.read_truth(labels, split) if labels else reader.ground_truth(split)
        samples = [reader.sample(split, index) for index in range(reader.count(split))]
        task = load_task(where)
        torch.manual_seed(options.seed)
        fresh = type(task)(
            backbone=options.backbone, info=reader.info, **job["resolved"]["task"]["init_args"]
        ).eval()
        with torch.inference_mode():
            found = Follower(fresh).follow(
                [one["frames"] for one in samples], [one["box"].astype(float) for one in samples]
            )
    tracks = {
        "untrained": {s["id"]: one.boxes for s, one in zip(samples, found, strict=True)},
        "colours": {s["id"]: shift_of_colours(s["frames"], s["box"]) for s in samples},
    }
    values = {
        name: 100 * evaluate(rules, truth, each).values[metric] for name, each in tracks.items()
    }
    trained, first = score["value"], score["trivial"]["value"]
    name = f"{options.column} {metric.upper()}"
    print(f"{name}: {trained:.1f} after {options.steps} steps in {seconds:.0f} s")
    print(f"first box kept {first:.1f}, untrained {values['untrained']:.1f}, ", end="")
    print(f"colours {values['colours']:.1f}")
    if not FIRST[0] <= first <= FIRST[1]:
        sys.exit("the first box is worth too little or too much")
    if trained < OVER_FIRST * first or trained < OVER_UNTRAINED * values["untrained"]:
        sys.exit("the claim does not hold")
    if seconds > SECONDS:
        sys.exit(f"the training took more than {SECONDS:.0f} s")


if __name__ == "__main__":
    main()
