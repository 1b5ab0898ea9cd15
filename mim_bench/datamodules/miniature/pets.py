"""Writes close-ups as Oxford-IIIT Pets: cats in capitals, a PNG among the JPEG files, strays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mim_bench.datamodules.miniature import labelled

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mim_bench.datamodules.miniature.labelled import Shot

NAME = "pets"
FOLDER = "oxford-iiit-pet"
COUNTS = {"trainval": 26, "test": 8}
"""Pictures of each class, by split."""

FRAMES_PER_UNIT = labelled.PER_UNIT
# in the order of the official numbers: alphabetical, whatever the case; capitals are cats
CLASSES = (
    "Abyssinian", "american_bulldog", "basset_hound", "beagle", "Bengal", "Birman", "Bombay",
    "boxer", "British_Shorthair", "chihuahua", "Egyptian_Mau", "german_shorthaired", "havanese",
    "keeshond", "Maine_Coon", "Persian", "pug", "samoyed", "Siamese", "Sphynx",
)  # fmt: skip
_SHAPES = ("ball",)
_LEAST_APART = 0.35
_ODD = {(0, 4): "png", (3, 5): "png", (10, 1): "turned"}


def plan(counts: Mapping[str, int]) -> list[tuple[Shot, ...]]:
    """Return the units of pictures."""
    categories = labelled.choose(NAME, len(CLASSES), _SHAPES, _LEAST_APART)

    def path(split: str, label: int, number: int) -> str:
        return f"images/{CLASSES[label]}_{number + 1}.jpg"

    return labelled.units(labelled.shots_of(counts, categories, path))


def draw_frame(folder: Path, seed: int, counts: Mapping[str, int], number: int) -> None:
    """Draw the `number`-th unit of `plan`.

    Raises:
        OSError: A picture can't be written.
    """
    labelled.write_unit(NAME, folder, seed, plan(counts)[number], _ODD)


def finish(folder: Path, counts: Mapping[str, int]) -> None:
    """Write the lists: picture, class, species, breed within the species, all counted from 1."""
    annotations = folder / "annotations"
    breeds: dict[str, tuple[int, int]] = {}
    for cats in (True, False):
        same = [name for name in CLASSES if name[0].isupper() == cats]
        breeds |= {name: (1 if cats else 2, number) for number, name in enumerate(same, start=1)}
    lists: dict[str, list[str]] = {"trainval": [], "test": []}
    for unit in plan(counts):
        for shot in unit:
            name = CLASSES[shot.label]
            species, breed = breeds[name]
            line = f"{name}_{shot.number + 1} {shot.label + 1} {species} {breed}"
            lists[shot.split].append(line)
    for split, lines in lists.items():
        labelled.write_lines(annotations / f"{split}.txt", lines)
    head = ["#Image CLASS-ID SPECIES BREED ID", "#ID: 1:37 Class ids"]
    labelled.write_lines(annotations / "list.txt", [*head, *lists["trainval"], *lists["test"]])
    for number in (100, 101, 102):
        (folder / "images" / f"Abyssinian_{number}.mat").write_bytes(b"MATLAB 5.0 MAT-file")
