"""What a split of a classification dataset lists, compactly: names, labels, classes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

_END = "\n"
"""What ends a name: no name holds it."""


class Names(Sequence[str]):
    """Names as one block of bytes: a million of them take as much as their letters.

    Loader processes share the block, whereas a million strings would be copied into each of them
    as soon as they are looked at.

    Args:
        letters: (bytes,) uint8, the names in UTF-8, each ended by a line feed.
        ends: (N,) int64, where each name's line feed stands.
    """

    def __init__(self, letters: npt.NDArray[np.uint8], ends: npt.NDArray[np.int64]) -> None:
        self.letters = letters
        self.ends = ends

    @classmethod
    def of(cls, names: Sequence[str]) -> Names:
        """Pack names.

        Raises:
            ValueError: A name holds a line feed.
        """
        text = "".join(f"{name}{_END}" for name in names)
        letters = np.frombuffer(text.encode(), np.uint8)
        ends = np.flatnonzero(letters == ord(_END))
        if len(ends) != len(names):
            raise ValueError("a name holds a line feed")
        return cls(letters, ends)

    def __len__(self) -> int:
        return len(self.ends)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...
    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        if isinstance(index, slice):
            return [self[one] for one in range(*index.indices(len(self)))]
        place = range(len(self))[index]
        start = int(self.ends[place - 1]) + 1 if place else 0
        return self.letters[start : int(self.ends[place])].tobytes().decode()

    def all(self) -> list[str]:
        """Return the names as strings."""
        return self.letters.tobytes().decode().split(_END)[:-1]

    def at(self, indices: npt.NDArray[np.int64]) -> Names:
        """Return some of the names, in the order asked for."""
        every = self.all()
        return Names.of([every[index] for index in indices.tolist()])


@dataclass(frozen=True, eq=False)
class Listing:
    """A split: which pictures, and what they show.

    Attributes:
        names: Paths of the pictures relative to the dataset's folder, with forward slashes.
        labels: (N,) int32 class of each picture; with several classes in a picture (N, C) int8:
            1 there, 0 not there, -1 neither learnt nor scored.
        classes: Names of the classes, in the order of their labels.
        left_out: What the files list and this listing leaves out: reason in words -> how many.
    """

    names: Names
    labels: npt.NDArray[Any]
    classes: tuple[str, ...]
    left_out: tuple[tuple[str, int], ...] = ()

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        labels: Sequence[int] | npt.NDArray[Any],
        classes: Sequence[str],
        left_out: Sequence[tuple[str, int]] = (),
    ) -> Listing:
        """Pack a listing; `labels` (N,) become int32, (N, C) int8.

        Raises:
            ValueError: A name holds a line feed, or a label is no whole number of so many bits.
        """
        array = np.asarray(labels)
        kind = np.int8 if array.ndim == 2 else np.int32
        with np.errstate(invalid="ignore"):
            packed = array.astype(kind)
        if not np.array_equal(packed, array):
            raise ValueError(f"a label is no whole number of {8 * packed.itemsize} bits")
        return cls(Names.of(names), packed, tuple(classes), tuple(left_out))

    def __len__(self) -> int:
        return len(self.names)

    def at(self, indices: npt.NDArray[np.int64]) -> Listing:
        """Return some of the pictures, in the order asked for; classes stay."""
        return Listing(self.names.at(indices), self.labels[indices], self.classes, self.left_out)

    def counts(self) -> npt.NDArray[np.int64]:
        """Return how many pictures show each class: (C,)."""
        if self.labels.ndim == 2:
            return np.asarray((self.labels == 1).sum(axis=0))
        return np.bincount(self.labels, minlength=len(self.classes))

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return the listing as arrays without objects, for a file."""
        reasons = [reason for reason, _ in self.left_out]
        return {
            "letters": self.names.letters,
            "ends": self.names.ends,
            "labels": self.labels,
            "classes": np.array(self.classes, dtype=np.str_),
            "reasons": np.array(reasons, dtype=np.str_),
            "left_out": np.array([count for _, count in self.left_out], dtype=np.int64),
        }

    @classmethod
    def from_arrays(cls, held: dict[str, npt.NDArray[Any]]) -> Listing:
        """Return what `arrays` took apart."""
        pairs = zip(held["reasons"].tolist(), held["left_out"].tolist(), strict=True)
        names = Names(held["letters"], held["ends"])
        return cls(names, held["labels"], tuple(held["classes"].tolist()), tuple(pairs))

    def sha256(self) -> str:
        """Return a hash of names, labels and classes."""
        state = hashlib.sha256(self.names.letters.tobytes())
        state.update(np.ascontiguousarray(self.labels).astype("<i4").tobytes())
        state.update(_END.join(self.classes).encode())
        return state.hexdigest()


def held_out(listing: Listing, count: int, seed: int) -> npt.NDArray[np.bool_]:
    """Choose pictures to validate on: seeded, and of each class in proportion.

    Which pictures of a class are taken depends on the hash of seed and name alone, so it is the
    same on every machine, with every NumPy and in whatever order they are listed.

    Args:
        listing: A split with one label per picture.
        count: How many pictures are held out, 0 to all of them.
        seed: Of the choice.

    Returns:
        (N,) bool, `count` of them true. A class gives its share rounded down or up.
    """
    labels, total = listing.labels, len(listing)
    shares = listing.counts() * count / max(total, 1)
    quota = np.floor(shares).astype(np.int64)
    # largest remainders first; of equal ones the class with the smaller label
    order = np.argsort(quota - shares, kind="stable")
    quota[order[: count - int(quota.sum())]] += 1
    rank = _ranks(listing.names.all(), seed)
    chosen = np.zeros(total, np.bool_)
    order = np.lexsort((rank, labels))
    starts = np.searchsorted(labels[order], np.arange(len(quota)))
    for start, wanted in zip(starts.tolist(), quota.tolist(), strict=True):
        chosen[order[start : start + wanted]] = True
    return chosen


def ranked(names: Sequence[str], seed: int) -> npt.NDArray[np.int64]:
    """Return an order of names (N,) that depends on the seed and each name alone."""
    return np.argsort(_ranks(names, seed), kind="stable")


def _ranks(names: Sequence[str], seed: int) -> npt.NDArray[Any]:
    hashes = [hashlib.sha256(f"{seed}/{name}".encode()).digest()[:8] for name in names]
    return np.frombuffer(b"".join(hashes), ">u8")
