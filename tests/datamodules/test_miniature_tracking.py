"""GOT-10k, TrackingNet and LaSOT of the miniature world: official files and quirks, exact boxes."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from mim_bench.datamodules import miniature
from mim_bench.datamodules.miniature import got10k, lasot, trackingnet
from mim_bench.datamodules.miniature.filming import find_film, sight
from mim_bench.datamodules.miniature.scenes.tracing import trace
from mim_bench.datamodules.miniature.scenes.views import look
from mim_bench.datamodules.miniature.sequences import Shot, Sight
from mim_bench.datamodules.miniature.world import server_folder
from mim_bench.datamodules.readers.got10k import GOT10k
from mim_bench.datamodules.readers.lasot import LaSOT
from mim_bench.datamodules.readers.trackingnet import TrackingNet

if TYPE_CHECKING:
    from pathlib import Path

WRITERS = {"got10k": (got10k, 6), "trackingnet": (trackingnet, 7), "lasot": (lasot, 8)}
COUNTS = {
    "got10k": {"train": 3, "val": 1, "test": 2},
    "trackingnet": {"train": 3, "test": 2},
    "lasot": {"train": 2, "test": 2},
}


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    """Some sequences of each set."""
    folder = tmp_path_factory.mktemp("tracked") / "world"
    return miniature.draw_world(folder, COUNTS, counts=COUNTS, jobs=2)


def shots(name: str, counts=None) -> list[Shot]:
    return WRITERS[name][0].plan(counts or COUNTS[name])


def source(name: str, shot: Shot) -> list[int]:
    splits = list(COUNTS[name])
    return [0, WRITERS[name][1], splits.index(shot.split), shot.number]


def lines(path: Path) -> list[str]:
    content = path.read_bytes().decode()
    assert "\r" not in content
    assert content.endswith("\n")
    return content.splitlines()


def rows(path: Path) -> np.ndarray:
    return np.loadtxt(path, delimiter=",", ndmin=2)


def hidden(world: Path, name: str) -> dict:
    return json.loads((server_folder(world, name) / "test.json").read_text(encoding="utf-8"))


def iou(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    low = np.maximum(one[:, :2], two[:, :2])
    high = np.minimum(one[:, :2] + one[:, 2:], two[:, :2] + two[:, 2:])
    inner = np.clip(high - low, 0, None).prod(axis=1)
    return inner / np.maximum(one[:, 2:].prod(axis=1) + two[:, 2:].prod(axis=1) - inner, 1e-9)


def test_files_of_got10k(world):
    """As the benchmark's own toolkit opens them."""
    for split, count in COUNTS["got10k"].items():
        base = world / "GOT-10k" / split
        content = (base / "list.txt").read_bytes()
        assert not content.endswith(b"\n")
        names = content.decode().split("\n")
        assert names == [f"GOT-10k_{split.capitalize()}_{k + 1:06d}" for k in range(count)]
        assert sorted(path.name for path in base.iterdir() if path.is_dir()) == names
        for name in names:
            pictures = sorted((base / name).glob("*.jpg"))
            assert [path.name for path in pictures] == [
                f"{k + 1:08d}.jpg" for k in range(len(pictures))
            ]
            boxes = lines(base / name / "groundtruth.txt")
            assert all(re.fullmatch(r"(\d+\.\d{4},){3}\d+\.\d{4}", line) for line in boxes)
            others = {path.name for path in (base / name).iterdir()} - {p.name for p in pictures}
            if split == "test":
                assert len(boxes) == 1
                assert others == {"groundtruth.txt"}
                continue
            assert len(boxes) == len(pictures)
            assert others == {
                *("groundtruth.txt", "absence.label", "cover.label", "cut_by_image.label"),
                "meta_info.ini",
            }
            absent, cover, cut = (
                np.loadtxt(base / name / f"{label}.label", dtype=int)
                for label in ("absence", "cover", "cut_by_image")
            )
            assert len(absent) == len(cover) == len(cut) == len(boxes)
            assert set(absent) | set(cut) <= {0, 1}
            assert np.array_equal(absent == 1, cover == 0)
            assert cover[0] >= 5
            height, width = cv2.imread(str(pictures[0])).shape[:2]
            meta = lines(base / name / "meta_info.ini")
            said = [line.split(": ") for line in meta[1:]]
            assert meta[0] == "[METAINFO]"
            assert [key for key, _ in said] == [
                *("url", "begin", "end", "anno_fps", "object_class", "motion_class"),
                *("major_class", "root_class", "motion_adverb", "resolution"),
            ]
            assert dict(said)["anno_fps"] == "10Hz"
            assert dict(said)["resolution"] == f"({width}, {height})"


