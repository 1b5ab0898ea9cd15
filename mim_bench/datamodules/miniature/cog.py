"""Writes close-ups as ImageNet-CoG: synset folders of all five levels, and its two pickles."""

from __future__ import annotations

import pickle
from functools import lru_cache
from typing import TYPE_CHECKING

from mim_bench.datamodules.miniature import imagenet1k, labelled
from mim_bench.datamodules.miniature.scenes.categories import distance

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mim_bench.datamodules.miniature.labelled import Shot
    from mim_bench.datamodules.miniature.scenes.categories import Category

NAME = "cog"
FOLDER = "cog"
COUNTS = {"train": 26, "test": 8}
"""Pictures of each class, by split."""

FRAMES_PER_UNIT = labelled.PER_UNIT
LEVELS, CLASSES = 5, 20

_CANDIDATES = 150  # of a level
_SHAPES = (
    ("box", "ball"),
    ("cylinder", "cone"),
    ("bucket", "hexagon"),
    ("roof", "hexagon"),
    ("pyramid", "barrel"),
)
_LEAST = 0.3  # between two classes of a level


def far(one: Category) -> float:
    """Return the mean distance from the five nearest categories that pretraining sees."""
    nearest = sorted(distance(one, seen) for seen in imagenet1k.categories())
    return sum(nearest[:5]) / 5


@lru_cache(maxsize=1)
def levels() -> tuple[tuple[Category, ...], ...]:
    """Return the levels' categories, in the order of their labels: each level farther away.

    The objects of a level have two shapes at most, so that outlines tell them apart hardly; the
    first levels' shapes are among those that pretraining sees.
    """
    seen = set(imagenet1k.categories())
    others = [one for one in labelled.shuffled(NAME) if one not in seen]
    found = []
    for level, shapes in enumerate(_SHAPES):
        own = [one for one in others if one.shape in shapes][:_CANDIDATES]
        own.sort(key=far)
        # of a level's own candidates the first takes the nearest, the last the farthest
        middle = level * (len(own) - 1) / (LEVELS - 1)
        by_place = [place for _, place in sorted((abs(k - middle), k) for k in range(len(own)))]
        found.append(labelled.apart((own[place] for place in by_place), CLASSES, _LEAST))
    return tuple(found)


def wnid(level: int, label: int) -> str:
    """Return the made-up WordNet id of a class of a level, counted from 0."""
    # ids of the levels alternate, as ids say nothing of distance
    return f"n{11000000 + 1117 * (label * LEVELS + level):08d}"


def plan(counts: Mapping[str, int]) -> list[tuple[Shot, ...]]:
    """Return the units of pictures; labels count through all levels."""
    categories = [one for level in levels() for one in level]

    def path(split: str, label: int, number: int) -> str:
        name = wnid(*divmod(label, CLASSES))
        return f"images/{name}/{name}_{number + 1}.JPEG"

    return labelled.units(labelled.shots_of(counts, categories, path))


def draw_frame(folder: Path, seed: int, counts: Mapping[str, int], number: int) -> None:
    """Draw the `number`-th unit of `plan`.

    Raises:
        OSError: A picture can't be written.
    """
    labelled.write_unit(NAME, folder, seed, plan(counts)[number])


def finish(folder: Path, counts: Mapping[str, int]) -> None:
    """Write the pickles: lists of ids, and arrays of paths of which some begin with a slash."""
    import numpy as np

    mapping = [[wnid(level, label) for label in range(CLASSES)] for level in range(LEVELS)]
    paths: dict[str, dict[str, list[str]]] = {}
    for unit in plan(counts):
        for shot in unit:
            name = wnid(*divmod(shot.label, CLASSES))
            slash = "/" if shot.label % 3 == 0 else ""
            found = paths.setdefault(name, {"train": [], "test": []})
            found[shot.split].append(slash + shot.path.removeprefix("images/"))
    concepts = {
        name: {split: np.array(found, dtype=np.str_) for split, found in both.items()}
        for name, both in paths.items()
    }
    for file, content in (
        ("cog_levels_mapping_file.pkl", mapping),
        ("cog_concepts_split_file.pkl", concepts),
    ):
        (folder / file).write_bytes(pickle.dumps(content, protocol=4))
