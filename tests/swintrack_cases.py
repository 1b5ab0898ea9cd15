"""Seeded inputs that need no code of the authors: what SwinTrack's golden numbers belong to.

Both the tests and the script that takes the numbers (`tests/official/tracking_network.py`) use
them.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

from mim_bench.tasks.swintrack import SwinTrackHead
from mim_bench.tasks.tracking_loss import tracking_losses
from mim_bench.tasks.tracking_targets import box_targets

GOLDEN = Path(__file__).parent / "tasks" / "golden" / "tracking_network.json"

HEADS = {
    "published grids": {
        "channels": 32,
        "template": (7, 7),
        "search": (14, 14),
        "layers": 2,
        "heads": 4,
    },
    "projected, not square": {
        "channels": 24,
        "template": (2, 3),
        "search": (5, 4),
        "dim": 32,
        "layers": 1,
        "decoder_layers": 2,
        "heads": 8,
        "mlp_ratio": 2.0,
    },
}
CELL = 16
BOXES = {
    # x, y, width, height in shares of the search region: inside of a cell, on the borders of cells,
    # everything, at the far corner, of one pixel or so, anywhere
    (14, 14): [
        [3 / 14, 4 / 14, 2 / 14, 3 / 14],
        [0.0, 0.0, 1.0, 1.0],
        [0.9, 0.6, 0.1, 0.4],
        [0.5, 0.5, 0.004, 0.004],
        [0.3123, 0.411, 0.271, 0.133],
    ],
    (5, 4): [[0.25, 0.2, 0.25, 0.4], [0.61, 0.13, 0.2, 0.55], [0.0, 0.3, 0.05, 0.7]],
}


def golden():
    return json.loads(GOLDEN.read_text())


def size(name):
    """Rows and columns of the search region in pixels."""
    return tuple(CELL * side for side in HEADS[name]["search"])


def make_head(name, **settings):
    """Build a head with weights from a seed, drawn in the order of their names."""
    head = SwinTrackHead(**{**HEADS[name], **settings})
    rng = np.random.default_rng(5)
    with torch.no_grad():
        for key, weight in sorted(head.named_parameters()):
            drawn = rng.standard_normal(tuple(weight.shape)).astype(np.float32)
            deviation = 0.5 if key.startswith(("encoder_bias", "decoder_bias")) else 0.15
            about = 1.0 if "norm" in key and key.endswith("weight") else 0.0
            weight.copy_(torch.from_numpy(about + deviation * drawn))
    return head


def maps(name):
    """Draw maps of template and search region, (B, C, rows, columns)."""
    rng = np.random.default_rng(6)
    count, channels = len(boxes(name)), HEADS[name]["channels"]
    grids = (HEADS[name]["template"], HEADS[name]["search"])
    drawn = [rng.standard_normal((count, channels, *grid)).astype(np.float32) for grid in grids]
    return [torch.from_numpy(one) for one in drawn]


def boxes(name):
    """Return targets, x, y, width, height in pixels: (B, 4) float32."""
    height, width = size(name)
    shares = np.array(BOXES[HEADS[name]["search"]])
    return torch.from_numpy((shares * [width, height, width, height]).astype(np.float32))


def run(name, wrap=lambda head: head, part=slice(None)):
    """Run head, targets and losses: outputs, positives, truth, losses, gradients by name.

    Args:
        name: The case.
        wrap: What is run in place of the head, such as its data-parallel self.
        part: Which samples.
    """
    head = make_head(name).eval()
    wrapped = wrap(head)  # kept: it is at work in the backward pass as well
    found = wrapped(*(one[part] for one in maps(name)))
    positives, truth = box_targets(boxes(name)[part], size(name), HEADS[name]["search"])
    losses = tracking_losses(found["score"], found["box"], positives, truth)
    (1.5 * losses["score"] + 1.5 * losses["box"]).backward()
    return found, positives, truth, losses, {k: w.grad for k, w in head.named_parameters()}


def digest(values, count=4):
    """Sum up an array of any size in a few numbers, none of which a change leaves alone."""
    flat = np.asarray(values.detach(), np.float64).reshape(-1)
    places = np.arange(len(flat)) + 1.0
    waves = np.cos(np.outer(np.arange(1, count + 1) * 0.7, np.sqrt(places) * 5))
    return (waves @ flat).tolist()
