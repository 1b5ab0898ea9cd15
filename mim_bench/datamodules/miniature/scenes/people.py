"""Articulated people: flesh and clothes around a skeleton."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mim_bench.datamodules.miniature.scenes.dress import Dress, dress
from mim_bench.datamodules.miniature.scenes.scene import Thing
from mim_bench.datamodules.miniature.scenes.skeleton import (
    NAMES,
    SIDES,
    Build,
    Joints,
    draw_build,
    skeleton,
    turned,
)
from mim_bench.datamodules.miniature.scenes.solids import Solid, rod, upright

if TYPE_CHECKING:
    from numpy.random import Generator

    from mim_bench.datamodules.miniature.scenes.poses import Pose

Array = npt.NDArray[np.float64]


def make_person(
    rng: Generator,
    pose: Pose,
    place: tuple[float, float] = (0.0, 0.0),
    yaw: float | None = None,
    base: float = 0.0,
    track: int = -1,
) -> Thing:
    """Draw a person who stands, or sits, with the lowest part on something level.

    Args:
        rng: For body and clothes.
        pose: What the person does.
        place: x and z of the pelvis.
        yaw: Which way the person faces, 0 along z; None draws it.
        base: Height of the ground.
        track: See `Thing`.
    """
    build, clothes = draw_build(rng), dress(rng)
    turn = rng.uniform(-np.pi, np.pi) if yaw is None else yaw
    return pose_person(build, clothes, pose, place, turn, base, track)


def pose_person(
    build: Build,
    clothes: Dress,
    pose: Pose,
    place: tuple[float, float],
    yaw: float,
    base: float = 0.0,
    track: int = -1,
) -> Thing:
    """Return a given person in a pose; arguments as for `make_person`."""
    points = skeleton(build, pose)
    solids = _body(build, clothes, pose, points)
    offset = np.array([place[0], base - min(_lowest(solid) for solid in solids), place[1]])
    turn = upright(yaw)
    places = np.stack([points[name] for name in NAMES]) @ turn.T + offset
    joints = Joints(places, build.height * np.array([_DEPTHS[_part(name)] for name in NAMES]))
    return Thing(
        "person", tuple(solid.moved(turn, offset) for solid in solids), joints=joints, track=track
    )


def _lowest(solid: Solid) -> float:
    """Return the height of the lowest point of an ellipsoid or a capsule."""
    way = solid.turn[1]
    if solid.shape == "capsule":
        reach = solid.size[1] * (1 + solid.ratio * abs(way[1]))
    else:
        reach = np.sqrt(((way * solid.size) ** 2).sum())
    return float(solid.centre[1] - reach)


# of the height: how deep under the skin a joint lies, in its thickest direction, clothes included
_DEPTHS = {
    "nose": 0.02,
    "eye": 0.02,
    "ear": 0.03,
    "shoulder": 0.06,
    "elbow": 0.04,
    "wrist": 0.035,
    "hip": 0.1,
    "knee": 0.055,
    "ankle": 0.045,
    "head": 0.03,
    "neck": 0.06,
}


def _part(name: str) -> str:
    return name.rsplit("_", 1)[-1]


def _body(build: Build, clothes: Dress, pose: Pose, points: dict[str, Array]) -> list[Solid]:
    """Put flesh and clothes on a skeleton."""
    h, stout = build.height, build.girth
    head = (0.155 if build.child else 0.13) * h
    spine = turned(0, pose.lean) @ turned(2, -pose.sway)
    skull = spine @ turned(0, pose.nod) @ turned(1, pose.look)
    centre = points["skull"]

    def ball(middle: Array, turn: Array, size: tuple[float, float, float], of: str) -> Solid:
        return Solid("ellipsoid", middle, turn, np.array(size), clothes[of])

    wide, deep = 0.4 * head, 0.45 * head
    solids = [
        ball(centre, skull, (wide, 0.56 * head, deep), "skin"),
        ball(
            centre + skull @ np.array([0, 0.12 * head, -0.1 * head]),
            skull,
            (1.08 * wide, 0.52 * head, 1.02 * deep),
            "hair",
        ),
        ball(points["nose"], skull, (0.07 * head, 0.1 * head, 0.08 * head), "skin"),
        rod(points["chest"], centre, 0.036 * h, clothes["skin"]),
    ]
    trunk = 0.29 * h
    solids += [
        ball(
            spine @ np.array([0, 0.68 * trunk, 0]),
            spine,
            (0.5 * build.shoulders, 0.4 * trunk, 0.062 * h * stout),
            "shirt",
        ),
        ball(
            spine @ np.array([0, 0.28 * trunk, 0]),
            spine,
            (0.085 * h * stout, 0.42 * trunk, 0.06 * h * stout),
            "shirt",
        ),
        ball(
            np.array([0, 0.02 * h, 0]),
            np.eye(3),
            (0.09 * h * stout, 0.065 * h, 0.065 * h * stout),
            "trousers",
        ),
    ]
    front = spine[:, 2]
    for side in SIDES:
        eye, ear = points[f"{side}_eye"], points[f"{side}_ear"]
        solids.append(ball(eye, skull, (0.09 * head, 0.06 * head, 0.05 * head), "eyes"))
        solids.append(ball(ear, skull, (0.05 * head, 0.14 * head, 0.09 * head), "skin"))
        joint = {part: points[f"{side}_{part}"] for part in _LIMBS}
        sleeve, leg = clothes["sleeves"], clothes["shins"]
        solids += [
            rod(joint["shoulder"], joint["elbow"], 0.031 * h * stout, clothes["shirt"], front),
            rod(joint["elbow"], joint["wrist"], 0.024 * h * stout, sleeve, front),
            ball(joint["hand"], np.eye(3), (0.026 * h,) * 3, "skin"),
            rod(joint["hip"], joint["knee"], 0.047 * h * stout, clothes["trousers"], front),
            rod(joint["knee"], joint["ankle"], 0.034 * h * stout, leg, front),
            rod(joint["heel"], joint["toe"], 0.026 * h, clothes["shoes"], front),
        ]
    return solids


_LIMBS = (
    "shoulder",
    "elbow",
    "wrist",
    "hand",
    "hip",
    "knee",
    "ankle",
    "heel",
    "toe",
)
