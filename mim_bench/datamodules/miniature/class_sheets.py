"""A page of what was written for classification: some classes of each set, two pictures each."""

from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from mim_bench.datamodules.miniature import cifar, cog, labelled
from mim_bench.datamodules.miniature.labelled import Shot
from mim_bench.datamodules.miniature.marks import write
from mim_bench.datamodules.miniature.world import MARK, WRITERS

if TYPE_CHECKING:
    from pathlib import Path

Picture = npt.NDArray[np.uint8]

SETS = (
    *("imagenet1k", "cog", "food101", "birdsnap", "cars", "aircraft", "pets", "flowers"),
    *("cifar10", "cifar100", "sun397", "dtd", "caltech101", "voc2007", "inat18"),
)
"""In the order of the page."""

_CLASSES, _EACH = 5, 2
_HEIGHT = labelled.SIDE + 20  # with Aircraft's banner
_PANEL = 110


def drawn(root: Path) -> list[str]:
    """Return which classification sets a data root holds, drawn by this package."""
    return [name for name in SETS if (root / WRITERS[name].FOLDER / MARK).is_file()]


def classes_page(root: Path) -> Picture:
    """Rows of pictures as they were written, two of each class beside each other."""
    rows = []
    for name in drawn(root):
        found = _batches(root, name) if name.startswith("cifar") else _files(root, name)
        size = cog.CLASSES if name == "cog" else len(found)
        for start in range(0, len(found), size):
            own = sorted(found)[start : start + size]
            title = f"{name}-l{start // size + 1}" if name == "cog" else name
            some = [own[int(k)] for k in np.linspace(0, len(own) - 1, _CLASSES)]
            rows.append(_strip(title, [one for label in some for one in found[label]]))
    return np.concatenate(rows)


def _files(root: Path, name: str) -> dict[int, list[Picture]]:
    """Label -> the first pictures of a set of files; of VOC's by what stands on the left."""
    writer = WRITERS[name]
    folder = root / writer.FOLDER
    counts = json.loads((folder / MARK).read_text(encoding="utf-8"))["counts"]
    found: dict[int, list[Picture]] = {}
    for unit in writer.plan(counts):
        for one in unit:
            if isinstance(one, Shot):
                label, path = one.label, folder / one.path
            else:
                label, path = one.labels[0], folder / "VOC2007" / "JPEGImages" / f"{one.id}.jpg"
            same = found.setdefault(label, [])
            if len(same) < _EACH and path.is_file():  # some of Birdsnap's were lost
                same.append(_open(path))
    return found


def _batches(root: Path, name: str) -> dict[int, list[Picture]]:
    """Label -> the first pictures of CIFAR's batch of this world, enlarged."""
    file, key = ("data_batch_1", "labels") if name == "cifar10" else ("train", "fine_labels")
    path = root / WRITERS[name].FOLDER / file
    # our own drawing, as its mark says: nobody else's pickles are opened here
    batch: dict[str, Any] = pickle.loads(path.read_bytes())  # noqa: S301
    found: dict[int, list[Picture]] = {}
    times = labelled.SIDE // cifar.SIDE
    for row, label in zip(batch["data"], batch[key], strict=True):
        same = found.setdefault(label, [])
        if len(same) < _EACH:
            picture = row.reshape(3, cifar.SIDE, cifar.SIDE).transpose(1, 2, 0)
            same.append(picture.repeat(times, axis=0).repeat(times, axis=1))
    return found


def _open(path: Path) -> Picture:
    content: npt.NDArray[Any] = np.fromfile(path, np.uint8)
    how = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    return np.asarray(cv2.imdecode(content, how), dtype=np.uint8)[..., ::-1]


def _strip(title: str, pictures: list[Picture]) -> Picture:
    row = np.full((_HEIGHT, _PANEL + _CLASSES * _EACH * labelled.SIDE, 3), 255, np.uint8)
    write(row, title, (6, _HEIGHT // 2), (0, 0, 0), 0.5)
    for place, picture in enumerate(pictures):
        left = _PANEL + place * labelled.SIDE
        row[: len(picture), left : left + picture.shape[1]] = picture
    return row
