"""Body poses: angles of the limbs, for what a person is doing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.random import Generator

Pair = tuple[float, float]

ACTIONS = ("stand", "walk", "run", "wave", "reach", "sit", "crouch", "bend", "cheer", "point")
"""What people do."""


@dataclass(frozen=True)
class Pose:
    """Angles in radians; each pair is (left, right).

    Attributes:
        lean: The trunk forwards.
        sway: The trunk to its right.
        nod: The head forwards, from the trunk.
        look: The head to its right.
        swing: The upper arms forwards from hanging down (pi: straight up).
        spread: The upper arms sideways, away from the trunk.
        elbow: How far the lower arms are bent forwards.
        hip: The thighs forwards.
        straddle: The thighs sideways.
        knee: How far the shins are bent backwards.
    """

    lean: float = 0.0
    sway: float = 0.0
    nod: float = 0.0
    look: float = 0.0
    swing: Pair = (0.0, 0.0)
    spread: Pair = (0.12, 0.12)
    elbow: Pair = (0.15, 0.15)
    hip: Pair = (0.0, 0.0)
    straddle: Pair = (0.06, 0.06)
    knee: Pair = (0.05, 0.05)


def gait(phase: float, speed: float) -> Pose:
    """Return the pose of a walker.

    Args:
        phase: In radians; two steps are 2 pi.
        speed: Metres per second; from 2 to 2.8 walking turns into running.
    """
    stride = float(np.clip(0.28 + 0.16 * speed, 0.0, 0.85))
    sin, cos = float(np.sin(phase)), float(np.cos(phase))
    run = float(np.clip((speed - 2.0) / 0.8, 0.0, 1.0))
    bent, lift = 0.25 + 1.05 * run, 0.75 + 0.35 * run
    return Pose(
        lean=0.03 + 0.04 * speed,
        swing=(-0.8 * stride * sin, 0.8 * stride * sin),
        elbow=(bent + 0.15 * sin, bent - 0.15 * sin),
        hip=(stride * sin, -stride * sin),
        # a knee bends while its leg comes forwards
        knee=(
            0.08 + lift * max(cos, 0.0) * stride * 1.4,
            0.08 + lift * max(-cos, 0.0) * stride * 1.4,
        ),
    )


def draw_pose(rng: Generator, action: str) -> Pose:
    """Draw a pose of somebody who does something (see `ACTIONS`)."""
    around = Pose(
        lean=rng.normal(0.02, 0.05),
        sway=rng.normal(0, 0.05),
        nod=rng.normal(0.05, 0.15),
        look=rng.normal(0, 0.4),
        swing=(rng.normal(0.05, 0.2), rng.normal(0.05, 0.2)),
        spread=(rng.uniform(0.08, 0.4), rng.uniform(0.08, 0.4)),
        elbow=(rng.uniform(0.05, 0.9), rng.uniform(0.05, 0.9)),
        hip=(rng.normal(0.03, 0.08), rng.normal(0.03, 0.08)),
        straddle=(rng.uniform(0.02, 0.2), rng.uniform(0.02, 0.2)),
        knee=(rng.uniform(0.0, 0.15), rng.uniform(0.0, 0.15)),
    )
    side = int(rng.integers(2))

    def one(active: float, rest: float) -> Pair:
        return (active, rest) if side == 0 else (rest, active)

    changes: dict[str, Any] = {}
    if action in ("walk", "run"):
        speed = rng.uniform(0.7, 1.8) if action == "walk" else rng.uniform(2.8, 3.8)
        step = gait(rng.uniform(0, 2 * np.pi), speed)
        return replace(step, nod=around.nod, look=around.look, sway=around.sway)
    if action == "wave":
        changes = {
            "swing": one(rng.uniform(2.3, 3.0), around.swing[0]),
            "spread": one(rng.uniform(0.2, 0.7), around.spread[1]),
            "elbow": one(rng.uniform(0.2, 1.2), around.elbow[1]),
        }
    elif action in ("reach", "point"):
        changes = {
            "swing": one(rng.uniform(1.1, 1.8), around.swing[0]),
            "spread": one(rng.uniform(0.0, 0.9), around.spread[1]),
            "elbow": one(rng.uniform(0.0, 0.3), around.elbow[1]),
        }
    elif action == "cheer":
        changes = {"swing": _pair(rng, 2.2, 3.1), "spread": _pair(rng, 0.2, 0.9)}
    elif action == "sit":
        changes = {
            "lean": rng.normal(0.0, 0.12),
            "swing": _pair(rng, 0.2, 0.9),
            "hip": _pair(rng, 1.35, 1.6),
            "knee": _pair(rng, 1.2, 1.6),
        }
    elif action == "crouch":
        bent = rng.uniform(1.5, 2.1)
        changes = {
            "lean": rng.uniform(0.3, 0.7),
            "swing": _pair(rng, 0.5, 1.3),
            "hip": (bent, bent - rng.uniform(0, 0.4)),
            "knee": _pair(rng, bent + 0.2, bent + 0.6),
        }
    elif action == "bend":
        changes = {
            "lean": rng.uniform(0.6, 1.3),
            "swing": _pair(rng, 0.6, 1.5),
            "knee": _pair(rng, 0.05, 0.5),
            "hip": _pair(rng, 0.0, 0.35),
        }
    return replace(around, **changes)


def _pair(rng: Generator, low: float, high: float) -> Pair:
    return (rng.uniform(low, high), rng.uniform(low, high))
