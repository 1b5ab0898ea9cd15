"""Which people of annotation and detection files are samples, in which order, under which ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mim_bench.datamodules.readers.boxes import clean

if TYPE_CHECKING:
    from mim_bench.datamodules.readers.annotations import Annotations
    from mim_bench.datamodules.readers.boxes import Detections


@dataclass(frozen=True, eq=False)
class Samples:
    """The samples of a view, in their order: S of them.

    Attributes:
        ids: Their ids.
        pictures: (S,) row of the picture in the annotations.
        boxes: (S, 4) float32 x, y, width, height in pixels.
        scores: (S,) of the boxes.
        people: (S,) row in the annotations; None for detections.
    """

    ids: list[str]
    pictures: npt.NDArray[np.int64]
    boxes: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float64]
    people: npt.NDArray[np.int64] | None


def labelled(notes: Annotations, box_rule: str) -> Samples:
    """Return the labelled people whom the published code trains on, picture by picture.

    mmpose 0.29, `topdown_coco_dataset.py`: no crowds, no area of 0 (where the file has areas),
    somebody with a labelled joint, whose `num_keypoints` is not 0 either, in a box that is not
    empty in its picture. A person of CrowdPose of whom head and neck alone are labelled is so
    left out.
    """
    boxes, whole = clean(notes.boxes, notes.sizes[notes.rows], box_rule)
    used = whole & ~notes.crowd & (notes.counts > 0) & (notes.keypoints[..., 2] > 0).any(axis=1)
    used &= np.isnan(notes.areas) | (notes.areas > 0)
    people = np.flatnonzero(used)
    people = people[np.argsort(notes.rows[people], kind="stable")]
    pictures = notes.rows[people]
    pairs = zip(notes.image_ids[pictures].tolist(), notes.ids[people].tolist(), strict=True)
    return Samples(
        [f"{picture}-{number}" for picture, number in pairs],
        pictures,
        boxes[people].astype(np.float32),
        np.ones(len(people)),
        people,
    )


def detected(notes: Annotations, found: Detections) -> Samples:
    """Return detected people in the order of their file, without boxes of no size at all."""
    used = (found.boxes[:, 2:] > 0).any(axis=1)
    images = found.image_ids[used]
    order = np.argsort(notes.image_ids)
    pictures = order[np.searchsorted(notes.image_ids, images, sorter=order)]
    pairs = zip(images.tolist(), found.numbers[used].tolist(), strict=True)
    return Samples(
        [f"{picture}-d{number}" for picture, number in pairs],
        pictures,
        found.boxes[used].astype(np.float32),
        found.scores[used],
        None,
    )


def joints_outside(notes: Annotations) -> str:
    """Say how many people have labelled joints outside of their picture; empty for none."""
    sizes, joints = notes.sizes[notes.rows][:, None], notes.keypoints
    away = ((joints[..., :2] < 0) | (joints[..., :2] >= sizes)).any(axis=2) & (joints[..., 2] > 0)
    people = np.flatnonzero(away.any(axis=1))
    if not len(people):
        return ""
    first = people[0]
    return (
        f"{len(people):,} of {len(notes.ids):,} people have labelled joints outside of their "
        f"picture, which are kept (first: annotation {notes.ids[first]} on picture "
        f"{notes.image_ids[notes.rows[first]]})"
    )
