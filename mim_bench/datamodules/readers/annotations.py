"""Reads COCO's annotation format into compact arrays, and says clearly what is wrong with it."""

from __future__ import annotations

import math
import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mim_bench.datamodules.readers.jsonfiles import Arrays, kept, read_json_file
from mim_bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PERSON = 1
"""The id of the category `person`."""

_BOX, _POINT = 4, 3


@dataclass(frozen=True, eq=False)
class Annotations:
    """Pictures and people of one or more annotation files, in the order of the files.

    I pictures, A people, K joints. What a file does not say is NaN.

    Attributes:
        image_ids: (I,) int64.
        names: (I,) text: files of the pictures.
        sizes: (I, 2) int64: width and height.
        crowd_index: (I,) float64.
        ids: (A,) int64.
        rows: (A,) int64: the picture of each, as an index of the above.
        boxes: (A, 4) float64: x, y, width, height.
        areas: (A,) float64.
        crowd: (A,) bool.
        counts: (A,) int64: the field `num_keypoints`, where there is none the labelled joints.
        keypoints: (A, K, 3) float32: x, y and 0, 1 or 2.
        hashes: sha256 of each file.
    """

    image_ids: npt.NDArray[np.int64]
    names: npt.NDArray[np.str_]
    sizes: npt.NDArray[np.int64]
    crowd_index: npt.NDArray[np.float64]
    ids: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]
    boxes: npt.NDArray[np.float64]
    areas: npt.NDArray[np.float64]
    crowd: npt.NDArray[np.bool_]
    counts: npt.NDArray[np.int64]
    keypoints: npt.NDArray[np.float32]
    hashes: tuple[str, ...]


def read_annotations(paths: Sequence[Path], joints: int, obtain: str) -> Annotations:
    """Read annotation files of one split.

    Args:
        paths: The files; their pictures are put one after the other.
        joints: How many joints a person has.
        obtain: Where the files come from, for errors.

    Raises:
        UserError: A file is missing, is no whole JSON, or says something impossible.
    """
    parts = [_read(path, joints, obtain) for path in paths]
    starts = np.cumsum([0, *(len(part["image_ids"]) for part in parts[:-1])])
    for part, start in zip(parts, starts, strict=True):
        part["rows"] = part["rows"] + start
    hashes = tuple(str(part.pop("sha256")) for part in parts)
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    found, seen = np.unique(whole["image_ids"], return_counts=True)
    if (seen > 1).any():
        raise UserError(
            f"the picture {found[seen > 1][0]} is in more than one of them",
            where=", ".join(str(path) for path in paths),
            expected="splits that share no picture",
            action=obtain,
        )
    return Annotations(**whole, hashes=hashes)


def _read(path: Path, joints: int, obtain: str) -> Arrays:
    return kept(path, f"people with {joints} joints", lambda: _parse(path, joints, obtain))


def _parse(path: Path, joints: int, obtain: str) -> Arrays:
    content = read_json_file(path, obtain)
    if not isinstance(content, dict) or not isinstance(content.get("images"), list):
        raise UserError(
            "holds no `images`",
            where=str(path),
            expected="an annotation file in COCO's format",
            action=obtain,
        )
    images = _Images(path, obtain)
    for number, image in enumerate(content["images"]):
        images.add(image, number)
    people = _People(path, joints, obtain, images.row)
    for number, one in enumerate(content.get("annotations") or ()):
        people.add(one, number)
    return {**images.arrays(), **people.arrays()}


