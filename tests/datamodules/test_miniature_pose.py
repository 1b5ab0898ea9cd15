"""COCO and CrowdPose of the miniature world: official files and quirks, exact labels."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from collections import Counter
from pathlib import Path

import cv2
import faster_coco_eval
import numpy as np
import pytest
from conftest import WORLD_COUNTS
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mim_bench.datamodules import miniature
from mim_bench.datamodules.miniature import coco, crowdpose
from mim_bench.datamodules.miniature.crowdpose import crowd_index
from mim_bench.datamodules.miniature.scenes.groups import make_group
from mim_bench.datamodules.miniature.scenes.views import look
from mim_bench.datamodules.miniature.world import server_folder
from mim_bench.datamodules.readers.coco_keypoints import COCOKeypoints
from mim_bench.datamodules.readers.crowdpose import CrowdPose

POSE = ("coco-keypoints", "crowdpose")
COCO_FIELDS = {
    *("segmentation", "num_keypoints", "area", "iscrowd", "keypoints", "image_id", "bbox"),
    *("category_id", "id"),
}


def read(path: Path):
    return json.loads(path.read_text(encoding="utf-8"))


def people_of(world: Path, split: str) -> dict:
    if split == "test-dev":
        return read(server_folder(world, "coco-keypoints") / "test-dev.json")
    return read(world / f"coco/annotations/person_keypoints_{split}2017.json")


def coco_view(frame):
    """The same view once more, from the same seeds."""
    place = ("train", "val", "test-dev").index(frame.split)
    rng = np.random.default_rng([0, 4, place, frame.number])
    scene, camera = make_group(rng, *frame.size, frame.people, apart=0.75, small=frame.small)
    return look(scene, camera, rng)


def load(what: dict | Path) -> COCO:
    with contextlib.redirect_stdout(io.StringIO()):
        if isinstance(what, Path):
            return COCO(str(what))
        made = COCO()
        made.dataset = what
        made.createIndex()
        return made


def test_files_of_coco(world):
    folder = world / "coco"
    files = {str(path.relative_to(folder)) for path in folder.rglob("*.json")}
    assert files == {
        ".miniature.json",
        *(
            f"annotations/{kind}_{split}2017.json"
            for kind in ("person_keypoints", "instances")
            for split in ("train", "val")
        ),
        "annotations/image_info_test-dev2017.json",
        "person_detection_results/COCO_val2017_detections_AP_H_56_person.json",
        "person_detection_results/COCO_test-dev2017_detections_AP_H_609_person.json",
    }
    folders = {"train": "train2017", "val": "val2017", "test-dev": "test2017"}
    seen: set[int] = set()
    for split, count in WORLD_COUNTS["coco-keypoints"].items():
        images = people_of(world, split)["images"]
        names = sorted(path.name for path in (folder / folders[split]).iterdir())
        assert sorted(image["file_name"] for image in images) == names
        assert len(names) == count
        for image in images:
            assert image["file_name"] == f"{image['id']:012d}.jpg"
            picture = cv2.imread(str(folder / folders[split] / image["file_name"]))
            assert picture.shape == (image["height"], image["width"], 3)
        assert not seen & {image["id"] for image in images}
        seen |= {image["id"] for image in images}
    ids = [image["id"] for image in people_of(world, "train")["images"]]
    assert ids != sorted(ids)  # as in the official files


def test_labels_of_test_dev_are_outside_the_data_root(world, tmp_path):
    server = server_folder(world, "coco-keypoints")
    assert server.parent.parent == world.parent
    assert server.parent.name == f"{world.name}.server"
    shown = read(world / "coco/annotations/image_info_test-dev2017.json")
    assert "annotations" not in shown
    assert len(shown["categories"]) == 80
    assert not [one for one in shown["categories"] if "keypoints" in one]
    hidden = people_of(world, "test-dev")
    assert hidden["images"] == shown["images"]
    assert sum(one["num_keypoints"] for one in hidden["annotations"]) > 20
    assert hidden["categories"][0]["keypoints"][0] == "nose"
    # nothing below the data root says it
    number = str(hidden["annotations"][0]["keypoints"])[1:-1]
    assert not [path for path in world.rglob("*.json") if number in path.read_text()]
    counts = {"coco-keypoints": {"test-dev": 2}}
    for jobs in (1, 2):
        miniature.draw_world(tmp_path / str(jobs), POSE[:1], counts=counts, jobs=jobs)
    files = [server_folder(tmp_path / name, POSE[0]) / "test-dev.json" for name in "12"]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_drawing_killed_after_the_labels_were_put_away(tmp_path):
    """The dataset's folder is not there yet: it is drawn again, and its labels with it."""
    counts = {"coco-keypoints": {"val": 1, "test-dev": 1}}
    folder = miniature.draw_world(tmp_path / "w", POSE[:1], counts=counts)
    server = server_folder(folder, "coco-keypoints")
    labels = (server / "test-dev.json").read_bytes()
    (server / "test-dev.json").write_text("of another drawing")
    (server / "more.json").write_text("likewise")
    (folder / "coco").rename(folder / ".drawing-coco-keypoints")
    (folder / "stamp.json").unlink()
    miniature.draw_world(folder, POSE[:1], counts=counts)
    assert [path.name for path in server.iterdir()] == ["test-dev.json"]
    assert (server / "test-dev.json").read_bytes() == labels
    assert miniature.is_drawn(folder, POSE[:1])
    assert not [path for path in folder.iterdir() if path.name.startswith(".drawing")]


