"""Pictures of classes: which categories a dataset has, and how a picture of one is drawn."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from mim_bench.datamodules.miniature.scenes.categories import Category, all_categories, distance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

One = TypeVar("One")

SIDE = 96
"""Pixels of a picture's longer side."""

PER_UNIT = 12
"""Pictures that are drawn at once."""

SIZES = ((72, 96), (96, 96), (96, 72), (84, 96), (96, 84))
"""(rows, columns) that pictures have."""


@dataclass(frozen=True)
class Shot:
    """A picture to be drawn.

    Attributes:
        path: Where it goes, below the dataset's folder.
        category: What it shows.
        label: The class's number in the dataset.
        number: The picture's number in its class; the training pictures come first.
        split: What the picture is for, as the dataset's counts name it.
    """

    path: str
    category: Category
    label: int
    number: int
    split: str


def key_of(name: str) -> int:
    """Return a number that stands for a dataset in seeds."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")


@lru_cache(maxsize=64)
def choose(
    name: str, count: int, shapes: tuple[str, ...] = (), least: float = 0.2
) -> tuple[Category, ...]:
    """Choose a dataset's categories: of some shapes, and at least so far apart.

    Args:
        name: The dataset's; another name gives other categories.
        count: How many.
        shapes: Which shapes they may have; none for all.
        least: The smallest distance between two (see `categories.distance`).

    Raises:
        ValueError: There are not as many.
    """
    return apart((one for one in shuffled(name) if not shapes or one.shape in shapes), count, least)


def apart(candidates: Iterable[Category], count: int, least: float) -> tuple[Category, ...]:
    """Take categories in their order, each at least so far from those taken before.

    Raises:
        ValueError: There are not as many.
    """
    found: list[Category] = []
    for one in candidates:
        if all(distance(one, other) >= least - 1e-9 for other in found):
            found.append(one)
            if len(found) == count:
                return tuple(found)
    raise ValueError(f"only {len(found)} categories of {count} are {least:g} apart")


def shuffled(name: str) -> list[Category]:
    """Return all categories in an order that depends on a name alone."""

    def key(one: Category) -> bytes:
        return hashlib.sha256(
            f"{name}/{one.shape}/{one.material}/{one.pattern}/{one.parts}".encode()
        ).digest()

    return sorted(all_categories(), key=key)


def units(shots: Sequence[One]) -> list[tuple[One, ...]]:
    """Divide what is to be drawn into units of at most `PER_UNIT` pictures."""
    return [tuple(shots[start : start + PER_UNIT]) for start in range(0, len(shots), PER_UNIT)]


def begin(name: str, seed: int, shot: Shot) -> tuple[np.random.Generator, int, int]:
    """Return a shot's source of randomness, and rows and columns drawn from `SIZES`."""
    rng = generator(name, seed, shot)
    height, width = SIZES[int(rng.integers(len(SIZES)))]
    return rng, height, width


def generator(name: str, seed: int, shot: Shot) -> np.random.Generator:
    """Return a shot's source of randomness, which depends on nothing but the arguments."""
    import numpy as np

    return np.random.default_rng([seed, key_of(name), shot.label, shot.number])


def draw(
    name: str, seed: int, shot: Shot, size: tuple[int, int] | None = None
) -> npt.NDArray[np.uint8]:
    """Draw a shot: (H, W, 3) uint8 RGB; it depends on nothing but the arguments.

    Args:
        name: The dataset's.
        seed: The world's seed.
        shot: What is shown.
        size: (rows, columns); None draws one of `SIZES`.
    """
    from mim_bench.datamodules.miniature.scenes.portraits import make_close_up
    from mim_bench.datamodules.miniature.scenes.views import look

    rng, height, width = (
        begin(name, seed, shot) if size is None else (generator(name, seed, shot), *size)
    )
    return look(*make_close_up(rng, shot.category, height, width), rng).image


def write_unit(
    name: str,
    folder: Path,
    seed: int,
    shots: Sequence[Shot],
    odd: Mapping[tuple[int, int], str] | None = None,
    draw: Callable[[str, int, Shot], npt.NDArray[np.uint8]] = draw,
) -> None:
    """Draw shots and write them.

    Args:
        name: The dataset's.
        folder: Where to.
        seed: The world's seed.
        shots: Which.
        odd: (label, number) -> how a picture is encoded that isn't an ordinary one (see
            `files.write_odd_picture`).
        draw: How one is drawn, from the dataset's name, the seed and the shot.

    Raises:
        OSError: One can't be written.
    """
    import cv2

    from mim_bench.datamodules.miniature.files import write_odd_picture, write_picture

    cv2.setNumThreads(1)
    for shot in shots:
        image = draw(name, seed, shot)
        kind = (odd or {}).get((shot.label, shot.number))
        if kind:
            write_odd_picture(folder / shot.path, image, kind)
        else:
            write_picture(folder / shot.path, image)


def shots_of(
    counts: Mapping[str, int],
    categories: Sequence[Category],
    path: Callable[[str, int, int], str],
) -> list[Shot]:
    """Return the shots of all splits, class by class.

    Args:
        counts: Split -> pictures of each class.
        categories: In the order of their labels.
        path: From split, label and the picture's number in its class, from 0, to its file.
    """
    found, start = [], 0
    for split, count in counts.items():
        found += [
            Shot(path(split, label, number), category, label, number, split)
            for label, category in enumerate(categories)
            for number in range(start, start + count)
        ]
        start += count
    return found


def write_lines(path: Path, lines: Sequence[str], end: str = "\n") -> None:
    """Write a text file; its folder is made.

    Raises:
        OSError: It can't be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(f"{line}{end}" for line in lines).encode())
