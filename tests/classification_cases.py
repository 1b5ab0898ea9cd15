"""Seeded inputs that need no code of the authors: what golden numbers of classification belong to.

Both the tests and the script that takes the numbers (`tests/official/classification.py`) use them.
"""

from __future__ import annotations

import json
import random
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np
import torch

from mim_bench.backbones.spec import BackboneSpec
from mim_bench.tasks import classification_mixing
from mim_bench.tasks.classification import ClassificationTask

GOLDEN = Path(__file__).parent / "tasks" / "golden" / "classification.json"
CLASSES = 5
EPOCHS, ITERATIONS, BATCH = 100, 3, 512
"""Of the training whose rates are compared: long enough for all of the warm-up's bends."""

NOTED = (*range(0, 300, 23), 1, 2, 58, 59, 60, 61, 62, 298, 299)
"""Steps, counted from 0, whose rates are kept; the rise is over at step 60."""

SCALES = (1.0, 0.75**25)
"""The head's share of the rate, and the stem's for 26 layer ids."""

MIXED = range(12)
"""Seeds of the batches that are mixed and of those that are erased."""

INFO = {"name": "pets", "classes": tuple("abcde")}


def golden():
    """Read the numbers of the authors' code."""
    return json.loads(GOLDEN.read_text())


def task(backbone="golden_small", **settings):
    """Build a task at 64 pixels for five classes."""
    shape = {"image_size": (64, 64), "window": 4, "pad_order": "official"}
    return ClassificationTask(backbone, info=INFO, **shape, **settings)


def task_from(state, folder, **settings):
    """Build a task from a state dict of the authors' network, all but the head by our loader."""
    path = Path(folder) / "weights.pth"
    torch.save({"model": state}, path)
    one = task(BackboneSpec("golden_small", weights=str(path)), **settings)
    with torch.no_grad():
        one.network.head.linear.weight.copy_(state["head.weight"])
        one.network.head.linear.bias.copy_(state["head.bias"])
    return one


def official_name(name):
    """Return the authors' name of a parameter of our network."""
    for ours, theirs in (("head.linear.", "head."), ("backbone.norms.0.", "norm.")):
        if name.startswith(ours):
            return theirs + name.removeprefix(ours)
    parts = name.removeprefix("backbone.net.").split(".")
    if parts[2:3] == ["downsample"]:  # timm has the merging at the start of the next stage
        parts[1] = str(int(parts[1]) - 1)
    return ".".join(parts)


def halves(name):
    """Split an official name into a block (or merging, stem, norm, head) and what is in it."""
    parts = name.split(".")
    count = {"layers": 4 if parts[2:3] == ["blocks"] else 3}.get(parts[0], 1)
    return ".".join(parts[:count]), ".".join(parts[count:])


def pictures(seed, size, count=4):
    """Draw normalised pictures (count, 3, H, W)."""
    drawn = np.random.RandomState(seed).standard_normal((count, 3, *size))
    return torch.from_numpy(drawn.astype(np.float32))


def labels():
    """Return the labels of four pictures; the second and third are of one class."""
    return torch.tensor([0, 3, 3, 1])


def logits(seed):
    """Draw logits (4, classes)."""
    drawn = np.random.RandomState(seed).standard_normal((4, CLASSES))
    return torch.from_numpy((3 * drawn).astype(np.float32))


@contextmanager
def global_draws(seed):
    """Seed the global generators that the authors' code draws from; give one of ours that does.

    Our mixing and erasing draw from a generator of their own otherwise.
    """
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - timm's
    torch.manual_seed(seed)
    with mock.patch.object(classification_mixing, "drawn_from", return_value=nullcontext()):
        yield SimpleNamespace(random=np.random.rand, beta=np.random.beta)


def summary(images):
    """Return what tells one batch of pictures from another: sums, and sums by place."""
    rows = torch.arange(1.0, images.shape[-2] + 1)[:, None]
    columns = torch.arange(1.0, images.shape[-1] + 1)
    return [
        [round(float(part), 3) for part in (images * weight).sum((1, 2, 3))]
        for weight in (1.0, rows, columns)
    ]


def changed_part(before, after):
    """Return (top, bottom, left, right) of what differs between two pictures; None for nothing."""
    differs = (before != after).any(0)
    if not differs.any():
        return None
    rows, columns = (differs.any(axis).nonzero().flatten() for axis in (1, 0))
    return [int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1]
