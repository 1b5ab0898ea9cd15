"""Writes close-ups as Stanford Cars: MATLAB structures, the test's labels apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mim_bench.datamodules.miniature import labelled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mim_bench.datamodules.miniature.labelled import Shot

NAME = "cars"
FOLDER = "stanford_cars"
COUNTS = {"train": 26, "test": 8}
"""Pictures of each class, by split."""

FRAMES_PER_UNIT = labelled.PER_UNIT
_MAKES = ("Acura", "Audi", "BMW", "Dodge", "Ferrari", "Ford", "Honda", "Jeep", "Mazda", "Volvo")
CLASSES = tuple(
    f"{make} {body} {year}" for make in _MAKES for body, year in (("Coupe", 2012), ("SUV", 2009))
)
_SHAPES = ("roof",)
_LEAST_APART = 0.35
_ODD = {(4, 2): "grey"}


def plan(counts: Mapping[str, int]) -> list[tuple[Shot, ...]]:
    """Return the units of pictures; files are numbered without regard to classes."""
    categories = labelled.choose(NAME, len(CLASSES), _SHAPES, _LEAST_APART)
    first = counts.get("train", 0)

    def path(split: str, label: int, number: int) -> str:
        place = (number - (0 if split == "train" else first)) * len(CLASSES) + label + 1
        return f"cars_{split}/{place:05d}.jpg"

    return labelled.units(labelled.shots_of(counts, categories, path))


def draw_frame(folder: Path, seed: int, counts: Mapping[str, int], number: int) -> None:
    """Draw the `number`-th unit of `plan`.

    Raises:
        OSError: A picture can't be written.
    """
    labelled.write_unit(NAME, folder, seed, plan(counts)[number], _ODD)


def finish(folder: Path, counts: Mapping[str, int]) -> None:
    """Write the devkit, and the test's labels beside it."""
    import numpy as np

    from mim_bench.datamodules.miniature.files import write_matlab

    devkit = folder / "devkit"
    devkit.mkdir(parents=True, exist_ok=True)
    shots = sorted((shot for unit in plan(counts) for shot in unit), key=lambda shot: shot.path)
    train = [shot for shot in shots if shot.split == "train"]
    test = [shot for shot in shots if shot.split == "test"]
    write_matlab(devkit / "cars_train_annos.mat", {"annotations": _rows(train, True)})
    write_matlab(devkit / "cars_test_annos.mat", {"annotations": _rows(test, False)})
    write_matlab(folder / "cars_test_annos_withlabels.mat", {"annotations": _rows(test, True)})
    names = np.array([list(CLASSES)], dtype=object)
    write_matlab(devkit / "cars_meta.mat", {"class_names": names})
    labelled.write_lines(devkit / "train_perfect_preds.txt", [str(one.label + 1) for one in train])


def _rows(shots: Sequence[Shot], with_labels: bool) -> Any:
    """Return a structure of one row, as the official files hold it; classes count from 1."""
    import numpy as np

    sides = [(f"bbox_{side}", object) for side in ("x1", "y1", "x2", "y2")]
    fields = [*sides, *([("class", object)] if with_labels else []), ("fname", object)]
    rows = np.zeros((1, len(shots)), dtype=fields)
    for place, shot in enumerate(shots):
        box = (8, 8, 80, 80)
        label = (shot.label + 1,) if with_labels else ()
        rows[0, place] = (*box, *label, shot.path.partition("/")[2])
    return rows
