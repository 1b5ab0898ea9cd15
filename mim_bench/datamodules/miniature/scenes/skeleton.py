"""The skeleton of a person: names of joints, lengths of bones, where each joint is in a pose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from numpy.random import Generator

    from mim_bench.datamodules.miniature.scenes.poses import Pose

Array = npt.NDArray[np.float64]

SIDES = ("left", "right")
"""Left and right."""

COCO = (
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
)
"""COCO's joints, in its order."""

CROWDPOSE = (
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
    "head",
    "neck",
)
"""CrowdPose's joints, in its order; the head is its top."""

NAMES = (*COCO, "head", "neck")
"""All joints of a person here."""

FACE = frozenset(NAMES[:5])
"""Joints that one's own head can hide; they are not labelled then, as in COCO."""


@dataclass(frozen=True, eq=False)
class Joints:
    """Where a person's joints are.

    Attributes:
        places: (19, 3) in the world, in the order of `NAMES`.
        depths: (19,) metres of body between a joint and the skin, at the most.
    """

    places: Array
    depths: Array


@dataclass(frozen=True)
class Build:
    """Lengths in metres of a body.

    Attributes:
        height: From the soles to the top of the head.
        shoulders: From shoulder to shoulder.
        hips: From hip to hip.
        girth: How stout: about 1.
        child: Whether it has a child's large head.
    """

    height: float
    shoulders: float
    hips: float
    girth: float
    child: bool


def draw_build(rng: Generator) -> Build:
    """Draw a body: mostly adults, some children."""
    child = bool(rng.random() < 0.15)
    height = rng.uniform(1.0, 1.45) if child else rng.uniform(1.52, 1.95)
    return Build(
        height=height,
        shoulders=height * rng.uniform(0.19, 0.225),
        hips=height * rng.uniform(0.095, 0.115),
        girth=rng.uniform(0.85, 1.25),
        child=child,
    )


def turned(axis: int, angle: float) -> Array:
    """(3, 3): a turn about an axis (0, 1, 2) by an angle in radians."""
    cos, sin = float(np.cos(angle)), float(np.sin(angle))
    one, two = [(1, 2), (2, 0), (0, 1)][axis]
    turn = np.eye(3)
    turn[one, one] = turn[two, two] = cos
    turn[one, two], turn[two, one] = -sin, sin
    return turn


def skeleton(build: Build, pose: Pose) -> dict[str, Array]:
    """Return the points (3,) of a body that faces along z, its pelvis at the origin.

    Its right is x. Besides the joints of `NAMES` there are chest, pelvis, and the ends of feet
    and hands.
    """
    h = build.height
    trunk, head = 0.29 * h, (0.155 if build.child else 0.13) * h
    arm, forearm, thigh, shin = 0.165 * h, 0.145 * h, 0.235 * h, 0.225 * h
    if build.child:
        thigh, shin = 0.22 * h, 0.21 * h
    # leaning forwards turns y towards z: about x, in this handedness
    spine = turned(0, pose.lean) @ turned(2, -pose.sway)
    points: dict[str, Array] = {"pelvis": np.zeros(3)}
    points["chest"] = spine @ np.array([0, 0.7 * trunk, 0])
    points["neck"] = spine @ np.array([0, trunk, 0])
    skull = spine @ turned(0, pose.nod) @ turned(1, pose.look)
    centre = points["neck"] + skull @ np.array([0, 0.35 * head + 0.5 * head, 0.02 * h])
    points["skull"] = centre
    points["head"] = centre + skull @ np.array([0, 0.56 * head, 0])
    wide, deep = 0.4 * head, 0.45 * head
    points["nose"] = centre + skull @ np.array([0, -0.06 * head, deep + 0.05 * head])
    for side, sign in zip(SIDES, (-1.0, 1.0), strict=True):
        number = SIDES.index(side)
        points[f"{side}_eye"] = centre + skull @ np.array(
            [sign * 0.42 * wide, 0.1 * head, 0.9 * deep]
        )
        points[f"{side}_ear"] = centre + skull @ np.array([sign * wide, 0.0, 0.0])
        shoulder = spine @ np.array([sign * build.shoulders / 2, 0.93 * trunk, 0])
        points[f"{side}_shoulder"] = shoulder
        raised = spine @ turned(2, sign * pose.spread[number]) @ turned(0, -pose.swing[number])
        points[f"{side}_elbow"] = shoulder + raised @ np.array([0, -arm, 0])
        bent = raised @ turned(0, -pose.elbow[number])
        points[f"{side}_wrist"] = points[f"{side}_elbow"] + bent @ np.array([0, -forearm, 0])
        points[f"{side}_hand"] = points[f"{side}_wrist"] + bent @ np.array([0, -0.032 * h, 0])
        hip = np.array([sign * build.hips / 2, 0.0, 0.0])
        points[f"{side}_hip"] = hip
        leg = turned(2, sign * pose.straddle[number]) @ turned(0, -pose.hip[number])
        points[f"{side}_knee"] = hip + leg @ np.array([0, -thigh, 0])
        lower = leg @ turned(0, pose.knee[number])
        ankle = points[f"{side}_knee"] + lower @ np.array([0, -shin, 0])
        points[f"{side}_ankle"] = ankle
        points[f"{side}_heel"] = ankle + lower @ np.array([0, -0.035 * h, -0.02 * h])
        points[f"{side}_toe"] = ankle + lower @ np.array([0, -0.035 * h, 0.085 * h])
    return points
