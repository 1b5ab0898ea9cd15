"""The examples of the docs run as their readers would run them, in a folder of their own."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"


@pytest.fixture
def folder(tmp_path):
    for path in EXAMPLES.iterdir():
        if path.is_file():
            shutil.copy(path, tmp_path)
    return tmp_path


def run(folder, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", "mim_bench", *arguments],
        cwd=folder,
        env={**os.environ, "MIM_BENCH_CACHE": str(folder / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["own_dataset.py", "own_task.py", "own_trivial.py"])
def test_examples_are_short(name):
    assert len((EXAMPLES / name).read_text().splitlines()) <= 40


def test_a_dataset_of_ones_own(folder):
    rng = np.random.default_rng(0)
    (folder / "data" / "garage").mkdir(parents=True)
    for number in range(10):
        place = folder / "data" / "garage" / f"{number:02d}"
        image = rng.integers(0, 256, (480, 640, 3), np.uint8)
        depth = rng.integers(5_000, 40_000, (480, 640), np.uint16)
        cv2.imwrite(f"{place}.jpg", image)
        cv2.imwrite(f"{place}_depth.png", depth)
    said = run(folder, "run", "own_dataset.yaml", "--backbone", "resnet18", "--json")
    (table,) = json.loads(said)["tables"]
    (cell,) = [row["cells"]["garage"] for row in table["rows"]]
    assert cell["state"] == "done"
    assert 0 < cell["value"] < 5
    # noise has no depth to see, and the mean of noise is hard to beat
    assert 0 < cell["trivial"] < 5
    assert cell["trivial_predictor"] == "per-pixel mean depth of 8 training frames"
    report = run(folder, "report")
    assert "garage" in report
    assert "resnet18 (random)" in report


def test_a_trivial_predictor_of_ones_own(folder, monkeypatch):
    import torch

    monkeypatch.syspath_prepend(folder)
    module = importlib.import_module("own_trivial")
    valid = np.array([[True, False], [True, True]])

    class Data:
        train_split = "train"

        def some_samples(self, split, most):
            for depth in ([[1.0, 0.0], [2.0, 3.0]], [[4.0, 9.0], [5.0, 6.0]]):
                yield {"depth": np.array(depth), "valid": valid}

    settings = {"image_size": [32, 32], "width": 4, "crop": "none", "window": None}
    task = module.ModestDepth("vit_mini", **settings)
    predictor = task.trivial_predictor(Data())
    truth = torch.tensor([[[3.5, 1.5], [0.0, 3.5]]])
    (record,) = task.records(
        predictor.predict({"depth": truth}, {}), {"id": ["a"], "depth": truth}, {}
    )
    assert record["rmse"] == pytest.approx((4 / 3) ** 0.5)
    assert predictor.name == "mean of all depths in 2 training frames"


def test_a_task_of_ones_own_stands_beside_a_suite(folder):
    small = ("--set", "trainer.max_steps=2", "--backbone", "vit_mini")
    said = run(folder, "run", "own_task.yaml", *small)
    assert "drawing the miniature world" in said
    assert "nyuv2-plain" in said
    beside = ("--suite", "geometric", "--columns", "nyuv2")
    said = run(folder, "run", "own_task.yaml", *beside, *small)
    assert "Table 2" in said
    assert "nyuv2-plain" in said
    assert len(list(folder.glob("runs/*/vit_mini/*/scores/*.json"))) == 2
    report = run(folder, "report", "--format", "md")
    assert "nyuv2-plain" in report
    assert "NYUv2" in report