def test_annotations_have_the_official_fields_and_quirks(world):
    kinds = Counter()
    for split in WORLD_COUNTS["coco-keypoints"]:
        what = people_of(world, split)
        ids = [one["id"] for one in what["annotations"]]
        assert len(set(ids)) == len(ids)
        assert min(ids) > 0
        assert "skeleton" in what["categories"][0]
        for one in what["annotations"]:
            assert set(one) == COCO_FIELDS
            joints = np.array(one["keypoints"]).reshape(17, 3)
            assert one["num_keypoints"] == (joints[:, 2] > 0).sum()
            assert not joints[joints[:, 2] == 0].any()
            assert all(isinstance(value, int) for value in one["keypoints"])
            kinds["crowd"] += one["iscrowd"]
            kinds["unlabelled"] += not one["iscrowd"] and one["num_keypoints"] == 0
            kinds["hidden"] += int((joints[:, 2] == 1).sum())
            kinds["visible"] += int((joints[:, 2] == 2).sum())
            if one["iscrowd"]:
                assert one["num_keypoints"] == 0
                counts, size = one["segmentation"]["counts"], one["segmentation"]["size"]
                assert sum(counts) == size[0] * size[1]
                assert sum(counts[1::2]) == one["area"]
            else:
                assert all(len(polygon) >= 6 for polygon in one["segmentation"])
        used = {one["image_id"] for one in what["annotations"]}
        kinds["empty"] += sum(image["id"] not in used for image in what["images"])
    assert min(kinds[kind] for kind in ("crowd", "unlabelled", "hidden", "empty")) > 0
    assert kinds["visible"] > 3 * kinds["hidden"]


def test_masks_boxes_and_joints_are_those_of_the_scene(world):
    counts = WORLD_COUNTS["coco-keypoints"]
    notes = load(world / "coco/annotations/person_keypoints_train2017.json")
    checked = 0
    for frame in coco.plan(counts)[:6]:
        view = coco_view(frame)
        path = world / "coco/train2017" / frame.name
        picture = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        assert np.abs(picture.astype(int) - view.image).mean() < 6
        masks = {
            k: view.mask(k) for k, thing in enumerate(view.scene.things) if thing.joints is not None
        }
        for one in notes.loadAnns(notes.getAnnIds(imgIds=[frame.identity], iscrowd=0)):
            written = notes.annToMask(one).astype(bool)
            overlap = {
                k: (mask & written).sum() / (mask | written).sum() for k, mask in masks.items()
            }
            k = max(overlap, key=overlap.get)
            mask = masks[k]
            assert one["area"] == mask.sum()
            x, y, wide, tall = one["bbox"]
            rows, columns = np.nonzero(mask)
            assert (x, y) == (columns.min(), rows.min())
            assert (x + wide - 1, y + tall - 1) == (columns.max(), rows.max())
            if one["area"] < 400:
                continue
            assert overlap[k] > 0.85
            joints = np.array(one["keypoints"]).reshape(17, 3)
            near = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
            for column, row, label in joints:
                if label == 2:
                    assert near[row, column]
                    checked += 1
            # left is right of right where somebody shows his face
            if (joints[[0, 1, 2], 2] == 2).all() and abs(joints[5, 0] - joints[6, 0]) > 8:
                assert (joints[5, 0] > joints[6, 0]) == (joints[1, 0] > joints[2, 0])
    assert checked > 60


def test_runs_are_those_of_the_crowd(world):
    notes = load(world / "coco/annotations/person_keypoints_train2017.json")
    found = notes.loadAnns(notes.getAnnIds(iscrowd=1))
    assert found
    for one in found:
        (frame,) = [
            frame
            for frame in coco.plan(WORLD_COUNTS["coco-keypoints"])
            if frame.identity == one["image_id"]
        ]
        view = coco_view(frame)
        people = [k for k, thing in enumerate(view.scene.things) if thing.joints is not None]
        written = notes.annToMask(one).astype(bool)
        inside = set(np.unique(view.things[written]).tolist())
        assert len(inside) >= 3
        assert inside <= set(people)
        assert np.array_equal(written, np.isin(view.things, list(inside)))


