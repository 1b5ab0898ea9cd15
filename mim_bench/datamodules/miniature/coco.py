"""Writes scenes as COCO 2017: people with joints, instances, detections, a test without labels.

The labels of test-dev go to `SERVER` inside the folder; the world keeps them outside of it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import numpy as np

    from mim_bench.datamodules.miniature.scenes.views import View

FOLDER = "coco"
COUNTS = {"train": 200, "val": 40, "test-dev": 16}
"""Pictures per split."""

SERVER = ".server"
"""Folder, inside the drawn one, of what only the server has."""

FOLDERS = {"train": "train2017", "val": "val2017", "test-dev": "test2017"}
"""Split -> folder of its pictures."""

DETECTIONS = {
    "val": "COCO_val2017_detections_AP_H_56_person.json",
    "test-dev": "COCO_test-dev2017_detections_AP_H_609_person.json",
}
"""Split -> file of person detections in `person_detection_results/`."""

_FIRST_ID = {"train": 9, "val": 139, "test-dev": 1}  # of the official files; no two splits meet
_STRIDE = 60
_SIZES = ((240, 320), (240, 320), (213, 320), (320, 240), (240, 240), (180, 280))
_EMPTY = 10  # every 10th picture shows nobody
_DISTANT = 5  # in every 5th there are people far away
_TALL = 40  # rows from which on a person's joints are annotated
_ANNOTATIONS = ".annotations"


@dataclass(frozen=True)
class Frame:
    """One picture to be drawn.

    Attributes:
        split: train, val or test-dev.
        number: Its number in the split.
        identity: Its id.
        size: (height, width) in pixels.
        people: How many are asked for.
        small: How many more are far away.
    """

    split: str
    number: int
    identity: int
    size: tuple[int, int]
    people: int
    small: int

    @property
    def name(self) -> str:
        """The picture's file."""
        return f"{self.identity:012d}.jpg"


def plan(counts: Mapping[str, int]) -> list[Frame]:
    """Return the pictures of a world, training pictures first."""
    return [
        Frame(
            split,
            number,
            _FIRST_ID[split] + _STRIDE * number,
            _SIZES[number % len(_SIZES)],
            0 if number % _EMPTY == 7 else (3, 2, 4, 1, 3)[number % 5],
            2 + number % 3 if number % _DISTANT == 3 else 0,
        )
        for split in _FIRST_ID
        for number in range(counts.get(split, 0))
    ]


def draw_frame(folder: Path, seed: int, counts: Mapping[str, int], number: int) -> None:
    """Draw the `number`-th picture of `plan`; it depends on nothing but its arguments.

    Raises:
        OSError: It can't be written.
    """
    import cv2
    import numpy as np

    from mim_bench.datamodules.miniature.files import write_picture
    from mim_bench.datamodules.miniature.scenes.groups import make_group
    from mim_bench.datamodules.miniature.scenes.views import look

    cv2.setNumThreads(1)
    frame = plan(counts)[number]
    rng = np.random.default_rng([seed, 4, list(_FIRST_ID).index(frame.split), frame.number])
    scene, camera = make_group(rng, *frame.size, frame.people, apart=0.75, small=frame.small)
    view = look(scene, camera, rng)
    write_picture(folder / FOLDERS[frame.split] / frame.name, view.image)
    labels = _labels(view, frame, rng)
    path = folder / _ANNOTATIONS / f"{number:06d}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(labels), encoding="utf-8")


