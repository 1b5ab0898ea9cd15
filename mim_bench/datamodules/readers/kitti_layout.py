"""Finds KITTI's frames in every layout that copies of it have, with few looks at the disk."""

from __future__ import annotations

import os
import posixpath
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from mim_bench.datamodules.readers.lists import Pair

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

IMAGE_BASES = ("raw_data", "")
"""Where the raw data's dates may lie below `kitti/`."""

DEPTH_BASES = (
    "data_depth_annotated/train",
    "data_depth_annotated/val",
    "data_depth_annotated",
    "train",
    "val",
    "",
)
"""Where the annotated depth's drives may lie: in the zip's two folders, with or without a folder
around them, or merged."""

IMAGE_ENDINGS = (".png", ".jpg")
"""As published, and as monodepth2's users have converted them."""

_DRIVE = r"[^/]+_drive_[^/]+"
_IMAGE = re.compile(rf"(?:(.*)/)?(\d{{4}}_\d\d_\d\d/{_DRIVE}/.+)")
_DEPTH = re.compile(rf"(?:(.*)/)?({_DRIVE}/proj_depth/.+)")


@dataclass
class FrameFolder:
    """The frames of one drive and kind, wherever this copy keeps them.

    Its place and ending are decided once, by its first listed frame: a drive is taken to lie in
    one place and one format.

    Attributes:
        first: Canonical path of the frame that is listed first, without ending.
        bases: Folders below the dataset's folder in which it may lie, in this order.
        endings: Endings that it may have, in this order.
    """

    first: str
    bases: tuple[str, ...]
    endings: tuple[str, ...]
    folder: Path

    @cached_property
    def _found(self) -> tuple[str, str]:
        for base in self.bases:
            for ending in self.endings:
                if (self.folder / base / f"{self.first}{ending}").is_file():
                    return base, ending
        # the first frame is lost: where its neighbours are, it belongs
        parent = posixpath.dirname(self.first)
        for base in self.bases:
            try:
                names = os.listdir(self.folder / base / parent)  # noqa: PTH208 - names suffice
            except OSError:
                continue
            for ending in self.endings:
                if any(name.endswith(ending) for name in names):
                    return base, ending
        return self.bases[0], self.endings[0]

    def path(self, name: str) -> Path:
        """Return where a frame lies or belongs, by its canonical path without ending."""
        base, ending = self._found
        return self.folder / base / f"{name}{ending}"

    def looked_for(self) -> str:
        """Return the places in words, e.g. `raw_data/2011_.../data/*.png`."""
        parent = posixpath.dirname(self.first)
        places = [posixpath.join(base, parent, "*") for base in self.bases]
        return " or ".join(f"{place}{ending}" for place in places for ending in self.endings)


@dataclass(frozen=True)
class KittiPair(Pair):
    """A line of a list under canonical names, which are the same in all layouts.

    `image` is `<date>/<drive>/image_02/data/<frame>`, `depth` is
    `<drive>/proj_depth/groundtruth/image_02/<frame>`, both without ending.

    Attributes:
        pictures: Where the picture is looked for.
        maps: Where the depth map is looked for.
    """

    pictures: FrameFolder
    maps: FrameFolder

    def files(self, folder: Path) -> tuple[Path, Path]:
        """Return where picture and depth map lie, or belong."""
        del folder  # the frames know theirs
        return self.pictures.path(self.image), self.maps.path(self.depth)

    def looked_for(self) -> str:
        """Return where the two were looked for, in words."""
        return (
            f"all of a drive in one place and one format: pictures {self.pictures.looked_for()}; "
            f"depth maps {self.maps.looked_for()}"
        )


def canonical(pairs: Iterable[Pair], folder: Path) -> list[Pair]:
    """Give the lines of a list canonical names; no file is looked at.

    Names that don't look like KITTI's stay as they are listed. What is listed without a depth map
    stays without.

    Args:
        pairs: The list's lines.
        folder: The dataset's folder.
    """
    folders: dict[tuple[str, ...], FrameFolder] = {}

    def place(
        path: str, form: re.Pattern[str], known: tuple[str, ...], kinds: tuple[str, ...]
    ) -> tuple[str, FrameFolder]:
        match = form.fullmatch(path)
        base, name = (match[1] or "", match[2]) if match else ("", path)
        name, ending = posixpath.splitext(name)
        key = (form.pattern, posixpath.dirname(name), base, ending)
        if key not in folders:
            bases = tuple(dict.fromkeys((base, *known) if match else (base,)))
            endings = tuple(dict.fromkeys((ending, *kinds)))
            folders[key] = FrameFolder(name, bases, endings, folder)
        return name, folders[key]

    found: list[Pair] = []
    for pair in pairs:
        if not pair.depth:
            found.append(pair)
            continue
        image, pictures = place(pair.image, _IMAGE, IMAGE_BASES, IMAGE_ENDINGS)
        depth, maps = place(pair.depth, _DEPTH, DEPTH_BASES, ())
        found.append(KittiPair(image, depth, pair.place, pictures, maps))
    return found