class _Images:
    """Collects the pictures of a file."""

    def __init__(self, path: Path, obtain: str) -> None:
        self.path, self.obtain = path, obtain
        self.row: dict[int, int] = {}
        self.names: list[str] = []
        self.sizes: list[tuple[int, int]] = []
        self.crowd: list[float] = []

    def add(self, image: Any, number: int) -> None:
        try:
            identity, name = int(image["id"]), str(image["file_name"])
            size = int(image["width"]), int(image["height"])
            crowd = float(image.get("crowdIndex", np.nan))
        except (TypeError, KeyError, ValueError, AttributeError, OverflowError) as error:
            raise self._error(number, f"can't be used ({error!r})") from error
        if identity in self.row:
            raise self._error(number, f"has the id {identity} of another picture")
        if min(size) <= 0:
            raise self._error(number, f"(id {identity}) has the size {size[0]} x {size[1]}")
        path = posixpath.normpath(name)
        if path.startswith(("/", "../")) or path in ("..", "."):
            raise self._error(number, f"leads out of the dataset's folder: {name!r}")
        self.row[identity] = len(self.names)
        self.names.append(path)
        self.sizes.append(size)
        self.crowd.append(crowd)

    def _error(self, number: int, wrong: str) -> UserError:
        return UserError(
            f"picture number {number} of `images` {wrong}",
            where=str(self.path),
            expected="pictures with their own id, file_name, width and height",
            action=self.obtain,
        )

    def arrays(self) -> Arrays:
        return {
            "image_ids": np.array(list(self.row), np.int64),
            "names": np.array(self.names, np.str_),
            "sizes": np.array(self.sizes, np.int64).reshape(-1, 2),
            "crowd_index": np.array(self.crowd, np.float64),
        }


class _People:
    """Collects the people of a file."""

    def __init__(self, path: Path, joints: int, obtain: str, row: dict[int, int]) -> None:
        self.path, self.joints, self.obtain, self.row = path, joints, obtain, row
        self.ids: set[int] = set()
        self.columns: dict[str, list[Any]] = {
            name: [] for name in ("ids", "rows", "boxes", "areas", "crowd", "counts", "keypoints")
        }

    def add(self, one: Any, number: int) -> None:
        if not isinstance(one, dict):
            raise self._error(f"number {number}", "is no object", "a JSON object")
        if one.get("category_id", PERSON) != PERSON:
            return
        try:
            identity = int(one["id"])
        except (KeyError, TypeError, ValueError) as error:
            raise self._error(f"number {number}", "has no id", "a number as `id`") from error
        place = str(identity)
        if identity in self.ids:
            raise self._error(place, "is there twice", "an id of its own for every annotation")
        self.ids.add(identity)
        image = one.get("image_id")
        if not isinstance(image, int) or image not in self.row:
            wrong = f"is on the picture {image!r}, which the file does not have"
            raise self._error(place, wrong, "the id of a picture under `images`")
        box = self._numbers(one, "bbox", _BOX, place)
        blank = [0.0] * (_POINT * self.joints)
        points = self._numbers(one, "keypoints", len(blank), place) if "keypoints" in one else blank
        labelled = sum(value > 0 for value in points[2::_POINT])
        counted = one.get("num_keypoints", labelled)
        area = one.get("area", np.nan)
        for name, value in (("num_keypoints", counted), ("area", area)):
            if not isinstance(value, (int, float)):
                raise self._error(place, f"has the {name} {value!r}", "a number")
        row = (identity, self.row[image], box, area, bool(one.get("iscrowd")), counted, points)
        for column, value in zip(self.columns.values(), row, strict=True):
            column.append(value)

    def _numbers(self, one: dict[str, Any], name: str, count: int, place: str) -> list[float]:
        found = one.get(name)
        try:
            numbers = [float(value) for value in found or ()]
        except (TypeError, ValueError):
            numbers = []
        if len(numbers) != count or not all(map(math.isfinite, numbers)):
            held = f"{len(found)} values" if isinstance(found, list) else repr(found)
            if isinstance(found, list) and len(found) == count:
                held = "values that are no finite numbers"
            wanted = f"{count} numbers"
            if name == "keypoints":
                wanted += f": x, y and visibility of {self.joints} joints"
            raise self._error(place, f"has {held} under `{name}`", wanted)
        return numbers

    def _error(self, place: str, wrong: str, expected: str) -> UserError:
        return UserError(
            wrong,
            where=f"{self.path}: annotation {place}",
            expected=expected,
            action=self.obtain,
        )

    def arrays(self) -> Arrays:
        kinds = {"ids": np.int64, "rows": np.int64, "crowd": np.bool_, "counts": np.int64}
        kinds |= {"boxes": np.float64, "areas": np.float64, "keypoints": np.float32}
        shapes = {"boxes": (-1, _BOX), "keypoints": (-1, self.joints, _POINT)}
        return {
            name: np.array(column, kinds[name]).reshape(shapes.get(name, (-1,)))
            for name, column in self.columns.items()
        }
