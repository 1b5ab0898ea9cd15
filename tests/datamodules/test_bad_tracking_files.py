"""Bad files of tracking sets: one error that says what and where, never a silent skip."""

from __future__ import annotations

import pytest
from tracking_folders import LENGTH, make_got10k, make_lasot, make_trackingnet

from mim_bench.datamodules.readers.got10k import GOT10k
from mim_bench.datamodules.readers.lasot import LaSOT
from mim_bench.datamodules.readers.trackingnet import TrackingNet
from mim_bench.errors import UserError


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("MIM_BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "data"


def lines(change):
    """Change a file's lines."""

    def how(path):
        path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")

    return how


def remove(path):
    path.unlink()


def page(path):
    path.write_text("<html>not here</html>\n")


FIRST = "val/GOT-10k_Val_000001/"
GOT = {
    "no list": ("val/list.txt", remove, "the list is missing"),
    "empty list": ("val/list.txt", lambda path: path.write_text("\n"), "the list is empty"),
    "name twice": ("val/list.txt", lines(lambda all_: all_ + all_[:1]), "twice"),
    "path in the list": ("val/list.txt", lines(lambda all_: ["../x"]), "is no name of a sequence"),
    "no boxes": (FIRST + "groundtruth.txt", remove, "is missing"),
    "empty sequence": (FIRST + "groundtruth.txt", lambda path: path.write_text(""), "is empty"),
    "three numbers": (
        FIRST + "groundtruth.txt",
        lines(lambda all_: [*all_[:2], "1,2,3"]),
        "no box",
    ),
    "words": (FIRST + "groundtruth.txt", lines(lambda all_: ["a,b,c,d", *all_]), "is no box"),
    "web page": (FIRST + "groundtruth.txt", page, "is no box"),
    "endless": (FIRST + "groundtruth.txt", lines(lambda all_: ["1,2,inf,4", *all_]), "is no box"),
    "short labels": (FIRST + "absence.label", lines(lambda all_: all_[1:]), "has 6 values"),
    "wrong labels": (FIRST + "cover.label", lines(lambda all_: ["9", *all_[1:]]), "other values"),
    "no meta": (FIRST + "meta_info.ini", remove, "is missing"),
    "no rate": (FIRST + "meta_info.ini", lines(lambda all_: ["anno_fps: fast"]), "anno_fps is"),
    "no size": (FIRST + "meta_info.ini", lines(lambda all_: all_[:-1]), "resolution is ''"),
    "missing frame": (FIRST + "00000003.jpg", remove, "has 6 pictures"),
    "other names": (
        FIRST + "00000001.jpg",
        lambda path: path.rename(path.with_name("1.jpg")),
        "is missing",
    ),
}


@pytest.mark.parametrize("name", GOT)
def test_got10k(root, name):
    file, how, said = GOT[name]
    path = make_got10k(root) / file
    how(path)
    found = GOT10k(root).check(["val"])
    assert len(found) == 1
    assert said in found[0].what
    assert str(path.parent if "picture" in found[0].what else path) in found[0].where
    assert found[0].action


def test_absent_first_frame(root):
    file = make_got10k(root) / "test" / "GOT-10k_Test_000002" / "groundtruth.txt"
    file.write_text("0.0000,0.0000,0.0000,0.0000\n")
    (problem,) = GOT10k(root).check(["test"])
    assert "absent in the first frame" in problem.what
    assert str(file) in problem.where


def test_more_frames_than_boxes_in_a_test_are_named_and_counted(root):
    place = make_got10k(root) / "val" / "GOT-10k_Val_000002"
    (place / "00000008.jpg").write_bytes((place / "00000001.jpg").read_bytes())
    reader = GOT10k(root)
    assert reader.check(["val"]) == []
    assert any(
        "the last 1 are left out: GOT-10k_Val_000002" in note for note in reader.notes("val")
    )


def test_sequences_without_a_pair_are_counted(root):
    file = make_trackingnet(root) / "TRAIN_10" / "anno" / "d_0.txt"
    file.write_text("1,2,0,0\n" * LENGTH)
    notes = TrackingNet(root).notes("train")
    assert any("1 of 3 sequences of train show their target in less than two" in n for n in notes)


def test_unreadable_frame_in_the_middle(root):
    place = make_lasot(root) / "airplane" / "airplane-2" / "img" / "00000004.jpg"
    place.write_bytes(place.read_bytes()[:-30])
    with pytest.raises(UserError, match="is cut short") as caught:
        LaSOT(root).frame(0, 3)
    assert str(place) in str(caught.value)


def test_trackingnet_without_annotations(root):
    folder = make_trackingnet(root) / "TEST" / "anno"
    for file in folder.glob("*.txt"):
        file.unlink()
    (problem,) = TrackingNet(root).check(["test"])
    assert "holds no annotation file" in problem.what


def test_lasot_flags_of_another_length(root):
    file = make_lasot(root) / "airplane" / "airplane-1" / "out_of_view.txt"
    file.write_text("0,0,1\n")
    (problem,) = LaSOT(root).check(["test"])
    assert "has 3 values" in problem.what
    assert problem.expected.startswith(f"{LENGTH}, one for each line")


def test_lasot_listed_sequence_that_is_absent(root):
    folder = make_lasot(root)
    (folder / "testing_set.txt").write_text("airplane-1\nairplane-9\n")
    (problem,) = LaSOT(root).check(["test"])
    assert "airplane-9" in problem.where
    assert "is missing" in problem.what


@pytest.mark.parametrize("reader", [GOT10k, TrackingNet, LaSOT])
def test_no_folder(root, reader):
    root.mkdir()
    (problem,) = reader(root).check()
    assert "there is no folder for" in problem.what
    assert problem.action == reader.info.obtain