def test_files_of_trackingnet(world):
    folder = world / "TrackingNet"
    assert {path.name for path in folder.iterdir() if path.is_dir()} == {
        "TRAIN_0",
        "TRAIN_1",
        "TEST",
    }
    names = set()
    for chunk in ("TRAIN_0", "TRAIN_1", "TEST"):
        files = sorted((folder / chunk / "anno").iterdir())
        for file in files:
            assert re.fullmatch(r"[A-Za-z0-9_-]{11}_[01]", file.stem)
            frames = folder / chunk / "frames" / file.stem
            count = len(list(frames.iterdir()))
            assert all((frames / f"{k}.jpg").is_file() for k in range(count))
            content = file.read_bytes().decode()
            assert content.count("\r\n") == content.count("\n") == (1 if chunk == "TEST" else count)
            for line in content.split("\r\n")[:-1]:
                for value in line.split(","):
                    assert re.fullmatch(r" *-?\d+\.\d\d", value)
                    assert len(value) >= 5
                    assert len(value) == 5 or value[0] != " "
            names.add(file.stem)
    assert len(names) == 5
    assert {name[0] for name in names} >= {"-", "_"}


def test_files_of_lasot(world):
    folder = world / "LaSOT"
    named = {
        split: lines(folder / file)
        for split, file in (("train", "training_set.txt"), ("test", "testing_set.txt"))
    }
    for split, names in named.items():
        assert len(names) == COUNTS["lasot"][split]
        for name in names:
            place = folder / name.rpartition("-")[0] / name
            boxes = lines(place / "groundtruth.txt")
            assert all(re.fullmatch(r"(-?\d+,){3}\d+", line) for line in boxes)
            pictures = sorted(path.name for path in (place / "img").iterdir())
            more = name == "volleyball-1"  # the second test sequence, as in old downloads
            assert len(pictures) == len(boxes) + more
            assert pictures == [f"{k + 1:08d}.jpg" for k in range(len(pictures))]
            for file in ("full_occlusion.txt", "out_of_view.txt"):
                (line,) = lines(place / file)
                assert re.fullmatch(r"[01](,[01])*", line)
                assert len(line.split(",")) == len(boxes)
            (sentence,) = lines(place / "nlp.txt")
            assert len(sentence.split()) > 5
            (flags,) = lines(folder / "att" / f"{name}.txt")
            assert re.fullmatch(r"([01],){13}[01]", flags)
    others = {path.name for path in folder.iterdir() if path.name != miniature.world.MARK}
    classes = {name.rpartition("-")[0] for names in named.values() for name in names}
    assert others == {"training_set.txt", "testing_set.txt", "att", *classes}


def test_the_usual_split_of_lasot_is_a_part_of_the_official():
    """Test sequences of the usual world are official test sequences, and the others are not."""
    for shot in lasot.plan(lasot.COUNTS):
        name, _, number = shot.name.rpartition("-")
        assert re.fullmatch("[a-z]+|rubicCube", name)
        assert (int(number) in lasot._TESTED[name]) == (shot.split == "test")
    names = [shot.name for shot in lasot.plan(lasot.COUNTS)]
    assert len(set(names)) == len(names)
    assert any(name.startswith("rubicCube-") for name in names)


SEEN = Sight((10, 20, 30, 40), (10, 20, 30, 60), (10, 20, 30, 60), 0.5, False, False)
CUT = Sight((0, 0, 30, 40), (0, 0, 30, 40), (-30, -3, 60, 43), 0.4, False, True)
HIDDEN = Sight((0, 0, 0, 0), (10, 20, 30, 60), (10, 20, 30, 60), 0.0, False, False)
AWAY = Sight((0, 0, 0, 0), (0, 0, 0, 0), (-50, 20, 30, 60), 0.0, True, True)
NOWHERE = (0, 0, 0, 0)


def test_what_is_written_of_absent_and_cut_targets():
    film = [SEEN, CUT, HIDDEN, HIDDEN, HIDDEN, AWAY, AWAY]
    # boxes of all of it inside the frame; without meaning where it is absent
    assert got10k.annotated(film) == [SEEN.whole, CUT.whole, *[CUT.whole] * 3, NOWHERE, NOWHERE]
    # of what is in sight, counted from 1, beyond the frame's edges; two marks of absence
    beyond = (-8, -2, 39, 43)
    assert lasot.annotated(film) == [
        (11, 21, 30, 40),
        beyond,
        beyond,
        (1, 1, 0, 0),
        beyond,
        NOWHERE,
        beyond,
    ]
    # of all of it, with what is beyond the frame; only one that has left has none
    boxes = np.array(trackingnet.annotated(film, [0]))
    assert boxes[0] == pytest.approx(SEEN.extent)
    assert boxes[1] == pytest.approx(CUT.extent, abs=4)
    assert boxes[1:5, 0].min() < -20
    assert (boxes[2:5, 2:] > 20).all()
    assert tuple(boxes[5]) == NOWHERE
    assert np.array_equal(boxes, boxes.round(2))
    assert not np.array_equal(boxes[2:5], boxes[2:5].round())


