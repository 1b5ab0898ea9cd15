"""Bad annotation, detection and picture files of pose sets: one error that says what and where."""

from __future__ import annotations

import pytest
from PIL import Image
from pose_folders import change, content, make_coco, make_crowdpose, person, write

from mim_bench.datamodules.readers.coco_keypoints import COCOKeypoints
from mim_bench.datamodules.readers.crowdpose import CrowdPose
from mim_bench.errors import UserError

NOTES = "annotations/person_keypoints_val2017.json"
FOUND = "person_detection_results/COCO_val2017_detections_AP_H_56_person.json"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MIM_BENCH_CACHE", str(tmp_path / "cache"))
    return make_coco(tmp_path / "data") / "coco"


def first(**changes):
    """Change the first annotation, 34."""

    def how(what):
        what["annotations"][0].update(changes)

    return how


def without(name):
    def how(what):
        del what["annotations"][0][name]

    return how


def cut(path):
    path.write_bytes(path.read_bytes()[:-40])


ANNOTATIONS = {
    "nobody": (lambda what: what.update(annotations=[]), "", "nobody with labelled joints"),
    "no field": (lambda what: what.pop("annotations") and None, "", "nobody with labelled"),
    "crowds only": (
        lambda what: [one.update(iscrowd=1) for one in what["annotations"]] and None,
        "",
        "nobody with labelled joints (7 annotations)",
    ),
    "other categories": (
        lambda what: [one.update(category_id=3) for one in what["annotations"]] and None,
        "",
        "nobody with labelled joints (0 annotations)",
    ),
    "instances": (
        lambda what: [one.pop("keypoints") for one in what["annotations"]] and None,
        "",
        "nobody with labelled joints",
    ),
    "14 joints": (first(keypoints=[1] * 42), ": annotation 34", "has 42 values under `keypoints`"),
    "words": (first(keypoints=["a"] * 51), ": annotation 34", "no finite numbers"),
    "nan": (first(keypoints=[float("nan")] * 51), ": annotation 34", "no finite numbers"),
    "null": (first(keypoints=None), ": annotation 34", "has None under `keypoints`"),
    "no box": (without("bbox"), ": annotation 34", "has None under `bbox`"),
    "half a box": (first(bbox=[1, 2]), ": annotation 34", "has 2 values under `bbox`"),
    "endless box": (first(bbox=[0, 0, float("inf"), 1]), ": annotation 34", "no finite numbers"),
    "area in words": (first(area="big"), ": annotation 34", "has the area 'big'"),
    "same id": (first(id=31), ": annotation 31", "is there twice"),
    "no id": (without("id"), ": annotation number 0", "has no id"),
    "strange picture": (first(image_id=8), ": annotation 34", "is on the picture 8"),
    "no picture": (without("image_id"), ": annotation 34", "is on the picture None"),
    "a number": (lambda what: what["annotations"].insert(2, 5), ": annotation number 2", "object"),
    "a list": (lambda what: [what], "", "holds no `images`"),
    "results": (lambda what: what.pop("images") and None, "", "holds no `images`"),
    "same picture": (lambda what: what["images"][1].update(id=11), "", "the id 11 of another"),
    "picture without size": (lambda what: what["images"][1].pop("width") and None, "", "width"),
    "picture of no size": (lambda what: what["images"][1].update(width=0), "", "size 0 x 36"),
    "picture outside": (
        lambda what: what["images"][2].update(file_name="../../../etc/x.jpg"),
        "",
        "leads out of the dataset's folder",
    ),
}


@pytest.mark.parametrize("name", ANNOTATIONS)
def test_annotations(folder, name):
    how, place, says = ANNOTATIONS[name]
    path = folder / NOTES
    change(path, how)
    reader = COCOKeypoints(folder.parent)
    with pytest.raises(UserError) as caught:
        reader.ids("val")
    (problem,) = caught.value.problems
    assert says in problem.what
    assert problem.where == f"{path}{place}"
    assert problem.expected
    assert problem.action
    assert reader.check(["val"]) == [problem]
    assert reader.check(["train", "test-dev"]) == []
    assert COCOKeypoints(folder.parent).ids("train")


DETECTIONS = {
    "empty": (lambda what: what.clear(), "holds no detection of a person (0 of other"),
    "cars": (
        lambda what: [one.update(category_id=3) for one in what] and None,
        "no detection of a person (5 of other categories)",
    ),
    "object": (lambda what: {"annotations": what}, "holds a dict, no list"),
    "no score": (lambda what: what[2].pop("score") and None, "detection number 2 has no 'score'"),
    "no box": (lambda what: what[3].pop("bbox") and None, "detection number 3 has no 'bbox'"),
    "no picture": (lambda what: what[0].pop("image_id") and None, "number 0 has no 'image_id'"),
    "half a box": (lambda what: what[0].update(bbox=[1, 2]), "detection number 0 can't be used"),
    "backwards": (lambda what: what[0].update(bbox=[9, 9, -1, 4]), "a negative size"),
    "score nan": (lambda what: what[0].update(score=float("nan")), "its score is nan"),
    "no object": (lambda what: what.insert(1, 7), "detection number 1 can't be used"),
    "strange pictures": (
        lambda what: [one.update(image_id=90 + k) for k, one in enumerate(what[:3])] and None,
        "2 of 4 detections are on 2 picture(s) that the split does not have: 90, 92",
    ),
}


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("name", DETECTIONS)
def test_detections(folder, tmp_path, name, own):
    how, says = DETECTIONS[name]
    path = folder / FOUND
    if own:
        path = path.rename(tmp_path / "own.json")
    change(path, how)
    reader = COCOKeypoints(folder.parent)
    view = reader.view("val", {"boxes": str(path) if own else "detections"})
    with pytest.raises(UserError) as caught:
        reader.ids(view)
    (problem,) = caught.value.problems
    assert says in problem.what
    assert problem.where == str(path)
    assert problem.expected
    assert problem.action
    assert reader.check([view]) == [problem]
    assert reader.ids("val")


