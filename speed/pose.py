"""Pose samples of one worker against decoding alone, and the mirrored test in one batch or two.

Run: python -m speed.pose [--rounds 5] [--people 60]
Claims, on pictures of 640 x 480 and 160 KB: with boxes, warp, colours and grid dropout at least 0.5
of decoding the same files and nothing else; mirrored inputs in the same forward batch are not
slower than a second forward. (On a CPU only where the C library keeps large buffers: set
MALLOC_MMAP_THRESHOLD_ and MALLOC_TRIM_THRESHOLD_ to 8589934592.)
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch

from mim_bench.datamodules.loading import collate
from mim_bench.datamodules.miniature import draw_world
from mim_bench.datamodules.pose import PoseDataModule
from mim_bench.datamodules.randomness import sample_generator
from mim_bench.tasks.pose import PoseTask

if TYPE_CHECKING:
    from collections.abc import Callable


BYTES = 160_000
"""COCO's val2017 has 5,000 pictures in about 1 GB."""


def photographs(root: Path, count: int) -> None:
    """Write COCO's training set with one person per picture.

    The pictures are drawn rooms with noise: 640 x 480, as many bytes as COCO's have on average.
    """
    draw_world(root, ("nyuv2",), counts={"nyuv2": {"train": count}})
    rng = np.random.default_rng(0)
    folder = root / "coco" / "train2017"
    folder.mkdir(parents=True)
    images, people = [], []
    for number, path in enumerate(sorted((root / "nyu_depth_v2").glob("*/rgb_*.jpg")), start=1):
        name = f"{number:012d}.jpg"
        (folder / name).write_bytes(grainy(cv2.imread(str(path)), rng))
        images.append({"id": number, "file_name": name, "width": 640, "height": 480})
        left, top = rng.uniform(0, 300), rng.uniform(0, 150)
        wide, high = rng.uniform(60, 300), rng.uniform(120, 300)
        joints = np.column_stack(
            [rng.uniform(left, left + wide, 17), rng.uniform(top, top + high, 17), np.full(17, 2)]
        )
        people.append(
            {
                "id": number,
                "image_id": number,
                "category_id": 1,
                "bbox": [left, top, wide, high],
                "area": wide * high / 2,
                "iscrowd": 0,
                "num_keypoints": 17,
                "keypoints": joints.round().astype(int).ravel().tolist(),
            }
        )
    content = {"images": images, "annotations": people, "categories": [{"id": 1, "name": "person"}]}
    place = root / "coco" / "annotations" / "person_keypoints_train2017.json"
    place.parent.mkdir()
    place.write_text(json.dumps(content), encoding="utf-8")
    place.with_name("person_keypoints_val2017.json").write_text(json.dumps(content))


def grainy(image: np.ndarray, rng: np.random.Generator, least: int = BYTES) -> bytes:
    """Encode a picture with as much noise as brings it to at least so many bytes."""
    content = b""
    for spread in range(0, 40, 2):
        noisy = np.clip(image + rng.normal(0, spread, image.shape), 0, 255).astype(np.uint8)
        content = cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()
        if len(content) >= least:
            break
    return content


def timed(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def alternate(first: Callable[[], None], second: Callable[[], None], rounds: int) -> float:
    """Return the median over rounds of the second's speed over the first's."""
    first()
    second()
    ratios = []
    for turn in range(rounds):
        order = (first, second) if turn % 2 else (second, first)
        times = {work: timed(work) for work in order}
        ratios.append(times[first] / times[second])
    return statistics.median(ratios)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--people", type=int, default=60)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        photographs(root, options.people)
        files = sorted((root / "coco" / "train2017").glob("*.jpg"))
        data = PoseDataModule(root=root, batch_size=1, seed=0)

        def decode_alone() -> None:
            for path in files:
                cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)

        def samples() -> None:
            for position in range(options.people):
                sample = data.reader.sample("train", position)
                data.train_transform(sample, sample_generator(0, 0, position), position)

        ratio = alternate(decode_alone, samples, options.rounds)
        print(f"samples per second over decoding alone: {ratio:.2f}")
        batch = collate([data.eval_transform(data.reader.sample("train", i)) for i in range(8)])
        task = PoseTask("swinv2_tiny_window16_256", info=data.info, drop_path=0.0).eval()

        def together() -> None:
            with torch.inference_mode():
                task.predict(batch, {"flip": True})

        def apart() -> None:
            mirrored = {**batch, "image": batch["image"].flip(-1)}
            with torch.inference_mode():
                task.predict(batch, {"flip": False})
                task.predict(mirrored, {"flip": False})

        ratio = alternate(apart, together, options.rounds)
        print(f"mirrored in the same batch over two forwards, in speed: {ratio:.2f}")


if __name__ == "__main__":
    main()
