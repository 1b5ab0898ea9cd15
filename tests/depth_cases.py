"""Seeded inputs that need no code of the authors: what the golden numbers of depth belong to.

Both the tests and the script that takes the numbers (`tests/official/depth.py`) use them.
"""

from __future__ import annotations

import contextlib
import json
import zlib
from pathlib import Path
from unittest import mock

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader

from mim_bench.backbones import catalogue as catalogue_module
from mim_bench.backbones.catalogue import Entry, catalogue
from mim_bench.backbones.spec import BackboneSpec
from mim_bench.tasks.depth import DepthTask

GOLDEN_FOLDER = Path(__file__).parent / "tasks" / "golden"

# SwinV2 with the published windows' proportions: pretrained at 64 pixels with windows 4 4 4 2
# (192 pixels: 12 12 12 6), fine-tuned at 128 with 8 8 8 4 (480 pixels: 30 30 30 15).
SMALL = {
    "architecture": "swinv2_base_window12_192",
    "arguments": {
        "embed_dim": 16,
        "depths": (2, 2, 4, 2),
        "num_heads": (1, 2, 4, 8),
        "img_size": 64,
        "window_size": 4,
    },
}
# As deep as the published base and large, and very thin.
DEEP = {
    "architecture": "swinv2_base_window12_192",
    "arguments": {
        "embed_dim": 4,
        "depths": (2, 2, 18, 2),
        "num_heads": (1, 1, 1, 1),
        "img_size": 64,
        "window_size": 2,
    },
}
TINY = {
    "architecture": "swinv2_tiny_window8_256",
    "arguments": {"img_size": 192, "window_size": 12},
}
_ENTRIES = {"golden_small": SMALL, "golden_deep": DEEP, "golden_tiny": TINY}
_HEAD = {
    "decoder.deconv_layers.": "deconvs.",
    "decoder.conv_layers.": "fuse.",
    "last_layer_depth.": "predict.",
}

NETWORKS = [
    {"size": 128, "window": 8, "max_depth": 10.0, "train": False, "seed": 1},
    {"size": 128, "window": 8, "max_depth": 10.0, "train": True, "seed": 2},
    {"size": 96, "window": 6, "max_depth": 80.0, "train": True, "seed": 3},
]
"""Height and width, window of the first stages in tokens, largest depth, mode."""

TRAINING = {"size": 64, "window": 4, "epochs": 5, "iterations": 2, "batch": 2, "decay": 0.9}


NO_GRADIENT = ("decoder.conv_layers.0.bias",)
"""What a batch norm in training mode takes out again: its gradient is rounding alone."""


def golden(name):
    """Read a file of the authors' numbers."""
    return json.loads((GOLDEN_FOLDER / f"{name}.json").read_text())


@contextlib.contextmanager
def golden_backbones():
    """Add this file's backbones to the catalogue."""
    known = dict(catalogue())
    for name, entry in _ENTRIES.items():
        known[name] = Entry(name, entry["architecture"], entry["arguments"], "mini", name, 0)
    with contextlib.ExitStack() as stack:
        for place in ("mim_bench.backbones.spec", "mim_bench.backbones.network"):
            stack.enter_context(mock.patch(f"{place}.catalogue", return_value=known))
        patched = mock.patch.object(catalogue_module, "catalogue", return_value=known)
        stack.enter_context(patched)
        yield


def values(name, shape):
    """Draw a tensor of a state dict by its name: seeded, and of the size that keeps maps alive."""
    if name.endswith("num_batches_tracked"):
        return torch.zeros(shape, dtype=torch.long)
    noise = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape)
    if name.endswith("running_var"):
        noise = np.exp(0.3 * noise)
    elif name.endswith("logit_scale"):
        noise = np.log(10) + 1.3 * noise  # some beyond the cap of ln 100
    elif len(shape) > 1:
        noise = noise / np.sqrt(np.prod(shape[1:]))
    else:
        noise = 0.2 * noise + (1.0 if name.endswith("weight") else 0.0)
    return torch.from_numpy(noise.astype(np.float32))


def trained(table):
    """Return the names of parameters in a table of a state dict's names and shapes."""
    return [name for name, _ in table if "running_" not in name and "num_batches" not in name]


def official_name(name):
    """Return the authors' name of a parameter of `DepthTask.network`."""
    for theirs, ours in _HEAD.items():
        if name.startswith(f"head.{ours}"):
            return theirs + name.removeprefix(f"head.{ours}")
    if name.startswith("backbone.norms.0."):
        return "encoder.norm3." + name.removeprefix("backbone.norms.0.")
    parts = name.removeprefix("backbone.net.").replace("cpb_mlp", "rpe_mlp").split(".")
    if parts[2:3] == ["downsample"]:
        parts[1] = str(int(parts[1]) - 1)
    return ".".join(["encoder", *parts])


