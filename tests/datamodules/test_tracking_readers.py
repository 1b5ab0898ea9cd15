"""Readers of GOT-10k, TrackingNet, LaSOT and COCO's objects, and of all of them as one."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from tracking_folders import (
    LENGTH,
    SIZE,
    boxes,
    make_all,
    make_coco_objects,
    make_got10k,
    make_lasot,
    make_trackingnet,
)

from mim_bench.datamodules.readers.coco_objects import COCOObjects
from mim_bench.datamodules.readers.got10k import GOT10k, select
from mim_bench.datamodules.readers.lasot import LaSOT
from mim_bench.datamodules.readers.tracking import TrackingSets
from mim_bench.datamodules.readers.trackingnet import TrackingNet
from mim_bench.errors import UserError


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MIM_BENCH_CACHE", str(tmp_path / "cache"))


def test_got10k_reads_boxes_labels_and_rate(tmp_path):
    make_got10k(tmp_path)
    reader = GOT10k(tmp_path)
    assert reader.check() == []
    assert [len(reader.ids(split)) for split in ("train", "val", "test")] == [3, 2, 2]
    track = reader.track(0)
    np.testing.assert_array_equal(track.boxes, boxes(0))
    assert track.valid.tolist() == [True, True, False, False, True, True, True]
    assert track.rate == 10
    assert reader.track(1).valid.all()
    assert reader.frame(1, 2).shape == (SIZE[1], SIZE[0], 3)
    # shades rise by 5 a frame: numbers count from 1 on the disk
    assert abs(int(reader.frame(0, 6)[0, 0, 0]) - 70) <= 3


def test_got10k_hides_all_but_the_first_box_of_its_test(tmp_path):
    make_got10k(tmp_path)
    reader = GOT10k(tmp_path)
    sample = reader.sample("test", 1)
    assert sample["id"] == "GOT-10k_Test_000002"
    assert len(sample["frames"]) == LENGTH
    np.testing.assert_array_equal(sample["box"], boxes(1)[0])
    assert np.isnan(sample["boxes"][1:]).all()
    assert sample["valid"].tolist() == [True] + [False] * (LENGTH - 1)
    assert reader.ground_truth("test") is None
    expected = {"GOT-10k_Test_000001": LENGTH, "GOT-10k_Test_000002": LENGTH}
    assert reader.expected("test") == {"benchmark": "got10k", "frames": expected}


def test_got10k_truth_has_what_its_metric_needs(tmp_path):
    make_got10k(tmp_path)
    truth = GOT10k(tmp_path).ground_truth("val")
    first = truth["sequences"]["GOT-10k_Val_000001"]
    assert (truth["benchmark"], truth["origin"]) == ("got10k", 0)
    assert first["size"] == list(SIZE)
    assert first["cover"].tolist() == [8, 8, 0, 0, 8, 8, 8]
    assert first["attributes"] == ["rolling", "thing"]


def test_the_published_selection_keeps_7086_sequences(tmp_path):
    names = [f"GOT-10k_Train_{number:06d}" for number in range(1, 9336)]
    published, by_number = select(names, "vot-train"), select(names, "vot-train-by-number")
    assert (len(published), len(by_number)) == (7086, 7085)  # there is no number 0
    # the published code takes numbers for places that count from 0: all are one off
    places = {int(name[-6:]) - 1 for name in published}
    assert places - {0} == {int(name[-6:]) for name in by_number}
    make_got10k(tmp_path, train=6)
    kept = GOT10k(tmp_path, "vot-train").ids("train")
    assert kept == [name for name in published if int(name[-6:]) <= 6]


def test_trackingnet_reads_odd_ids_chunks_and_numeric_frames(tmp_path):
    make_trackingnet(tmp_path)
    reader = TrackingNet(tmp_path)
    assert reader.check() == []
    assert reader.ids("train") == ["-ab_0", "_c_1", "d_0"]
    assert reader.ids("test") == ["e_1", "x_0"]
    track = reader.track(0)
    assert track.boxes[1, 0] == -3.25
    assert not track.valid[4]
    assert track.valid.sum() == LENGTH + 4
    frames = reader.sample("test", 0)["frames"]
    assert [frame.rpartition("/")[2] for frame in frames] == [f"{k}.jpg" for k in range(LENGTH + 5)]
    assert abs(int(reader.frame(0, 10)[0, 0, 0]) - 90) <= 3
    assert reader.expected("test")["frames"] == {"e_1": LENGTH + 5, "x_0": LENGTH + 5}


def test_lasot_counts_from_one_and_knows_absent_frames(tmp_path):
    make_lasot(tmp_path)
    reader = LaSOT(tmp_path)
    assert reader.check() == []
    assert reader.ids("train") == ["airplane-2", "rubicCube-4"]
    assert reader.ids("test") == ["airplane-1", "rubicCube-7"]
    track = reader.track(0)
    np.testing.assert_array_equal(track.boxes[0], boxes(21)[0])
    assert track.valid.tolist() == [True, True, True, False, False, False, True]
    truth = reader.ground_truth("test")["sequences"]["airplane-1"]
    np.testing.assert_array_equal(truth["boxes"][0], boxes(20)[0] + [1, 1, 0, 0])
    assert truth["absent"].tolist() == [False, False, False, True, True, True, False]
    assert truth["size"] == list(SIZE)


def test_lasot_without_lists_takes_the_published_split(tmp_path):
    folder = make_lasot(tmp_path, lists=False)
    (folder / "airplane" / "notes").mkdir()
    (folder / "unpacking").mkdir()
    reader = LaSOT(tmp_path)
    # airplane-1 is of the published test set, rubicCube-4 and -7 are not in the same part
    assert "airplane-2" in reader.ids("train")
    assert "airplane-1" not in reader.ids("train")
    assert len(reader.ids("test")) == 280


def test_lasot_cuts_pictures_without_boxes_and_says_so(tmp_path):
    folder = make_lasot(tmp_path)
    place = folder / "airplane" / "airplane-1" / "img"
    (place / f"{LENGTH + 1:08d}.jpg").write_bytes((place / "00000001.jpg").read_bytes())
    reader = LaSOT(tmp_path)
    assert reader.check(["test"]) == []
    assert len(reader.sample("test", 0)["frames"]) == LENGTH
    assert "1 of 2 sequences of test have more pictures than boxes" in reader.notes("test")[1]


def test_lasot_attributes_are_read_where_they_are(tmp_path):
    folder = make_lasot(tmp_path)
    (folder / "att").mkdir()
    (folder / "att" / "airplane-1.txt").write_text("0,1,0,0,0,1,0,0,1,0,0,0,1,0\n")
    truth = LaSOT(tmp_path).ground_truth("test")["sequences"]
    assert truth["airplane-1"]["attributes"] == ["POC", "ROT", "SV", "LR"]
    assert truth["rubicCube-7"]["attributes"] == []


def test_coco_objects_are_pictures_with_objects(tmp_path):
    make_coco_objects(tmp_path)
    reader = COCOObjects(tmp_path)
    assert reader.check() == []
    assert reader.ids("train") == ["000000000003.jpg", "000000000001.jpg"]
    assert reader.track(1).boxes.tolist() == [[4, 5, 12, 16], [9, 9, 6, 8]]
    assert reader.frame(0, 7).shape == (SIZE[1], SIZE[0], 3)


def test_all_sets_are_one_and_any_of_them_will_do(tmp_path):
    make_all(tmp_path)
    reader = TrackingSets(tmp_path, got10k_selection="all")
    assert reader.check() == []
    assert reader.counts() == {"got10k": 3, "lasot": 2, "trackingnet": 3, "coco": 2}
    assert reader.count("train") == len(reader.ids("train")) == 10
    assert reader.ids("train")[3] == "lasot/airplane-2"
    assert reader.ids("trackingnet-test") == ["e_1", "x_0"]
    assert reader.labels_of("trackingnet-test") == ("trackingnet", "test")
    some = TrackingSets(tmp_path, train_sets=["coco", "got10k"], got10k_selection="all")
    assert [source.name for source in some.sources()] == ["got10k", "coco"]
    assert some.fingerprint("train") != reader.fingerprint("train")
    assert some.fingerprint("lasot-test") == reader.fingerprint("lasot-test")


def test_a_set_without_a_folder_is_refused_or_left_out(tmp_path):
    make_got10k(tmp_path)
    make_coco_objects(tmp_path)
    where = [problem.where for problem in TrackingSets(tmp_path).check(["train"])]
    assert where == [str(tmp_path / "LaSOT"), str(tmp_path / "TrackingNet")]
    reader = TrackingSets(tmp_path, missing="leave-out", got10k_selection="all")
    assert reader.check(["train", "got10k-val"]) == []
    assert reader.used() == ("got10k", "coco")
    notes = reader.notes("got10k-val")
    assert "trained without lasot, trackingnet, which the data root lacks" in notes
    empty = TrackingSets(tmp_path / "none", missing="leave-out").check(["train"])
    assert "there is no folder of any of got10k" in empty[0].what


def test_files_are_parsed_once_and_again_when_they_change(tmp_path):
    folder = make_got10k(tmp_path)
    before = GOT10k(tmp_path)
    mark = before.fingerprint("train")
    assert GOT10k(tmp_path).fingerprint("train") == mark
    again = pickle.loads(pickle.dumps(before))
    np.testing.assert_array_equal(again.track(0).boxes, before.track(0).boxes)
    file = folder / "train" / "GOT-10k_Train_000001" / "groundtruth.txt"
    file.write_text(file.read_text().replace(".0000", ".5000"))
    assert GOT10k(tmp_path).fingerprint("train") != mark


def test_a_fingerprint_knows_no_path(tmp_path):
    make_lasot(tmp_path / "a")
    make_lasot(tmp_path / "b")
    assert LaSOT(tmp_path / "a").fingerprint("test") == LaSOT(tmp_path / "b").fingerprint("test")


def test_real_sequences(real_data):
    reader = GOT10k(real_data)
    assert reader.check(["train", "val"]) == []
    track = reader.track_of("val", 0)
    assert len(track.boxes) == 60
    assert track.rate == 30
    assert reader.frame_of("val", 0, 59).shape == (240, 360, 3)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"train_sets": ["got10"]}, "unknown set 'got10'"),
        ({"train_sets": []}, "is empty"),
        ({"missing": "skip"}, "unknown missing 'skip'"),
        ({"got10k_selection": "vot"}, "unknown selection 'vot'"),
    ],
)
def test_settings_are_checked(tmp_path, settings, said):
    with pytest.raises(UserError, match=said):
        TrackingSets(tmp_path, **settings)
