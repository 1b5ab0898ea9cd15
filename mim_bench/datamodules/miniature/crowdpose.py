"""Writes scenes as CrowdPose: people in each other's way, 14 joints, how crowded a picture is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from mim_bench.datamodules.miniature.scenes.views import View

FOLDER = "crowdpose"
COUNTS = {"train": 112, "val": 16, "test": 32}
"""Pictures per split; trainval is both of the first."""

FILES = {
    "train": ("train",),
    "val": ("val",),
    "trainval": ("train", "val"),
    "test": ("test",),
}
"""Annotation file -> splits that are in it."""

DETECTIONS = "det_for_crowd_test_0.1_0.5.json"
"""The test's person detections."""

COUNTED = 12
"""Joints among which `num_keypoints` counts: all but head and neck."""

_FIRST_ID = {"train": 100000, "val": 108000, "test": 106000}
_SIZES = ((240, 320), (240, 320), (240, 320), (320, 240), (213, 320))
_APART = (0.75, 0.3, 0.16, 0.08)  # metres sideways between people
_TALL = 40  # rows from which on a person's joints are annotated
_KEPT = ".annotations"


@dataclass(frozen=True)
class Frame:
    """One picture to be drawn.

    Attributes:
        split: train, val or test.
        number: Its number in the split.
        identity: Its id, and the stem of its file.
        size: (height, width) in pixels.
        people: How many are asked for.
        apart: Metres sideways between them.
        small: How many more are far away.
    """

    split: str
    number: int
    identity: int
    size: tuple[int, int]
    people: int
    apart: float
    small: int


def plan(counts: Mapping[str, int]) -> list[Frame]:
    """Return the pictures of a world, training pictures first."""
    return [
        Frame(
            split,
            number,
            first + number,
            _SIZES[number % len(_SIZES)],
            2 + (number * 3) % 5 if number % len(_APART) else 2,
            _APART[number % len(_APART)],
            3 if number % 9 == 4 else 0,
        )
        for split, first in _FIRST_ID.items()
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
    rng = np.random.default_rng([seed, 5, list(_FIRST_ID).index(frame.split), frame.number])
    scene, camera = make_group(
        rng, *frame.size, frame.people, apart=frame.apart, small=frame.small, clutter=1, facing=0.55
    )
    view = look(scene, camera, rng)
    write_picture(folder / "images" / f"{frame.identity}.jpg", view.image)
    path = folder / _KEPT / f"{number:06d}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(_labels(view, frame, rng)), encoding="utf-8")


def _labels(view: View, frame: Frame, rng: np.random.Generator) -> dict[str, Any]:
    """Return what the files will say about a picture."""
    import numpy as np

    from mim_bench.datamodules.miniature import instances
    from mim_bench.datamodules.miniature.detector import detect
    from mim_bench.datamodules.miniature.scenes.annotations import shown
    from mim_bench.datamodules.miniature.scenes.skeleton import CROWDPOSE

    everyone = instances.people(view)
    distant = [k for k in everyone if not instances.is_clear(view, k, _TALL)]
    people, boxes, marked = [], [], []
    blank = np.zeros((len(CROWDPOSE), 3), np.int64)

    def add(box: list[float], joints: npt.NDArray[np.int64], crowd: int) -> None:
        people.append(
            {
                "num_keypoints": int((joints[:COUNTED, 2] > 0).sum()),
                "iscrowd": crowd,
                "keypoints": [int(value) for value in joints.reshape(-1)],
                "bbox": [int(value) for value in box],
            }
        )

    for k in everyone:
        if len(distant) >= 3 and k in distant:
            continue
        left, top, right, bottom = (int(side) for side in view.whole[k])
        box = instances.xywh((left, top, right, bottom))  # what is hidden is in it as well
        joints = blank if k in distant else instances.joints(view, k, CROWDPOSE)
        add(box, joints, 0)
        if k not in distant:
            marked.append((box, joints))
        boxes.append((box, shown(view, k)))
    if len(distant) >= 3:
        crowd = instances.crowd(np.isin(view.things, distant))
        add(crowd["bbox"], blank, 1)
    height, width = frame.size
    return {
        "split": frame.split,
        "image": {
            "file_name": f"{frame.identity}.jpg",
            "id": frame.identity,
            "height": height,
            "width": width,
            "crowdIndex": round(crowd_index(marked), 2),
        },
        "people": people,
        "detections": detect(rng, boxes, height, width),
    }


def crowd_index(people: list[tuple[list[float], npt.NDArray[np.int64]]]) -> float:
    """Return how crowded a picture is: 0 where no box holds a joint of somebody else.

    CrowdPose (Li et al., CVPR 2019): the mean over people of the number of other people's joints
    in a person's box, divided by the number of his own joints in it.

    Args:
        people: Box x, y, width, height and joints (J, 3) of each.
    """
    import numpy as np

    if not people:
        return 0.0

    def inside(box: list[float], joints: npt.NDArray[np.int64]) -> int:
        x, y, wide, tall = box
        column, row, label = joints.T
        within = (column >= x) & (column < x + wide) & (row >= y) & (row < y + tall)
        return int((within & (label > 0)).sum())

    shares = []
    for number, (box, joints) in enumerate(people):
        own = inside(box, joints)
        others = sum(inside(box, other) for k, (_, other) in enumerate(people) if k != number)
        shares.append(others / own if own else 0.0)
    return float(np.mean(shares))


def finish(folder: Path, counts: Mapping[str, int]) -> None:
    """Merge what was kept of each picture into the official files."""
    import shutil

    from mim_bench.datamodules.miniature.coco_categories import SKELETON
    from mim_bench.datamodules.miniature.scenes.skeleton import CROWDPOSE

    person = {
        "supercategory": "person",
        "id": 1,
        "name": "person",
        "keypoints": list(CROWDPOSE),
        # left over from COCO in the official files: it names joints that there are not
        "skeleton": [list(pair) for pair in SKELETON],
    }
    kept = [
        json.loads((folder / _KEPT / f"{number:06d}.json").read_text(encoding="utf-8"))
        for number in range(len(plan(counts)))
    ]
    notes = folder / "annotations"
    notes.mkdir(exist_ok=True)
    for number, one in enumerate(kept):
        for place, entry in enumerate(one["people"]):
            entry |= {
                "image_id": one["image"]["id"],
                "category_id": 1,
                "id": 100000 + 100 * number + place,
            }
    for name, splits in FILES.items():
        own = [one for one in kept if one["split"] in splits]
        if own:
            content = {
                "images": [one["image"] for one in own],
                "annotations": [entry for one in own for entry in one["people"]],
                "categories": [person],
            }
            path = notes / f"crowdpose_{name}.json"
            path.write_text(json.dumps(content), encoding="utf-8")
    found = [
        {**box, "category_id": 1, "image_id": one["image"]["id"]}
        for one in kept
        if one["split"] == "test"
        for box in one["detections"]
    ]
    if counts.get("test"):
        (notes / DETECTIONS).write_text(json.dumps(found), encoding="utf-8")
    shutil.rmtree(folder / _KEPT)
