"""Scores of 280 sequences of 2,500 frames against the package got10k: same boxes, same numbers.

Run: python -m speed.tracking_metrics GOT10K [--sequences 280] [--frames 2500] [--rounds 5]
GOT10K is a folder with the package (pip install --no-deps --target GOT10K got10k six shapely fire
wget termcolor), or a checkout of github.com/got-10k/toolkit, which scores LaSOT as well. Claim: at
least 2.5 times faster under GOT-10k's rules, from boxes in memory to the values of sequences and of
all, and the curve. Its curves for LaSOT are put beside our LaSOT's, which hold more: both
denominators, and rows without a box. Made-up boxes.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import sys
import time

import numpy as np

from mim_bench.tasks.tracking_rules import evaluate

SIZE = (1280, 720)


def draw(sequences: int, frames: int) -> tuple[dict, dict]:
    """Made-up truth and tracks, some of them lost."""
    rng = np.random.default_rng(0)
    held, tracks = {}, {}
    for number in range(sequences):
        steps = rng.normal(0, [3, 3, 0.5, 0.5], (frames, 4))
        boxes = np.array([500, 300, 120, 90]) + np.cumsum(steps, axis=0)
        boxes[:, :2] = np.abs(boxes[:, :2]) % [1100, 600] + 1
        boxes[:, 2:] = np.abs(boxes[:, 2:]) + 8
        boxes = boxes.round()
        track = boxes + rng.normal(0, rng.choice([2, 8, 40], (frames, 1)), (frames, 4))
        track[:, 2:] = np.maximum(track[:, 2:], 1)
        track[0] = boxes[0]
        absent = np.zeros(frames, bool)
        absent[1:] = rng.random(frames - 1) < 0.03
        cover = np.where(absent, 0, 8)
        name = f"s{number}"
        held[name] = {"boxes": boxes, "size": list(SIZE), "absent": absent, "cover": cover}
        tracks[name] = track
    return {"origin": 0, "sequences": held}, tracks


def theirs_got10k(experiment: object, iou: object, truth: dict, tracks: dict) -> tuple:
    """As `ExperimentGOT10k.report` goes through boxes that are read."""
    found, rows = [], {}
    for name, one in truth["sequences"].items():
        mine, boxes = tracks[name][1:].copy(), one["boxes"][1:].copy()  # they are changed
        ious = iou(mine, boxes, bound=one["size"])[one["cover"][1:] > 0]
        rows[name] = experiment._evaluate(ious, [])
        found.append(ious)
    ao, half, _, curve = experiment._evaluate(np.concatenate(found), [])
    return {"ao": ao, "sr50": half, "sr75": curve[75]}, rows


def theirs_lasot(experiment: object, truth: dict, tracks: dict) -> tuple:
    """As its report on LaSOT (or OTB) does, on the frames with the target."""
    rows = {}
    for name, one in truth["sequences"].items():
        kept = ~one["absent"]
        measured = experiment._calc_metrics(tracks[name][kept], one["boxes"][kept])
        rows[name] = experiment._calc_curves(*measured)
    success, near = (np.mean([row[k] for row in rows.values()], axis=0) for k in (0, 1))
    return {"suc_visible": success.mean(), "precision_visible": near[20]}, rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("got10k")
    parser.add_argument("--sequences", type=int, default=280)
    parser.add_argument("--frames", type=int, default=2500)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    sys.path.insert(0, options.got10k)
    experiments = importlib.import_module("got10k.experiments")
    iou = importlib.import_module("got10k.utils.metrics").rect_iou
    first = experiments.ExperimentGOT10k.__new__(experiments.ExperimentGOT10k)
    first.nbins_iou = 101
    kind = getattr(experiments, "ExperimentLaSOT", experiments.ExperimentOTB)
    second = kind.__new__(kind)
    second.nbins_iou, second.nbins_ce, second.nbins_nce = 21, 51, 51
    truth, tracks = draw(options.sequences, options.frames)
    print(f"{options.sequences} sequences of {options.frames:,} frames")
    for rules, run in (
        ("got10k", lambda: theirs_got10k(first, iou, truth, tracks)),
        ("lasot", lambda: theirs_lasot(second, truth, tracks)),
    ):
        times = []
        for _ in range(options.rounds):
            start = time.perf_counter()
            expected, _ = run()
            middle = time.perf_counter()
            found = evaluate(rules, truth, tracks).values
            times.append((middle - start, time.perf_counter() - middle))
            for name, value in expected.items():
                assert abs(found[name] - value) < 1e-9, (name, found[name], value)
        ratios = [slow / quick for slow, quick in times]
        print(
            f"{rules}: package {statistics.median(slow for slow, _ in times):.2f} s, "
            f"ours {statistics.median(quick for _, quick in times):.2f} s, "
            f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        )


if __name__ == "__main__":
    main()
