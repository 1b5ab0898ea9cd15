"""Labels of people as evaluators of OKS take them: COCO's format, without what they don't use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mim_bench.datamodules.readers.annotations import PERSON
from mim_bench.datamodules.readers.pose_samples import joints_outside

if TYPE_CHECKING:
    from mim_bench.datamodules.readers.annotations import Annotations
    from mim_bench.datamodules.readers.base import DatasetInfo


def needs_new_ids(notes: Annotations) -> bool:
    """Tell whether an annotation's id is below 1, or two files of a split share one."""
    few = len(np.unique(notes.ids)) < len(notes.ids)
    return bool(few or (notes.ids < 1).any())


def peculiarities(notes: Annotations, name: str, official: int | None) -> list[str]:
    """Say what sets a copy of a split apart, a line each: pictures, ids, joints outside.

    Args:
        notes: Parsed annotations.
        name: The split.
        official: Its official number of pictures, None where that does not matter.
    """
    lines, count = [], len(notes.image_ids)
    if official is not None and count != official:
        lines.append(f"{name} has {count:,} pictures, the official split {official:,}")
    if needs_new_ids(notes):
        lines.append(
            f"{name}: its annotations are numbered anew from 1 for evaluators, which take ids "
            "below 1, or ids that occur twice, for others"
        )
    if outside := joints_outside(notes):
        lines.append(f"{name}: {outside}")
    return lines


def coco_dataset(notes: Annotations, info: DatasetInfo) -> dict[str, Any]:
    """Return pictures, people and the category of people.

    Args:
        notes: Parsed annotations.
        info: The dataset, for its joints.
    """
    images: list[dict[str, Any]] = []
    for row, identity in enumerate(notes.image_ids.tolist()):
        width, height = notes.sizes[row].tolist()
        image = {"id": identity, "file_name": str(notes.names[row])}
        image |= {"width": width, "height": height}
        if not np.isnan(notes.crowd_index[row]):
            image["crowdIndex"] = float(notes.crowd_index[row])
        images.append(image)
    ids = np.arange(1, len(notes.ids) + 1) if needs_new_ids(notes) else notes.ids
    columns = zip(
        ids.tolist(),
        notes.image_ids[notes.rows].tolist(),
        notes.boxes.tolist(),
        notes.areas.tolist(),
        notes.crowd.tolist(),
        notes.counts.tolist(),
        notes.keypoints.reshape(len(notes.ids), -1).tolist(),
        strict=True,
    )
    annotations = []
    for identity, image_id, box, area, crowd, count, joints in columns:
        one = {
            "id": identity,
            "image_id": image_id,
            "category_id": PERSON,
            "iscrowd": int(crowd),
            "bbox": box,
            "num_keypoints": count,
            "keypoints": joints,
        }
        annotations.append(one if np.isnan(area) else {**one, "area": area})
    pairs = info.extra.get("skeleton", ())
    person = {
        "id": PERSON,
        "name": "person",
        "supercategory": "person",
        "keypoints": list(info.joints),
        "skeleton": [[first + 1, second + 1] for first, second in pairs],
    }
    return {"info": {}, "images": images, "annotations": annotations, "categories": [person]}
