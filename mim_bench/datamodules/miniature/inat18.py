"""Writes close-ups as iNaturalist 2018: COCO's JSON, a long tail, three each to validate."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from mim_bench.datamodules.miniature import labelled
from mim_bench.datamodules.miniature.labelled import Shot

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAME = "inat18"
FOLDER = "inat2018"
COUNTS = {"train": 60, "val": 3}
"""Pictures to train on of the most frequent class, and to validate on of each."""

FRAMES_PER_UNIT = labelled.PER_UNIT
CLASSES = 30
SUPER = ("Plantae", "Insecta", "Aves", "Fungi")
_SHAPES = ("cone", "barrel")
_LEAST_APART = 0.3
_LEAST = 4  # training pictures of the rarest class, or as many as the most frequent has
_FALL = 0.9  # from one class to the next


def trained(counts: Mapping[str, int], label: int) -> int:
    """Return the number of training pictures of a class; which are frequent is no order."""
    most = counts.get("train", 0)
    rank = label * 7 % CLASSES
    return max(min(_LEAST, most), round(most * _FALL**rank))


def plan(counts: Mapping[str, int]) -> list[tuple[Shot, ...]]:
    """Return the units of pictures."""
    categories = labelled.choose(NAME, CLASSES, _SHAPES, _LEAST_APART)
    shots = []
    for label, category in enumerate(categories):
        known = trained(counts, label)
        for number in range(known + counts.get("val", 0)):
            name = hashlib.sha256(f"{label}/{number}".encode()).hexdigest()[:32]
            path = f"train_val2018/{SUPER[label % len(SUPER)]}/{label}/{name}.jpg"
            split = "train" if number < known else "val"
            shots.append(Shot(path, category, label, number, split))
    return labelled.units(shots)


def draw_frame(folder: Path, seed: int, counts: Mapping[str, int], number: int) -> None:
    """Draw the `number`-th unit of `plan`.

    Raises:
        OSError: A picture can't be written.
    """
    labelled.write_unit(NAME, folder, seed, plan(counts)[number])


def finish(folder: Path, counts: Mapping[str, int]) -> None:
    """Write both JSON files; ids of pictures go on through them."""
    categories = [
        {
            "id": label,
            "name": f"Species {label}",
            "supercategory": SUPER[label % len(SUPER)],
            "kingdom": "kingdom",
            "genus": f"Genus {label // 3}",
        }
        for label in range(CLASSES)
    ]
    parts: dict[str, dict[str, list[object]]] = {
        split: {"images": [], "annotations": []} for split in ("train", "val")
    }
    shots = [shot for unit in plan(counts) for shot in unit]
    for number, shot in enumerate(shots, start=1):
        image = {"id": number, "file_name": shot.path, "license": 1, "rights_holder": "someone"}
        parts[shot.split]["images"].append(
            {**image, "width": labelled.SIDE, "height": labelled.SIDE}
        )
        parts[shot.split]["annotations"].append(
            {"id": number, "image_id": number, "category_id": shot.label}
        )
    for split, part in parts.items():
        content = {"info": {"year": 2018}, **part, "categories": categories, "licenses": []}
        (folder / f"{split}2018.json").write_text(json.dumps(content), encoding="utf-8")
