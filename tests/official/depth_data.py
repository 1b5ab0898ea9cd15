"""Datasets, augmentation and evaluation script of the authors' depth code beside ours."""

from __future__ import annotations

import contextlib
import functools
import importlib
import random
import shutil
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import albumentations
import numpy as np
import torch
from torch import nn

from mim_bench.datamodules import depth_transforms as ops
from mim_bench.datamodules.depth import DepthDataModule
from tests import depth_cases as cases
from tests.official.surroundings import inside, quiet

SEED = 5
LISTS = {"nyudepthv2": "nyudepthv2", "kitti": "eigen_benchmark"}


@contextlib.contextmanager
def scratch():
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def everything(folder):
    """Compare all of data and evaluation; return golden numbers."""
    return {
        "columns": columns(),
        "augmented": augmented(folder / "augmented"),
        "colours": colours(),
        "kb_crop": kb_crop(folder / "kb"),
        "evaluated": evaluated(folder),
    }


def write(folder, dataset, split, frames):
    """Write frames, and their list where the authors' code looks for it; return the data root."""
    listed = cases.write_frames(folder / "data", dataset, split, frames)
    lists = folder / "dataset" / "filenames" / LISTS[dataset]
    lists.mkdir(parents=True, exist_ok=True)
    shutil.copy(listed, lists)
    return folder / "data"


def theirs(folder, dataset, **settings):
    """Make a dataset of the authors on a folder that `write` made."""
    make = importlib.import_module("dataset.base_dataset").get_dataset
    with inside(folder), quiet():
        return make(dataset, data_path=str(folder / "data"), **settings)


@contextlib.contextmanager
def draws(numbers):
    """Let the authors' CutDepth draw given numbers."""
    module = importlib.import_module("dataset.base_dataset")
    with mock.patch.object(module, "random", SimpleNamespace(random=iter(numbers).__next__)):
        yield


def columns():
    """Compare which columns CutDepth fills; return [alpha, beta, width, first, end]."""
    module = importlib.import_module("dataset.base_dataset")
    rng = random.Random(0)
    chosen = [(rng.random(), rng.random(), rng.choice((640, 1216, 128, 33))) for _ in range(4000)]
    # round numbers, whose products are whole but for rounding
    chosen += [
        (a / 20, b / 16, width) for width in (640, 1216) for a in range(20) for b in range(16)
    ]
    found = []
    for alpha, beta, width in chosen:
        dataset = module.BaseDataset((1, 1))
        dataset.basic_transform = []
        image = np.zeros((1, width, 3), np.uint8)
        with draws([alpha, beta]):
            dataset.augment_training_data(image, np.ones((1, width), np.float32))
        strip = np.flatnonzero(image[0, :, 0])
        found.append([alpha, beta, width, int(strip[0]), int(strip[-1]) + 1])
    other = [row for row in found if ops.cut_columns(*row[:3]) != (row[3], min(row[4], row[2]))]
    print(f"CutDepth: {len(other)} of {len(found)} strips differ {other[:3]}")
    every = np.arange(65536, dtype=np.float32).reshape(256, 256)
    image = np.zeros((256, 256, 3), np.uint8)
    image[:, :, 0] = every  # as the authors' code assigns it
    metres = np.divide(every, 1000, dtype=np.float32)
    equal = np.array_equal(ops.wrapped(metres, 1000), image[..., 0])
    print(f"CutDepth: all 65,536 values of a depth file wrap the same: {equal}")
    return [*found[:30], *found[4000::13]]


