"""The miniature world: exact, seeded, in the official layout, whole or not at all."""

from __future__ import annotations

import ast
import filecmp
import json
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import WORLD_COUNTS

from mim_bench.datamodules import miniature
from mim_bench.datamodules.miniature import nyuv2, processes
from mim_bench.datamodules.miniature.scenes.rooms import make_room, room_camera
from mim_bench.datamodules.miniature.scenes.tracing import trace
from mim_bench.datamodules.miniature.scenes.views import look, solids_of
from mim_bench.datamodules.readers.nyuv2 import NYUv2
from mim_bench.errors import UserError

ONE = {"nyuv2": {"train": 1, "test": 1}}
NYU = ("nyuv2",)


def files_of(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def assert_same_bytes(one: Path, two: Path) -> None:
    names = files_of(one)
    assert names == files_of(two)
    _, different, failed = filecmp.cmpfiles(one, two, names, shallow=False)
    assert different == failed == []


def test_depth_files_hold_the_exact_depth_in_millimetres(tmp_path):
    for number in (9, 97):
        nyuv2.draw_frame(tmp_path, 3, nyuv2.COUNTS, number)
        frame = nyuv2.plan(nyuv2.COUNTS)[number]
        base = tmp_path / ("official_splits/test" if frame.split == "test" else "")
        stored = cv2.imread(str(base / frame.depth), cv2.IMREAD_UNCHANGED)
        assert stored.dtype == np.uint16
        # the same view once more, from the same seeds
        source = [3, 0 if frame.split == "train" else 1, frame.scene]
        room = make_room(np.random.default_rng(source))
        camera = room_camera(np.random.default_rng([*source, 1 + frame.view]), room)
        exact = trace([solids_of(room)], camera).depth
        assert stored.shape == exact.shape == (480, 640)
        known = stored > 0
        assert known.mean() > 0.6
        assert np.abs(stored[known] / 1000 - exact[known]).max() <= 0.0005 + 1e-9


def test_pictures_show_what_the_depth_is_of(tmp_path):
    nyuv2.draw_frame(tmp_path, 3, nyuv2.COUNTS, 9)
    frame = nyuv2.plan(nyuv2.COUNTS)[9]
    stored = cv2.cvtColor(cv2.imread(str(tmp_path / frame.image)), cv2.COLOR_BGR2RGB)
    room = make_room(np.random.default_rng([3, 0, frame.scene]))
    rng = np.random.default_rng([3, 0, frame.scene, 1 + frame.view])
    view = look(room, room_camera(rng, room), rng)
    assert np.abs(stored.astype(int) - view.image).mean() < 6  # JPEG, of a noisy picture


def test_frames_depend_on_nothing_but_their_number(world, tmp_path):
    """Not on those before, on NumPy's global state, on OpenCV's threads."""
    np.random.seed(1)  # noqa: NPY002 - the point is that it changes nothing
    counts, number = WORLD_COUNTS["nyuv2"], 7
    nyuv2.draw_frame(tmp_path, 0, counts, number)
    frame = nyuv2.plan(counts)[number]
    for name in (frame.image, frame.depth):
        assert (tmp_path / name).read_bytes() == (world / nyuv2.FOLDER / name).read_bytes()


def test_views_of_a_scene_and_scenes_differ(world):
    pictures = [path.read_bytes() for path in (world / nyuv2.FOLDER).rglob("rgb_*.jpg")]
    assert len(set(pictures)) == len(pictures) == 16
    train, test = (
        [frame for frame in nyuv2.plan(nyuv2.COUNTS) if frame.split == split]
        for split in ("train", "test")
    )
    assert max(frame.view for frame in train) > 0
    assert len({frame.scene for frame in test}) == len(test)


def test_writers_import_no_reader():
    """What is read back is read by others' code, which can't share a mistake with the writer."""
    home = Path(miniature.__file__).parent
    for path in home.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in getattr(node, "names", ()) if hasattr(alias, "name")]
            modules = [*names, getattr(node, "module", None) or ""]
            assert not [name for name in modules if "readers" in name.split(".")], path
    code = (
        "import sys\nfrom pathlib import Path\nfrom mim_bench.datamodules import miniature\n"
        "for name in miniature.world.WRITERS:\n"
        "    miniature.world.WRITERS[name].plan({'train': 1, 'test': 1})\n"
        "import mim_bench.datamodules.miniature.scenes.views\n"
        "print([name for name in sys.modules if 'readers' in name and 'mim_bench' in name])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_same_seed_same_bytes_with_two_processes(world, tmp_path):
    seen = []
    two = miniature.draw_world(
        tmp_path / "two",
        WORLD_COUNTS,
        counts=WORLD_COUNTS,
        jobs=2,
        progress=lambda *step: seen.append(step),
    )
    assert_same_bytes(world, two)
    assert seen == [
        (name, done, total)
        for name, total in (("nyuv2", 16), ("kitti", 8), ("coco-keypoints", 22), ("crowdpose", 18))
        for done in range(total + 1)
    ]


def test_another_seed_is_another_world(tmp_path):
    worlds = [miniature.draw_world(tmp_path / str(s), NYU, seed=s, counts=ONE) for s in (0, 1)]
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
    assert [frame.split for frame in frames].count("train") == 96
    assert [frame.split for frame in frames].count("test") == 24
    assert len({frame.image for frame in frames if frame.split == "train"}) == 96
    assert miniature.DATASETS[:4] == ("nyuv2", "kitti", "coco-keypoints", "crowdpose")
    assert miniature.DATASETS[4:7] == ("got10k", "trackingnet", "lasot")


def test_depth_needs_seeing():
    """The mean depth of each pixel over other scenes is a poor answer."""
    maps = []
    for number in range(80):
        rng = np.random.default_rng([2, number])
        room = make_room(rng)
        maps.append(trace([solids_of(room)], room_camera(rng, room, 24, 32)).depth)
    maps = np.array(maps)
    guess = maps[:60].mean(axis=0)
    errors = np.sqrt(((maps[60:] - guess) ** 2).mean(axis=(1, 2)))
    assert errors.mean() > 0.75


def test_drawn_worlds_are_left_as_they_are(world):
    times = {path: path.stat().st_mtime_ns for path in world.rglob("*_*.*")}
    seen = []
    miniature.draw_world(world, WORLD_COUNTS, progress=lambda *step: seen.append(step))
    miniature.draw_world(world, WORLD_COUNTS, counts=WORLD_COUNTS)
    assert seen == []
    assert times == {path: path.stat().st_mtime_ns for path in world.rglob("*_*.*")}
    assert miniature.is_drawn(world, ["nyuv2"])
    assert miniature.is_drawn(world, ["nyuv2"], counts=WORLD_COUNTS)
    assert not miniature.is_drawn(world, ["nyuv2"], counts=ONE)
    assert miniature.is_drawn(world, ["nyuv2", "kitti"])
    assert not miniature.is_drawn(world / "nowhere", ["nyuv2"])


def test_a_killed_drawing_leaves_nothing_half(world, tmp_path):
    folder = tmp_path / "killed"
    code = (
        "from pathlib import Path\nfrom mim_bench.datamodules import miniature\n"
        f"counts = {WORLD_COUNTS!r}\n"
        f"miniature.draw_world(Path({str(folder)!r}), counts, counts=counts, jobs=1,"
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
    miniature.draw_world(folder, WORLD_COUNTS, counts=WORLD_COUNTS)
    assert miniature.is_drawn(folder, ["nyuv2"])
    assert_same_bytes(world, folder)


def test_killed_between_the_folder_and_its_stamp(world, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(world, folder)
    (folder / "stamp.json").unlink()
    assert not miniature.is_drawn(folder, ["nyuv2"])
    seen = []
    miniature.draw_world(
        folder, WORLD_COUNTS, counts=WORLD_COUNTS, progress=lambda *step: seen.append(step)
    )
    assert seen == []
    assert_same_bytes(world, folder)


def test_two_at_once_draw_once(tmp_path):
    seen = []
    with ThreadPoolExecutor(2) as pool:
        calls = [
            pool.submit(
                miniature.draw_world, tmp_path, NYU, counts=ONE, progress=lambda *s: seen.append(s)
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
        miniature.draw_world(tmp_path, NYU, counts=ONE)
    assert own.read_bytes() == b"mine"
    assert not (tmp_path / "stamp.json").exists()
    with pytest.raises(UserError, match="not this miniature world"):
        miniature.draw_world(world, NYU, counts=ONE)
    assert miniature.is_drawn(world, ["nyuv2"], counts=WORLD_COUNTS)


def test_what_can_not_be_drawn_is_said(world, tmp_path):
    with pytest.raises(UserError, match=f"holds a world of version {miniature.VERSION} and seed 0"):
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
        "    import os, time\n"
        "    if os.getpid() == PARENT: return time.sleep(0.02)\n"
        "    raise RuntimeError(f'no frame {number}')\n".replace("PARENT", str(os.getpid()))
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    with (
        pytest.raises(UserError, match=r"failed \(status 1\).*no frame"),
        processes.Crew(2) as crew,
    ):
        list(crew.draw("odd_writer", tmp_path, 0, {}, 200))
    with processes.Crew(2) as crew:
        assert list(crew.draw("odd_writer", tmp_path, 0, {}, 1)) == [0]


def test_a_damaged_stamp_is_drawn_again(world, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(world, folder)
    (folder / "stamp.json").write_text("{")
    assert not miniature.is_drawn(folder, ["nyuv2"])
    miniature.draw_world(folder, WORLD_COUNTS, counts=WORLD_COUNTS)
    assert json.loads((folder / "stamp.json").read_text())["seed"] == 0
