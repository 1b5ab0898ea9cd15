"""What every listing of a classification dataset must fulfil, whichever files it comes from."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mim_bench.datamodules.readers.listings import Listing

_SHOWN = 3


def flaw(split: str, listing: Listing, class_count: int, trained_on: bool) -> tuple[str, str]:
    """Return the first thing that is wrong with a listing, and what was expected; or two blanks.

    Args:
        split: Its split.
        listing: The listing.
        class_count: How many classes it must have; 0 takes any number.
        trained_on: Whether every class must have a picture.
    """
    return next(_flaws(split, listing, class_count, trained_on), ("", ""))


def _flaws(
    split: str, listing: Listing, class_count: int, trained_on: bool
) -> Iterator[tuple[str, str]]:
    names, labels, found = listing.names.all(), listing.labels, len(listing.classes)
    if len(set(names)) < len(names):
        twice = min(name for name, count in Counter(names).items() if count > 1)
        yield f"{split} lists {twice!r} twice", "each picture once"
    if abroad := [name for name in names if name.startswith("/") or ".." in name.split("/")]:
        yield (
            f"{split} lists {abroad[0]!r}, which leads out of the dataset's folder",
            "paths below it",
        )
    if labels.ndim == 1 and ((labels < 0) | (labels >= found)).any():
        index = int(((labels < 0) | (labels >= found)).argmax())
        yield (
            f"the class of {names[index]} has the number {int(labels[index])}, counted from 0",
            f"0 to {found - 1}",
        )
        return  # such labels can't be counted
    if class_count and found != class_count:
        yield f"{split} has {found:,} classes", f"{class_count:,} classes"
    empty = [listing.classes[label] for label in np.flatnonzero(listing.counts() == 0)]
    if empty and trained_on:
        shown = ", ".join(empty[:_SHOWN]) + (" …" if len(empty) > _SHOWN else "")
        yield (
            f"{len(empty):,} of {found:,} classes have no picture in {split}: {shown}",
            "pictures of every class",
        )
    if not names:
        yield f"{split} has no picture", "a picture or more"


def disagreements(listings: Mapping[str, Listing], carved: bool) -> Iterator[tuple[str, str]]:
    """Yield what is wrong between splits, and what was expected.

    Args:
        listings: Split -> its listing.
        carved: Whether `train` and `val` are carved out of `trainval`, so that they can't share
            a picture.
    """
    parts = {"train", "val"}
    for first, second in combinations(listings, 2):
        one, other = listings[first], listings[second]
        if one.classes != other.classes:
            yield (
                f"{first} and {second} do not have the same classes in the same order",
                "one order of classes: numbers mean the same in all lists",
            )
        some = parts & {first, second}
        if some and "trainval" in (first, second):
            continue  # the one is a part of the other
        if some and carved and (some == parts or "trainval" in listings):
            continue
        if both := set(one.names.all()).intersection(other.names.all()):
            yield (
                f"{len(both):,} pictures are in {first} and in {second}: {min(both)}",
                "splits without a common picture",
            )