def augmented(folder):
    """Compare training samples without colours; return the authors' draws and pictures."""
    frames = cases.training_frames()
    root = write(folder, "nyudepthv2", "train", frames)
    dataset = theirs(folder, "nyudepthv2", crop_size=cases.TRAINING_CROP)
    dataset.basic_transform = dataset.basic_transform[:2]
    ours = DepthDataModule("nyuv2", root, crop=cases.TRAINING_CROP, colour=False)
    rng = random.Random(SEED)
    found, equal = [], 0
    for position in range(len(frames)):
        alpha, beta = rng.random(), rng.random()
        seeded = functools.partial(albumentations.Compose, seed=position)
        with draws([alpha, beta]), mock.patch.object(albumentations, "Compose", seeded):
            sample = dataset[position]
        depth = sample["depth"].numpy()
        raw = np.rint(depth * 1000).astype(int)
        # each depth says where it comes from
        place = np.argwhere(frames[position][1] == raw.min())[0]
        mirrored = bool(raw[0, 0] > raw[0, -1])
        left = int(place[1])
        if mirrored:  # counted in the mirrored frame
            left = depth_width(frames) - left - cases.TRAINING_CROP[1]
        kept = ours.reader.sample("train", position)
        scripted = cases.ScriptedDraws(int(place[0]), left, alpha, beta, mirrored)
        mine = ours.train_transform(kept, scripted, position)
        image = (sample["image"] * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
        equal += np.array_equal(mine["image"], image) and np.array_equal(mine["depth"], depth)
        found.append(
            {
                "draws": [int(place[0]), left, alpha, beta, mirrored],
                "image": image.tolist(),
                "depth_first": float(depth[0, 0]),
                "cut": bool((image == (raw % 256)[..., None]).all(axis=-1).any()),
            }
        )
    print(
        f"augmentation: {equal} of {len(found)} samples equal (CutDepth, mirroring, crop),"
        f" {sum(row['cut'] for row in found)} of them cut, at positions"
        f" {[number for number, row in enumerate(found) if row['cut']]},"
        f" {sum(row['draws'][-1] for row in found)} mirrored"
    )
    return found


def depth_width(frames):
    return frames[0][1].shape[1]


def colours():
    """Return the order of the authors' transforms and the ranges they have."""
    module = importlib.import_module("dataset.base_dataset")
    chain = module.BaseDataset((480, 480)).basic_transform
    return cases.ranges(chain)


def kb_crop(folder):
    """Return where the authors' KITTI dataset crops frames of the sizes there are."""
    found = []
    for height, width in ((375, 1242), (370, 1224), (374, 1238), (370, 1226), (376, 1241)):
        rows, across = np.mgrid[:height, :width]
        image = np.stack([across % 256, across // 256, rows % 256], -1).astype(np.uint8)
        place = folder / f"{height}x{width}"
        write(place, "kitti", "test", [(image, (rows * 256).astype(np.uint16))])
        sample = theirs(place, "kitti", is_train=False)[0]
        pixels = (sample["image"][:, 0, 0] * 255).round().long().tolist()
        top, left = int(sample["depth"][0, 0]), pixels[0] + 256 * pixels[1]
        assert sample["depth"].shape == (352, 1216)
        assert pixels[2] == top % 256
        found.append({"height": height, "width": width, "top": top, "left": left})
    print(f"KB crops: {[tuple(row.values()) for row in found]}")
    return found


class Stored(nn.Module):
    """In place of the authors' network: the cases' own, with a weight to load."""

    def __init__(self, args=None):
        super().__init__()
        self.one = nn.Parameter(torch.ones(()))

    def forward(self, images):
        return {"pred_d": cases.depth_network(images) * self.one}


def evaluated(folder):
    """Run the authors' whole test script on made-up frames; return its mean metrics."""
    test = importlib.import_module("test")
    found = {}
    torch.save(Stored().state_dict(), folder / "ckpt.pth")
    for name, dataset, size, units, options in cases.EVALUATIONS:
        place = folder / name
        write(place, dataset, "test", cases.evaluation_frames(*size, units))
        arguments = [
            *("test.py", "--dataset", dataset, "--data_path", str(place / "data")),
            *("--gpu_or_cpu", "cpu", "--flip_test", "--shift_window_test", "--do_evaluate"),
            *("--ckpt_dir", str(folder / "ckpt.pth"), *options.split()),
        ]
        kept = []
        with (
            inside(place),
            quiet(),
            mock.patch.object(sys, "argv", arguments),
            mock.patch.object(test, "GLPDepth", Stored),
            mock.patch.object(test.logging, "progress_bar"),
            mock.patch.object(test.logging, "display_result", kept.append),
        ):
            test.main()
        found[name] = kept[0]
        print(f"test script, {name}: rmse {kept[0]['rmse']:.5f}, d1 {kept[0]['d1']:.4f}")
    return found
