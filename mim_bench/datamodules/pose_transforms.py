"""Top-down pose samples: from a person's box to one affine warp, with the published randomness.

Coordinates are columns and rows in pixels, scales are box sides in units of 200 pixels, as in
Simple Baseline, HRNet and MMPose (v0.29, whose pipeline the authors' released code runs).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

UNIT = 200.0
"""Pixels of a scale of 1."""

HALF_BODY_PADDING = 1.5
"""What the box around half of a body is enlarged by."""


@dataclass(frozen=True)
class Augmentation:
    """How training samples are varied; the defaults are those of the authors' code.

    Attributes:
        shift: The box's centre moves by up to this share of its sides...
        shift_p: ...in this share of the samples.
        flip_p: Share of mirrored samples.
        half_body_p: Share of the samples with enough joints that show half of a body.
        scale: Standard deviation of the box's size factor, which is cut off at 1 - and 1 + this.
        rotation: Standard deviation of the turn in degrees, which is cut off at twice this...
        rotation_p: ...in this share of the samples.
    """

    shift: float = 0.16
    shift_p: float = 0.3
    flip_p: float = 0.5
    half_body_p: float = 0.3
    scale: float = 0.5
    rotation: float = 40.0
    rotation_p: float = 0.6


@dataclass(frozen=True)
class Body:
    """What a dataset says of its joints, as augmentation needs it.

    Attributes:
        flip_pairs: Joints that change places in a mirrored picture.
        upper: The upper half's joints; all others are the lower half.
        half_body_over: Bodies with more labelled joints than this may be halved.
    """

    flip_pairs: Sequence[tuple[int, int]] = ()
    upper: Collection[int] = ()
    half_body_over: int = 8


@dataclass(frozen=True)
class Look:
    """Which part of a picture a sample shows, and how.

    Attributes:
        centre: (2,) of the box, in the picture or, where `mirrored`, in the mirrored picture.
        scale: (2,) sides of the box / 200, of the input's aspect.
        turn: Degrees.
        mirrored: Whether left and right change places first.
    """

    centre: Floats
    scale: Floats
    turn: float = 0.0
    mirrored: bool = False


def fit_aspect(sides: Floats, aspect: float) -> Floats:
    """Enlarge the shorter of a box's sides (w, h) until w / h is `aspect`."""
    width, height = float(sides[0]), float(sides[1])
    return np.array([max(width, height * aspect), max(height, width / aspect)])


def box_look(box: npt.NDArray[np.floating], aspect: float, padding: float = 1.25) -> Look:
    """Return the view of a box (x, y, w, h), grown to the input's w / h and then by `padding`."""
    place = np.asarray(box, dtype=np.float64)
    return Look(place[:2] + place[2:] / 2, fit_aspect(place[2:], aspect) / UNIT * padding)


def vary(
    rng: np.random.Generator,
    look: Look,
    joints: Floats,
    labelled: npt.NDArray[np.bool_],
    width: int,
    body: Body,
    how: Augmentation,
) -> Look:
    """Draw a training view: shift, mirror, half body, scale and turn, in this order.

    All that is random is drawn in every sample, used or not, so that settings stay paired.

    Args:
        rng: Where randomness comes from.
        look: The box's view.
        joints: (K, 2) in the picture.
        labelled: (K,) which of them are.
        width: Columns of the picture.
        body: What the dataset says of its joints.
        how: The settings.
    """
    shifts, mirrors, halves, turns = rng.random(4)
    shift = rng.uniform(-1, 1, 2)
    half, size, angle = rng.standard_normal(3)
    centre, scale = look.centre, look.scale
    if shifts < how.shift_p:
        centre = centre + shift * how.shift * scale * UNIT
    mirrored = bool(mirrors < how.flip_p)
    if mirrored:
        centre = np.array([width - 1 - centre[0], centre[1]])
        joints, labelled = mirror_joints(joints, labelled, width, body.flip_pairs)
    if labelled.sum() > body.half_body_over and halves < how.half_body_p:
        # a normal draw below 0.5, as in MMPose: the upper half in 69 % of the cases, not in 50
        found = half_body(joints, labelled, body.upper, half < 0.5, scale[0] / scale[1])
        centre, scale = found or (centre, scale)
    scale = scale * np.clip(size * how.scale + 1, 1 - how.scale, 1 + how.scale)
    turn = float(np.clip(angle * how.rotation, -2 * how.rotation, 2 * how.rotation))
    return Look(centre, scale, turn if turns < how.rotation_p else 0.0, mirrored)


