"""Small data roots in the layouts of COCO and CrowdPose, and looks into them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

SIZES = {11: (40, 30), 7: (24, 36), 3: (32, 20)}
"""Picture -> width and height, in the order of the file."""


def person(number: int, image: int, box: list[float], joints: int = 17, **more: Any) -> dict:
    """An annotation with every third joint hidden, every fifth not labelled."""
    x, y, wide, tall = box
    points = np.zeros((joints, 3), int)
    for k in range(joints):
        if k % 5 != 4:
            points[k] = x + wide * k / joints, y + tall * k / joints, 1 if k % 3 == 2 else 2
    entry = {
        "id": number,
        "image_id": image,
        "category_id": 1,
        "bbox": box,
        "iscrowd": 0,
        "keypoints": points.reshape(-1).tolist(),
        "num_keypoints": int((points[: 12 if joints == 14 else joints, 2] > 0).sum()),
    }
    if joints == 17:
        entry |= {"area": 0.6 * wide * tall, "segmentation": [[x, y, x + wide, y, x, y + tall]]}
    return {**entry, **more}


def people(joints: int) -> list[dict]:
    """Annotations of whom 31, 34, 36 are samples: in another order than their pictures."""
    blank = [0] * (3 * joints)
    more = {"area": 0} if joints == 17 else {"num_keypoints": 0, "keypoints": blank}
    return [
        person(34, 7, [-3.5, 2.25, 40, 30], joints),
        person(31, 11, [5, 6, 20, 12.5], joints),
        person(32, 11, [0, 0, 20, 10], joints, iscrowd=1),  # labelled, though crowds are not
        person(33, 11, [1, 1, 4, 5], joints, keypoints=blank, num_keypoints=0),
        person(35, 7, [1, 1, 8, 8], joints, **more),
        person(36, 11, [30, 20, 9, 9], joints),
        person(37, 7, [30, 2, 8, 8], joints),  # right of the picture
    ]


def content(joints: int = 17) -> dict:
    """An annotation file."""
    images = []
    for identity, (width, height) in SIZES.items():
        name = f"{identity:012d}.jpg" if joints == 17 else f"{identity}.jpg"
        image = {"id": identity, "file_name": name, "width": width, "height": height}
        images.append(image if joints == 17 else {**image, "crowdIndex": identity / 10})
    return {
        "images": images,
        "annotations": people(joints),
        "categories": [{"id": 1, "name": "person"}],
    }


def detections() -> list[dict]:
    """Detections of a file: 0, 2, 3 and 4 are of people."""
    return [
        {"image_id": 7, "category_id": 1, "bbox": [-2.5, 1, 30.25, 20], "score": 0.9},
        {"image_id": 7, "category_id": 3, "bbox": [1, 1, 3, 3], "score": 0.8},
        {"image_id": 11, "category_id": 1, "bbox": [1, 2, 3, 4.5], "score": 0.25},
        {"image_id": 7, "category_id": 1, "bbox": [1, 2, 6, 7], "score": 0.0},
        {"image_id": 3, "category_id": 1, "bbox": [0, 0, 5, 5], "score": 0.5},
    ]


def write(path: Path, what: Any) -> None:
    """Write JSON; folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(what), encoding="utf-8")


def change(path: Path, how) -> None:
    """Change what a JSON file holds."""
    what = json.loads(path.read_text())
    what = how(what) or what
    path.write_text(json.dumps(what))


def pictures(folder: Path, entries: list[dict]) -> None:
    """Draw noise with the size that each entry says."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(5)
    for image in entries:
        noise = rng.integers(0, 255, (image["height"], image["width"], 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / image["file_name"], quality=95)


def make_coco(root: Path, images: str = "") -> Path:
    """A data root with all splits of COCO, in `coco/` or with pictures below `coco/images/`."""
    folder, what = root / "coco", content()
    hidden = {key: value for key, value in what.items() if key != "annotations"}
    for split, held in (("train", what), ("val", what), ("test", hidden)):
        pictures(folder / images / f"{split}2017", what["images"])
        name = f"person_keypoints_{split}2017" if held is what else "image_info_test-dev2017"
        write(folder / "annotations" / f"{name}.json", held)
    for name in ("val2017_detections_AP_H_56", "test-dev2017_detections_AP_H_609"):
        write(folder / "person_detection_results" / f"COCO_{name}_person.json", detections())
    return root


def make_crowdpose(root: Path, notes: str = "annotations", prefix: str = "") -> Path:
    """A data root with CrowdPose's train, val and test, each with pictures of its own."""
    folder = root / "crowdpose"
    for number, split in enumerate(("train", "val", "test")):
        what = content(14)
        if number:
            for image in what["images"]:
                image["id"] += 100 * number
                image["file_name"] = f"{image['id']}.jpg"
            for one in what["annotations"]:
                one["image_id"] += 100 * number
        pictures(folder / "images", what["images"])
        write(folder / notes / f"{prefix}crowdpose_{split}.json", what)
    found = [{**one, "image_id": one["image_id"] + 200} for one in detections()]
    write(folder / notes / "det_for_crowd_test_0.1_0.5.json", found)
    return root
