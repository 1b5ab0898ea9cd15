"""Contact sheets: the miniature world with depth, masks, boxes, joints and tracks drawn in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from mim_bench.datamodules.miniature import (
    coco,
    crowdpose,
    got10k,
    kitti,
    lasot,
    nyuv2,
    trackingnet,
)
from mim_bench.datamodules.miniature.class_sheets import classes_page, drawn
from mim_bench.datamodules.miniature.marks import (
    SWATCHES,
    colour_depth,
    draw_box,
    draw_people,
    paint_masks,
    write,
)
from mim_bench.datamodules.miniature.pose_sheets import coco_page, crowdpose_page
from mim_bench.datamodules.miniature.scenes.annotations import shown
from mim_bench.datamodules.miniature.scenes.categories import all_categories, distance
from mim_bench.datamodules.miniature.scenes.films import TARGETS, make_film
from mim_bench.datamodules.miniature.scenes.portraits import make_portrait
from mim_bench.datamodules.miniature.scenes.rooms import make_room, room_camera
from mim_bench.datamodules.miniature.scenes.streets import (
    make_street,
    make_yard,
    street_camera,
    yard_camera,
)
from mim_bench.datamodules.miniature.scenes.views import View, look
from mim_bench.datamodules.miniature.tracking_sheets import tracking_page

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from mim_bench.datamodules.miniature.scenes.categories import Category

Picture = npt.NDArray[np.uint8]

FOLDER = "contact-sheets"
"""Where sheets are put in a data root."""

_TALL, _WIDE = 240, 320
_QUALITY = 88


class Sheet(NamedTuple):
    """One page.

    Attributes:
        name: Of its file, without the ending.
        picture: (H, W, 3) uint8 RGB.
    """

    name: str
    picture: Picture


def write_sheets(root: Path, seed: int = 0) -> list[Path]:
    """Draw all sheets of a seed into a data root and return their files.

    Raises:
        OSError: They can't be written.
    """
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    sheets = [scenes(seed), films(seed), categories(seed)]
    pages: dict[str, tuple[Any, Callable[[Path], Picture]]] = {
        "nyuv2": (nyuv2, nyuv2_files),
        "kitti": (kitti, kitti_files),
        "coco": (coco, coco_page),
        "crowdpose": (crowdpose, crowdpose_page),
    }
    sheets += [
        Sheet(name, page(root))
        for name, (writer, page) in pages.items()
        if (root / writer.FOLDER).is_dir()
    ]
    if any((root / writer.FOLDER).is_dir() for writer in (got10k, trackingnet, lasot)):
        sheets.append(Sheet("tracking", tracking_page(root)))
    if drawn(root):
        sheets.append(Sheet("classes", classes_page(root)))
    for sheet in sheets:
        path = folder / f"{sheet.name}.jpg"
        quality = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
        _, content = cv2.imencode(".jpg", sheet.picture[..., ::-1], quality)
        path.write_bytes(content.tobytes())
        paths.append(path)
    return paths


def scenes(seed: int) -> Sheet:
    """Rooms, streets and yards: colour, depth, masks of things, boxes and joints of people."""
    rows = []
    for number in range(6):
        view = _place(np.random.default_rng([seed, 101, number]), number // 2)
        people = [k for k, thing in enumerate(view.scene.things) if thing.kind == "person"]
        marked = view.image.copy()
        for index in people:
            if box := view.box(index):
                draw_box(marked, box, SWATCHES[index % len(SWATCHES)])
        draw_people(marked, view)
        depth = colour_depth(view.depth, 80.0 if number // 2 else 10.0)
        rows.append(_row([view.image, depth, paint_masks(view), marked]))
    titles = ("colour", "depth: 0 to 10 m indoors, 80 m outside", "instances", "boxes, joints")
    return Sheet("scenes", np.concatenate([_titles(titles, _WIDE), *rows]))


def films(seed: int, frames: int = 8) -> Sheet:
    """Films: the target's box in red, of others in blue, and how much of the target is in sight."""
    rows = []
    for number in range(6):
        kind = TARGETS[number % len(TARGETS)]
        rng = np.random.default_rng([seed, 102, number])
        film = make_film(rng, kind, leaves=number in (0, 5), hides=True)
        tiles = []
        for time in np.linspace(0.0, film.seconds, frames):
            camera = film.camera(float(time), 150, 200)
            view = look(film.scene(float(time)), camera, np.random.default_rng([seed, number]))
            picture = view.image.copy()
            for index in range(len(film.actors)):
                if box := view.box(index):
                    draw_box(picture, box, (255, 70, 60) if index == 0 else (70, 140, 255))
            write(picture, f"{time:.1f} s  {shown(view, 0):.0%}", (4, 14))
            tiles.append(picture)
        rows.append(_row(tiles))
    return Sheet("films", np.concatenate(rows))


