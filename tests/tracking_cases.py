"""Made-up sequences and tracks of them with all that goes wrong, for tests of tracking metrics."""

from __future__ import annotations

import numpy as np

SEEDS = (0, 1, 2)
SIZE = (320, 240)
ATTRIBUTES = ("IV", "FOC", "OV")


def truth_case(benchmark: str, seed: int, sequences: int = 6) -> dict:
    """Boxes in the way of a benchmark's annotation files, with their quirks."""
    rng = np.random.default_rng([11, seed])
    held = {}
    for number in range(sequences):
        length = int(rng.integers(25, 60))
        start = [*rng.uniform(5, 200, 2), *rng.uniform(15, 90, 2)]
        boxes = np.array(start) + np.cumsum(rng.normal(0, [3, 3, 1, 1], (length, 4)), axis=0)
        boxes[:, 2:] = np.maximum(boxes[:, 2:], 8)
        absent = rng.random(length) < 0.15
        absent[0] = False
        one = {"size": list(SIZE), "absent": absent}
        if benchmark == "got10k":
            boxes = boxes.round(4)
            one["cover"] = np.where(absent, 0, rng.integers(1, 9, length))
        elif benchmark == "trackingnet":
            boxes = boxes.round(2)
            boxes[3] = boxes[3].round() + 0.5  # halves are rounded to even numbers
            one["absent"] = np.zeros(length, bool)
        else:
            boxes = np.maximum(boxes.round(), [1, 1, 8, 8])
            boxes[absent] = [[0, 0, 0, 0], [1, 1, 0, 0], [9, 7, 5, 3]][number % 3]
            seen = np.flatnonzero(~absent)
            boxes[seen[5], 0] = -3
            if number % 2:
                boxes[seen[9], 2:] = 0
            absent[0] = number == 0  # as never in the real one: all of its success is 0
        one["boxes"] = boxes
        one["attributes"] = [name for name in ATTRIBUTES if rng.random() < 0.6]
        held[f"thing-{number + 1}"] = one
    origin = int(benchmark == "lasot")
    return {"benchmark": benchmark, "origin": origin, "sequences": held}


def track_case(truth: dict, seed: int, broken: bool = True) -> dict[str, np.ndarray]:
    """Tracks (N, 4) that count pixels from 0: near the truth, lost, exact, far off or broken."""
    rng = np.random.default_rng([12, seed])
    tracks = {}
    for number, (name, one) in enumerate(truth["sequences"].items()):
        boxes = one["boxes"].astype(float)
        length = len(boxes)
        spread = rng.choice([1.0, 4.0, 12.0], (length, 1))
        track = (boxes + spread * rng.normal(0, 1, (length, 4))).round(2)
        track[:, 2:] = np.maximum(track[:, 2:], 1)
        exact = rng.random(length) < 0.15
        track[exact] = boxes[exact]
        track[rng.random(length) < 0.1, :2] += 500.0
        beside = rng.random(length) < 0.2  # whole numbers: values that lie on thresholds
        track[beside] = boxes[beside].round() + [[3, 4, 0, 0]] * int(beside.sum())
        if broken:
            track[rng.integers(2, length, 2), 2:] = 0
            track[rng.integers(2, length, 1), 2] = -4
        if number == 0:
            track[1:, :2] += 1000.0  # never seen again: its precision is 0 everywhere
        track[:, :2] -= truth["origin"]
        tracks[name] = track
    return tracks


def spoil(tracks: dict[str, np.ndarray], seed: int) -> dict[str, np.ndarray]:
    """Rows that are NaN, alone, in a row, and from a sequence's start on."""
    rng = np.random.default_rng([13, seed])
    found = {name: track.copy() for name, track in tracks.items()}
    for number, track in enumerate(found.values()):
        start = int(rng.integers(3, len(track) - 3))
        track[start : start + 3] = np.nan
        if number % 2:
            track[start + 3, 0] = np.nan
        if number == 1:
            track[:3] = np.nan
    return found
