"""The miniature world: frames per second by part, and all that a suite needs.

Run: python -m speed.world [--frames 12]
Claims, on two cores: NYUv2 within 25 s beside a worker's start; a suite's world in about a minute.
Seconds are reported. The ratio: all parts together against writing the files alone, in one
process, on the same frames.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np

from mim_bench.datamodules.miniature import DATASETS, draw_world
from mim_bench.datamodules.miniature.scenes.rooms import make_room, room_camera
from mim_bench.datamodules.miniature.scenes.shading import Surfaces, shine
from mim_bench.datamodules.miniature.scenes.tracing import trace
from mim_bench.datamodules.miniature.scenes.views import develop, solids_of

TRACKING = ("got10k", "trackingnet", "lasot")
IMPORTS = "import torch, lightning, timm, torchmetrics, albumentations"


def measure(height: int, width: int, frames: int, folder: Path) -> dict[str, float]:
    """Return seconds per frame of each part."""
    spent: dict[str, float] = defaultdict(float)
    for number in range(-1, frames):  # the first one warms up
        marks = [time.perf_counter()]
        rng = np.random.default_rng([1, number + 1])
        scene = make_room(rng)
        camera = room_camera(rng, scene, height, width)
        marks.append(time.perf_counter())
        seen = trace([scene.surroundings, *(thing.solids for thing in scene.things)], camera)
        marks.append(time.perf_counter())
        Surfaces(solids_of(scene), camera, seen)
        marks.append(time.perf_counter())
        light = shine(scene, solids_of(scene), camera, seen)
        marks.append(time.perf_counter())
        image = develop(light, rng)
        marks.append(time.perf_counter())
        depth = np.rint(seen.depth * 1000).astype(np.uint16)
        for ending, array in ((".jpg", image), (".png", depth)):
            (folder / f"frame{ending}").write_bytes(cv2.imencode(ending, array)[1].tobytes())
        marks.append(time.perf_counter())
        if number < 0:
            continue
        scene_, geometry, texture, shading, sensor, writing = np.diff(marks).tolist()
        # shading looks at the surfaces itself: once measured alone, once within
        parts = {
            "scene": scene_,
            "geometry": geometry,
            "texture": texture,
            "shading": shading - texture,
            "sensor": sensor,
            "writing": writing,
        }
        for name, seconds in parts.items():
            spent[name] += seconds / frames
    return dict(spent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=12)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for height, width in ((480, 640), (96, 128)):
            spent = measure(height, width, options.frames, folder)
            total = sum(spent.values())
            print(f"{width} x {height}, one process: {1 / total:.1f} frames per second")
            for part, seconds in spent.items():
                print(f"  {part:9s} {seconds * 1e3:6.1f} ms  {seconds / total:4.0%}")
            print(f"  ratio to writing alone: {total / spent['writing']:.1f}")
        started = time.perf_counter()
        draw_world(folder / "alone")
        print(f"the suites' world ({', '.join(DATASETS)}): {time.perf_counter() - started:.1f} s")
        started = time.perf_counter()
        draw_world(folder / "tracking", TRACKING)
        print(f"of it the tracking sets: {time.perf_counter() - started:.1f} s")
        worker = subprocess.Popen([sys.executable, "-c", IMPORTS])
        started = time.perf_counter()
        draw_world(folder / "beside", ("nyuv2",))
        seconds = time.perf_counter() - started
        worker.wait()
        print(f"NYUv2 beside a worker's start: {seconds:.1f} s")


if __name__ == "__main__":
    main()