def _labels(view: View, frame: Frame, rng: np.random.Generator) -> dict[str, Any]:
    """Return what the files will say about a picture."""
    import numpy as np

    from mim_bench.datamodules.miniature import instances
    from mim_bench.datamodules.miniature.detector import detect
    from mim_bench.datamodules.miniature.scenes.annotations import shown
    from mim_bench.datamodules.miniature.scenes.skeleton import COCO

    people, boxes = [], []
    distant = [k for k in instances.people(view) if not instances.is_clear(view, k, _TALL)]
    crowded = len(distant) >= 3
    for k in instances.people(view):
        if crowded and k in distant:
            continue
        found = instances.instance(view, k)
        if found is None:
            continue
        joints = np.zeros((len(COCO), 3), int)
        if k not in distant:
            joints = instances.joints(view, k, COCO)
        keypoints = [int(value) for value in joints.reshape(-1)]
        labelled = int((joints[:, 2] > 0).sum())
        people.append({**found, "num_keypoints": labelled, "keypoints": keypoints})
        boxes.append((found["bbox"], min(1.0, shown(view, k) * (0.3 if k in distant else 1.0))))
    if crowded:
        mask = np.isin(view.things, distant)
        blank = [0] * (3 * len(COCO))
        people.append({**instances.crowd(mask), "num_keypoints": 0, "keypoints": blank})
    height, width = frame.size
    return {
        "split": frame.split,
        "image": {
            "license": 1 + frame.number % 8,
            "file_name": frame.name,
            "coco_url": f"http://images.cocodataset.org/{FOLDERS[frame.split]}/{frame.name}",
            "height": height,
            "width": width,
            "date_captured": "2013-11-14 17:02:52",
            "id": frame.identity,
        },
        "people": people,
        "others": _others(view),
        "detections": detect(rng, boxes, height, width),
    }


def _others(view: View) -> list[dict[str, Any]]:
    """Return the instances of things that COCO has a category for."""
    from mim_bench.datamodules.miniature import instances
    from mim_bench.datamodules.miniature.coco_categories import KINDS

    others = []
    for number, thing in enumerate(view.scene.things):
        if thing.kind in KINDS and view.seen[number] >= instances.SPECK:
            found = instances.instance(view, number)
            if found is not None:
                others.append({**found, "category_id": KINDS[thing.kind]})
    return others


def finish(folder: Path, counts: Mapping[str, int]) -> None:
    """Merge what was kept of each picture into the official files."""
    import shutil

    kept = [
        json.loads((folder / _ANNOTATIONS / f"{number:06d}.json").read_text(encoding="utf-8"))
        for number in range(len(plan(counts)))
    ]
    for split in _FIRST_ID:
        # the official files are not in the order of the ids
        own = sorted(
            (one for one in kept if one["split"] == split),
            key=lambda one: one["image"]["id"] * 7919 % 10007,
        )
        if own:
            _write_split(folder, split, own)
    shutil.rmtree(folder / _ANNOTATIONS)


def _write_split(folder: Path, split: str, pictures: list[dict[str, Any]]) -> None:
    from mim_bench.datamodules.miniature.coco_categories import CATEGORIES, PERSON

    people, instances, found = [], [], []
    number = {"train": 183020, "val": 1000, "test-dev": 500}[split]
    for picture in pictures:
        image = picture["image"]["id"]
        for one in picture["people"]:
            number += 7
            person = {**one, "image_id": image, "category_id": 1, "id": number}
            people.append(person)
            plain = {k: v for k, v in person.items() if k not in ("keypoints", "num_keypoints")}
            instances.append(plain)
        for one in picture["others"]:
            number += 7
            instances.append({**one, "image_id": image, "id": number})
        for one in picture["detections"]:
            found.append({**one, "category_id": 1, "image_id": image})
    images = [picture["image"] for picture in pictures]
    notes = folder / "annotations"
    if split == "test-dev":
        _write(folder / SERVER / "test-dev.json", _content(images, [PERSON], people))
        _write(notes / "image_info_test-dev2017.json", _content(images, CATEGORIES))
    else:
        _write(notes / f"person_keypoints_{split}2017.json", _content(images, [PERSON], people))
        _write(notes / f"instances_{split}2017.json", _content(images, CATEGORIES, instances))
    if split in DETECTIONS:
        _write(folder / "person_detection_results" / DETECTIONS[split], found)


def _content(
    images: list[dict[str, Any]],
    categories: Iterable[Mapping[str, Any]],
    annotations: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    licences = [{"url": "", "id": number, "name": "drawn"} for number in range(1, 9)]
    content: dict[str, Any] = {
        "info": {"description": "miniature world", "version": "1.0", "year": 2017},
        "licenses": licences,
        "images": images,
        "categories": list(categories),
    }
    return content if annotations is None else {**content, "annotations": annotations}


def _write(path: Path, content: Any) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
