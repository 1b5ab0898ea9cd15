"""Fingerprints: what changes them, what does not, and that they are quick."""

from __future__ import annotations

import json
import os
from pathlib import Path

import cv2
import pytest
from nyu_folders import make_nyu

from mim_bench.datamodules.readers.nyuv2 import NYUv2
from mim_bench.errors import UserError


def write_stamp(root, **changes) -> None:
    stamp = {"version": 1, "seed": 0, "datasets": {"nyuv2": {"counts": {"train": 10}}}}
    (root / "stamp.json").write_text(json.dumps({**stamp, **changes}))


@pytest.fixture
def both(nyu):
    return lambda: [NYUv2(nyu).fingerprint(split) for split in ("train", "test")]


def test_splits_differ_and_a_copy_does_not(both, nyu, tmp_path):
    train, test = both()
    assert train != test
    assert len(train) == 64
    assert int(train, 16) >= 0
    assert NYUv2(make_nyu(tmp_path / "copy")).fingerprint("train") == train
    assert NYUv2(make_nyu(tmp_path / "more", train=11)).fingerprint("train") != train


def test_no_image_is_decoded(both, monkeypatch):
    def fail(*_):
        raise AssertionError("an image was decoded")

    monkeypatch.setattr(cv2, "imdecode", fail)
    monkeypatch.setattr(cv2, "imread", fail)
    monkeypatch.setattr(Path, "read_bytes", fail)
    assert both()


def test_line_ends_and_further_columns_do_not_matter(both, nyu):
    before = both()
    path = nyu / "nyu_depth_v2" / "train_list.txt"
    path.write_bytes((path.read_text().replace("\n", " 518.8579\r\n") + "\r\n").encode())
    assert both() == before


def test_order_and_choice_of_samples_matter(both, nyu):
    before = both()
    path = nyu / "nyu_depth_v2" / "train_list.txt"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[::-1]))
    reverse = both()
    path.write_text("\n".join(lines[:-1]))
    fewer = both()
    assert len({before[0], reverse[0], fewer[0]}) == 3
    assert before[1] == reverse[1] == fewer[1]


def test_replaced_files_matter(both, nyu):
    before = both()
    target = nyu / "nyu_depth_v2" / "room_0" / "sync_depth_00000.png"
    new = target.with_name("new")
    new.write_bytes(target.read_bytes() + b"more")
    new.replace(target)  # as tools that unpack or copy do
    assert both()[0] != before[0]
    assert both()[1] == before[1]


def test_the_worlds_stamp_matters_but_not_its_other_datasets(both, nyu):
    seen = [both()[0]]
    datasets = {"nyuv2": {"counts": {"train": 10}}}
    write_stamp(nyu)
    seen.append(both()[0])
    assert NYUv2(nyu).stamp()["seed"] == 0
    write_stamp(nyu, datasets={**datasets, "kitti": {"counts": {"train": 3}}})
    assert both()[0] == seen[-1]
    for change in ({"seed": 1}, {"version": 2}, {"datasets": {"nyuv2": {"counts": {}}}}):
        write_stamp(nyu, **change)
        seen.append(both()[0])
    assert len(set(seen)) == 5
    (nyu / "stamp.json").write_text("{")
    with pytest.raises(UserError, match=r"stamp\.json"):
        both()


def test_a_second_look_touches_no_listed_file(both, monkeypatch):
    before, looked = both(), []
    stat = Path.stat

    def counting(self, **options):
        looked.append(self.name)
        return stat(self, **options)

    monkeypatch.setattr(Path, "stat", counting)
    assert both() == before
    assert not [name for name in looked if name.endswith((".jpg", ".png"))]


def test_a_damaged_note_in_the_cache_is_made_again(both):
    before = both()
    cache = Path(os.environ["MIM_BENCH_CACHE"]) / "fingerprints"
    notes = list(cache.glob("*.json"))
    assert notes
    for note in notes:
        note.write_text("{")
    assert both() == before


def test_missing_files_are_named(both, nyu):
    (nyu / "nyu_depth_v2" / "room_1" / "rgb_00003.jpg").unlink()
    with pytest.raises(UserError, match=r"rgb_00003\.jpg"):
        both()
