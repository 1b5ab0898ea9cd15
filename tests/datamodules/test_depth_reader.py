"""Readers of depth sets: lists in every form that people have, and what is wrong with files."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nyu_folders import make_nyu, write_frame
from PIL import Image

from mim_bench.datamodules.readers import READERS, get_reader_class
from mim_bench.datamodules.readers.base import DatasetInfo
from mim_bench.datamodules.readers.depth import DepthReader
from mim_bench.datamodules.readers.lists import read_pairs
from mim_bench.datamodules.readers.nyuv2 import NYUv2
from mim_bench.errors import UserError


def test_real_photographs(real_data):
    reader = NYUv2(real_data)
    assert reader.check() == []
    assert (reader.count("train"), reader.count("test")) == (2, 1)
    assert reader.ids("test") == ["official_splits/test/garage/rgb_00000"]
    assert reader.stamp() is None
    for split in ("train", "test"):
        for index, name in enumerate(reader.ids(split)):
            sample = reader.sample(split, index)
            path = reader.folder / f"{name}.jpg"
            truth = Image.open(reader.folder / f"{name.replace('rgb', 'sync_depth')}.png")
            picture = np.asarray(Image.open(path).convert("RGB"), dtype=int)
            assert sample["id"] == name
            assert sample["image"].dtype == np.uint8
            assert sample["image"].shape == (480, 640, 3)
            assert np.abs(sample["image"] - picture).mean() < 1  # decoders differ by rounding
            assert sample["depth"].dtype == np.float32
            np.testing.assert_allclose(sample["depth"], np.asarray(truth) / 1000, atol=1e-6)
            known = sample["depth"][sample["depth"] > 0]
            assert known.min() > 2
            assert known.max() < 5.1


def test_every_number_of_a_depth_file_comes_back(tmp_path):
    numbers = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    folder = tmp_path / "nyu_depth_v2"
    image = np.zeros((256, 256, 3), np.uint8)
    image[..., 0] = 200
    names = write_frame(folder, "a/00000", image, numbers)
    (folder / "train_list.txt").write_text(" ".join(names))
    sample = NYUv2(tmp_path).sample("train", 0)
    assert np.array_equal(np.rint(sample["depth"] * 1000).astype(int), numbers)
    assert sample["image"][..., 0].mean() > 150  # red comes first
    assert sample["image"][..., 2].mean() < 50


names = st.text("abcz019_-", min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(names, names), min_size=1, max_size=8),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.sampled_from(["", " 518.8579", "\t518.8579 "]),
    st.booleans(),
    st.sampled_from(["", "\ufeff"]),
    st.sampled_from(["", "official_splits/test"]),
)
def test_lists_in_every_form(tmp_path_factory, rows, end, slash, third, last_end, mark, base):
    path = tmp_path_factory.mktemp("lists") / "list.txt"
    lead = "/" if slash else ""
    lines = [f"{lead}{a}/rgb.jpg {lead}{b}/depth.png{third}" for a, b in rows]
    lines.insert(len(lines) // 2, "")
    path.write_bytes((mark + end.join(lines) + (end if last_end else "")).encode())
    before = f"{base}/" if base else ""
    assert [(pair.image, pair.depth) for pair in read_pairs(path, base)] == [
        (f"{before}{a}/rgb.jpg", f"{before}{b}/depth.png") for a, b in rows
    ]


def test_test_paths_may_name_their_base(nyu):
    reader = NYUv2(nyu)
    plain = reader.ids("test")
    path = reader.list_file("test")
    path.write_text(path.read_text().replace("/room", "/official_splits/test/room"))
    again = NYUv2(nyu)
    assert again.ids("test") == plain
    assert again.check() == []
    assert np.array_equal(again.sample("test", 3)["depth"], reader.sample("test", 3)["depth"])


@pytest.mark.parametrize(
    "place", ["filenames/nyudepthv2", "nyu_depth_v2/filenames/nyudepthv2", "nyu_depth_v2"]
)
def test_places_of_the_lists(nyu, place):
    wanted = nyu / place
    wanted.mkdir(parents=True, exist_ok=True)
    for split in ("train", "test"):
        (nyu / "nyu_depth_v2" / f"{split}_list.txt").rename(wanted / f"{split}_list.txt")
    reader = NYUv2(nyu)
    assert reader.check() == []
    assert reader.list_file("train").parent == wanted
    assert reader.sample("test", 0)["image"].shape == (24, 32, 3)


def test_a_frame_that_is_listed_twice_has_two_ids(nyu):
    path = NYUv2(nyu).list_file("train")
    first = path.read_text().splitlines()[0]
    path.write_text(f"{path.read_text()}\n{first}\n{first}\n")
    ids = NYUv2(nyu).ids("train")
    assert len(ids) == len(set(ids)) == 12
    assert ids[-2:] == [f"{ids[0]}#2", f"{ids[0]}#3"]


def test_check_says_what_is_missing_and_where_it_comes_from(nyu, tmp_path):
    (problem,) = NYUv2(tmp_path / "nowhere").check()
    assert "nyu_depth_v2" in problem.where
    assert "sync.zip" in problem.action
    folder = nyu / "nyu_depth_v2"
    for number in (0, 2, 4, 6):
        (folder / f"room_0/rgb_{number:05d}.jpg").unlink()
    (folder / "test_list.txt").unlink()
    train, test = NYUv2(nyu).check()
    assert "4 listed file(s)" in train.what
    assert str(folder / "room_0/rgb_00000.jpg") in train.what
    assert test.where == str(folder / "test_list.txt")
    assert NYUv2(nyu).check(["test"]) == [test]


def test_check_opens_no_image(nyu):
    for path in nyu.rglob("*.*g"):
        path.write_bytes(b"")
    assert NYUv2(nyu).check() == []


@pytest.mark.parametrize("based", [True, False])
@pytest.mark.parametrize(
    ("end", "third", "slash"), [("\r\n", "", "/"), ("\n", " 518.8579", ""), ("\r\n", "\t518.8", "")]
)
def test_lists_of_other_code_bases_name_the_same_frames(tmp_path, end, third, slash, based):
    """GLPDepth's have CRLF; those of BTS a focal length, no slash in the test list, and `None`."""
    wanted = NYUv2(make_nyu(tmp_path / "as published"))
    reader = NYUv2(make_nyu(tmp_path / "other"))
    for split in ("train", "test"):
        path = reader.list_file(split)
        base = "official_splits/test/" if based and split == "test" else ""
        lines = [
            " ".join(f"{slash}{base}{column.lstrip('/')}" for column in line.split()) + third
            for line in path.read_text().splitlines()
        ]
        lines.insert(2, f"{slash}room_9/rgb_00000.jpg None{third}")
        path.write_bytes(end.join([*lines, ""]).encode())
        assert reader.ids(split) == wanted.ids(split)
        assert reader.fingerprint(split) == wanted.fingerprint(split)
        assert f"{split}: 1 of {len(lines)} listed frames have no depth map" in " ".join(
            reader.notes(split)
        )
        assert np.array_equal(reader.sample(split, 5)["image"], wanted.sample(split, 5)["image"])
    assert reader.check() == []


