"""Makes small data roots in each layout that copies of KITTI have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

FRAMES = {
    "train": (
        ("2011_09_26_drive_0001_sync", "train", (5, 6, 17)),
        ("2011_09_26_drive_0005_sync", "val", (9, 8)),
        ("2011_09_28_drive_0038_sync", "train", (11,)),
    ),
    "test": (
        ("2011_09_26_drive_0002_sync", "val", (69, 54)),
        ("2011_10_03_drive_0047_sync", "train", (120,)),
    ),
}
"""Split -> drives: name, the folder of the annotated depth in the zip, frames in listed order."""


@dataclass(frozen=True)
class Layout:
    """One way of keeping KITTI.

    Attributes:
        images: Folder below `kitti/` that holds the dates.
        depth: Folder below `kitti/` that holds the drives' depth, `{part}` for train or val.
        ending: Of the pictures.
        listed_images: As the lists name it.
        listed_depth: As the lists name it.
        listed_ending: As the lists name it.
        slash: Whether listed paths begin with a slash.
        third: What follows the two columns.
        end: Line end.
        last_end: Whether the last line has one.
        nothing: Whether frames without depth are listed, with `None`.
        lists: Folder of the lists below the data root.
    """

    images: str = "raw_data"
    depth: str = "data_depth_annotated/{part}"
    ending: str = ".png"
    listed_images: str = "raw_data"
    listed_depth: str = "data_depth_annotated/{part}"
    listed_ending: str = ".png"
    slash: bool = True
    third: str = ""
    end: str = "\n"
    last_end: bool = True
    nothing: bool = False
    lists: str = "kitti"


def join(*parts: str) -> str:
    return "/".join(part for part in parts if part)


def names(split: str) -> list[tuple[str, str, str]]:
    """Return date/drive picture, drive depth map (no endings) and the zip's folder, in order."""
    return [
        (
            f"{drive[:10]}/{drive}/image_02/data/{number:010d}",
            f"{drive}/proj_depth/groundtruth/image_02/{number:010d}",
            part,
        )
        for drive, part, numbers in FRAMES[split]
        for number in numbers
    ]


def frame(split: str, index: int, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return a frame's picture (RGB) and depth (file units): smooth, so that JPEG keeps it."""
    rng = np.random.default_rng([split == "test", index])
    rows, columns = np.mgrid[: size[0], : size[1]]
    tint = rng.integers(0, 100, 3)
    image = (tint + (rows * 90 // size[0] + columns * 60 // size[1])[..., None]).astype(np.uint8)
    depth = rng.integers(1, 65536, size).astype(np.uint16)
    depth[rng.random(size) < 0.7] = 0
    return image, depth


def make_kitti(root: Path, layout: Layout | None = None, size: tuple[int, int] = (12, 30)) -> Path:
    """Make a data root in a layout; all layouts hold the same frames."""
    layout = layout or Layout()
    folder = root / "kitti"
    lead = "/" if layout.slash else ""
    for split in FRAMES:
        lines = []
        for index, (image_name, depth_name, part) in enumerate(names(split)):
            image, depth = frame(split, index, size)
            picture = folder / join(layout.images, image_name + layout.ending)
            depth_map = folder / join(layout.depth.format(part=part), depth_name + ".png")
            for path, array in ((picture, image[..., ::-1]), (depth_map, depth)):
                path.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(path), array)
            listed = (
                join(layout.listed_images, image_name + layout.listed_ending),
                join(layout.listed_depth.format(part=part), depth_name + ".png"),
            )
            lines.append(f"{lead}{listed[0]} {lead}{listed[1]}{layout.third}")
            if layout.nothing and index % 2 == 0:
                lines.append(lines[-1].split()[0].replace("/00", "/77") + f" None{layout.third}")
        place = root / layout.lists / f"{split}_list.txt"
        place.parent.mkdir(parents=True, exist_ok=True)
        text = layout.end.join(lines) + (layout.end if layout.last_end else "")
        place.write_bytes(text.encode())
    return root