def test_no_detection_scores_enough(folder):
    reader = COCOKeypoints(folder.parent, det_score_threshold=0.95)
    with pytest.raises(UserError, match=r"no detection that scores at least 0\.95"):
        reader.ids("val+detections")


@pytest.mark.parametrize("name", [NOTES, FOUND])
def test_files_that_are_no_json(folder, name):
    path, view = folder / name, "val+detections"
    whole = path.read_bytes()
    for says, harm in (
        ("is no valid JSON", lambda: cut(path)),
        ("is no valid JSON (0 bytes)", lambda: path.write_bytes(b"")),
        ("is a web page", lambda: path.write_text("\n<!DOCTYPE html><html>403</html>")),
        ("is no valid JSON", lambda: path.write_bytes(b"\x1f\x8b\x00\xff" + whole)),
        ("is missing", path.unlink),
        ("can't be read", path.mkdir),
    ):
        harm()
        reader = COCOKeypoints(folder.parent)
        with pytest.raises(UserError) as caught:
            reader.ids(view)
        (problem,) = caught.value.problems
        assert says in problem.what
        assert problem.where == str(path)
        assert "coco/" in problem.action
        assert problem in reader.check([view])


def test_pictures_that_are_missing(folder):
    lost = folder / "val2017/000000000007.jpg"
    lost.unlink()
    (problem,) = COCOKeypoints(folder.parent).check(["val", "val+detections", "train"])
    assert problem.what == f"1 of 3 pictures of the split 'val' are missing: {lost}"
    assert problem.where == str(folder / "val2017")
    assert "000000000139.jpg" in problem.action
    with pytest.raises(UserError) as caught:
        COCOKeypoints(folder.parent).sample("val", 2)
    assert caught.value.problems[0].where == f"{lost} (listed in {folder / NOTES})"


def test_pictures_that_are_damaged(folder):
    reader, path = COCOKeypoints(folder.parent), folder / "val2017/000000000011.jpg"
    cut(path)
    with pytest.raises(UserError, match="is cut short"):
        reader.sample("val", 0)
    (problem,) = reader.check(["val"])
    assert problem.what.startswith("is cut short")
    assert reader.sample("val", 2)["image"].any()
    Image.new("RGB", (20, 15)).save(path)
    with pytest.raises(UserError, match="the picture is 20 x 15, the file says 40 x 30"):
        reader.sample("val", 0)


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_swapped_sizes(tmp_path, monkeypatch, split):
    """CrowdPose's first files: a check finds it before training does."""
    monkeypatch.setenv("MIM_BENCH_CACHE", str(tmp_path / "cache"))
    root = make_crowdpose(tmp_path / "data")
    path = root / f"crowdpose/annotations/crowdpose_{split}.json"

    def swap(what):
        for image in what["images"]:
            image["width"], image["height"] = image["height"], image["width"]

    change(path, swap)
    reader = CrowdPose(root)
    (problem,) = reader.check([split])
    assert "width and height are swapped in it" in problem.what
    assert problem.where.startswith(f"{path}: ")
    assert "download the corrected file" in problem.action
    with pytest.raises(UserError, match="swapped"):
        reader.sample(split, 0)
    others = {"train", "val", "test"} - {split}
    assert reader.check(others) == []


def test_no_folder_and_no_file(tmp_path):
    for reader in (COCOKeypoints(tmp_path), CrowdPose(tmp_path)):
        (problem,) = reader.check()
        assert problem.where == str(reader.folder)
        assert problem.action == reader.info.obtain
        reader.folder.mkdir()
        problems = reader.check()
        assert all(one.what == "is missing" for one in problems)
        assert len(problems) == {"coco": 3, "crowdpose": 4}[reader.folder.name]
        (problem,) = reader.check(["train"])
        assert problem.where == str(reader.annotation_files("train")[0])


def test_a_picture_in_two_splits(tmp_path, monkeypatch):
    monkeypatch.setenv("MIM_BENCH_CACHE", str(tmp_path / "cache"))
    root = make_crowdpose(tmp_path / "data")
    write(root / "crowdpose/annotations/crowdpose_val.json", content(14))
    with pytest.raises(UserError, match="more than one"):
        CrowdPose(root).ids("trainval")


def test_joints_outside_are_kept_and_said(folder):
    change(
        folder / NOTES,
        lambda what: what["annotations"].append(
            person(90, 3, [4, 4, 9, 9], keypoints=[-2, 5, 2, 40, 6, 1] + [0] * 45)
        ),
    )
    reader = COCOKeypoints(folder.parent)
    sample = reader.sample("val", 3)
    assert sample["id"] == "3-90"
    assert sample["keypoints"][:2].tolist() == [[-2, 5], [40, 6]]
    notes = [note for note in reader.notes("val") if "outside" in note]
    assert len(notes) == 1
    assert notes[0].startswith("val: ")


def test_a_detection_of_no_size_is_dropped(folder):
    change(folder / FOUND, lambda what: what[2].update(bbox=[4, 4, 0, 0]))
    assert COCOKeypoints(folder.parent).ids("val+detections") == ["7-d0", "7-d3", "3-d4"]