def test_unknown_names_are_refused(nyu):
    reader = NYUv2(nyu)
    for call in (reader.ids, reader.ground_truth, reader.fingerprint, reader.count):
        with pytest.raises(UserError, match="did you mean 'train'"):
            call("trian")
    assert reader.ground_truth("test") is None
    with pytest.raises(UserError, match="did you mean 'nyuv2'"):
        get_reader_class("nyu2")
    with pytest.raises(UserError, match="is no reader"):
        get_reader_class("mim_bench.errors.Problem")
    assert [get_reader_class(name).info.name for name in READERS] == list(READERS)
    assert get_reader_class(READERS["nyuv2"]) is NYUv2


class Own(DepthReader):
    """What a user writes: two methods and the facts."""

    depth_scale = 256.0
    info = DatasetInfo(
        name="own",
        title="Own",
        task="depth",
        folder="own",
        splits={"train": 2},
        metric="RMSE",
        licence="mine",
        home="",
        size_on_disk="little",
        obtain="from me",
    )

    def list_file(self, split):
        return self.folder / f"{split}.txt"

    def pairs(self, split):
        return read_pairs(self.list_file(split))


def test_a_reader_of_ones_own(tmp_path):
    folder = tmp_path / "own"
    depth = np.full((6, 8), 512, np.uint16)
    names = write_frame(folder, "x/00000", np.zeros((6, 8, 3), np.uint8), depth)
    (folder / "train.txt").write_text(" ".join(names))
    reader = Own(tmp_path)
    assert reader.check() == []
    assert (reader.sample("train", 0)["depth"] == 2).all()
    assert reader.fingerprint("train") == Own(tmp_path).fingerprint("train")


def test_same_files_same_ids_on_another_root(tmp_path):
    one, two = make_nyu(tmp_path / "one"), make_nyu(tmp_path / "two")
    assert NYUv2(one).ids("train") == NYUv2(two).ids("train")
