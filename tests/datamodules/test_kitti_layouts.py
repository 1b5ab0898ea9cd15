"""KITTI's reader: every layout and form of the lists gives the same samples."""

from __future__ import annotations

import dataclasses
import itertools
import os
import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kitti_folders import FRAMES, Layout, frame, make_kitti, names

from mim_bench.datamodules.readers import get_reader_class
from mim_bench.datamodules.readers.kitti import KITTI
from mim_bench.datamodules.readers.kitti_layout import DEPTH_BASES
from mim_bench.errors import UserError

IMAGES = ("raw_data", "")
DEPTH = (
    "data_depth_annotated/{part}",
    "data_depth_annotated",
    "{part}",
    "",
)
layouts = st.builds(
    Layout,
    images=st.sampled_from(IMAGES),
    depth=st.sampled_from(DEPTH),
    ending=st.sampled_from([".png", ".jpg"]),
    listed_images=st.sampled_from(IMAGES),
    listed_depth=st.sampled_from(DEPTH),
    listed_ending=st.sampled_from([".png", ".jpg"]),
    slash=st.booleans(),
    third=st.sampled_from(["", " 721.5377", "\t721.5377 "]),
    end=st.sampled_from(["\n", "\r\n"]),
    last_end=st.booleans(),
    nothing=st.booleans(),
    lists=st.sampled_from(
        ["kitti", "filenames/eigen_benchmark", "kitti/filenames/eigen_benchmark"]
    ),
)


def assert_holds_the_frames(root: Path, exact: bool, size=(12, 30)) -> None:
    reader = KITTI(root)
    assert reader.check() == []
    for split in FRAMES:
        wanted = names(split)
        assert reader.count(split) == len(wanted)
        assert reader.ids(split) == [image for image, _, _ in wanted]
        for index in range(len(wanted)):
            image, depth = frame(split, index, size)
            sample = reader.sample(split, index)
            assert sample["id"] == wanted[index][0]
            assert np.array_equal(np.rint(sample["depth"] * 256).astype(int), depth)
            apart = np.abs(sample["image"].astype(int) - image)
            assert apart.max() == 0 if exact else apart.mean() < 2


@settings(max_examples=40, deadline=None)
@given(layouts)
def test_any_layout_under_any_list_gives_the_same_samples(tmp_path_factory, layout):
    root = make_kitti(tmp_path_factory.mktemp("kitti"), layout)
    assert_holds_the_frames(root, exact=layout.ending == ".png")


def test_every_layout_has_the_same_ids_and_fingerprint(tmp_path):
    """Of the same files: those kept as .jpg have other bytes, and other pixels."""
    prints: dict[str, set[tuple[str, ...]]] = {".png": set(), ".jpg": set()}
    chosen = itertools.product(IMAGES, DEPTH, (".png", ".jpg"), ("raw_data", ""))
    for number, (images, depth, ending, listed) in enumerate(chosen):
        layout = Layout(
            images,
            depth,
            ending,
            listed_images=listed,
            listed_depth=DEPTH[number % 3],
            listed_ending=(".png", ".jpg")[number % 2],
            nothing=number % 5 == 0,
        )
        reader = KITTI(make_kitti(tmp_path / str(number), layout))
        prints[ending].add(tuple(reader.fingerprint(split) for split in FRAMES))
    assert len(prints[".png"]) == len(prints[".jpg"]) == 1
    assert prints[".png"] != prints[".jpg"]


def test_other_frames_have_another_fingerprint(tmp_path):
    root = make_kitti(tmp_path)
    before = KITTI(root).fingerprint("test")
    path = root / "kitti" / "test_list.txt"
    path.write_text("\n".join(path.read_text().splitlines()[::-1]))
    assert KITTI(root).fingerprint("test") != before


def test_frames_without_ground_truth_are_left_out_and_counted(tmp_path):
    reader = KITTI(make_kitti(tmp_path, Layout(nothing=True)))
    assert reader.count("test") == 3
    assert any("2 of 5 listed frames have no depth map" in note for note in reader.notes("test"))
    assert any("3 samples, the official split 652" in note for note in reader.notes("test"))
    whole = KITTI(make_kitti(tmp_path / "whole"))
    assert not any("no depth map" in note for note in whole.notes("test"))
    for line in ("/a.png None\n", "/a.png None 721.5\r\n/b.png None\r\n"):
        reader.list_file("test").write_text(line)
        with pytest.raises(UserError, match="names no frame with a depth map"):
            KITTI(tmp_path).ids("test")


class Small(KITTI):
    """As if these few frames were all."""

    info = dataclasses.replace(KITTI.info, splits={"train": 6, "test": 3})


def test_a_whole_copy_needs_no_note(tmp_path):
    root = make_kitti(tmp_path)
    assert [Small(root).notes(split) for split in FRAMES] == [[], []]
    assert KITTI(root).notes("test") == ["test has 3 samples, the official split 652"]
    (root / "stamp.json").write_text("{}")  # a miniature world never has the official number
    assert KITTI(root).notes("test") == []


