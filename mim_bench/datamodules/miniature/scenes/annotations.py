"""What a data set says about a view: joints and which of them are seen, boxes of what is whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from mim_bench.datamodules.miniature.scenes.skeleton import COCO, CROWDPOSE, FACE, NAMES

if TYPE_CHECKING:
    from mim_bench.datamodules.miniature.scenes.views import View

ABSENT, HIDDEN, VISIBLE = 0, 1, 2
"""How a joint is labelled: not at all, though it can't be seen, and seen."""

_SLACK = 0.02  # metres


class Keypoints(NamedTuple):
    """Joints of a person in a picture.

    Attributes:
        places: (J, 2) float64 column and row, continuous (see `Camera`).
        labels: (J,) int64: `ABSENT` outside the picture or behind one's own head, `HIDDEN`,
            `VISIBLE`.
        depths: (J,) float64 metres along the camera's axis.
    """

    places: npt.NDArray[np.float64]
    labels: npt.NDArray[np.int64]
    depths: npt.NDArray[np.float64]


def keypoints(view: View, number: int, names: tuple[str, ...] = COCO) -> Keypoints:
    """Return the joints of a person, a thing of a view, in COCO's or CrowdPose's order.

    A joint is visible where nothing lies before it but its person's own surface, no farther in
    front of it than its own flesh and clothes reach.

    Raises:
        ValueError: The thing is no person.
    """
    joints = view.scene.things[number].joints
    if joints is None:
        raise ValueError(f"thing {number} has no joints")
    chosen = [NAMES.index(name) for name in names]
    seen = view.camera.project(joints.places[chosen])
    places, depths = seen[:, :2], seen[:, 2]
    pixel = np.floor(places).astype(int)
    size = np.array([view.camera.width, view.camera.height])
    inside = (depths > 0) & (pixel >= 0).all(axis=1) & (pixel < size).all(axis=1)
    labels = np.full(len(chosen), ABSENT, dtype=np.int64)
    for index in np.flatnonzero(inside):
        column, row = pixel[index]
        front = view.depth[row, column]
        own = view.things[row, column] == number
        # flesh is measured along the axis; a slanted ray goes through a little more of it
        flesh = joints.depths[chosen[index]] + _SLACK if own else 0.0
        if front >= depths[index] - flesh:
            labels[index] = VISIBLE
        elif names[index] not in FACE or not own:
            labels[index] = HIDDEN
    return Keypoints(places, labels, depths)


def crowdpose_keypoints(view: View, number: int) -> Keypoints:
    """Return the 14 joints of CrowdPose, see `keypoints`."""
    return keypoints(view, number, CROWDPOSE)


def shown(view: View, number: int) -> float:
    """Return the share 0..1 of a thing that nothing hides, of what lies inside the frame."""
    return float(view.seen[number] / view.alone[number]) if view.alone[number] else 0.0
