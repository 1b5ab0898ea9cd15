"""The category of an object needs seeing: trivial classifiers stay below half of a small network.

Run: python -m tests.learning.categories
Claims: 1-, 5- and 15-nearest-neighbour classifiers on the mean colour, and on pictures of 8 x 8
pixels, each reach less than half of the accuracy of a small convolutional network after
`STEPS` steps.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional

from mim_bench.datamodules.miniature.labelled import apart
from mim_bench.datamodules.miniature.scenes.categories import Category, all_categories
from mim_bench.datamodules.miniature.scenes.portraits import make_portrait
from mim_bench.datamodules.miniature.scenes.views import look

CATEGORIES, TRAIN, TEST = 12, 150, 50
SIDE, STEPS, BATCH = 64, 1000, 48


def choose_categories(count: int, seed: int) -> list[Category]:
    """Draw categories of which any two are at least 0.3 apart."""
    order = np.random.default_rng(seed).permutation(len(all_categories()))
    return list(apart((all_categories()[int(index)] for index in order), count, 0.3))


def draw(job: tuple[Category, int, int, int]) -> np.ndarray:
    """Draw one picture of a category."""
    category, seed, label, number = job
    cv2.setNumThreads(1)
    rng = np.random.default_rng([seed, label, number])
    return look(*make_portrait(rng, category, SIDE, SIDE), rng).image


def nearest(train: np.ndarray, labels: np.ndarray, test: np.ndarray, truth: np.ndarray) -> float:
    """Return the best accuracy of nearest-neighbour classifiers on flat features."""
    train, test = (part.reshape(len(part), -1).astype(np.float32) for part in (train, test))
    square = (test**2).sum(1)[:, None] + (train**2).sum(1)[None] - 2 * test @ train.T
    order = np.argsort(square, axis=1)
    best = 0.0
    for count in (1, 5, 15):
        votes = labels[order[:, :count]]
        found = np.array([np.bincount(row).argmax() for row in votes])
        best = max(best, float((found == truth).mean()))
    return best


def small_network(classes: int) -> nn.Module:
    """Build four convolutions and a linear layer."""
    layers: list[nn.Module] = []
    width = 3
    for out in (24, 48, 96, 128):
        layers += [nn.Conv2d(width, out, 3, 2, 1), nn.BatchNorm2d(out), nn.ReLU()]
        width = out
    pool = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes)]
    return nn.Sequential(*layers, *pool)


def train_network(
    pictures: torch.Tensor, labels: torch.Tensor, steps: int, seed: int, size: int = BATCH
) -> nn.Module:
    """Train with random shifts and mirroring."""
    torch.manual_seed(seed)
    network = small_network(int(labels.max()) + 1)
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps)
    for _ in range(steps):
        chosen = torch.randint(len(pictures), (size,))
        batch = pictures[chosen]
        if torch.rand(()) < 0.5:
            batch = batch.flip(-1)
        down, right = (int(torch.randint(9, ())) for _ in range(2))
        batch = functional.pad(batch, (4, 4, 4, 4), mode="replicate")
        batch = batch[..., down : down + SIDE, right : right + SIDE]
        loss = functional.cross_entropy(network(batch), labels[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return network.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=STEPS)
    options = parser.parse_args()
    categories = choose_categories(CATEGORIES, options.seed)
    jobs = [
        (category, options.seed, label, number)
        for label, category in enumerate(categories)
        for number in range(TRAIN + TEST)
    ]
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        pictures = np.stack(list(pool.map(draw, jobs, chunksize=50)))
    labels = np.array([label for _, _, label, _ in jobs])
    testing = np.array([number >= TRAIN for *_, number in jobs])
    train, test = pictures[~testing], pictures[testing]
    known, truth = labels[~testing], labels[testing]
    colour = nearest(train.mean((1, 2)), known, test.mean((1, 2)), truth)
    shrunk = [
        np.stack([cv2.resize(picture, (8, 8), interpolation=cv2.INTER_AREA) for picture in part])
        for part in (train, test)
    ]
    raw = nearest(shrunk[0], known, shrunk[1], truth)
    floats = [
        torch.from_numpy(part).permute(0, 3, 1, 2).float() / 127.5 - 1 for part in (train, test)
    ]
    network = train_network(floats[0], torch.from_numpy(known), options.steps, options.seed)
    with torch.no_grad():
        found = network(floats[1]).argmax(1).numpy()
    accuracy = float((found == truth).mean())
    for category in categories:
        print(f"  {category.name}")
    print(f"chance {1 / CATEGORIES:.3f}, {len(test)} test pictures")
    print(f"mean colour {colour:.3f}, 8 x 8 pixels {raw:.3f}, network {accuracy:.3f}")
    if max(colour, raw) >= accuracy / 2:
        sys.exit("a trivial classifier reaches half of the network's accuracy")


if __name__ == "__main__":
    main()
