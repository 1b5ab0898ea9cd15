"""KITTI of the miniature world: official layout, sizes and sparsity, exact depth."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import cv2
import numpy as np
import pytest
from conftest import WORLD_COUNTS

from mim_bench.datamodules.miniature import kitti
from mim_bench.datamodules.miniature.scenes.streets import make_street, street_camera
from mim_bench.datamodules.miniature.scenes.views import look
from mim_bench.datamodules.readers.kitti import KITTI

FRAMES = kitti.plan(kitti.COUNTS)


def test_the_plan_has_the_official_names_and_quirks():
    assert Counter(frame.split for frame in FRAMES) == {"train": 60, "test": 16}
    assert len({frame.image for frame in FRAMES}) == len(FRAMES)
    for frame in FRAMES:
        raw, date, drive, camera, data, file = frame.image.split("/")
        assert (raw, camera, data) == ("raw_data", "image_02", "data")
        assert drive.startswith(f"{date}_drive_")
        assert drive.endswith("_sync")
        assert int(file.removesuffix(".png")) >= 5  # the first five frames have no ground truth
        annotated, part, same, *rest = frame.depth.split("/")
        assert (annotated, same) == ("data_depth_annotated", drive)
        assert part in ("train", "val")
        assert rest == ["proj_depth", "groundtruth", "image_02", file]
    drives = {
        split: {frame.image.split("/")[2] for frame in FRAMES if frame.split == split}
        for split in ("train", "test")
    }
    assert not drives["train"] & drives["test"]
    for split in ("train", "test"):  # both splits have ground truth in both folders
        parts = {frame.depth.split("/")[1] for frame in FRAMES if frame.split == split}
        assert parts == {"train", "val"}


def test_files_have_the_official_encodings(world):
    folder = world / kitti.FOLDER
    for split, count in WORLD_COUNTS["kitti"].items():
        content = (folder / f"{split}_list.txt").read_bytes()
        assert b"\r" not in content
        lines = content.decode().split("\n")
        assert lines.pop() == ""
        assert len(lines) == count
        for line in lines:
            image, depth = line.split(" ")
            assert image.startswith("/raw_data/")
            picture = cv2.imread(str(folder / image[1:]), cv2.IMREAD_UNCHANGED)
            units = cv2.imread(str(folder / depth[1:]), cv2.IMREAD_UNCHANGED)
            assert picture.dtype == np.uint8
            assert units.dtype == np.uint16
            assert picture.shape == (*units.shape, 3)
            assert picture.shape[:2] in kitti._SIZES.values()
            assert picture.shape[0] >= 352
            assert picture.shape[1] >= 1216
            known = units > 0
            assert 0.08 < known.mean() < 0.25
            assert not known[: picture.shape[0] // 4].any()  # above the laser's fan
            assert units[known].max() / 256 < 85.1


@pytest.mark.parametrize("number", [1, 6])
def test_depth_is_that_of_the_street(world, number):
    counts = WORLD_COUNTS["kitti"]
    frame = kitti.plan(counts)[number]
    units = cv2.imread(str(world / kitti.FOLDER / frame.depth), cv2.IMREAD_UNCHANGED)
    source = [0, 2 if frame.split == "train" else 3, frame.drive]
    rng = np.random.default_rng(source)
    street = make_street(rng)
    camera = street_camera(rng, *frame.size)
    x, y, z = camera.position
    camera = replace(camera, position=(x, y, z + 4.0 * frame.view))
    view = look(street, camera, np.random.default_rng([*source, 1 + frame.view]))
    known = units > 0
    assert np.abs(units[known] / 256 - view.depth[known]).max() <= 0.5 / 256 + 1e-9
    assert np.isfinite(view.depth[known]).all()


def test_the_reader_takes_it_as_it_takes_the_real_thing(world):
    reader = KITTI(world)
    assert reader.check() == []
    for split, count in WORLD_COUNTS["kitti"].items():
        assert reader.count(split) == count
        sample = reader.sample(split, count - 1)
        assert sample["image"].shape[:2] == sample["depth"].shape
        assert 1 < sample["depth"][sample["depth"] > 0].mean() < 60