def test_instances_are_the_same_people_and_other_things(world):
    for split in ("train", "val"):
        people = people_of(world, split)["annotations"]
        notes = load(world / f"coco/annotations/instances_{split}2017.json")
        assert len(notes.getCatIds()) == 80
        persons = notes.loadAnns(notes.getAnnIds(catIds=[1]))
        assert len(persons) == len(people)
        for mine, theirs in zip(people, persons, strict=True):
            assert all(mine[key] == value for key, value in theirs.items())
            assert "keypoints" not in theirs
        others = [one for one in notes.dataset["annotations"] if one["category_id"] != 1]
        for one in others:
            assert notes.annToMask(one).sum() > 0
        if split == "train":
            names = {notes.cats[one["category_id"]]["name"] for one in others}
            assert names <= {"chair", "potted plant", "sports ball", "dining table"}
            assert len(names) > 1


def iou(one, two):
    right, bottom = (np.minimum(one[k] + one[k + 2], two[k] + two[k + 2]) for k in (0, 1))
    left, top = (np.maximum(one[k], two[k]) for k in (0, 1))
    inner = max(right - left, 0) * max(bottom - top, 0)
    return inner / (one[2] * one[3] + two[2] * two[3] - inner)


def test_detections_are_neither_complete_nor_right(world):
    found = [
        *read(world / "coco/person_detection_results" / coco.DETECTIONS["val"]),
        *read(world / "coco/person_detection_results" / coco.DETECTIONS["test-dev"]),
        *read(world / "crowdpose/annotations" / crowdpose.DETECTIONS),
    ]
    truth = [
        *people_of(world, "val")["annotations"],
        *people_of(world, "test-dev")["annotations"],
        *read(world / "crowdpose/annotations/crowdpose_test.json")["annotations"],
    ]
    truth = [one for one in truth if not one["iscrowd"]]
    best = []
    for one in found:
        assert set(one) == {"bbox", "score", "category_id", "image_id"}
        assert one["category_id"] == 1
        assert 0 < one["score"] < 1
        assert min(one["bbox"][2:]) > 0
        there = [iou(one["bbox"], t["bbox"]) for t in truth if t["image_id"] == one["image_id"]]
        best.append(max(there, default=0.0))
    best, scores = np.array(best), np.array([one["score"] for one in found])
    assert (best < 0.3).sum() > 5  # nobody there
    assert (best > 0.75).sum() > 0.5 * len(truth)
    assert best[best > 0.5].max() < 1  # moved
    assert scores[best > 0.75].mean() > scores[best < 0.3].mean() + 0.3
    hits = [
        sum(iou(one["bbox"], t["bbox"]) > 0.5 for one in found if one["image_id"] == t["image_id"])
        for t in truth
    ]
    assert min(hits) == 0  # missed
    assert max(hits) > 1  # found again


