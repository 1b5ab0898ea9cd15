"""Writes groups of things as PASCAL VOC 2007: lists of each class, XML, difficult objects."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree as Xml

from mim_bench.datamodules.miniature import labelled

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mim_bench.datamodules.miniature.scenes.categories import Category

NAME = "voc2007"
FOLDER = "VOCdevkit"
COUNTS = {"train": 300, "val": 300, "test": 120}
"""Pictures by split."""

FRAMES_PER_UNIT = labelled.PER_UNIT
CLASSES = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train",
    "tvmonitor",
)  # fmt: skip
_SIZE = (72, 96)
_PARTS = ".parts"
_SMALL = 60  # pixels in sight below which an object is difficult


@dataclass(frozen=True)
class Group:
    """A picture to be drawn.

    Attributes:
        id: Six digits.
        split: Of the picture.
        number: Its place in the world.
        labels: What stands in it, from left to right.
        difficult: Whether the last is far away, and marked as difficult.
    """

    id: str
    split: str
    number: int
    labels: tuple[int, ...]
    difficult: bool


def categories() -> tuple[Category, ...]:
    """Return what the classes look like."""
    return labelled.choose(NAME, len(CLASSES), ("box", "ball"), 0.35)


def plan(counts: Mapping[str, int]) -> list[tuple[Group, ...]]:
    """Return the units of pictures: one or two things in each, every class as often."""
    groups: list[Group] = []
    for split, count in counts.items():
        for place in range(count):
            number = len(groups)
            first = place % len(CLASSES)
            # neither how many things there are nor what stands beside tells a class
            turn = labelled.key_of(f"{NAME} {number}")
            other = (first + 1 + turn % (len(CLASSES) - 1)) % len(CLASSES)
            shown = (first, other) if turn // 100 % 2 else (first,)
            difficult = len(shown) > 1 and turn // 1000 % 4 == 0
            groups.append(Group(f"{5 + 7 * number:06d}", split, number, shown, difficult))
    return labelled.units(groups)


def draw_frame(folder: Path, seed: int, counts: Mapping[str, int], number: int) -> None:
    """Draw the `number`-th unit of `plan`, with its XML files.

    Raises:
        OSError: A picture can't be written.
    """
    import cv2

    cv2.setNumThreads(1)
    flags = {}
    for group in plan(counts)[number]:
        flags[group.id] = _write(folder / "VOC2007", seed, group)
    parts = folder / _PARTS
    parts.mkdir(parents=True, exist_ok=True)
    (parts / f"{number:05d}.json").write_text(json.dumps(flags), encoding="utf-8")


def _write(folder: Path, seed: int, group: Group) -> list[int]:
    """Draw a picture; return 1 for each class in it, 0 for difficult ones alone, else -1."""
    import numpy as np

    from mim_bench.datamodules.miniature.files import write_picture
    from mim_bench.datamodules.miniature.scenes.cameras import Camera
    from mim_bench.datamodules.miniature.scenes.lighting import lamp
    from mim_bench.datamodules.miniature.scenes.objects import make_object
    from mim_bench.datamodules.miniature.scenes.portraits import plain_walls
    from mim_bench.datamodules.miniature.scenes.scene import Scene
    from mim_bench.datamodules.miniature.scenes.views import look

    rng = np.random.default_rng([seed, labelled.key_of(NAME), group.number])
    kinds, count = categories(), len(group.labels)
    things = []
    for place, label in enumerate(group.labels):
        last = group.difficult and place == count - 1
        x = (place - (count - 1) / 2) * 0.62 + float(rng.normal(0, 0.1))
        spot = (x * 3.5, 3.6) if last else (x, float(rng.uniform(0.0, 0.3)))
        things.append(make_object(rng, kinds[label], 0.27, spot, yaw=float(rng.normal(0.5, 0.3))))
    walls = plain_walls(rng, 5.0)
    far = 0.7 + 0.42 * count
    eye = (float(rng.normal(0, 0.1)), float(rng.uniform(0.5, 0.8)), -far)
    camera = Camera.towards(eye, (0.0, 0.28, 0.0), 1.0 * _SIZE[1], *_SIZE)
    scene = Scene(walls, tuple(things), lamp(rng, 0.5), haze=0.01, air=(0.6, 0.6, 0.6), sky=None)
    view = look(scene, camera, rng)
    write_picture(folder / "JPEGImages" / f"{group.id}.jpg", view.image)
    flags = [-1] * len(CLASSES)
    root = Xml.Element("annotation")
    Xml.SubElement(root, "folder").text = "VOC2007"
    Xml.SubElement(root, "filename").text = f"{group.id}.jpg"
    size = Xml.SubElement(root, "size")
    for name, value in (("width", _SIZE[1]), ("height", _SIZE[0]), ("depth", 3)):
        Xml.SubElement(size, name).text = str(value)
    for place, label in enumerate(group.labels):
        box = view.box(place)
        if box is None:
            continue
        hard = bool(view.seen[place] < _SMALL) or (group.difficult and place == count - 1)
        flags[label] = max(flags[label], 0 if hard else 1)
        one = Xml.SubElement(root, "object")
        for name, text in (
            ("name", CLASSES[label]),
            ("pose", "Unspecified"),
            ("truncated", str(int(box[0] == 0 or box[2] == _SIZE[1]))),
            ("difficult", str(int(hard))),
        ):
            Xml.SubElement(one, name).text = text
        bounds = Xml.SubElement(one, "bndbox")
        # counted from 1, both ends within the box
        sides = zip(
            ("xmin", "ymin", "xmax", "ymax"), (box[0] + 1, box[1] + 1, box[2], box[3]), strict=True
        )
        for name, value in sides:
            Xml.SubElement(bounds, name).text = str(value)
    Xml.indent(root, "\t")
    annotations = folder / "Annotations"
    annotations.mkdir(parents=True, exist_ok=True)
    (annotations / f"{group.id}.xml").write_bytes(Xml.tostring(root) + b"\n")
    return flags


def finish(folder: Path, counts: Mapping[str, int]) -> None:
    """Write the lists of all pictures and of each class."""
    flags: dict[str, list[int]] = {}
    parts = folder / _PARTS
    for path in sorted(parts.glob("*.json")):
        flags |= json.loads(path.read_text(encoding="utf-8"))
    shutil.rmtree(parts)
    groups = [group for unit in plan(counts) for group in unit]
    main = folder / "VOC2007" / "ImageSets" / "Main"
    splits = {split: (split,) for split in counts} | {"trainval": ("train", "val")}
    for split, own in splits.items():
        ids = [group.id for group in groups if group.split in own]
        labelled.write_lines(main / f"{split}.txt", ids)
        for label, name in enumerate(CLASSES):
            lines = [f"{one} {flags[one][label]:2d}" for one in ids]
            labelled.write_lines(main / f"{name}_{split}.txt", lines)
