"""Files are written whole; full disks, newer schemas and hostile paths are told, not suffered."""

from __future__ import annotations

import errno
import json
import os

import pytest

from mim_bench import files
from mim_bench.errors import Problem, UserError, nearest, unknown


def test_write_makes_folders_and_replaces(tmp_path):
    path = tmp_path / "a" / "b.json"
    files.write_json(path, {"x": 1})
    files.write_json(path, {"x": 2})
    assert files.read_json(path) == {"schema": files.SCHEMA, "x": 2}
    assert [entry.name for entry in path.parent.iterdir()] == ["b.json"]


def test_full_disk_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "run.json"
    files.write_json(path, {"x": 1})

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match=r"run.json: can't be written: No space left.*\n.*to do"):
        files.write_json(path, {"x": 2})
    monkeypatch.undo()
    assert files.read_json(path)["x"] == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.json"]


def test_a_file_in_a_folders_place_is_one_clear_error(tmp_path):
    (tmp_path / "store").write_text("")
    with pytest.raises(UserError, match="can't be written"):
        files.write_json(tmp_path / "store" / "run.json", {})


def test_newer_schema_is_refused(tmp_path):
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"schema": files.SCHEMA + 1}))
    with pytest.raises(UserError, match="newer mim-bench"):
        files.read_json(path)


@pytest.mark.parametrize("text", ["", "{", "[1]", '"text"', '{"schema": "x"}'])
def test_damaged_json_is_one_clear_error(tmp_path, text):
    path = tmp_path / "run.json"
    path.write_text(text)
    with pytest.raises(UserError, match=r"run\.json"):
        files.read_json(path)


def test_hash_of_a_file(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"abc" * 10**6)
    import hashlib

    assert files.sha256_file(path) == hashlib.sha256(b"abc" * 10**6).hexdigest()


def test_nan_has_no_canonical_json():
    with pytest.raises(ValueError, match=r"not JSON compliant|nan"):
        files.canonical_json({"x": float("nan")})


def test_unknown_names_suggest_the_nearest():
    assert "did you mean 'nyuv2'?" in str(unknown("column", "nyuv", ["nyuv2", "kitti"]))
    assert nearest("zzz", ["nyuv2"]) == ""


def test_a_user_error_crosses_process_borders():
    import pickle

    error = UserError([Problem("a", "b"), Problem("c")])
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
