"""Pages of what was written for pose: pictures with the joints and boxes that the files hold."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from mim_bench.datamodules.miniature import coco, crowdpose
from mim_bench.datamodules.miniature.marks import draw_bones, write
from mim_bench.datamodules.miniature.scenes.skeleton import COCO, CROWDPOSE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Picture = npt.NDArray[np.uint8]

_TILE = 320  # pixels: the longest side of a picture
_ROWS, _COLUMNS = 3, 5
_RED, _BLUE, _YELLOW = (255, 70, 60), (70, 140, 255), (250, 220, 80)
_SURE = 0.5  # detections below it are drawn fainter


def coco_page(root: Path) -> Picture:
    """COCO's val: labelled boxes in red, crowds in blue, detections in yellow, joints."""
    folder = root / coco.FOLDER
    found = _read(folder / "person_detection_results" / coco.DETECTIONS["val"])
    notes = _read(folder / "annotations" / "person_keypoints_val2017.json")
    return _page(folder / coco.FOLDERS["val"], notes, COCO, found)


def crowdpose_page(root: Path) -> Picture:
    """CrowdPose's test: boxes in red, joints, how crowded each picture is."""
    folder = root / crowdpose.FOLDER
    notes = _read(folder / "annotations" / "crowdpose_test.json")
    return _page(folder / "images", notes, CROWDPOSE, [])


def _page(
    folder: Path, notes: dict[str, Any], names: Sequence[str], found: Sequence[dict[str, Any]]
) -> Picture:
    tiles = [
        _tile(folder, image, notes["annotations"], names, found)
        for image in notes["images"][: _ROWS * _COLUMNS]
    ]
    blank = np.zeros((_TILE, _TILE, 3), np.uint8)
    tiles += [blank] * (-len(tiles) % _COLUMNS)
    rows = [tiles[start : start + _COLUMNS] for start in range(0, len(tiles), _COLUMNS)]
    return np.concatenate([np.concatenate(row, axis=1) for row in rows])


def _tile(
    folder: Path,
    image: dict[str, Any],
    people: Sequence[dict[str, Any]],
    names: Sequence[str],
    found: Sequence[dict[str, Any]],
) -> Picture:
    content = np.fromfile(folder / image["file_name"], np.uint8)
    decoded = np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR), dtype=np.uint8)
    picture = decoded[..., ::-1].copy()
    for one in found:
        if one["image_id"] == image["id"] and one["score"] >= _SURE:
            _box(picture, one["bbox"], _YELLOW)
    for one in people:
        if one["image_id"] == image["id"]:
            _box(picture, one["bbox"], _BLUE if one["iscrowd"] else _RED)
            joints = np.array(one["keypoints"]).reshape(-1, 3)
            draw_bones(picture, names, joints[:, :2], joints[:, 2])
    if "crowdIndex" in image:
        write(picture, f"crowd index {image['crowdIndex']:.2f}", (6, 16))
    tile = np.zeros((_TILE, _TILE, 3), np.uint8)
    tile[: picture.shape[0], : picture.shape[1]] = picture
    return tile


def _box(picture: Picture, box: Sequence[float], colour: tuple[int, int, int]) -> None:
    x, y, wide, tall = (round(value) for value in box)
    cv2.rectangle(picture, (x, y), (x + wide - 1, y + tall - 1), colour, 1)


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
