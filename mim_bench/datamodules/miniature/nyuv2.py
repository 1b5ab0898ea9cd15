"""Writes scenes as NYU Depth V2: folders, lists and encodings as its official copies have them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

FOLDER = "nyu_depth_v2"
COUNTS = {"train": 96, "test": 24}
"""Frames per split."""

_FRAMES_PER_SCENE = {"train": 3, "test": 1}
_STEP = 7  # training frames are every 7th of a film
_ROOMS = ("bedroom", "kitchen", "living_room", "office", "dining_room", "classroom", "study")
_TEST_VIEW = slice(7, 474), slice(7, 632)  # outside of it, test pictures are black


@dataclass(frozen=True)
class Frame:
    """One frame to be drawn.

    Attributes:
        split: train or test.
        scene: Number of its scene in the split.
        view: Number of the camera in the scene.
        image: Path of the picture as the list names it, without the leading slash.
        depth: Path of the depth map, likewise.
    """

    split: str
    scene: int
    view: int
    image: str
    depth: str


def plan(counts: Mapping[str, int]) -> list[Frame]:
    """Return the frames of a world, training frames first, in the order of the lists."""
    frames = []
    for split, per_scene in _FRAMES_PER_SCENE.items():
        for number in range(counts.get(split, 0)):
            scene, view = divmod(number, per_scene)
            room = _ROOMS[scene % len(_ROOMS)]
            folder = room if split == "test" else f"{room}_{scene // len(_ROOMS) + 1:04d}"
            name = f"{number if split == 'test' else view * _STEP:05d}"
            frames.append(
                Frame(
                    split,
                    scene,
                    view,
                    f"{folder}/rgb_{name}.jpg",
                    f"{folder}/sync_depth_{name}.png",
                )
            )
    return frames


def draw_frame(folder: Path, seed: int, counts: Mapping[str, int], number: int) -> None:
    """Draw the `number`-th frame of `plan`; it depends on nothing but its arguments.

    Raises:
        OSError: It can't be written.
    """
    import cv2
    import numpy as np

    from mim_bench.datamodules.miniature.files import write_picture
    from mim_bench.datamodules.miniature.scenes.rooms import make_room, room_camera
    from mim_bench.datamodules.miniature.scenes.views import look

    cv2.setNumThreads(1)
    frame = plan(counts)[number]
    source = [seed, 0 if frame.split == "train" else 1, frame.scene]
    scene = make_room(np.random.default_rng(source))
    rng = np.random.default_rng([*source, 1 + frame.view])
    view = look(scene, room_camera(rng, scene), rng)
    image, depth = view.image, view.depth
    units = np.rint(depth * 1000).astype(np.uint16)
    units[_holes(depth, rng)] = 0
    base = folder
    if frame.split == "test":
        base = folder / "official_splits" / "test"
        black = np.zeros_like(image)
        black[_TEST_VIEW] = image[_TEST_VIEW]
        image = black
    write_picture(base / frame.image, image)
    write_picture(base / frame.depth, units)


def _holes(depth: npt.NDArray[np.float64], rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Return where a structured-light sensor would see nothing (H, W).

    The projector stands beside the camera, so a near edge throws a shadow on what lies behind it
    to its left; dark or shiny patches give nothing, and neither does the frame's border.
    """
    import cv2
    import numpy as np

    height, width = depth.shape
    # 7 pixels of shadow for a jump from 2 m to far away, less for less
    ahead = np.minimum.reduce([np.roll(depth, -shift, axis=1) for shift in (2, 4, 6)])
    holes = ahead < 0.93 * depth
    patches = cv2.resize(
        rng.standard_normal((12, 16)), (width, height), interpolation=cv2.INTER_CUBIC
    )
    holes |= patches > rng.uniform(1.6, 2.3)
    border = int(rng.integers(2, 9))
    holes[:border], holes[-border:], holes[:, :border], holes[:, -border:] = True, True, True, True
    return np.asarray(holes, dtype=bool)


def finish(folder: Path, counts: Mapping[str, int]) -> None:
    """Write the lists: leading slashes in both, CRLF line ends in the training list.

    Both quirks occur in copies that people have; a reader has to take either.
    """
    for split, end in (("train", "\r\n"), ("test", "\n")):
        lines = [f"/{frame.image} /{frame.depth}" for frame in plan(counts) if frame.split == split]
        if lines:
            # the last line has no end, as in the official list
            (folder / f"{split}_list.txt").write_bytes(end.join(lines).encode())
