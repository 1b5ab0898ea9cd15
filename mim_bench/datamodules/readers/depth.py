"""Readers of picture and depth pairs; a dataset of your own is a subclass. (No torch.)"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from mim_bench.datamodules.readers.base import Reader, Sample
from mim_bench.datamodules.readers.images import read_depth, read_rgb
from mim_bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Pair:
    """A picture and its depth map.

    Attributes:
        id: Unique in its split.
        image: The picture, 8 bits of RGB.
        depth: The depth map, 16 bits.
    """

    id: str
    image: Path
    depth: Path


class DepthReader(Reader):
    """Reads pairs of pictures and 16-bit depth maps. A subclass sets `info` and writes `pairs`.

    Samples hold `id`, `image` (H, W, 3) uint8 RGB, `depth` (H, W) float32 metres, 0 for unknown.
    """

    depth_scale: ClassVar[float] = 1000.0
    """Stored units per metre."""

    def __init__(self, root: str | Path) -> None:
        super().__init__(root)
        self._pairs: dict[str, list[Pair]] = {}

    @abstractmethod
    def pairs(self, split: str) -> list[Pair]:
        """Return the pairs of a split, in a fixed order.

        Raises:
            UserError: The split's list is missing or wrong.
        """

    def listed(self, split: str) -> list[Pair]:
        """Return the pairs of a split, read once.

        Raises:
            UserError: The split is unknown, empty, or names a picture twice.
        """
        if self._known(split) not in self._pairs:
            found = self.pairs(split)
            if not found:
                where = ", ".join(map(str, self.lists(split))) or str(self.folder)
                raise UserError(
                    f"the split {split!r} is empty", where=where, action=self.info.obtain
                )
            names = [pair.id for pair in found]
            if len(set(names)) < len(names):
                twice = next(name for name in names if names.count(name) > 1)
                raise UserError(f"{twice!r} stands twice in the split {split!r}", where=str(self.folder))
            self._pairs[split] = found
        return self._pairs[split]

    def ids(self, split: str) -> list[str]:
        """Return the pairs' ids (see `Reader.ids`)."""
        return [pair.id for pair in self.listed(split)]

    def files(self, split: str) -> Sequence[Path]:
        """Return all pictures and depth maps of a split."""
        return [path for pair in self.listed(split) for path in (pair.image, pair.depth)]

    def sample(self, split: str, index: int) -> Sample:
        """Return a pair decoded (see the class).

        Raises:
            UserError: A file is missing, truncated, of the wrong kind, or the two differ in size.
        """
        pair = self.listed(split)[index]
        image, depth = read_rgb(pair.image), read_depth(pair.depth)
        if image.shape[:2] != depth.shape:
            raise UserError(
                f"is {depth.shape[1]}x{depth.shape[0]} and its picture "
                f"{image.shape[1]}x{image.shape[0]} (width x height)",
                where=str(pair.depth),
                expected=f"the size of {pair.image}",
            )
        metres = depth.astype(np.float32) / np.float32(self.depth_scale)
        return {"id": pair.id, "image": image, "depth": metres}


def read_pairs(list_file: Path, folder: Path) -> list[Pair]:
    """Read a list of `<picture> <depth>` lines, relative to a folder.

    Leading slashes, CRLF, a third column (the focal length) and empty lines are taken as the
    published lists have them.

    Args:
        list_file: The list.
        folder: What its paths are relative to.

    Raises:
        UserError: The list is missing, a line has fewer than two columns, or a path leads out of
            the folder; the line is named.
    """
    try:
        lines = list_file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"the list can't be read: {error}", where=str(list_file)) from error
    pairs = []
    for number, line in enumerate(lines, 1):
        columns = line.split()
        if not columns:
            continue
        where = f"{list_file}, line {number}"
        if len(columns) < 2:
            raise UserError(
                f"has one column: {line.strip()!r}",
                where=where,
                expected="<picture> <depth>, paths without spaces",
            )
        names = [column.lstrip("/") for column in columns[:2]]
        for name in names:
            if ".." in Path(name).parts:
                raise UserError(
                    f"{name!r} leads out of the data root",
                    where=where,
                    expected=f"a path inside {folder}",
                )
        pairs.append(Pair(str(Path(names[0]).with_suffix("")), *(folder / name for name in names)))
    return pairs
