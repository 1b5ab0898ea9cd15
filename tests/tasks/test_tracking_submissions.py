"""Tracks as files: archives for servers, other people's results, all that is refused."""

from __future__ import annotations

from zipfile import ZipFile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tracking_cases import track_case, truth_case

from mim_bench.errors import UserError
from mim_bench.tasks.submissions import Submission
from mim_bench.tasks.tracking_submissions import (
    check_submission,
    read_results,
    read_submission,
    results_archive,
    submission,
)

NAMES = ("one", "two")
FRAMES = {"one": 3, "two": 4}


def tracks_of(seed=0):
    rng = np.random.default_rng(seed)
    return {name: rng.uniform(0, 99, (count, 4)) for name, count in FRAMES.items()}


def archive(path, files):
    with ZipFile(path, "w") as packed:
        for name, text in files.items():
            packed.writestr(name, text)
    return path


def good(benchmark):
    """Name -> text of an archive without a fault."""
    sent = submission(benchmark, tracks_of(), dict.fromkeys(FRAMES, 0.05))
    return {name: content.decode() for name, content in sent.files.items()}


def refusal(path, benchmark):
    with pytest.raises(UserError) as caught:
        check_submission(path, benchmark, FRAMES)
    return str(caught.value)


def test_got10ks_archive_in_every_byte(tmp_path):
    tracks = {"a": np.array([[1, 2, 3, 4], [0.1234, -5, 1e-9, 6.00051]])}
    sent = submission("got10k", tracks, {"a": 0.0123})
    assert dict(sent.files) == {
        "a/a_001.txt": b"1.000,2.000,3.000,4.000\n0.123,-5.000,0.000,6.001\n",
        "a/a_time.txt": b"0.01230000\n0.01230000\n",
    }
    with ZipFile(tmp_path / archive(tmp_path / "x.zip", {}).name) as empty:
        assert empty.namelist() == []
    assert sent.archive() == submission("got10k", tracks, {"a": 0.0123}).archive()


def test_trackingnets_archive_in_every_byte():
    sent = submission("trackingnet", {"-a_0": np.array([[1, 2, 3, -4], [1.236, 7, 8, 9]])}, {})
    assert dict(sent.files) == {"-a_0.txt": b"1.00,2.00,3.00,0.00\n1.24,7.00,8.00,9.00\n"}


