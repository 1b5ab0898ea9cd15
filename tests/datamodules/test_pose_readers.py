"""Readers of COCO keypoints and CrowdPose: who is a sample, under which id, in which box."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pose_folders import SIZES, change, content, detections, make_coco, make_crowdpose, write

from mim_bench.datamodules.readers import boxes as box_module
from mim_bench.datamodules.readers import get_reader_class, jsonfiles
from mim_bench.datamodules.readers.base import split_of
from mim_bench.datamodules.readers.boxes import clean
from mim_bench.datamodules.readers.coco_keypoints import COCOKeypoints
from mim_bench.datamodules.readers.crowdpose import CrowdPose
from mim_bench.datamodules.readers.nyuv2 import NYUv2
from mim_bench.errors import UserError

VAL = "coco/annotations/person_keypoints_val2017.json"
FOUND = "coco/person_detection_results/COCO_val2017_detections_AP_H_56_person.json"


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    """No test sees what another has kept."""
    monkeypatch.setenv("MIM_BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def coco(tmp_path) -> COCOKeypoints:
    return COCOKeypoints(make_coco(tmp_path / "data"))


@pytest.fixture
def crowdpose(tmp_path) -> CrowdPose:
    return CrowdPose(make_crowdpose(tmp_path / "data"))


def test_labelled_people_picture_by_picture(coco):
    """No crowds, nobody without labels or area, no box outside; the file's order of pictures."""
    assert coco.check() == []
    assert coco.ids("val") == ["11-31", "11-36", "7-34"]
    assert coco.count("val") == 3
    sample = coco.sample("val", 2)
    assert set(sample) == {"id", "image", "image_id", "box", "score", "keypoints", "visible"}
    assert (sample["id"], sample["image_id"], sample["score"]) == ("7-34", 7, 1.0)
    assert sample["image"].shape == (36, 24, 3)
    assert sample["image"].dtype == np.uint8
    stored = np.asarray(Image.open(coco.folder / "val2017/000000000007.jpg").convert("RGB"))
    assert np.abs(sample["image"].astype(int) - stored).mean() < 2
    assert sample["box"].dtype == sample["keypoints"].dtype == sample["visible"].dtype == np.float32
    # the box is -3.5, 2.25, 40, 30 on 24 x 36 pixels
    assert sample["box"].tolist() == [0, 2.25, 23, 30]
    joints = np.array(content()["annotations"][0]["keypoints"]).reshape(-1, 3)
    assert np.array_equal(sample["visible"], joints[:, 2])
    assert set(sample["visible"]) == {0, 1, 2}
    assert np.array_equal(sample["keypoints"], joints[:, :2])


def test_joints_that_are_not_labelled_are_zeros(coco):
    joints = [4, 5, 0] + [6, 7, 2] * 16
    change(coco.root / VAL, lambda what: what["annotations"][1].update(keypoints=joints))
    sample = coco.sample("val", 0)
    assert sample["keypoints"][:2].tolist() == [[0, 0], [6, 7]]
    assert sample["visible"].tolist() == [0] + [2] * 16


def test_detections_are_taken_as_they_are(coco):
    view = coco.view("val", {"boxes": "detections"})
    assert view == "val+detections"
    assert coco.ids(view) == ["7-d0", "11-d2", "7-d3", "3-d4"]
    sample = coco.sample(view, 0)
    assert sample["box"].tolist() == [-2.5, 1, 30.25, 20]  # not cut
    assert sample["score"] == 0.9
    assert not sample["keypoints"].any()
    assert not sample["visible"].any()
    assert sample["keypoints"].shape == (17, 2)
    assert coco.sample(view, 1)["image"].shape == (30, 40, 3)
    assert coco.sample(view, 3)["image_id"] == 3
    some = COCOKeypoints(coco.root, det_score_threshold=0.25)  # what scores as much is kept
    assert some.ids(view) == ["7-d0", "11-d2", "3-d4"]


