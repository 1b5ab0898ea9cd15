"""The index of a million pictures, from the cache, in a fresh process.

Run: python -m speed.classification_index [--pictures 1000] [--rounds 5]
Claim: under 2 s from the start of Python to the first name and label of a training set of 1,000
classes with 1,000 pictures each, for CoG's pickles and for ImageNet-1K's folders of files.

The first reading, which fills the cache, and `check`, which looks for every file, are timed too.
All files are empty, and lie in a temporary folder.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

LEVELS, CLASSES, TESTS = 5, 1000, 50
CODE = """
import json, pathlib, sys, time
started = time.perf_counter()
from mim_bench.datamodules.readers import get_reader_class
name, root, split, check = sys.argv[1:]
reader = get_reader_class(name)(root)
listing = reader.listing(split)
last = listing.names[len(listing) - 1], int(listing.labels[-1])
found = {"count": len(listing), "index": time.perf_counter() - started}
peak = pathlib.Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]
found["memory"] = int(peak) / 1024
if check == "check":
    started = time.perf_counter()
    assert reader.check([split]) == []
    found["check"] = time.perf_counter() - started
print(json.dumps(found))
"""


def names_of(wnid: str, count: int) -> list[str]:
    """Return names of a synset's pictures, as long as ImageNet's."""
    return [f"{wnid}_{number:05d}.JPEG" for number in range(count)]


def write_files(folder: Path, wnid: str, names: list[str]) -> None:
    """Write empty files of a synset."""
    (folder / wnid).mkdir(parents=True)
    for name in names:
        os.close(os.open(folder / wnid / name, os.O_CREAT | os.O_WRONLY))


def make_imagenet(root: Path, count: int) -> None:
    """Write folders of empty files."""
    for label in range(CLASSES):
        wnid = f"n{10_000_000 + label}"
        write_files(root / "imagenet" / "train", wnid, names_of(wnid, count))
        write_files(root / "imagenet" / "val", wnid, names_of(f"{wnid}_val", 1))


def make_cog(root: Path, count: int) -> None:
    """Write both pickles, all levels alike; pictures of the first are ImageNet's folders."""
    levels = [
        [f"n{10_000_000 + CLASSES * level + label}" for label in range(CLASSES)]
        for level in range(LEVELS)
    ]
    concepts = {}
    for wnid in (one for level in levels for one in level):
        paths = np.array([f"/{wnid}/{name}" for name in names_of(wnid, count)])
        concepts[wnid] = {"train": paths, "test": np.char.add(paths[:TESTS], "x")}
    folder = root / "cog"
    folder.mkdir()
    (folder / "images").symlink_to(root / "imagenet" / "train")
    for name, content in (
        ("cog_levels_mapping_file.pkl", levels),
        ("cog_concepts_split_file.pkl", concepts),
    ):
        with (folder / name).open("wb") as file:
            pickle.dump(content, file, protocol=4)


def measure(name: str, root: Path, split: str, check: bool = False) -> dict[str, float]:
    """Read a split's listing in a process of its own; return seconds and MiB."""
    started = time.perf_counter()
    command = [sys.executable, "-c", CODE, name, str(root), split, "check" if check else ""]
    environment = {**os.environ, "MIM_BENCH_CACHE": str(root / "cache")}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    return {**json.loads(done.stdout), "process": time.perf_counter() - started}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=1000, help="of each class, 732 to 1300")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        make_imagenet(root, options.pictures)
        make_cog(root, options.pictures)
        for dataset, split in (
            ("imagenet1k", "train"),
            ("cog-l1", "trainval"),
            ("cog-l1", "train"),
        ):
            first = measure(dataset, root, split)
            again = [measure(dataset, root, split) for _ in range(options.rounds)]
            median = {key: statistics.median(one[key] for one in again) for key in again[0]}
            checked = measure(dataset, root, split, check=True)
            print(
                f"{dataset} {split}: {first['count']:,} pictures; first reading "
                f"{first['index']:.1f} s ({first['memory']:.0f} MiB); from the cache "
                f"{median['index']:.2f} s, {median['process']:.2f} s with Python's start "
                f"({median['memory']:.0f} MiB); check {checked['check']:.1f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