def categories(seed: int, count: int = 10, each: int = 8) -> Sheet:
    """Categories, ordered by their distance from the first one, a few instances of each."""
    rng = np.random.default_rng([seed, 103])
    known = all_categories()
    first = known[int(rng.integers(len(known)))]
    near = sorted(known, key=lambda other: (distance(first, other), other))
    chosen = [near[int(share * (len(near) - 1))] for share in np.linspace(0, 1, count) ** 2]
    rows = []
    for category in chosen:
        tiles = [look(*make_portrait(rng, category, 140, 140), rng).image for _ in range(each)]
        rows.append(np.concatenate([_words(first, category), *tiles], axis=1))
    return Sheet("categories", np.concatenate(rows))


def nyuv2_files(root: Path) -> Picture:
    """NYUv2 as it lies in a data root: pictures and depth files, without depth in black."""
    folder = root / nyuv2.FOLDER
    bases = {"train": folder, "test": folder / "official_splits" / "test"}
    rows = []
    for split, base in bases.items():
        pairs = _listed(folder / f"{split}_list.txt", base, 6, 1000.0)
        rows.append(_row([image[::2, ::2] for image, _ in pairs]))
        rows.append(_row([colour_depth(depth[::2, ::2], 10.0) for _, depth in pairs]))
    return np.concatenate(rows)


def kitti_files(root: Path) -> Picture:
    """KITTI as it lies in a data root, its laser's points enlarged, without depth in black."""
    folder = root / kitti.FOLDER
    rows = []
    for split in ("train", "test"):
        pairs = _listed(folder / f"{split}_list.txt", folder, 4, 256.0)
        low, narrow = (min(image.shape[axis] for image, _ in pairs) for axis in (0, 1))
        for first in (0, 2):
            chosen = pairs[first : first + 2]
            cut = [image[-low:, :narrow] for image, _ in chosen]
            points = [_enlarged(depth[-low:, :narrow]) for _, depth in chosen]
            rows.append(_row([image[::2, ::2] for image in cut]))
            rows.append(_row([colour_depth(depth[::2, ::2], 80.0) for depth in points]))
    narrow = min(row.shape[1] for row in rows)
    return np.concatenate([row[:, :narrow] for row in rows])


def _enlarged(depth: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(cv2.dilate(depth, np.ones((3, 3))), dtype=np.float64)


def _listed(
    list_file: Path, base: Path, count: int, units: float
) -> list[tuple[Picture, npt.NDArray[np.float64]]]:
    """Read some of a list's pictures and depth maps, with OpenCV alone."""
    lines = list_file.read_text(encoding="utf-8").split("\n")
    lines = [line for line in lines if line.strip()]
    chosen = [lines[int(k)].split() for k in np.linspace(0, len(lines) - 1, count)]
    return [
        (_open(base / image.lstrip("/"))[..., ::-1], _open(base / depth.lstrip("/")) / units)
        for image, depth in chosen
    ]


def _open(path: Path) -> npt.NDArray[Any]:
    return np.asarray(cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED))


def _words(first: Category, category: Category) -> Picture:
    panel = np.full((140, 150, 3), 255, dtype=np.uint8)
    for line, word in enumerate(category.name.split()):
        write(panel, word, (8, 22 + 20 * line), (0, 0, 0), 0.5)
    write(panel, f"distance {distance(first, category):.2f}", (8, 128), (130, 0, 0), 0.45)
    return panel


def _place(rng: np.random.Generator, kind: int) -> View:
    if kind == 0:
        room = make_room(rng, people=2)
        return look(room, room_camera(rng, room, _TALL, _WIDE), rng)
    if kind == 1:
        return look(make_street(rng), street_camera(rng, _TALL, _WIDE), rng)
    return look(make_yard(rng, people=3), yard_camera(rng, _TALL, _WIDE), rng)


def _row(tiles: Sequence[Picture]) -> Picture:
    return np.concatenate(list(tiles), axis=1)


def _titles(titles: Sequence[str], width: int) -> Picture:
    strip = np.full((24, width * len(titles), 3), 255, dtype=np.uint8)
    for number, title in enumerate(titles):
        write(strip, title, (8 + number * width, 17), (0, 0, 0), 0.5)
    return strip
