"""Small data roots in the layouts of GOT-10k, TrackingNet, LaSOT and COCO's objects."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

SIZE = (48, 36)
"""Width and height of all pictures."""

LENGTH = 7


def boxes(seed: int, length: int = LENGTH) -> np.ndarray:
    """Boxes (length, 4) inside of the pictures that move a little."""
    rng = np.random.default_rng([7, seed])
    start = np.array([8.0, 6.0, 14.0, 10.0]) + rng.integers(0, 6, 4)
    steps = rng.integers(-1, 2, (length, 4)) * [1, 1, 0, 0]
    return start + np.cumsum(steps, axis=0)


def pictures(folder: Path, names: list[str]) -> None:
    """Write plain pictures, each of another shade."""
    folder.mkdir(parents=True)
    for number, name in enumerate(names):
        Image.new("RGB", SIZE, (40 + 5 * number, 90, 120)).save(folder / name)


def rows(table: np.ndarray, form: str = "{:.4f}", end: str = "\n") -> str:
    return end.join(",".join(form.format(value) for value in row) for row in table) + end


def make_got10k(root: Path, train: int = 3, val: int = 2, test: int = 2) -> Path:
    """GOT-10k with absent frames in the first sequence of train and val."""
    folder = root / "GOT-10k"
    for split, title, count in (
        ("train", "Train", train),
        ("val", "Val", val),
        ("test", "Test", test),
    ):
        names = [f"GOT-10k_{title}_{number + 1:06d}" for number in range(count)]
        for number, name in enumerate(names):
            place = folder / split / name
            pictures(place, [f"{k + 1:08d}.jpg" for k in range(LENGTH)])
            track = boxes(number)
            hidden = split == "test"
            (place / "groundtruth.txt").write_text(rows(track[:1] if hidden else track))
            if hidden:
                continue
            absent = np.zeros(LENGTH, int)
            absent[2:4] = number == 0
            cover = np.where(absent, 0, 8)
            for label, values in (
                ("absence", absent),
                ("cover", cover),
                ("cut_by_image", np.zeros(LENGTH, int)),
            ):
                (place / f"{label}.label").write_text("\n".join(map(str, values)) + "\n")
            (place / "meta_info.ini").write_text(
                "[METAINFO]\nurl: none\nbegin: 0\nend: 0\nanno_fps: 10Hz\nobject_class: ball\n"
                "motion_class: rolling\nmajor_class: thing\nroot_class: thing\n"
                f"motion_adverb: slowly\nresolution: {SIZE}\n"
            )
        (folder / split).mkdir(parents=True, exist_ok=True)
        (folder / split / "list.txt").write_text("\n".join(names))  # without a last line end
    return folder


def make_trackingnet(root: Path) -> Path:
    """TrackingNet with two chunks and odd ids."""
    folder = root / "TrackingNet"
    for chunk, names in (
        ("TRAIN_0", ["-ab_0", "_c_1"]),
        ("TRAIN_10", ["d_0"]),
        ("TEST", ["x_0", "e_1"]),
    ):
        (folder / chunk / "anno").mkdir(parents=True)
        for number, name in enumerate(names):
            pictures(folder / chunk / "frames" / name, [f"{k}.jpg" for k in range(LENGTH + 5)])
            track = boxes(10 + number, LENGTH + 5)
            track[1, 0] = -3.25
            if chunk == "TRAIN_0":
                track[4, 2:] = 0
            kept = track[:1] if chunk == "TEST" else track
            text = rows(kept, "{:5.2f}", "\r\n")
            (folder / chunk / "anno" / f"{name}.txt").write_bytes(text.encode())
    return folder


def make_lasot(root: Path, lists: bool = True) -> Path:
    """LaSOT with two classes; `airplane-1` and `rubicCube-7` are for testing."""
    folder = root / "LaSOT"
    for number, name in enumerate(("airplane-1", "airplane-2", "rubicCube-7", "rubicCube-4")):
        place = folder / name.rpartition("-")[0] / name
        pictures(place / "img", [f"{k + 1:08d}.jpg" for k in range(LENGTH)])
        track = boxes(20 + number).astype(int)
        track[:, :2] += 1
        track[3] = 0, 0, 0, 0
        track[4] = 1, 1, 0, 0
        occluded, outside = np.zeros(LENGTH, int), np.zeros(LENGTH, int)
        occluded[3], outside[4], outside[5] = 1, 1, 1
        (place / "groundtruth.txt").write_text(rows(track, "{:d}"))
        (place / "full_occlusion.txt").write_text(",".join(map(str, occluded)))
        (place / "out_of_view.txt").write_text(",".join(map(str, outside)) + "\n")
        (place / "nlp.txt").write_text("a thing that moves\n")
    if lists:
        (folder / "training_set.txt").write_text("airplane-2\r\nrubicCube-4\r\n")
        (folder / "testing_set.txt").write_text("airplane-1\nrubicCube-7\n")
    return folder


def make_coco_objects(root: Path) -> Path:
    """COCO's objects: a picture with two, one with a crowd alone, one with one."""
    folder = root / "coco"
    pictures(folder / "train2017", [f"{number:012d}.jpg" for number in (1, 2, 3)])
    images = [{"id": n, "file_name": f"{n:012d}.jpg", "width": 48, "height": 36} for n in (1, 2, 3)]
    notes = [
        {"id": 1, "image_id": 3, "bbox": [2, 3, 20, 10], "iscrowd": 0, "category_id": 5},
        {"id": 2, "image_id": 1, "bbox": [4, 5, 12, 16], "iscrowd": 0, "category_id": 1},
        {"id": 3, "image_id": 2, "bbox": [0, 0, 40, 30], "iscrowd": 1, "category_id": 1},
        {"id": 4, "image_id": 1, "bbox": [1, 1, 0, 8], "iscrowd": 0, "category_id": 1},
        {"id": 5, "image_id": 1, "bbox": [9, 9, 6, 8], "iscrowd": 0, "category_id": 7},
    ]
    (folder / "annotations").mkdir()
    content = {"images": images, "annotations": notes, "categories": []}
    (folder / "annotations" / "instances_train2017.json").write_text(json.dumps(content))
    return folder


def make_all(root: Path) -> Path:
    """All four."""
    make_got10k(root)
    make_trackingnet(root)
    make_lasot(root)
    make_coco_objects(root)
    return root
