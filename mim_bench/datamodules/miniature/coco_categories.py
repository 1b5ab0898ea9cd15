"""COCO's 80 categories, with the gaps in their ids, and which of them the scenes have."""

from __future__ import annotations

from typing import Any

from mim_bench.datamodules.miniature.scenes.skeleton import COCO

_GROUPS = {
    "person": "1 person",
    "vehicle": ("2 bicycle,3 car,4 motorcycle,5 airplane,6 bus,7 train,8 truck,9 boat"),
    "outdoor": "10 traffic light,11 fire hydrant,13 stop sign,14 parking meter,15 bench",
    "animal": (
        "16 bird,17 cat,18 dog,19 horse,20 sheep,21 cow,22 elephant,23 bear,24 zebra,25 giraffe"
    ),
    "accessory": "27 backpack,28 umbrella,31 handbag,32 tie,33 suitcase",
    "sports": (
        "34 frisbee,35 skis,36 snowboard,37 sports ball,38 kite,39 baseball bat,"
        "40 baseball glove,41 skateboard,42 surfboard,43 tennis racket"
    ),
    "kitchen": "44 bottle,46 wine glass,47 cup,48 fork,49 knife,50 spoon,51 bowl",
    "food": (
        "52 banana,53 apple,54 sandwich,55 orange,56 broccoli,57 carrot,58 hot dog,59 pizza,"
        "60 donut,61 cake"
    ),
    "furniture": "62 chair,63 couch,64 potted plant,65 bed,67 dining table,70 toilet",
    "electronic": "72 tv,73 laptop,74 mouse,75 remote,76 keyboard,77 cell phone",
    "appliance": "78 microwave,79 oven,80 toaster,81 sink,82 refrigerator",
    "indoor": ("84 book,85 clock,86 vase,87 scissors,88 teddy bear,89 hair drier,90 toothbrush"),
}

CATEGORIES: tuple[dict[str, Any], ...] = tuple(
    {"supercategory": group, "id": int(entry.split(" ", 1)[0]), "name": entry.split(" ", 1)[1]}
    for group, entries in _GROUPS.items()
    for entry in entries.split(",")
)
"""As in the official files, people without joints."""

KINDS = {"chair": 62, "sofa": 63, "plant": 64, "bed": 65, "table": 67, "ball": 37, "car": 3}
"""Kind of a thing -> id of its category; the rest are no instances."""

SKELETON = (
    (16, 14),
    (14, 12),
    (17, 15),
    (15, 13),
    (12, 13),
    (6, 12),
    (7, 13),
    (6, 7),
    (6, 8),
    (7, 9),
    (8, 10),
    (9, 11),
    (2, 3),
    (1, 2),
    (1, 3),
    (2, 4),
    (3, 5),
    (4, 6),
    (5, 7),
)
"""Pairs of joints that are joined in drawings, counted from 1."""

PERSON: dict[str, Any] = {
    **CATEGORIES[0],
    "keypoints": list(COCO),
    "skeleton": [list(pair) for pair in SKELETON],
}
"""The category of person_keypoints files."""
