"""A page of what was written for tracking: test sequences with the boxes that the files hold."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from mim_bench.datamodules.miniature import got10k, lasot, trackingnet
from mim_bench.datamodules.miniature.marks import draw_box, write
from mim_bench.datamodules.miniature.sequences import SIZES
from mim_bench.datamodules.miniature.world import server_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Picture = npt.NDArray[np.uint8]

_EACH = 3  # sequences of each dataset
_COLUMNS = 7
_RED, _BLUE = (255, 70, 60), (70, 140, 255)


def tracking_page(root: Path) -> Picture:
    """Tests of the sets that are there: public boxes in red, the server's in blue."""
    rows = []
    for name, writer in (("got10k", got10k), ("trackingnet", trackingnet)):
        path = server_folder(root, name) / "test.json"
        if (root / writer.FOLDER).is_dir() and path.is_file():
            sequences = json.loads(path.read_text(encoding="utf-8"))["sequences"]
            for title in list(sequences)[:_EACH]:
                folder = root / writer.FOLDER
                inner = f"test/{title}" if name == "got10k" else f"TEST/frames/{title}"
                rows.append(_strip(title, folder / inner, sequences[title]["boxes"], 1))
    folder = root / lasot.FOLDER
    if folder.is_dir():
        for title in (
            (folder / lasot.LISTS["test"]).read_text(encoding="utf-8").split()[::2][:_EACH]
        ):
            place = folder / title.rpartition("-")[0] / title
            boxes = np.loadtxt(place / "groundtruth.txt", delimiter=",", ndmin=2) - (1, 1, 0, 0)
            rows.append(_strip(title, place / "img", boxes.tolist(), len(boxes)))
    return np.concatenate(rows)


def _strip(title: str, folder: Path, boxes: Sequence[Sequence[float]], public: int) -> Picture:
    files = sorted(folder.glob("*.jpg"), key=lambda path: int(path.stem))
    tall, wide = (max(size[axis] for size in SIZES) for axis in (0, 1))
    tiles = []
    for number in np.linspace(0, len(boxes) - 1, _COLUMNS).astype(int):
        content: npt.NDArray[Any] = np.fromfile(files[number], np.uint8)
        picture = np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR))[..., ::-1].astype(np.uint8)
        tile = np.zeros((tall, wide, 3), np.uint8)
        tile[: len(picture)] = picture
        x, y, width, height = (round(float(value)) for value in boxes[number])
        if min(width, height) > 0:
            colour = _RED if number < public else _BLUE
            draw_box(tile, (x, y, x + width, y + height), colour)
        write(tile, f"{title[-18:]} {number}" if not number else str(number), (4, 14))
        tiles.append(tile)
    return np.concatenate(tiles, axis=1)