def test_covers_are_got10ks_steps():
    shares = (0, 0.1, 0.15, 0.151, 0.3, 0.45, 0.46, 0.6, 0.75, 0.9, 0.91, 0.999, 1.0)
    labels = (0, 1, 1, 2, 2, 3, 4, 4, 5, 6, 7, 7, 8)
    assert tuple(got10k.covered(share) for share in shares) == labels


def written(world: Path, name: str, shot: Shot) -> tuple[Path, np.ndarray]:
    """The folder of a sequence's pictures and its boxes in pixels counted from 0."""
    if name == "got10k":
        place = world / "GOT-10k" / shot.split / shot.name
        file = place / "groundtruth.txt"
    elif name == "trackingnet":
        base = world / "TrackingNet" / trackingnet.chunk(shot)
        place, file = base / "frames" / shot.name, base / "anno" / f"{shot.name}.txt"
    else:
        base = world / "LaSOT" / shot.name.rpartition("-")[0] / shot.name
        place, file = base / "img", base / "groundtruth.txt"
    boxes = rows(file)
    if shot.split == "test" and name != "lasot":
        public, boxes = boxes, np.array(hidden(world, name)["sequences"][shot.name]["boxes"])
        assert np.array_equal(public, boxes[:1])
    if name == "lasot":
        boxes[:, :2] -= 1
    return place, boxes


@pytest.mark.parametrize("name", COUNTS)
def test_boxes_and_pictures_are_those_of_the_film(world, name):
    checked = 0
    for shot in shots(name)[1::2]:
        film = find_film(shot, source(name, shot))
        place, boxes = written(world, name, shot)
        pictures = sorted(place.glob("*.jpg"), key=lambda path: int(path.stem))
        for frame in range(0, shot.frames, 6):
            time = frame * shot.step
            rng = np.random.default_rng([*source(name, shot), 1])
            view = look(film.scene(time), film.camera(time, *shot.size), rng)
            picture = cv2.cvtColor(cv2.imread(str(pictures[frame])), cv2.COLOR_BGR2RGB)
            assert np.abs(picture.astype(int) - view.image).mean() < 6
            mask = view.mask(0)
            if mask.sum() < 12:
                continue
            x, y, wide, tall = boxes[frame]
            rows_, columns = np.nonzero(mask)
            left, top, right, bottom = (
                columns.min(),
                rows_.min(),
                columns.max() + 1,
                rows_.max() + 1,
            )
            slack = 0.1 * max(wide, tall) if name == "trackingnet" else 0
            # the box holds all that is in sight, and LaSOT's hardly more
            assert x <= left + slack
            assert y <= top + slack
            assert x + wide >= right - slack
            assert y + tall >= bottom - slack
            if name == "lasot" and min(left, top) > 0:
                assert (x, y, x + wide, y + tall) == (left, top, right, bottom)
            checked += 1
    assert checked > 3


def test_a_sight_of_a_cut_target_reaches_beyond_the_frame():
    """As a larger frame of the same camera shows it."""
    shot = shots("got10k")[1]
    assert shot.leaves
    film = find_film(shot, source("got10k", shot))
    height, width = shot.size
    found = set()
    for frame in range(shot.frames):
        scene, camera = film.scene(frame * shot.step), film.camera(frame * shot.step, height, width)
        one = sight(look(scene, camera, np.random.default_rng(0)))
        larger = replace(camera, height=height + 60, width=width + 200)
        all_of_it = trace([scene.things[0].solids], larger)
        left, top, right, bottom = all_of_it.bounds[0] - (100, 30, 100, 30)
        if one.cut and not one.outside and -99 < left < right < width + 99:
            assert one.extent == (left, top, right - left, bottom - top)
            assert one.share <= one.seen[2] * one.seen[3] / all_of_it.alone[0]
            x, y, wide, tall = one.whole
            assert (left < 0) == (x == 0)
            assert (right > width) == (x + wide == width)
            assert x + wide <= right
            assert top <= y < y + tall <= bottom
        elif not one.outside:
            assert one.extent == one.whole
        found.add((one.cut, one.outside))
    assert {(False, False), (True, False)} <= found


