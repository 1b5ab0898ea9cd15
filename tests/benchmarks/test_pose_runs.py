"""Runs of pose, as a user sees them: boxes, the server's archive, scores entered by hand."""

import json
import shutil
import zipfile

import pytest

from mim_bench.datamodules import miniature

STEPS = ("--set", "trainer.max_steps=1", "--set", "trainer.val_check_interval=1")
SMALL = (*STEPS, "--set", "data.num_workers=0", "--set", "data.batch_size=4")
RUN = ("run", "--suite", "geometric", "--backbone", "vit_mini", *SMALL)
NAME = "person_keypoints_test-dev2017_vit-mini_results"


def scores(store):
    found = [json.loads(path.read_text()) for path in store.glob("*/*/*/scores/*.json")]
    return {score["column"]: score for score in found}


@pytest.fixture(scope="module")
def server_free(small_cache, tmp_path_factory):
    """The world's files as a data root: nobody to ask for the labels of test-dev."""
    root = tmp_path_factory.mktemp("data") / "root"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIM_BENCH_CACHE", str(small_cache))
        shutil.copytree(miniature.world_folder() / "coco", root / "coco")
    return root


def test_the_world_plays_the_server(cli, tmp_path):
    done = cli(*RUN, "--columns", "coco-val,coco-test-dev")
    assert "to be submitted" not in done.stdout
    found = scores(tmp_path / "runs")
    score = found["coco-test-dev"]
    assert (score["state"], score["source"]) == ("done", "measured")
    assert "plays the server" in score["server"]
    folder = next((tmp_path / "runs").glob("*/*/*/run.json")).parent
    with zipfile.ZipFile(folder / score["submission"]) as archive:
        (entry,) = archive.infolist()
        rows = json.loads(archive.read(entry))
    assert entry.filename == f"{NAME}.json"
    assert {len(row["keypoints"]) for row in rows} == {51}
    (results,) = (folder / "results").glob("coco-val-*.json")
    assert {len(row["keypoints"]) for row in json.loads(results.read_text())} == {51}
    card = found["coco-val"]["card"]
    assert "COCO_val2017_detections_AP_H_56_person.json" in card["boxes"]
    assert (card["validation_boxes"], card["oks_nms"]) == ("ground truth", 0.9)
    # once tested, nothing is to do
    assert "cached" in cli("plan", *RUN[1:], "--columns", "coco-val,coco-test-dev").stdout


def test_without_a_server_the_score_waits_for_one(cli, tmp_path, server_free):
    arguments = ("--columns", "coco-test-dev", "--data-root", str(server_free))
    done = cli(*RUN, *arguments, "--preset", "miniature")
    assert "to be submitted" in done.stdout
    assert scores(tmp_path / "runs")["coco-test-dev"]["state"] == "pending"
    assert f"{NAME}.zip" in done.stdout
    cli("record", "coco-test-dev", "61.5", "--source", "COCO server, entry 7")
    assert "61.5†" in cli("report", "--suite", "geometric").stdout
    # running again neither trains, nor tests, nor forgets the entry
    assert "61.5†" in cli(*RUN, *arguments, "--preset", "miniature").stdout


def test_other_boxes_test_the_same_training(cli, tmp_path, server_free):
    """On a root without the pictures of test-dev, which does not keep val from running."""
    root = tmp_path / "data"
    shutil.copytree(server_free, root)
    shutil.rmtree(root / "coco" / "test2017")
    arguments = ("--data-root", str(root), "--preset", "miniature")
    boxes = tmp_path / "mine.json"
    published = root / "coco" / "person_detection_results"
    boxes.write_bytes(next(published.glob("COCO_val*")).read_bytes())
    option = "tests.coco-val.options.boxes"
    done = cli(*RUN, *arguments)
    assert scores(tmp_path / "runs").keys() == {"coco-val"}
    assert "test2017" in done.stdout
    arguments = (*arguments, "--columns", "coco-val")
    cli(*RUN, *arguments, "--set", f"{option}={boxes}")
    (run,) = (tmp_path / "runs").glob("*/*/*/run.json")
    cards = [json.loads(p.read_text())["card"] for p in (run.parent / "scores").glob("*.json")]
    assert sorted(card["boxes"].split()[2] for card in cards) == [
        "COCO_val2017_detections_AP_H_56_person.json",
        "mine.json",
    ]
    assert "cached" not in cli("plan", *RUN[1:], *arguments, "--set", f"{option}=gt").stdout
    # the file's content is what counts, not its place
    boxes.rename(tmp_path / "elsewhere.json")
    moved = ("--set", f"{option}={tmp_path}/elsewhere.json")
    assert "cached" in cli("plan", *RUN[1:], *arguments, *moved).stdout
    refused = cli(*RUN, *arguments[:-1], "coco-val,coco-test-dev", status=2)
    assert "test2017" in refused.stderr
    refused = cli(*RUN, *arguments, "--set", f"{option}={boxes}", status=2)
    assert str(boxes) in refused.stderr


def test_real_photographs(cli, tmp_path, real_data):
    done = cli(*RUN, "--data-root", str(real_data), "--preset", "miniature")
    assert scores(tmp_path / "runs").keys() >= {"coco-val"}
    assert "miniature preset" in done.stdout
