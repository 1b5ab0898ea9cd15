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
