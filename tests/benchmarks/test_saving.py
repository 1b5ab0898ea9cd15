"""Saved predictions and pictures of a test."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from mim_bench.benchmarks.saving import SavePredictions
from mim_bench.errors import UserError

SMALL = ("--set", "trainer.max_steps=2", "--set", "trainer.log_every_n_steps=1")
SMALL += ("--set", "trainer.val_check_interval=2", "--set", "data.num_workers=0")
RUN = ("run", "--suite", "geometric", "--columns", "nyuv2", "--backbone", "vit_mini", *SMALL)


def test_predictions_are_saved_later_in_the_official_encoding_without_training(
    cli, small_cache, tmp_path
):
    cli(*RUN)
    (run,) = (tmp_path / "runs").glob("nyuv2/vit_mini/*")
    assert not (run / "predictions").exists()
    pictures = list(run.glob("pictures/*/*.png"))
    assert len(pictures) == 4
    assert cv2.imread(str(pictures[0])).shape == (96 + 26, 4 * 128, 3)
    weights = next((run / "checkpoints").glob("*.safetensors"))
    trained = weights.stat().st_mtime_ns
    before = json.loads(next((run / "scores").glob("*.json")).read_text())

    cli(*RUN, "--save-predictions")
    assert weights.stat().st_mtime_ns == trained
    score = json.loads(next((run / "scores").glob("*.json")).read_text())
    assert score["value"] == before["value"]
    (folder,) = (run / "predictions").iterdir()
    files = sorted(folder.rglob("*.png"))
    assert len(files) == score["samples"] == 5
    # the score again, from the files and the ground truth alone
    (world,) = small_cache.glob("world-*-seed0")
    errors = []
    for file in files:
        guess = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
        assert guess.dtype == np.uint16
        name = file.relative_to(folder).as_posix().replace("rgb_", "sync_depth_")
        truth = cv2.imread(str(world / "nyu_depth_v2" / name), cv2.IMREAD_UNCHANGED) / 1000
        truth = cv2.resize(truth, (128, 96), interpolation=cv2.INTER_NEAREST)[9:94, 8:120]
        known = (truth > 1e-3) & (truth < 10)
        wrong = (guess[9:94, 8:120] / 1000 - truth)[known]
        errors.append(np.sqrt((wrong**2).mean()))
    assert np.mean(errors) == pytest.approx(score["value"], abs=1e-3)

    stamps = {file: file.stat().st_mtime_ns for file in files}
    cli(*RUN, "--save-predictions")
    assert {file: file.stat().st_mtime_ns for file in files} == stamps
    files[2].unlink()
    (folder / "complete.json").unlink()
    cli(*RUN, "--save-predictions")
    again = {file: file.stat().st_mtime_ns for file in files}
    assert [file for file in files if again[file] != stamps[file]] == [files[2]]


class NoFiles:
    file_ending = ""


class Files:
    file_ending = ".bin"

    def files(self, prediction, batch):
        return [bytes([value]) for value in prediction]


def test_a_task_without_files_says_so(tmp_path):
    with pytest.raises(UserError, match="NoFiles has no files"):
        SavePredictions(NoFiles(), tmp_path)


def test_ids_never_lead_out_of_the_folder(tmp_path):
    saving = SavePredictions(Files(), tmp_path / "in")
    names = ["../../a", "/etc/b", "c/../d", "e.x"]
    saving.on_test_batch_end(None, None, {"prediction": [1, 2, 3, 4]}, {"id": names})
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.bin")}
    assert found == {"in/a.bin", "in/etc/b.bin", "in/c/d.bin", "in/e.x.bin"}
    assert saving.saved([*names, "other"]) == set(names)