def head_state(state):
    """Return the head's part of the authors' state dict by our names."""
    return {
        ours + name.removeprefix(theirs): tensor
        for name, tensor in state.items()
        for theirs, ours in _HEAD.items()
        if name.startswith(theirs)
    }


def task_from(state, folder, name="golden_small", **settings):
    """Build our task from a state dict of the authors' model, its encoder through our loader."""
    path = Path(folder) / "weights.pth"
    torch.save({"model": state}, path)
    task = DepthTask(
        BackboneSpec(name, weights=str(path)),
        **{"out_norm": "loaded", "drop_path": 0.0, "pad_order": "official", **settings},
    )
    task.network.head.load_state_dict(head_state(state))
    return task


def network_batch(case, count=2):
    """Draw pictures (count, 3, S, S) in 0..1 and depth with holes for a case of `NETWORKS`."""
    rng = np.random.RandomState(case["seed"])
    size = case["size"]
    images = rng.uniform(0, 1, (count, 3, size, size)).astype(np.float32)
    depth = rng.uniform(0.1, 1.1 * case["max_depth"], (count, size, size)).astype(np.float32)
    depth[rng.uniform(size=depth.shape) < 0.3] = 0
    return torch.from_numpy(images), torch.from_numpy(depth)


def training_task(state, folder):
    """Build the task of `TRAINING`."""
    return task_from(
        state,
        folder,
        image_size=[TRAINING["size"]] * 2,
        window=TRAINING["window"],
        max_depth=10.0,
        layer_decay=TRAINING["decay"],
    )


def training_batches():
    """Draw the batches of `TRAINING`, as a datamodule gives them."""
    size, count = TRAINING["size"], TRAINING["batch"]
    batches = []
    for number in range(TRAINING["iterations"]):
        rng = np.random.RandomState(50 + number)
        image = rng.randint(0, 256, (count, 3, size, size)).astype(np.uint8)
        depth = rng.uniform(0.5, 10, (count, size, size)).astype(np.float32)
        depth[rng.uniform(size=depth.shape) < 0.3] = 0
        batches.append({"image": torch.from_numpy(image), "depth": torch.from_numpy(depth)})
    return batches


def train(task, trainer):
    """Train a task on `training_batches`; return the loss of each step."""
    losses = []
    loss = task.loss

    def noted(batch):
        losses.append(loss(batch))
        return losses[-1]

    task.loss = noted
    trainer.fit(task, DataLoader(training_batches(), batch_size=None))
    return [float(value.detach()) for value in losses]


def loss_batch(seed, height=24, width=32, largest=10.0):
    """Draw target and prediction (3, H, W), the target with holes and beyond the largest depth."""
    pairs = []
    for index in range(3):
        rng = np.random.RandomState(100 * seed + index)
        target = rng.uniform(0, 1.2 * largest, (height, width)).astype(np.float32)
        target[rng.uniform(size=(height, width)) < 0.2] = 0
        pairs.append((target, rng.uniform(0.2, largest, (height, width)).astype(np.float32)))
    return tuple(torch.from_numpy(np.stack(parts)) for parts in zip(*pairs, strict=True))


def metric_frame(height, width, max_depth, kind):
    """Draw target and prediction (H, W).

    Kinds: "broken" has predictions that are NaN and infinite; "bounds" has targets at exactly
    1 mm and the largest depth, and next to them; "close" has predictions near the target.
    """
    rng = np.random.RandomState(7)
    shape = (height, width)
    target = rng.uniform(0, 1.2 * max_depth, shape).astype(np.float32)
    target[rng.uniform(size=shape) < 0.2] = 0
    prediction = rng.uniform(0.2, max_depth, shape).astype(np.float32)
    if kind != "broken":
        wanted = np.where(target > 0, target, 1).astype(np.float32)
        spread = 0.25 if kind == "close" else 0.6
        prediction = (wanted * np.exp(spread * rng.standard_normal(shape))).astype(np.float32)
    if kind == "bounds":
        edges = np.float32([1e-3, max_depth])
        near = [np.nextafter(edge, np.float32(to)) for edge in edges for to in (0, np.inf)]
        chosen = np.array([*edges, *near], np.float32)
        places = rng.uniform(size=shape) < 0.4
        target[places] = rng.choice(chosen, int(places.sum()))
    if kind != "close":
        places = np.random.RandomState(9).randint(0, target.size, 50)
        prediction.flat[places[:20]] = np.nan
        prediction.flat[places[20:40]] = np.inf
        prediction.flat[places[40:]] = -np.inf
    return torch.from_numpy(target), torch.from_numpy(prediction)


def window_images(height, width):
    """Draw a picture (1, 3, H, W)."""
    images = np.random.RandomState(3).uniform(0, 1, (1, 3, height, width))
    return torch.from_numpy(images.astype(np.float32))


