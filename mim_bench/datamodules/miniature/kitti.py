"""Writes scenes as KITTI's raw data and depth annotations: folders, lists, sizes, sparsity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

FOLDER = "kitti"
COUNTS = {"train": 60, "test": 16}
"""Frames per split."""

_FRAMES_PER_DRIVE = {"train": 3, "test": 1}
_FIRST = 5  # the first five frames of a drive have no ground truth
_STEP = 10  # frames of the film between two that are listed
_METRES = 4.0  # driven between them
_SIZES = {
    "2011_09_26": (375, 1242),
    "2011_09_28": (370, 1224),
    "2011_09_29": (374, 1238),
    "2011_09_30": (370, 1226),
    "2011_10_03": (376, 1241),
}
"""Date -> height and width: pictures of one day have one size."""

_FARTHEST = 85.0  # metres that the laser sees
_HIGHEST, _LOWEST, _BEAMS = 2.0, -24.8, 64  # degrees of the laser's fan


@dataclass(frozen=True)
class Frame:
    """One frame to be drawn.

    Attributes:
        split: train or test.
        drive: Number of its drive in the split.
        view: Number of the frame among those listed of the drive.
        size: (height, width) in pixels.
        image: Path of the picture below the folder.
        depth: Path of the depth map, likewise.
    """

    split: str
    drive: int
    view: int
    size: tuple[int, int]
    image: str
    depth: str


def plan(counts: Mapping[str, int]) -> list[Frame]:
    """Return the frames of a world, training frames first, in the order of the lists."""
    frames = []
    for split, per_drive in _FRAMES_PER_DRIVE.items():
        for number in range(counts.get(split, 0)):
            drive, view = divmod(number, per_drive)
            date = list(_SIZES)[drive % len(_SIZES)]
            # every 4th drive's ground truth lies under val/, whichever split the frame is of
            part = "val" if drive % 4 == 3 else "train"
            name = f"{date}_drive_{drive + (500 if split == 'test' else 1):04d}_sync"
            file = f"{_FIRST + view * _STEP:010d}.png"
            frames.append(
                Frame(
                    split,
                    drive,
                    view,
                    _SIZES[date],
                    f"raw_data/{date}/{name}/image_02/data/{file}",
                    f"data_depth_annotated/{part}/{name}/proj_depth/groundtruth/image_02/{file}",
                )
            )
    return frames


def draw_frame(folder: Path, seed: int, counts: Mapping[str, int], number: int) -> None:
    """Draw the `number`-th frame of `plan`; it depends on nothing but its arguments.

    Raises:
        OSError: It can't be written.
    """
    from dataclasses import replace

    import cv2
    import numpy as np

    from mim_bench.datamodules.miniature.files import write_picture
    from mim_bench.datamodules.miniature.scenes.streets import make_street, street_camera
    from mim_bench.datamodules.miniature.scenes.views import look

    cv2.setNumThreads(1)
    frame = plan(counts)[number]
    source = [seed, 2 if frame.split == "train" else 3, frame.drive]
    rng = np.random.default_rng(source)
    street = make_street(rng)
    camera = street_camera(rng, *frame.size)
    x, y, z = camera.position
    camera = replace(camera, position=(x, y, z + _METRES * frame.view))
    rng = np.random.default_rng([*source, 1 + frame.view])
    view = look(street, camera, rng)
    known = measured(view.depth, camera.focal, rng)
    units = np.where(known, np.rint(np.where(known, view.depth, 0.0) * 256), 0).astype(np.uint16)
    write_picture(folder / frame.image, view.image)
    write_picture(folder / frame.depth, units)


def measured(
    depth: npt.NDArray[np.float64], focal: float, rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """Return where some turns of a laser scanner, laid over each other, measured depth (H, W).

    The scanner's 64 beams fan out from 2 degrees above the horizon to 24.8 below; there is
    nothing above them, nothing of the sky, nothing beyond 85 m, and little beside edges.
    """
    import cv2
    import numpy as np

    height, width = depth.shape
    below = (np.arange(height) + 0.5 - height / 2) / focal
    angle = -np.degrees(np.arctan(below))
    spacing = (_HIGHEST - _LOWEST) / (_BEAMS - 1)
    # neighbouring columns see a beam a little higher or lower: the car rolls, turns are added up
    sway = 0.25 * np.sin(np.arange(width) / 37.0 + rng.uniform(0, 6))
    beam = (_HIGHEST - angle)[:, None] / spacing + sway
    hit = np.abs(beam - np.rint(beam)) < 0.24
    hit &= ((angle < _HIGHEST) & (angle > _LOWEST))[:, None]
    hit &= rng.random(depth.shape) < 0.6
    hit &= depth < _FARTHEST
    near = np.minimum(depth, 1e3).astype(np.float32)
    steep = cv2.dilate(near, np.ones((3, 3))) > 1.08 * cv2.erode(near, np.ones((3, 3)))
    return np.asarray(hit & ~steep, dtype=bool)


def finish(folder: Path, counts: Mapping[str, int]) -> None:
    """Write the lists: leading slashes, a space between, as the authors' lists have them."""
    for split in _FRAMES_PER_DRIVE:
        lines = [f"/{frame.image} /{frame.depth}" for frame in plan(counts) if frame.split == split]
        if lines:
            (folder / f"{split}_list.txt").write_bytes(("\n".join(lines) + "\n").encode())
