"""The miniature world: exact, seeded, in the official layout, whole or not at all."""

from __future__ import annotations

import filecmp
import json
import math
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from conftest import WORLD_COUNTS

from mim_bench.datamodules import miniature
from mim_bench.datamodules.miniature import nyuv2, processes, scene
from mim_bench.datamodules.miniature.furniture import Box
from mim_bench.datamodules.miniature.rays import trace
from mim_bench.datamodules.readers.nyuv2 import NYUv2
from mim_bench.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

ONE = {"nyuv2": {"train": 1, "test": 1}}


def files_of(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def assert_same_bytes(one: Path, two: Path) -> None:
    names = files_of(one)
    assert names == files_of(two)
    _, different, failed = filecmp.cmpfiles(one, two, names, shallow=False)
    assert different == failed == []


def slow_depth(room, camera, row: int, column: int) -> float:  # noqa: PLR0912
    """Depth of one pixel by plain trigonometry and plane tests, in Python's own numbers."""
    x = (column + 0.5 - camera.width / 2) / camera.focal
    y = -(row + 0.5 - camera.height / 2) / camera.focal  # upwards
    # turn up by the pitch, then right by the yaw
    up = y * math.cos(camera.pitch) + math.sin(camera.pitch)
    ahead = math.cos(camera.pitch) - y * math.sin(camera.pitch)
    way = (
        x * math.cos(camera.yaw) + ahead * math.sin(camera.yaw),
        up,
        ahead * math.cos(camera.yaw) - x * math.sin(camera.yaw),
    )
    found = []
    for axis in range(3):
        for wall in (0.0, room.size[axis]):
            if way[axis]:
                reach = (wall - camera.position[axis]) / way[axis]
                point = [p + reach * w for p, w in zip(camera.position, way, strict=True)]
                inside = all(-1e-9 <= p <= s + 1e-9 for p, s in zip(point, room.size, strict=True))
                if reach > 0 and inside:
                    found.append(reach)
    for item in room.objects:
        away = [p - c for p, c in zip(camera.position, item.centre, strict=True)]
        if isinstance(item, Box):
            turned = []
            for vector in (away, way):
                angle = math.atan2(vector[0], vector[2]) - item.yaw
                length = math.hypot(vector[0], vector[2])
                turned.append((length * math.sin(angle), vector[1], length * math.cos(angle)))
            start, step = turned
            for axis in range(3):
                for side in (-item.half[axis], item.half[axis]):
                    if step[axis]:
                        reach = (side - start[axis]) / step[axis]
                        point = [s + reach * w for s, w in zip(start, step, strict=True)]
                        others = [k for k in range(3) if k != axis]
                        if reach > 0 and all(abs(point[k]) <= item.half[k] for k in others):
                            found.append(reach)
        else:
            a = sum(w * w for w in way)
            b = 2 * sum(w * p for w, p in zip(way, away, strict=True))
            c = sum(p * p for p in away) - item.radius**2
            if b * b >= 4 * a * c:
                reach = (-b - math.sqrt(b * b - 4 * a * c)) / (2 * a)
                if reach > 0:
                    found.append(reach)
    return min(found)


def test_depth_is_exact():
    rng = np.random.default_rng(11)
    kinds = set()
    for number in range(12):
        room = scene.make_scene(np.random.default_rng(number))
        camera = scene.make_camera(rng, room, 96, 128)
        depth, labels, _ = trace(room, camera, camera.rays())
        spread = {label: np.argwhere(labels == label) for label in np.unique(labels)}
        for label, pixels in spread.items():
            kinds.add("face" if label < 6 else type(room.objects[label - 6]).__name__)
            for row, column in rng.permutation(pixels)[:6]:
                assert depth[row, column] == pytest.approx(
                    slow_depth(room, camera, row, column), abs=1e-6
                )
        for row, column in rng.integers(0, (96, 128), (40, 2)):
            assert depth[row, column] == pytest.approx(
                slow_depth(room, camera, row, column), abs=1e-6
            )
        assert depth.min() > 0
        assert depth.max() < 10
    assert kinds == {"face", "Box", "Sphere"}


def test_depth_files_hold_the_exact_depth(tmp_path, monkeypatch):
    seen = {}

    def keep(rng, room, *size):
        seen["room"], seen["camera"] = room, camera(rng, room, *size)
        return seen["camera"]

    camera = scene.make_camera
    monkeypatch.setattr(scene, "make_camera", keep)
    nyuv2.draw_frame(tmp_path, 3, nyuv2.COUNTS, 9)
    frame = nyuv2.plan(nyuv2.COUNTS)[9]
    stored = cv2.imread(str(tmp_path / frame.depth), cv2.IMREAD_UNCHANGED)
    rng = np.random.default_rng(0)
    known = rng.permutation(np.argwhere(stored > 0))[:300]
    for row, column in known:
        exact = slow_depth(seen["room"], seen["camera"], row, column)
        assert abs(stored[row, column] / 1000 - exact) <= 0.0005 + 1e-9
    points = seen["camera"]
    assert (points.height, points.width) == stored.shape == (480, 640)


def test_same_seed_same_bytes_with_two_processes(world, tmp_path):
    seen = []
    two = miniature.draw_world(
        tmp_path / "two", counts=WORLD_COUNTS, jobs=2, progress=lambda *step: seen.append(step)
    )
    assert_same_bytes(world, two)
    assert seen == [("nyuv2", done, 16) for done in range(17)]


def test_another_seed_is_another_world(tmp_path):
    worlds = [miniature.draw_world(tmp_path / str(s), seed=s, counts=ONE) for s in (0, 1)]
    pictures = [next(root.rglob("rgb_*.jpg")).read_bytes() for root in worlds]
    assert pictures[0] != pictures[1]
    prints = [NYUv2(root).fingerprint("train") for root in worlds]
    assert prints[0] != prints[1]
    assert miniature.is_drawn(worlds[1], ["nyuv2"], 1)
    assert not miniature.is_drawn(worlds[1], ["nyuv2"])


def test_official_layout_and_quirks(world):
    folder = world / "nyu_depth_v2"
    train = (folder / "train_list.txt").read_bytes()
    test = (folder / "test_list.txt").read_bytes()
    assert train.count(b"\r\n") == 11
    assert b"\r" not in test
    assert all(line.startswith(b"/") for line in [*train.split(b"\r\n"), *test.split(b"\n")])
    assert {path.name for path in folder.glob("*_0001/rgb_*.jpg")} == {
        "rgb_00000.jpg",
        "rgb_00007.jpg",
        "rgb_00014.jpg",
        "rgb_00021.jpg",
    }
    for split in ("train", "test"):
        base = folder / ("official_splits/test" if split == "test" else "")
        for line in (folder / f"{split}_list.txt").read_text().split("\n"):
            picture, depth = (base / name.lstrip("/") for name in line.split())
            image = cv2.imread(str(picture))
            units = cv2.imread(str(depth), cv2.IMREAD_UNCHANGED)
            assert image.shape == (480, 640, 3)
            assert units.dtype == np.uint16
            assert units.shape == (480, 640)
            assert 0.002 < (units == 0).mean() < 0.35
            assert units.max() < 10000
            assert units[units > 0].min() > 100
            border = np.ones((480, 640), bool)
            border[7:474, 7:632] = False
            inner = image[7:474, 7:632].mean()
            assert inner > 25
            if split == "test":
                # JPEG blocks of 8 pixels smear the edge a little
                assert image[border].mean() < 4
            else:
                assert image[border].mean() > 10


def test_readers_take_it(world):
    reader = NYUv2(world)
    assert reader.check() == []
    assert (reader.count("train"), reader.count("test")) == (12, 4)
    assert reader.stamp()["seed"] == 0
    assert reader.sample("test", 3)["image"].shape == (480, 640, 3)


def test_the_usual_size_and_place(monkeypatch, tmp_path):
    monkeypatch.setenv("MIM_BENCH_CACHE", str(tmp_path))
    assert miniature.world_folder(4) == tmp_path / f"world-v{miniature.VERSION}-seed4"
    frames = nyuv2.plan(nyuv2.COUNTS)
    assert [frame.split for frame in frames].count("train") == 64
    assert [frame.split for frame in frames].count("test") == 24
    assert len({frame.image for frame in frames if frame.split == "train"}) == 64
    assert miniature.DATASETS == ("nyuv2",)


def test_depth_needs_seeing():
    """The mean depth of each pixel over other scenes is a poor answer."""
    rng = np.random.default_rng(2)
    maps = []
    for _ in range(80):
        room = scene.make_scene(rng)
        camera = scene.make_camera(rng, room, 48, 64)
        maps.append(trace(room, camera, camera.rays())[0])
    maps = np.array(maps)
    guess = maps[:60].mean(axis=0)
    errors = np.sqrt(((maps[60:] - guess) ** 2).mean(axis=(1, 2)))
    assert errors.mean() > 0.75


def test_drawn_worlds_are_left_as_they_are(world):
    times = {path: path.stat().st_mtime_ns for path in world.rglob("*_*.*")}
    seen = []
    miniature.draw_world(world, progress=lambda *step: seen.append(step))
    miniature.draw_world(world, counts=WORLD_COUNTS)
    assert seen == []
    assert times == {path: path.stat().st_mtime_ns for path in world.rglob("*_*.*")}
    assert miniature.is_drawn(world, ["nyuv2"])
    assert miniature.is_drawn(world, ["nyuv2"], counts=WORLD_COUNTS)
    assert not miniature.is_drawn(world, ["nyuv2"], counts=ONE)
    assert not miniature.is_drawn(world, ["nyuv2", "kitti"])
    assert not miniature.is_drawn(world / "nowhere", ["nyuv2"])


def test_a_killed_drawing_leaves_nothing_half(world, tmp_path):
    folder = tmp_path / "killed"
    code = (
        "from pathlib import Path\nfrom mim_bench.datamodules import miniature\n"
        f"miniature.draw_world(Path({str(folder)!r}), counts={WORLD_COUNTS!r}, jobs=1,"
        " progress=lambda part, done, total: print(done, flush=True))"
    )
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    while child.stdout.readline().strip() != "3":
        assert child.poll() is None
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert not (folder / "nyu_depth_v2").exists()
    assert not miniature.is_drawn(folder, ["nyuv2"])
    miniature.draw_world(folder, counts=WORLD_COUNTS)
    assert miniature.is_drawn(folder, ["nyuv2"])
    assert_same_bytes(world, folder)


def test_killed_between_the_folder_and_its_stamp(world, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(world, folder)
    (folder / "stamp.json").unlink()
    assert not miniature.is_drawn(folder, ["nyuv2"])
    seen = []
    miniature.draw_world(folder, counts=WORLD_COUNTS, progress=lambda *step: seen.append(step))
    assert seen == []
    assert_same_bytes(world, folder)


def test_two_at_once_draw_once(tmp_path):
    seen = []
    with ThreadPoolExecutor(2) as pool:
        calls = [
            pool.submit(
                miniature.draw_world, tmp_path, counts=ONE, progress=lambda *s: seen.append(s)
            )
            for _ in range(2)
        ]
        assert [call.result() for call in calls] == [tmp_path, tmp_path]
    assert seen == [("nyuv2", 0, 2), ("nyuv2", 1, 2), ("nyuv2", 2, 2)]


def test_a_users_own_data_is_never_touched(tmp_path, world):
    own = tmp_path / "nyu_depth_v2" / "kitchen_0001" / "rgb_00000.jpg"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"mine")
    with pytest.raises(UserError, match="not this miniature world"):
        miniature.draw_world(tmp_path, counts=ONE)
    assert own.read_bytes() == b"mine"
    assert not (tmp_path / "stamp.json").exists()
    with pytest.raises(UserError, match="not this miniature world"):
        miniature.draw_world(world, counts=ONE)
    assert miniature.is_drawn(world, ["nyuv2"], counts=WORLD_COUNTS)


def test_what_can_not_be_drawn_is_said(world, tmp_path):
    with pytest.raises(UserError, match="holds a world of version 1 and seed 0"):
        miniature.draw_world(world, seed=5)
    with pytest.raises(UserError, match="did you mean 'nyuv2'"):
        miniature.draw_world(tmp_path, ["nyu2"])
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(UserError, match="can't be drawn"):
        miniature.draw_world(file / "world")


def test_a_failing_process_is_an_error_of_the_whole(tmp_path, monkeypatch):
    (tmp_path / "odd_writer.py").write_text(
        "def draw_frame(folder, seed, counts, number):\n"
        "    if number % 2: raise RuntimeError(f'no frame {number}')\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UserError, match="no frame 1"):
        list(processes.draw_shares("odd_writer", tmp_path, 0, {}, 16, jobs=2))
    assert len(list(processes.draw_shares("odd_writer", tmp_path, 0, {}, 1, jobs=2))) == 1


def test_a_damaged_stamp_is_drawn_again(world, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(world, folder)
    (folder / "stamp.json").write_text("{")
    assert not miniature.is_drawn(folder, ["nyuv2"])
    miniature.draw_world(folder, counts=WORLD_COUNTS)
    assert json.loads((folder / "stamp.json").read_text())["seed"] == 0