@pytest.mark.parametrize("name", COUNTS)
def test_tests_of_the_usual_world_need_tracking(name):
    """Keeping the first box is poor, the target is no speck, and there are others like it."""
    writer, _ = WRITERS[name]
    scores, sides, kinds, twins = [], [], set(), 0
    for shot in writer.plan(writer.COUNTS):
        if shot.split != "test":
            continue
        film = find_film(shot, source(name, shot))
        target, *others = film.actors
        assert others
        assert {other.still.kind for other in others} == {target.still.kind}
        assert {other.still.category for other in others} == {target.still.category}
        assert [actor.still.track for actor in film.actors] == list(range(len(film.actors)))
        kinds.add(shot.kind)
        twins += shot.twin
        boxes = []
        for frame in range(shot.frames):
            camera = film.camera(frame * shot.step, *shot.size)
            seen = trace([target.at(frame * shot.step).solids], camera)
            left, top, right, bottom = seen.bounds[0]
            boxes.append((left, top, right - left, bottom - top))
        boxes = np.array(boxes, dtype=float)
        there = boxes[:, 2] > 0
        assert there[0]
        assert there.mean() > 0.5
        kept = np.repeat(boxes[:1], len(boxes), axis=0)
        scores.append(iou(kept, boxes)[1:][there[1:]].mean())
        sides.append(np.median(np.sqrt(boxes[there, 2:].prod(axis=1))))
    assert 0.2 < np.mean(scores) < 0.4
    assert min(sides) > 20
    assert max(sides) < 90
    assert kinds == {"person", "car", "object"}
    assert twins


@pytest.mark.parametrize("name", COUNTS)
def test_targets_are_in_sight_when_a_sequence_begins(name):
    """Of each usual sequence with a twin, which could stand in the way, and of one in four."""
    writer, _ = WRITERS[name]
    for number, shot in enumerate(writer.plan(writer.COUNTS)):
        if shot.split == "test" or not (shot.twin or number % 4 == 0):
            continue
        film = find_film(shot, source(name, shot))
        scene = film.scene(0.0)
        seen = trace([thing.solids for thing in scene.things], film.camera(0.0, *shot.size))
        own = (seen.labels >= 0) & (seen.labels < len(scene.things[0].solids))
        assert own.sum() > 0.5 * seen.alone[0] > 30


@pytest.mark.parametrize("name", ["got10k", "trackingnet"])
def test_hidden_boxes_are_the_servers(world, name):
    what = hidden(world, name)
    assert set(what) == {"benchmark", "sequences"}
    assert what["benchmark"] == name
    tested = [shot for shot in shots(name) if shot.split == "test"]
    assert list(what["sequences"]) == [shot.name for shot in tested]
    for shot in tested:
        held = what["sequences"][shot.name]
        boxes = np.array(held["boxes"])
        assert boxes.shape == (shot.frames, 4)
        assert held["size"] == [*shot.size[::-1]]
        assert len(held["absent"]) == shot.frames
        if name == "got10k":
            assert np.array_equal(np.array(held["cover"]) == 0, held["absent"])
            assert held["attributes"][0] in ("walking", "driving", "sliding")
        else:
            assert np.array_equal((boxes[:, 2:] <= 0).any(axis=1), held["absent"])
    assert not list(world.rglob("test.json"))
    assert not list(world.rglob(".server"))


def test_readers_take_them(world):
    for reader in (GOT10k(world), TrackingNet(world), LaSOT(world)):
        name = reader.info.name
        assert reader.check() == []
        for split, count in COUNTS[name].items():
            assert reader.count(split) == count
            sample = reader.sample(split, count - 1)
            shot = next(
                one for one in shots(name) if (one.split, one.name) == (split, sample["id"])
            )
            assert len(sample["frames"]) == len(sample["boxes"]) == shot.frames
            assert sample["valid"][0]
            assert (sample["box"][2:] > 8).all()
    assert LaSOT(world).track_of("test", 1).boxes.shape == (24, 4)
    unflagged = LaSOT(world).ground_truth("test")["sequences"]["person-1"]
    assert ((unflagged["boxes"] == 0).all(axis=1) & ~unflagged["absent"]).sum() == 1
    (extra,) = [note for note in LaSOT(world).notes("test") if "more pictures" in note]
    assert "volleyball-1" in extra


def test_sequences_depend_on_nothing_but_their_number(world, tmp_path):
    """However many processes draw them; the fixture's were drawn by two."""
    for name, (writer, _) in WRITERS.items():
        counts = {**COUNTS[name], "train": 2 if name == "lasot" else 3}
        folder = tmp_path / writer.FOLDER
        writer.draw_frame(folder, 0, counts, 1)
        made = [path for path in folder.rglob("*") if path.is_file()]
        assert len(made) > 10
        for path in made:
            there = world / writer.FOLDER / path.relative_to(folder)
            assert path.read_bytes() == there.read_bytes(), path
    other = tmp_path / "other"
    got10k.draw_frame(other, 1, COUNTS["got10k"], 2)
    path = "train/GOT-10k_Train_000003/00000001.jpg"
    assert (other / path).read_bytes() != (world / "GOT-10k" / path).read_bytes()