@pytest.mark.parametrize("split", ["train", "val", "test-dev"])
def test_evaluators_of_coco_take_the_labels(world, split):
    what = people_of(world, split)
    results = [
        {
            "image_id": one["image_id"],
            "category_id": 1,
            "keypoints": [float(value) for value in one["keypoints"]],
            "score": 0.5 + one["id"] / 1e7,
        }
        for one in what["annotations"]
        if one["num_keypoints"]
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = load(what)
        one = COCOeval(truth, truth.loadRes(results), "keypoints")
        faster = faster_coco_eval.COCO(what)
        two = faster_coco_eval.COCOeval_faster(faster, faster.loadRes(results), "keypoints")
        for each in (one, two):
            each.evaluate()
            each.accumulate()
            each.summarize()
    assert one.stats[0] == two.stats[0] == 1


def test_files_of_crowdpose(world):
    folder = world / "crowdpose"
    splits = {
        split: read(folder / f"annotations/crowdpose_{split}.json")
        for split in ("train", "val", "trainval", "test")
    }
    assert {path.name for path in (folder / "annotations").iterdir()} == {
        *(f"crowdpose_{split}.json" for split in splits),
        "det_for_crowd_test_0.1_0.5.json",
    }
    both = [splits[split]["annotations"] for split in ("train", "val")]
    assert splits["trainval"]["annotations"] == both[0] + both[1]
    names = [
        image["file_name"] for split in ("trainval", "test") for image in splits[split]["images"]
    ]
    assert sorted(names) == sorted(path.name for path in (folder / "images").iterdir())
    crowds = 0
    for split, what in splits.items():
        (category,) = what["categories"]
        assert len(category["keypoints"]) == 14
        assert max(max(pair) for pair in category["skeleton"]) == 17  # left over from COCO
        for image in what["images"]:
            assert set(image) == {"file_name", "id", "height", "width", "crowdIndex"}
            assert image["file_name"] == f"{image['id']}.jpg"
            picture = cv2.imread(str(folder / "images" / image["file_name"]))
            assert picture.shape == (image["height"], image["width"], 3), split
        for one in what["annotations"]:
            assert set(one) == {
                *("num_keypoints", "iscrowd", "keypoints", "image_id", "bbox", "category_id", "id")
            }
            joints = np.array(one["keypoints"]).reshape(14, 3)
            assert one["num_keypoints"] == (joints[:12, 2] > 0).sum()
            crowds += one["iscrowd"]
    everyone = [one for split in ("trainval", "test") for one in splits[split]["annotations"]]
    assert len({one["id"] for one in everyone}) == len(everyone)
    assert min(one["id"] for one in everyone) > 0
    labelled = [np.array(one["keypoints"]).reshape(14, 3)[:, 2] for one in everyone]
    assert any(
        one["num_keypoints"] < (v > 0).sum() for one, v in zip(everyone, labelled, strict=True)
    )
    assert crowds > 0


def test_crowd_index_is_the_papers(world):
    """Other people's joints in a person's box per own joint, the mean over people."""
    values = []
    for split in ("trainval", "test"):
        what = read(world / f"crowdpose/annotations/crowdpose_{split}.json")
        for image in what["images"]:
            people = [
                one
                for one in what["annotations"]
                if one["image_id"] == image["id"] and any(one["keypoints"])
            ]
            shares = []
            for one in people:
                x, y, wide, tall = one["bbox"]
                inside = []
                for other in people:
                    points = np.array(other["keypoints"]).reshape(-1, 3)
                    inside.append(
                        sum(x <= a < x + wide and y <= b < y + tall for a, b, v in points if v)
                    )
                own = inside.pop(people.index(one))
                shares.append(sum(inside) / own if own else 0)
            assert image["crowdIndex"] == pytest.approx(np.mean(shares or [0]), abs=0.006)
            values.append(image["crowdIndex"])
    assert min(values) < 0.2
    assert any(0.2 <= value < 0.8 for value in values)
    assert crowd_index([]) == 0


def test_the_usual_crowdpose_is_easy_medium_and_hard():
    """By its plan: people far apart, near, and in each other's way, in each split."""
    for split in ("train", "val", "test"):
        frames = [frame for frame in crowdpose.plan(crowdpose.COUNTS) if frame.split == split]
        assert {frame.apart for frame in frames} == {0.75, 0.3, 0.16, 0.08}
        assert max(frame.people for frame in frames) == 6
        assert len({frame.identity for frame in frames}) == len(frames)
    frames = coco.plan(coco.COUNTS)
    assert Counter(frame.split for frame in frames) == {"train": 200, "val": 40, "test-dev": 16}
    assert {frame.people for frame in frames} == {0, 1, 2, 3, 4}
    assert any(frame.size[0] > frame.size[1] for frame in frames)


def test_readers_take_them(world):
    readers = COCOKeypoints(world), CrowdPose(world)
    for reader in readers:
        assert reader.check() == []
        views = [split for split in reader.info.splits if split not in reader.hidden]
        views += [f"{split}+detections" for split in views if reader.detection_file(split)]
        for view in views:
            assert reader.count(view) > 0
            sample = reader.sample(view, reader.count(view) - 1)
            x, y, wide, tall = sample["box"]
            height, width = sample["image"].shape[:2]
            assert -1 <= x < x + wide <= width
            assert -1 <= y < y + tall <= height
            assert reader.notes(view) == []
        heights = [reader.sample("train", k)["box"][3] for k in range(reader.count("train"))]
        assert np.median(heights) > 80  # pixels: large enough to learn from
    assert readers[0].ground_truth("test-dev") is None
    assert readers[0].count("test-dev") == 4


def test_frames_depend_on_nothing_but_their_number(world, tmp_path):
    for writer, folder in ((coco, "train2017"), (crowdpose, "images")):
        counts = WORLD_COUNTS[POSE[writer is crowdpose]]
        writer.draw_frame(tmp_path / writer.FOLDER, 0, counts, 4)
        (picture,) = (tmp_path / writer.FOLDER / folder).iterdir()
        assert picture.read_bytes() == (world / writer.FOLDER / folder / picture.name).read_bytes()
        shutil.rmtree(tmp_path / writer.FOLDER)
