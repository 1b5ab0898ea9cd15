"""Classes need seeing: the best default backbone against chance, and against raw colours.

Run: python -m tests.learning.classification [--columns pets,dtd] [--steps 1500] [--backbone NAME]
Claims: on the miniature world a training of at most two minutes (two cores) is right five times as
often as chance where there are twenty classes or more, and 2.5 times on CIFAR-10; nearest
neighbours by mean colour and by 8 x 8 pixels stay below half of its score. For VOC 2007 chance is
the share of the pictures that show a class, and no bar.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from mim_bench.imports import import_object
from mim_bench.tasks.classification_trivial import NearestPictures

if TYPE_CHECKING:
    from mim_bench.datamodules.base import BenchDataModule
    from mim_bench.tasks.base import Task

COLUMNS = (
    *("cog-l1", "cog-l2", "cog-l3", "cog-l4", "cog-l5", "food101", "birdsnap", "cars", "aircraft"),
    *("cifar10", "cifar100", "sun397", "dtd", "pets", "caltech101", "flowers", "voc2007", "inat18"),
)
OVER_CHANCE = {"cifar10": 2.5}
USUAL, SECONDS = 5.0, 120.0


def open_data(run: dict) -> BenchDataModule:
    """Return the datamodule of a run."""
    part = run["resolved"]["data"]
    return import_object(part["class_path"])(root=run["data_root"], **part["init_args"])


def trivial(data: BenchDataModule, task: type[Task], test: dict, kind: str) -> float:
    """Return the score of nearest neighbours, in percent."""
    classes = len(data.info.classes)
    known = data.some_samples(data.train_split, data.reader.count(data.train_split))
    nearest = NearestPictures.fit(known, classes, kind)
    count = data.reader.count(test["split"])
    batch = data.sample_batch(test["split"], count)
    shell = task.__new__(task)
    shell.multi_label = data.info.extra.get("multi_label", False)
    records = task.records(shell, nearest.predict(batch, {}), batch, {})
    return task.scores(records)[test["metric"]]


def chance(data: BenchDataModule, test: dict) -> float:
    """Return what guessing is worth, in percent."""
    labels = data.reader.listing(test["split"]).labels
    return 100 * float(np.mean(labels == 1)) if labels.ndim == 2 else 100 / len(data.info.classes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--columns", default=",".join(COLUMNS))
    parser.add_argument("--backbone", default="convnext_mini")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], help="More settings.")
    options = parser.parse_args()
    columns = options.columns.split(",")
    torch.set_num_threads(1)
    missed = []
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "runs"
        command = [sys.executable, "-m", "mim_bench", "run", *columns]
        command += ["--backbone", options.backbone, "--store", str(store)]
        command += ["--seed", str(options.seed)]
        settings = [f"trainer.{key}={options.steps}" for key in ("max_steps", "val_check_interval")]
        for setting in [*settings, *options.set]:
            command += ["--set", setting]
        subprocess.run(command, check=True)
        for column in columns:
            (path,) = store.glob(f"{column}/*/*/scores/{column}-*.json")
            run = json.loads((path.parents[1] / "run.json").read_text())
            value, seconds = json.loads(path.read_text())["value"], run["timings"]["fit_s"]
            data, test = open_data(run), run["resolved"]["tests"][column]
            task = import_object(run["resolved"]["task"]["class_path"])
            guessed = chance(data, test)
            raw = {kind: trivial(data, task, test, kind) for kind in ("colour", "pixels")}
            wanted = max(OVER_CHANCE.get(column, USUAL) * guessed, 2 * max(raw.values()))
            if column == "voc2007":
                wanted = 2 * max(raw.values())
            held = value >= wanted and seconds <= SECONDS
            print(
                f"{column}: {value:.1f} after {options.steps} steps in {seconds:.0f} s; chance "
                f"{guessed:.1f}, mean colour {raw['colour']:.1f}, 8 x 8 pixels "
                f"{raw['pixels']:.1f}{'' if held else f'  MISSED (wanted {wanted:.1f})'}",
                flush=True,
            )
            missed += [] if held else [column]
    if missed:
        sys.exit(f"the claim does not hold for {', '.join(missed)}")


if __name__ == "__main__":
    main()