@given(seed=st.integers(0, 10**6))
@settings(max_examples=8, deadline=None)
def test_what_is_sent_is_read_back(seed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sent")
    for benchmark, half in (("got10k", 0.0005), ("trackingnet", 0.005)):
        truth = truth_case(benchmark, seed, 3)
        tracks = track_case(truth, seed, broken=False)
        frames = {name: len(track) for name, track in tracks.items()}
        sent = submission(benchmark, tracks, dict.fromkeys(tracks, 0.05))
        path = folder / sent.name
        path.write_bytes(sent.archive())
        check_submission(path, benchmark, frames)
        for found in (read_submission(path, benchmark), read_results(path, frames)):
            assert set(found) == set(tracks)
            for name, track in tracks.items():
                np.testing.assert_allclose(found[name], track, rtol=0, atol=half + 1e-9)
    path.write_bytes(results_archive(tracks))
    for name, track in read_results(path).items():
        np.testing.assert_allclose(track, tracks[name], rtol=0, atol=6e-5)


@pytest.mark.parametrize("level", ["", "my tracker/"])
def test_got10ks_sequences_may_lie_in_a_folder(tmp_path, level):
    files = {level + name: text for name, text in good("got10k").items()}
    files[f"{level}one/one_002.txt"] = files[f"{level}one/one_001.txt"]
    path = archive(tmp_path / "got10k.zip", files)
    check_submission(path, "got10k", FRAMES)
    assert set(read_submission(path, "got10k")) == set(NAMES)


def test_all_faults_of_a_got10k_archive_at_once(tmp_path):
    files = good("got10k")
    del files["two/two_time.txt"]
    files["two/two_001.txt"] = files["two/two_001.txt"].replace(",", " ")
    files["one/one_001.txt"] += "1,2,3,-4\n"
    files["one/one_time.txt"] = "0.1\n\nfast\n0.1\n"
    files["one/one_004.txt"] = files["one/one_001.txt"]
    files["three/three_001.txt"] = "1,2,3,4\n"
    said = refusal(archive(tmp_path / "x.zip", files), "got10k")
    for part in (
        "two/two_time.txt: is missing",
        "two/two_001.txt: line 1 is ",
        "expected: x,y,width,height on each line, commas between them",
        "one/one_001.txt: has 4 lines\n  expected: 3",
        "one/one_001.txt:4: has a negative side",
        "one/one_time.txt:2: is no number of seconds",
        "one/one_004.txt: has a name that the server doesn't know",
        "three/three_001.txt: is of no test sequence",
    ):
        assert part in said
    mixed = {
        ("mine/" if "two" in name else "") + name: text for name, text in good("got10k").items()
    }
    assert "different folders" in refusal(archive(tmp_path / "y.zip", mixed), "got10k")


def test_all_faults_of_a_trackingnet_archive_at_once(tmp_path):
    files = {"mine/one.txt": "1,2,3,4\n" * 3, "two.txt": "1,2,3,4\n1,2,nan,4\n" * 2}
    files["three.txt"] = "1,2,3,4\n"
    said = refusal(archive(tmp_path / "x.zip", files), "trackingnet")
    for part in (
        "mine/one.txt: lies in a folder",
        "one.txt: is missing",
        "two.txt:2: has a number that is none",
        "three.txt: is of no test sequence",
    ):
        assert part in said


@pytest.mark.parametrize(
    "line", ["1,2,3", "1,2,3,4,5", "1,,2,3,4", "1;2;3;4", "1,2,3,4,", "a,b,c,d"]
)
def test_lines_that_are_no_box(tmp_path, line):
    files = {**good("trackingnet"), "one.txt": f"1,2,3,4\n{line}\n1,2,3,4\n"}
    path = archive(tmp_path / "x.zip", files)
    assert "one.txt: line 2 " in refusal(path, "trackingnet")
    assert set(read_submission(path, "trackingnet")) == {"two"}


def test_many_faults_are_counted(tmp_path):
    path = archive(tmp_path / "x.zip", {"one.txt": "1,2,3,4\n"})
    frames = {f"s{k}": 3 for k in range(50)}
    with pytest.raises(UserError) as caught:
        check_submission(path, "trackingnet", frames)
    assert len(caught.value.problems) == 21
    assert "and 31 more problems" in str(caught.value)


def test_servers_that_there_are_not(tmp_path):
    with pytest.raises(UserError, match="got10k or trackingnet"):
        submission("lasot", {}, {})
    with pytest.raises(UserError, match="no server"):
        check_submission(archive(tmp_path / "x.zip", {}), "lasot", {})
    (tmp_path / "y.zip").write_text("<html>")
    with pytest.raises(UserError, match="zip archive"):
        check_submission(tmp_path / "y.zip", "got10k", {})


@pytest.mark.parametrize("separator", [",", "\t", " ", ", ", "  "])
def test_results_of_others(tmp_path, separator):
    (tmp_path / "mine" / "times").mkdir(parents=True)
    for name, track in tracks_of().items():
        text = "\r\n".join(separator.join(map(repr, row.tolist())) for row in track)
        (tmp_path / "mine" / f"{name}.txt").write_text(text)
        (tmp_path / "mine" / "times" / f"{name}_time.txt").write_text("0.1\n" * len(track))
    for found in (read_results(tmp_path), read_results(tmp_path, FRAMES)):
        assert set(found) == set(NAMES)
        for name, track in tracks_of().items():
            np.testing.assert_array_equal(found[name], track)


def test_faults_of_results(tmp_path):
    def write(name, lines):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("1,2,3,4\n" * lines)

    write("one.txt", 5)
    write("old/one.txt", 3)
    write("unknown.txt", 1)
    (tmp_path / "three.txt").write_text("1,2,3\n")
    frames = {**FRAMES, "three": 1}
    with pytest.raises(UserError) as caught:
        read_results(tmp_path, frames)
    said = str(caught.value)
    assert "one.txt: is there twice" in said
    assert "two: has no result" in said
    assert "three.txt: line 1 has 3 numbers" in said
    assert len(caught.value.problems) == 3
    (tmp_path / "old" / "one.txt").unlink()
    with pytest.raises(
        UserError, match=r"one\.txt: has 5 lines\n  expected: 3, one for each frame"
    ):
        read_results(tmp_path, {"one": 3})
    assert len(read_results(tmp_path, {"one": 3}, longer=True)["one"]) == 3
    with pytest.raises(UserError, match="has 5 lines"):
        read_results(tmp_path, {"one": 6}, longer=True)


def test_an_archive_is_the_same_at_any_time():
    sent = Submission("x.zip", {"b": b"1", "a": b"2"}, "")
    assert sent.archive() == Submission("x.zip", {"a": b"2", "b": b"1"}, "").archive()
    assert results_archive(tracks_of()) == results_archive(dict(reversed(tracks_of().items())))