def test_pictures_that_exist_in_both_forms_are_taken_as_listed(tmp_path):
    make_kitti(tmp_path, Layout(ending=".jpg"))
    for listed in (".png", ".jpg"):
        root = make_kitti(tmp_path, Layout(listed_ending=listed))
        assert_holds_the_frames(root, exact=listed == ".png")
        picture, _ = KITTI(root)._listed("train")[0].files(root / "kitti")
        assert picture.suffix == listed


@pytest.mark.parametrize("images", ["", "raw_data", "frames/left"])
@pytest.mark.parametrize("depth", ["", "{part}", "truth"])
def test_where_the_list_says_is_looked_at_first(tmp_path, images, depth):
    """Another copy lies beside in each usual place, its pictures black and its depth empty."""
    layout = Layout(images, depth, listed_images=images, listed_depth=depth)
    root = make_kitti(tmp_path, layout)
    for other in ("", "raw_data"):
        for name, _, _ in (name for split in FRAMES for name in names(split)):
            path = root / "kitti" / other / f"{name}.png"
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(path), np.zeros((12, 30, 3), np.uint8))
    for other in DEPTH_BASES:
        for _, name, part in (name for split in FRAMES for name in names(split)):
            path = root / "kitti" / other / f"{name}.png"
            same_part = other.rpartition("/")[2] not in {"train", "val"} - {part}
            if same_part and not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(path), np.zeros((12, 30), np.uint16))
    assert_holds_the_frames(root, exact=True)


def test_drives_may_lie_apart(tmp_path):
    """As published, train and val apart; here half of the drives were merged or converted."""
    root = make_kitti(tmp_path)
    folder = root / "kitti"
    drive = "2011_09_26_drive_0001_sync"
    (folder / "2011_09_26").mkdir()
    (folder / "raw_data/2011_09_26" / drive).rename(folder / "2011_09_26" / drive)
    zipped = folder / "data_depth_annotated"
    (zipped / "train" / drive).rename(zipped / drive)
    assert_holds_the_frames(root, exact=True)


def test_names_of_ones_own_are_taken_as_they_are(tmp_path):
    root = make_kitti(tmp_path)
    folder = root / "kitti"
    image, depth, _ = names("test")[0]
    (folder / f"raw_data/{image}.png").rename(folder / "a.jpg")
    (folder / f"data_depth_annotated/val/{depth}.png").rename(folder / "b.png")
    (folder / "test_list.txt").write_text("a.png b.png\n")
    reader = KITTI(root)
    assert reader.check(["test"]) == []
    assert reader.ids("test") == ["a"]
    assert reader.sample("test", 0)["depth"].shape == (12, 30)


def test_names_with_dots_are_told_apart(tmp_path):
    root = make_kitti(tmp_path)
    (root / "kitti" / "test_list.txt").write_text("v1.0/a.png d/a.png\nv1.0/b.png d/b.png\n")
    assert KITTI(root).ids("test") == ["v1.0/a", "v1.0/b"]


@pytest.mark.parametrize("layout", [Layout(), Layout("", "", ".jpg", third=" 7")])
def test_the_disk_is_looked_at_once_per_drive(tmp_path, monkeypatch, layout):
    """On a network disk each look costs: a list of 23,000 lines must not cost as many."""
    root = make_kitti(tmp_path, layout)
    looks = []
    is_file, listdir, stat = Path.is_file, os.listdir, os.stat
    monkeypatch.setattr(Path, "is_file", lambda path: looks.append(path) or is_file(path))
    monkeypatch.setattr(os, "listdir", lambda path: looks.append(path) or listdir(path))
    monkeypatch.setattr(os, "stat", lambda path, **kw: looks.append(path) or stat(path, **kw))
    reader = KITTI(root)
    list_file = reader.list_file("train")
    lines = list_file.read_text().splitlines()
    # each frame a hundred times, as if drives were long
    list_file.write_text("\n".join(lines * 100))
    looks.clear()
    assert len(reader.ids("train")) == 600
    assert len(looks) < 10
    pairs = reader._listed("train")
    looks.clear()
    assert len({pair.files(reader.folder) for pair in pairs}) == 6
    # 3 drives, 2 kinds; Path.is_file looks once more with os.stat
    assert len(looks) <= 3 * (2 * 2 + 7) * 2
    looks.clear()
    assert all(pair.files(reader.folder) for pair in pairs)
    assert looks == []


def test_a_reader_goes_to_loader_processes(tmp_path):
    reader = KITTI(make_kitti(tmp_path))
    reader.ids("train")
    again = pickle.loads(pickle.dumps(reader))
    assert np.array_equal(again.sample("train", 4)["image"], reader.sample("train", 4)["image"])


def test_the_facts():
    info = get_reader_class("kitti").info
    assert dict(info.splits) == {"train": 23158, "test": 652}
    assert (info.folder, info.max_depth, KITTI.depth_scale) == ("kitti", 80.0, 256.0)
    assert "BY-NC-SA" in info.licence
    for word in ("data_depth_annotated", "raw_data", "eigen_benchmark", "kitti/"):
        assert word in info.obtain
