"""Seeded inputs of the pose tests, shared with the script that ran MMPose on them."""

import json
from pathlib import Path

import numpy as np

GOLDEN = Path(__file__).parent / "tasks" / "golden" / "pose.json"

PAIRS = ((1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12), (13, 14), (15, 16))
UPPER = tuple(range(11))
JOINTS = 17


def golden():
    return json.loads(GOLDEN.read_text(encoding="utf-8"))


def boxes(seed, count=12):
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.uniform(-5, 300, (count, 2)), rng.uniform(2, 250, (count, 2))], 1)


def looks(seed, count=12):
    """Centre, scale (of one aspect), turn."""
    rng = np.random.default_rng([1, seed])
    width = rng.uniform(0.1, 2.0, count)
    return [(rng.uniform(0, 400, 2), np.array([w, w]), float(rng.uniform(-80, 80))) for w in width]


def people(seed, count=16):
    """Joints (K, 2) and labels (K,), from hardly any to all."""
    rng = np.random.default_rng([2, seed])
    return [
        (rng.uniform(0, 300, (JOINTS, 2)), rng.random(JOINTS) < rng.uniform(0.05, 1.0))
        for _ in range(count)
    ]


def targets(seed):
    """Joints inside, outside and at the edges of a 64 x 64 map of 256 x 256 inputs."""
    rng = np.random.default_rng([3, seed])
    keypoints = rng.uniform(-60, 320, (4, JOINTS, 2)).astype(np.float32)
    keypoints[0] = rng.integers(-12, 76, (JOINTS, 2)) * 4 - 2  # on the edge between two pixels
    return keypoints, (rng.random((4, JOINTS)) < 0.8).astype(np.float32)


def heatmaps(seed, size=(48, 64)):
    """Bumps on noise, some at the border, some maps without a positive value."""
    rng = np.random.default_rng([4, seed])
    rows, columns = np.mgrid[: size[0], : size[1]]
    maps = rng.normal(0, 0.01, (3, JOINTS, *size))
    for person in range(3):
        for joint in range(JOINTS):
            middle = rng.uniform(-1, 1.02 * np.array(size))
            away = (rows - middle[0]) ** 2 + (columns - middle[1]) ** 2
            maps[person, joint] += rng.uniform(0.2, 1) * np.exp(-away / 8)
    maps[0, :2] = -np.abs(maps[0, :2])
    return maps.astype(np.float32)


def scene(seed, joints=JOINTS, images=40, areas=True):
    """Ground truth with the quirks of the files, and predictions near and far from it.

    Crowds, people without labelled joints, pictures without people, more than 20 predictions in a
    picture, equal scores, and crowd indices above 1.
    """
    rng = np.random.default_rng([5, seed])
    pictures, people, found = [], [], []
    for number in range(1, images + 1):
        crowd = round(float(rng.choice([rng.uniform(0, 0.3), rng.uniform(0.1, 1), 2.5])), 2)
        size = {"width": 640, "height": 480, "file_name": f"{number}.jpg"}
        pictures.append({"id": number, "crowdIndex": crowd, **size})
        for _ in range(int(rng.integers(0, 6))):
            box = [*rng.uniform(0, 300, 2), *rng.uniform(15, 250, 2)]
            places = rng.uniform(0, 1, (joints, 2)) * box[2:] + box[:2]
            labels = rng.choice([0, 1, 2], joints, p=[0.3, 0.2, 0.5])
            if rng.random() < 0.15:
                labels[:] = 0
            is_crowd = int(rng.random() < 0.08)
            keypoints = np.column_stack([places * (labels > 0)[:, None], labels])
            counted = int((labels[:12] > 0).sum()) if joints == 14 else int((labels > 0).sum())
            person = {
                "id": len(people) + 1,
                "image_id": number,
                "category_id": 1,
                "iscrowd": is_crowd,
                "bbox": [round(float(side), 2) for side in box],
                "num_keypoints": 0 if is_crowd else counted,
                "keypoints": keypoints.round(2).ravel().tolist(),
            }
            if areas:
                person["area"] = round(float(box[2] * box[3] * rng.uniform(0.3, 0.8)), 2)
            people.append(person)
            for _ in range(int(rng.choice([0, 1, 2, 9], p=[0.15, 0.6, 0.2, 0.05]))):
                spread = rng.uniform(0.005, 0.12) * np.sqrt(box[2] * box[3])
                noisy = places + rng.normal(0, spread, (joints, 2))
                found.append(pose(number, noisy, round(float(rng.random()), 1)))
        for _ in range(int(rng.integers(0, 3))):
            found.append(pose(number, rng.uniform(0, 400, (joints, 2)), float(rng.random())))
    dataset = {
        "info": {},
        "images": pictures,
        "annotations": people,
        "categories": [{"id": 1, "name": "person", "supercategory": "person"}],
    }
    return dataset, found


def pose(image, places, score):
    keypoints = np.column_stack([places, np.ones(len(places))]).round(3).ravel().tolist()
    return {"image_id": image, "category_id": 1, "keypoints": keypoints, "score": score}


def duplicates(seed, joints=JOINTS):
    """Poses of one picture, many of them nearly the same: places and peaks, scores, areas."""
    rng = np.random.default_rng([6, seed])
    base = rng.uniform(0, 300, (6, joints, 2))
    places = base[rng.integers(0, 6, 40)] + rng.normal(0, 1, (40, joints, 2)) * rng.choice(
        [0.5, 4, 12], (40, 1, 1)
    )
    peaks = rng.uniform(-0.1, 1, (40, joints, 1))
    return np.concatenate([places, peaks], 2), rng.random(40), rng.uniform(2000, 40000, 40)
