"""The reader of depth datasets: pictures with 16-bit depth maps of the same size."""

from __future__ import annotations

import abc
import posixpath
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from mim_bench.datamodules.readers.base import Reader
from mim_bench.datamodules.readers.fingerprints import Description, missing
from mim_bench.datamodules.readers.lists import NOTHING
from mim_bench.errors import Problem, UserError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from mim_bench.datamodules.readers.lists import Pair

_SHOWN = 3


class DepthReader(Reader):
    """Reads pictures with depth maps. A subclass gives `info`, `list_file` and `pairs`."""

    depth_scale: ClassVar[float] = 1000.0
    """Units of the depth files per metre."""

    def __init__(self, root: str | Path) -> None:
        super().__init__(root)
        self._pairs: dict[str, list[Pair]] = {}
        self._ids: dict[str, list[str]] = {}
        self._left_out: dict[str, int] = {}

    @abc.abstractmethod
    def list_file(self, split: str) -> Path:
        """Return the list of a split, as it was found or where it belongs."""

    @abc.abstractmethod
    def pairs(self, split: str) -> list[Pair]:
        """Return a split's pictures and depth maps, see `read_pairs`.

        Raises:
            UserError: The list is missing or wrong.
        """

    def _listed(self, split: str) -> list[Pair]:
        if split not in self._pairs:
            self.require_split(split)
            listed = self.pairs(split)
            known = [pair for pair in listed if pair.depth]
            if not known:
                raise UserError(
                    f"names no frame with a depth map ({len(listed)} without)",
                    where=str(self.list_file(split)),
                    expected="a line per frame: picture, space, depth map",
                    action=self.info.obtain,
                )
            self._pairs[split] = known
            self._left_out[split] = len(listed) - len(known)
        return self._pairs[split]

    def ids(self, split: str) -> list[str]:
        """Return the listed pictures' paths below the dataset's folder, without their endings.

        A picture that is listed again is told apart by `#2`, `#3` ...
        """
        if split not in self._ids:
            seen: Counter[str] = Counter()
            ids = []
            for pair in self._listed(split):
                name = posixpath.splitext(pair.image)[0]
                seen[name] += 1
                ids.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
            self._ids[split] = ids
        return self._ids[split]

    def sample(self, split: str, index: int) -> dict[str, Any]:
        """Return a sample as it lies on disk, nothing cropped or resized.

        Returns:
            `id` (str); `image`: (H, W, 3) uint8 RGB; `depth`: (H, W) float32 metres, 0 where it
            is unknown.

        Raises:
            UserError: A file is missing or damaged, the depth has not 16 bits, or the two sizes
                differ.
        """
        from mim_bench.images import read_depth, read_image

        pair = self._listed(split)[index]
        image_file, depth_file = files = pair.files(self.folder)
        try:
            image = read_image(image_file, pair.place)
            depth = read_depth(depth_file, self.depth_scale, pair.place)
        except UserError as error:
            looked_for = pair.looked_for()
            if not looked_for or all(path.is_file() for path in files):
                raise
            problems = [replace(one, expected=looked_for) for one in error.problems]
            raise UserError(problems) from error
        if image.shape[:2] != depth.shape:
            sizes = [f"{width} x {height}" for height, width in (image.shape[:2], depth.shape)]
            raise UserError(
                f"the picture {image_file} is {sizes[0]}, its depth map {depth_file} {sizes[1]}",
                where=pair.place,
                expected="the same size",
                action="download both again; a copy that was resized can't be used",
            )
        return {"id": self.ids(split)[index], "image": image, "depth": depth}

    def check(self, splits: Iterable[str] | None = None) -> list[Problem]:
        """Look for lists and listed files, without opening an image."""
        if not self.folder.is_dir():
            what = f"there is no folder for {self.info.title}"
            return [Problem(what, str(self.folder), action=self.info.obtain)]
        problems: list[Problem] = []
        for split in self.info.splits if splits is None else splits:
            try:
                pairs = self._listed(split)
            except UserError as error:
                problems += error.problems
                continue
            wanted = {path: pair for pair in pairs for path in pair.files(self.folder)}
            if lost := missing(wanted):
                shown = ", ".join(str(path) for path in lost[:_SHOWN])
                more = " …" if len(lost) > _SHOWN else ""
                problems.append(
                    Problem(
                        f"{len(lost)} listed file(s) of the split {split!r} are missing: "
                        f"{shown}{more}",
                        str(self.list_file(split)),
                        wanted[lost[0]].looked_for(),
                        self.info.obtain,
                    )
                )
        return problems

    def describe(self, split: str) -> Description:
        """Return the parsed list, and the listed files, whose bytes count."""
        pairs = self._listed(split)
        return Description(
            content={
                "count": len(pairs),
                "pairs": [[pair.image, pair.depth] for pair in pairs],
                "units_per_metre": self.depth_scale,
            },
            sources=(self.list_file(split),),
            files=[path for pair in pairs for path in pair.files(self.folder)],
        )

    def notes(self, split: str) -> list[str]:
        """Return what sets this copy apart, frames that are listed without a depth map too."""
        count, left_out = self.count(split), self._left_out[split]
        notes = super().notes(split)
        if left_out:
            notes.append(
                f"{split}: {left_out:,} of {count + left_out:,} listed frames have no depth map "
                f"(`{NOTHING}` in the list) and are left out"
            )
        return notes

    def place(self, name: str) -> str:
        """Return the file and the line of a list behind an id, for errors."""
        for split, ids in self._ids.items():
            if name in ids:
                pair = self._listed(split)[ids.index(name)]
                return f"{pair.files(self.folder)[0]} (listed in {pair.place})"
        return name