def half_body(
    joints: Floats,
    labelled: npt.NDArray[np.bool_],
    upper: Collection[int],
    prefer_upper: bool,
    aspect: float,
) -> tuple[Floats, Floats] | None:
    """Return centre and scale of half a body: its joints' mean, and the box around them.

    The upper half is taken where it is preferred and has three joints; else the lower one where
    that has three, else the upper one.

    Returns:
        None where the half has fewer than two joints.
    """
    chosen = np.zeros(len(joints), dtype=bool)
    chosen[list(upper)] = True
    above, below = joints[labelled & chosen], joints[labelled & ~chosen]
    takes_upper = (prefer_upper and len(above) > 2) or len(below) <= 2
    half = above if takes_upper else below
    if len(half) < 2:
        return None
    sides = fit_aspect(np.ptp(half, axis=0), aspect)
    return half.mean(axis=0), sides / UNIT * HALF_BODY_PADDING


def mirror_joints(
    joints: Floats,
    labelled: npt.NDArray[np.bool_],
    width: int,
    flip_pairs: Sequence[tuple[int, int]],
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return joints (K, 2) and labels (K,) of the mirrored picture: x becomes W - 1 - x."""
    order = swapped(len(joints), flip_pairs)
    mirrored = joints[order]
    return np.stack([width - 1 - mirrored[:, 0], mirrored[:, 1]], axis=1), labelled[order]


def swapped(count: int, flip_pairs: Sequence[tuple[int, int]]) -> npt.NDArray[np.int64]:
    """Return (count,) which joint each joint is in a mirrored picture."""
    order = np.arange(count)
    for left, right in flip_pairs:
        order[left], order[right] = right, left
    return order


def affine(look: Look, size: Sequence[int], width: int) -> Floats:
    """Return the (2, 3) matrix from a picture's pixels to the input's.

    The box's centre comes to the middle of the input, its width to the input's; the height
    follows, as the box has the input's aspect. There is no half pixel in it: pixel 0 of the box
    is pixel 0 of the input ("biased" data processing, as published).

    Args:
        look: What is shown.
        size: (height, width) of the input.
        width: Columns of the picture.
    """
    height, wide = size
    zoom = wide / (look.scale[0] * UNIT)
    angle = np.deg2rad(look.turn)
    cos, sin = zoom * np.cos(angle), zoom * np.sin(angle)
    linear = np.array([[cos, sin], [-sin, cos]])
    matrix = np.column_stack([linear, np.array([wide / 2, height / 2]) - linear @ look.centre])
    if look.mirrored:
        # of the mirrored picture: x stands for W - 1 - x, so one warp does both
        matrix[:, 2] += matrix[:, 0] * (width - 1)
        matrix[:, 0] *= -1
    return matrix


def warp(image: Image, matrix: Floats, size: Sequence[int]) -> Image:
    """Resample a picture (H, W, 3) bilinearly to (height, width); outside of it is black."""
    return np.asarray(
        cv2.warpAffine(image, matrix, (int(size[1]), int(size[0])), flags=cv2.INTER_LINEAR),
        dtype=np.uint8,
    )


def move(points: Floats, matrix: Floats) -> Floats:
    """Return points (K, 2) under a (2, 3) matrix."""
    moved: Floats = points @ matrix[:, :2].T + matrix[:, 2]
    return moved


def grid_dropout(rng: np.random.Generator, image: Image, units: Sequence[int]) -> Image:
    """Black out a grid of squares that covers a quarter of the picture.

    The unit's side is drawn, all squares are half as long (rounded down) and stand at one drawn
    offset in their units, as in albumentations 1.x, which the authors' code ran with; release 2
    draws an offset for each square and stretches the grid over the picture. Its `unit_size_max`
    was exceeded by one, and is here too.

    Args:
        rng: Where randomness comes from.
        image: (H, W, 3).
        units: (smallest, largest) side of a unit in pixels.
    """
    unit = int(rng.integers(units[0], units[1] + 2))
    hole = min(max(unit // 2, 1), unit - 1)
    left, top = (int(offset) for offset in rng.integers(0, unit - hole + 1, 2))
    columns = _holes(image.shape[1], unit, hole, left)
    rows = _holes(image.shape[0], unit, hole, top)
    image = image.copy()
    image[np.ix_(rows, columns)] = 0
    return image


def _holes(length: int, unit: int, hole: int, offset: int) -> npt.NDArray[np.bool_]:
    place = np.arange(length) - offset
    return np.asarray((place >= 0) & (place % unit < hole))
