"""Writes close-ups as FGVC Aircraft: lists of three levels, a banner below each picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mim_bench.datamodules.miniature import labelled

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from mim_bench.datamodules.miniature.labelled import Shot

NAME = "aircraft"
FOLDER = "fgvc-aircraft-2013b"
COUNTS = {"train": 13, "val": 13, "test": 8}
"""Pictures of each class, by split."""

FRAMES_PER_UNIT = labelled.PER_UNIT
VARIANTS = (
    "707-320", "727-200", "737-300", "747-100", "A300B4", "A310", "A318", "ATR-42", "An-12",
    "BAE 146-200", "Beechcraft 1900", "C-130", "Cessna 172", "DC-10", "Dash 8-100", "DHC-6",
    "Eurofighter Typhoon", "F/A-18", "Fokker 70", "MD-11",
)  # fmt: skip
_SHAPES = ("barrel",)
_LEAST_APART = 0.35
_BANNER = 20  # rows


def plan(counts: Mapping[str, int]) -> list[tuple[Shot, ...]]:
    """Return the units of pictures."""
    categories = labelled.choose(NAME, len(VARIANTS), _SHAPES, _LEAST_APART)

    def path(split: str, label: int, number: int) -> str:
        return f"data/images/{34309 + 1009 * number + 13 * label:07d}.jpg"

    return labelled.units(labelled.shots_of(counts, categories, path))


def draw_frame(folder: Path, seed: int, counts: Mapping[str, int], number: int) -> None:
    """Draw the `number`-th unit of `plan`, each with its banner.

    Raises:
        OSError: A picture can't be written.
    """
    labelled.write_unit(NAME, folder, seed, plan(counts)[number], draw=_with_banner)


def _with_banner(name: str, seed: int, shot: Shot) -> npt.NDArray[np.uint8]:
    import cv2
    import numpy as np

    image = labelled.draw(name, seed, shot)
    banner = np.full((_BANNER, image.shape[1], 3), 230, np.uint8)
    cv2.putText(banner, "(c) someone", (2, 14), cv2.FONT_HERSHEY_PLAIN, 0.8, (60, 60, 60))
    return np.concatenate([image, banner])


def finish(folder: Path, counts: Mapping[str, int]) -> None:
    """Write the lists of variants, families and manufacturers."""
    data = folder / "data"
    families = sorted({_family(name) for name in VARIANTS})
    makers = sorted({_maker(name) for name in VARIANTS})
    for name, lines in (("variants", VARIANTS), ("families", families), ("manufacturers", makers)):
        labelled.write_lines(data / f"{name}.txt", list(lines))
    shots = sorted((shot for unit in plan(counts) for shot in unit), key=lambda shot: shot.path)
    splits = {split: (split,) for split in counts} | {"trainval": ("train", "val")}
    boxes = [f"{_id(shot)} 3 5 90 70" for shot in shots]
    labelled.write_lines(data / "images_box.txt", boxes)
    for split, own in splits.items():
        some = [shot for shot in shots if shot.split in own]
        labelled.write_lines(data / f"images_{split}.txt", [_id(shot) for shot in some])
        for level, named in (("variant", str), ("family", _family), ("manufacturer", _maker)):
            lines = [f"{_id(shot)} {named(VARIANTS[shot.label])}" for shot in some]
            labelled.write_lines(data / f"images_{level}_{split}.txt", lines)


def _id(shot: Shot) -> str:
    return shot.path.rpartition("/")[2].removesuffix(".jpg")


def _family(variant: str) -> str:
    return variant.partition("-")[0]


def _maker(variant: str) -> str:
    return "Boeing" if variant[0] == "7" else f"Maker {variant[0]}"