def window_network(images):
    """Answer (N, 1, H, W); not the same for a mirrored image, nor elsewhere in a window."""
    ramp = torch.linspace(0, 1, images.shape[-1]) ** 2
    return images.mean(1, keepdim=True) * (1 + ramp) + images[:, :1] * ramp


def depth_network(images):
    """Answer depth (N, 1, H, W) in metres of `evaluation_frames` from their pictures.

    Another one elsewhere in a window, also on the mean with the mirrored window.
    """
    ramp = 0.9 + 0.3 * torch.linspace(0, 1, images.shape[-1]) ** 2
    return images.mean(1, keepdim=True) * ramp * 10 + 0.05


def evaluation_frames(height, width, units, count=3):
    """Draw pictures (H, W, 3) uint8 and depth files (H, W) uint16 that have to do with them."""
    frames = []
    for number in range(count):
        rng = np.random.RandomState(70 + number)
        rows = np.linspace(0, 1, height)[:, None]
        columns = np.linspace(0, 1, width)
        light = 0.15 + 0.6 * (rows * (1 - rows) + (columns - 0.3 * number) ** 2)
        image = 255 * light[..., None] * rng.uniform(0.8, 1.2, (height, width, 3))
        depth = units * 10 * light * rng.uniform(0.8, 1.25, (height, width))
        depth[rng.uniform(size=depth.shape) < 0.3] = 0
        depth[rng.uniform(size=depth.shape) < 0.05] = units * 10  # at the cap
        frames.append((np.clip(image, 0, 255).astype(np.uint8), depth.astype(np.uint16)))
    return frames


EVALUATIONS = [
    (
        "nyu",
        "nyudepthv2",
        (480, 640),
        1000,
        "--max_depth 10.0 --max_depth_eval 10.0 --shift_size 2",
    ),
    (
        "kitti-garg",
        "kitti",
        (375, 1242),
        256,
        "--max_depth 80.0 --max_depth_eval 80.0 --shift_size 16 --kitti_crop garg_crop",
    ),
    (
        "kitti-eigen",
        "kitti",
        (370, 1226),
        256,
        "--max_depth 80.0 --max_depth_eval 80.0 --shift_size 16 --kitti_crop eigen_crop",
    ),
]
"""Name, the authors' dataset, size of frames, units per metre, options of the authors' script."""

TRAINING_CROP = (6, 9)


def training_frames(count=9, height=9, width=14):
    """Draw pictures and depth files; each depth says by its rank where it lies."""
    frames = []
    for number in range(count):
        rng = np.random.RandomState(30 + number)
        depth = 700 + 100 * number + 37 * np.arange(height * width).reshape(height, width)
        image = rng.randint(0, 256, (height, width, 3)).astype(np.uint8)
        frames.append((image, depth.astype(np.uint16)))
    return frames


def ranges(chain):
    """Return name, probability and limits of albumentations transforms, in order."""
    found = []
    for step in chain:
        limits = {
            name: [float(value) for value in getattr(step, name)]
            for name in vars(step)
            if name.endswith("_limit")
        }
        found.append({"name": type(step).__name__, "p": step.p, "limits": limits})
    return found


_LAYOUTS = {
    ("nyudepthv2", "train"): ("nyu_depth_v2", "room/rgb_{:05d}.png", "room/sync_depth_{:05d}.png"),
    ("nyudepthv2", "test"): (
        "nyu_depth_v2/official_splits/test",
        "room/rgb_{:05d}.png",
        "room/sync_depth_{:05d}.png",
    ),
    ("kitti", "test"): (
        "kitti",
        "day/drive/image_02/data/{:010d}.png",
        "truth/day/drive/image_02/{:010d}.png",
    ),
}


def write_frames(root, dataset, split, frames):
    """Write frames (RGB picture, file units of depth) and their list; return the list's file.

    The pictures are PNG, which every decoder reads alike.
    """
    folder, *names = _LAYOUTS[dataset, split]
    lines = []
    for number, (image, depth) in enumerate(frames):
        paths = [name.format(number) for name in names]
        for path, pixels in zip(paths, (image[..., ::-1], depth), strict=True):
            (root / folder / path).parent.mkdir(parents=True, exist_ok=True)
            assert cv2.imwrite(str(root / folder / path), pixels)
        lines.append(" ".join(f"/{path}" for path in paths))
    listed = root / folder.partition("/")[0] / f"{split}_list.txt"
    listed.write_text("\n".join(lines))
    return listed


class ScriptedDraws:
    """A sample's generator whose draws are given: a crop's place, then CutDepth and mirroring."""

    def __init__(self, top, left, alpha, beta, mirrored):
        self.places = iter([top, left])
        self.numbers = np.array([alpha, beta, 0.5, 0.0 if mirrored else 0.9])

    def integers(self, _high):
        return next(self.places)

    def random(self, _count):
        return self.numbers
