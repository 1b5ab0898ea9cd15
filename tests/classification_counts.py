"""How many pictures the classification sets of small worlds have."""

from __future__ import annotations

SETS = {
    "imagenet1k": {"train": 4, "val": 1},
    "cog": {"train": 2, "test": 1},
    "food101": {"train": 3, "test": 1},
    "cifar10": {"train": 5, "test": 2},
    "cifar100": {"train": 3, "test": 1},
    "birdsnap": {"train": 4, "test": 1},
    "sun397": {"train": 3, "test": 1},
    "cars": {"train": 3, "test": 1},
    "aircraft": {"train": 2, "val": 1, "test": 1},
    "voc2007": {"train": 20, "val": 20, "test": 20},
    "dtd": {"train": 1, "val": 1, "test": 1},
    "pets": {"trainval": 5, "test": 1},
    "caltech101": {"all": 5},
    "flowers": {"train": 1, "val": 1, "test": 1},
    "inat18": {"train": 4, "val": 3},
}