def test_views(coco, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "own.json"
    write(own, detections()[2:])
    view = coco.view("val", {"boxes": "own.json", "flip": True})
    assert view == f"val+{own}"
    assert split_of(view) == split_of("val") == "val"
    assert coco.ids(view) == ["11-d0", "7-d1", "3-d2"]
    assert coco.check([view]) == []
    assert coco.view("val", {}) == coco.view("val", {"boxes": "gt"}) == "val"
    assert len(coco.ground_truth(view)["dataset"]["images"]) == 3
    assert NYUv2(tmp_path).view("test", {"flip": True}) == "test"
    for split, options in (("test-dev", {}), ("train", {"boxes": "detections"})):
        with pytest.raises(UserError, match=split) as caught:
            coco.view(split, options)
        assert "file of your own" in caught.value.problems[0].expected
    with pytest.raises(UserError, match="did you mean 'val'"):
        coco.view("vals", {})
    with pytest.raises(UserError, match="did you mean 'val'"):
        coco.ids("vall+detections")


def test_labels_of_test_dev_are_hidden(coco):
    assert COCOKeypoints.hidden == {"test-dev"}
    assert coco.ground_truth("test-dev") is None
    assert coco.ground_truth("test-dev+detections") is None
    assert coco.count("test-dev") == 3  # pictures
    assert coco.count("test-dev+detections") == 4
    with pytest.raises(UserError, match="no labels"):
        coco.ids("test-dev")
    assert coco.notes("test-dev") == ["test-dev has 3 pictures, the official split 20,288"]
    assert len(coco.fingerprint("test-dev+detections")) == 64


def test_ground_truth_keeps_everybody(coco, crowdpose):
    truth = coco.ground_truth("val")
    assert truth["area"] == "segment"
    assert truth["levels"] is None
    assert truth["sigmas"][:2] == [0.026, 0.025]
    dataset, written = truth["dataset"], content()
    assert [image["id"] for image in dataset["images"]] == list(SIZES)
    for one, original in zip(dataset["annotations"], written["annotations"], strict=True):
        assert "segmentation" not in one
        for key, value in one.items():
            assert value == original[key], key
    assert dataset["categories"][0]["keypoints"] == list(coco.info.joints)
    json.dumps(truth)
    truth = crowdpose.ground_truth("test")
    assert truth["area"] == "box"
    assert truth["levels"] == [0.2, 0.8]
    assert "area" not in truth["dataset"]["annotations"][0]
    assert [image["crowdIndex"] for image in truth["dataset"]["images"]] == [1.1, 0.7, 0.3]
    json.dumps(truth)


def test_num_keypoints_is_the_files(crowdpose):
    """CrowdPose counts 12 joints: head and neck alone are 0, and such people no samples."""
    path = crowdpose.folder / "annotations/crowdpose_val.json"

    def only_head(what):
        what["annotations"][1]["keypoints"] = [0] * 36 + [9, 9, 2, 9, 12, 2]
        what["annotations"][1]["num_keypoints"] = 0

    assert len(crowdpose.ids("val")) == 3
    change(path, only_head)
    reader = CrowdPose(crowdpose.root)
    assert reader.ids("val") == ["111-36", "107-34"]
    assert reader.ground_truth("val")["dataset"]["annotations"][1]["num_keypoints"] == 0


def test_an_id_of_0_is_numbered_anew(coco):
    change(coco.root / VAL, lambda what: what["annotations"][1].update(id=0))
    reader = COCOKeypoints(coco.root)
    assert reader.ids("val")[0] == "11-0"
    ids = [one["id"] for one in reader.ground_truth("val")["dataset"]["annotations"]]
    assert ids == [1, 2, 3, 4, 5, 6, 7]
    assert [note for note in reader.notes("val") if "numbered anew from 1" in note]
    assert coco.ground_truth("train")["dataset"]["annotations"][0]["id"] == 34


@pytest.mark.parametrize("images", ["", "images"])
def test_both_places_of_pictures(tmp_path, images):
    reader = COCOKeypoints(make_coco(tmp_path / "data", images))
    assert reader.check() == []
    assert reader.picture_folder("test-dev") == reader.folder / images / "test2017"
    assert reader.sample("train", 0)["image"].any()


@pytest.mark.parametrize("notes", ["annotations", "json"])
@pytest.mark.parametrize("prefix", ["", "mmpose_"])
def test_both_names_of_crowdposes_files(tmp_path, notes, prefix):
    reader = CrowdPose(make_crowdpose(tmp_path / "data", notes, prefix))
    assert reader.check() == []
    assert reader.count("test+detections") == 4
    assert reader.sample("test", 2)["keypoints"].shape == (14, 2)


def test_trainval_is_its_file_or_both_parts(crowdpose):
    assert crowdpose.ids("trainval") == crowdpose.ids("train") + crowdpose.ids("val")
    whole = crowdpose.sample("trainval", 4)
    part = crowdpose.sample("val", 1)
    assert all(np.array_equal(whole[key], part[key]) for key in part)
    truth = crowdpose.ground_truth("trainval")["dataset"]
    assert [one["id"] for one in truth["annotations"]] == list(range(1, 15))  # ids were shared
    notes = crowdpose.folder / "annotations"
    shutil.copy(notes / "crowdpose_train.json", notes / "crowdpose_trainval.json")
    assert CrowdPose(crowdpose.root).ids("trainval") == crowdpose.ids("train")


def test_a_pickled_reader_carries_nothing_that_was_parsed(coco):
    small = len(pickle.dumps(coco))
    coco.sample("val", 0)
    content_ = pickle.dumps(coco)
    assert len(content_) == small
    again = pickle.loads(content_)
    assert again.ids("val") == coco.ids("val")
    assert np.array_equal(again.sample("val", 1)["image"], coco.sample("val", 1)["image"])


def test_a_sample_may_be_changed(coco):
    first = coco.sample("val", 0)
    image = first["image"].copy()
    for value in first.values():
        if isinstance(value, np.ndarray):
            value[...] = 1
    again = coco.sample("val", 0)
    assert np.array_equal(again["image"], image)
    assert again["keypoints"].max() > 1
    assert again["box"].max() > 1


def test_a_file_is_parsed_once(coco, monkeypatch, cache):
    ids, truth = coco.ids("val"), coco.ground_truth("val")
    kept = list((cache / "annotations").iterdir())
    assert len(kept) == 1
    parsed = []
    monkeypatch.setattr(
        "mim_bench.datamodules.readers.annotations.read_json_file",
        lambda path, obtain: parsed.append(path) or jsonfiles.read_json_file(path, obtain),
    )
    again = COCOKeypoints(coco.root)
    assert again.ids("val") == ids
    assert again.ground_truth("val") == truth
    assert parsed == []
    kept[0].write_bytes(kept[0].read_bytes()[:300])  # damaged: parsed again
    assert COCOKeypoints(coco.root).ids("val") == ids
    assert len(parsed) == 1
    change(coco.root / VAL, lambda what: what["annotations"].pop(1) and None)
    assert COCOKeypoints(coco.root).ids("val") == ["11-36", "7-34"]
    monkeypatch.setenv("MIM_BENCH_CACHE", "/proc/nowhere")
    assert COCOKeypoints(coco.root).ids("val") == ["11-36", "7-34"]


def test_fingerprints(coco, tmp_path):
    first = {view: coco.fingerprint(view) for view in ("train", "val", "val+detections")}
    assert len(set(first.values())) == 3
    moved = shutil.copytree(coco.root, tmp_path / "moved")
    assert {view: COCOKeypoints(moved).fingerprint(view) for view in first} == first
    own = shutil.copy(coco.root / FOUND, tmp_path / "own.json")
    assert coco.fingerprint(f"val+{own}") == first["val+detections"]  # the content counts
    change(Path(own), lambda what: what[:1])
    assert coco.fingerprint(f"val+{own}") != first["val+detections"]
    for options in ({"box_rule": "simple-baseline"}, {"det_score_threshold": 0.1}):
        other = COCOKeypoints(coco.root, **options)
        assert other.fingerprint("val+detections") != first["val+detections"]
    change(coco.root / VAL, lambda what: what["annotations"][0].update(bbox=[1, 2, 3, 4]))
    again = COCOKeypoints(coco.root)
    assert again.fingerprint("train") == first["train"]
    assert again.fingerprint("val") != first["val"]
    assert again.fingerprint("val+detections") != first["val+detections"]


def plain_boxes(box, width, height, rule):
    """The two published rules, one box after the other."""
    x, y, w, h = box
    left, top = max(0, x), max(0, y)
    if rule == "mmpose":
        right = min(width - 1, left + max(0, w))
        bottom = min(height - 1, top + max(0, h))
        return [left, top, right - left, bottom - top], right > left and bottom > top
    right = min(width - 1, left + max(0, w - 1))
    bottom = min(height - 1, top + max(0, h - 1))
    return [left, top, right - left, bottom - top], right >= left and bottom >= top


@given(
    st.lists(
        st.tuples(
            *(st.floats(-50, 50, width=32) for _ in range(2)), *(st.floats(-2, 80, width=32),) * 2
        ),
        min_size=1,
        max_size=5,
    ),
    st.integers(1, 60),
    st.integers(1, 60),
    st.sampled_from(box_module.BOX_RULES),
)
def test_boxes_are_cut_as_published(found, width, height, rule):
    cut, kept = clean(np.array(found), np.array([[width, height]] * len(found)), rule)
    for one, mine, used in zip(found, cut, kept, strict=True):
        wanted, wanted_used = plain_boxes(one, width, height, rule)
        assert np.allclose(mine, wanted)
        assert used == wanted_used


def test_the_rule_is_the_readers(coco):
    other = COCOKeypoints(coco.root, box_rule="simple-baseline")
    assert coco.sample("val", 0)["box"].tolist() == [5, 6, 20, 12.5]
    assert other.sample("val", 0)["box"].tolist() == [5, 6, 19, 11.5]
    with pytest.raises(UserError, match="did you mean 'mmpose'"):
        COCOKeypoints(coco.root, box_rule="mmpos")


def test_pictures_are_not_turned(coco):
    """Joints are marked on the pixels as they are stored."""
    path = coco.folder / "val2017/000000000011.jpg"
    picture = Image.open(path)
    before = coco.sample("val", 0)["image"]
    exif = picture.getexif()
    exif[274] = 6
    picture.save(path, exif=exif, quality=95)
    after = COCOKeypoints(coco.root).sample("val", 0)["image"]
    assert after.shape == before.shape == (30, 40, 3)
    assert np.abs(after.astype(int) - before).mean() < 12


@pytest.mark.parametrize("name", ["coco-keypoints", "crowdpose"])
def test_facts(name):
    info = get_reader_class(name).info
    assert (info.name, info.task) == (name, "pose")
    count = len(info.joints)
    assert len(info.sigmas) == count == {"coco-keypoints": 17, "crowdpose": 14}[name]
    for one, two in info.flip_pairs:
        assert info.joints[one].removeprefix("left") == info.joints[two].removeprefix("right")
        assert info.sigmas[one] == info.sigmas[two]
    unpaired = {"nose"} if count == 17 else {"head", "neck"}
    paired = {k for pair in info.flip_pairs for k in pair}
    assert {info.joints[k] for k in range(count) if k not in paired} == unpaired
    upper, lower = info.extra["upper"], info.extra["lower"]
    assert sorted(upper + lower) == list(range(count))
    legs = {k for k, joint in enumerate(info.joints) if joint.endswith(("hip", "knee", "ankle"))}
    assert set(lower) == legs
    assert info.extra["half_body_over"] == {17: 8, 14: 6}[count]
    assert {k for pair in info.extra["skeleton"] for k in pair} == set(range(count))


def test_the_real_thing(real_data):
    reader = COCOKeypoints(real_data)
    views = ("train", "val", "val+detections")
    assert reader.check(views) == []
    assert [reader.count(view) for view in views] == [12, 12, 118]
    for view in views:
        for index in range(reader.count(view)):
            sample = reader.sample(view, index)
            height, width = sample["image"].shape[:2]
            x, y, wide, tall = sample["box"]
            assert min(wide, tall) > 0
            if view != "val+detections":
                assert 0 <= x < x + wide <= width - 1
                assert 0 <= y < y + tall <= height - 1
                inside = sample["visible"] > 0
                assert (sample["keypoints"][inside] >= 0).all()
                assert (sample["keypoints"][inside] < (width, height)).all()
    truth = reader.ground_truth("val")["dataset"]
    assert len(truth["annotations"]) == 14
    raw = json.loads((reader.folder / "annotations/person_keypoints_val2017.json").read_text())
    for mine, written in zip(truth["annotations"], raw["annotations"], strict=True):
        assert all(written[key] == value for key, value in mine.items())
