"""Draws worlds: under a lock, in several processes, each dataset whole or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from mim_bench.datamodules.miniature import (
    aircraft,
    birdsnap,
    caltech101,
    cars,
    cifar10,
    cifar100,
    coco,
    cog,
    crowdpose,
    dtd,
    flowers,
    food101,
    got10k,
    imagenet1k,
    inat18,
    kitti,
    lasot,
    nyuv2,
    pets,
    sun397,
    trackingnet,
    voc2007,
)
from mim_bench.datamodules.miniature.processes import Crew, default_jobs
from mim_bench.errors import UserError, unknown
from mim_bench.files import write_json
from mim_bench.locations import cache_folder

VERSION = 2
"""Counts changes of what is drawn: scores on different versions are not compared."""

TITLE = "miniature world"
"""What tables call it."""

WRITERS: Mapping[str, Any] = {
    "nyuv2": nyuv2,
    "kitti": kitti,
    "coco-keypoints": coco,
    "crowdpose": crowdpose,
    "got10k": got10k,
    "trackingnet": trackingnet,
    "lasot": lasot,
    "imagenet1k": imagenet1k,
    "cog": cog,
    "food101": food101,
    "cifar10": cifar10,
    "cifar100": cifar100,
    "birdsnap": birdsnap,
    "sun397": sun397,
    "cars": cars,
    "aircraft": aircraft,
    "voc2007": voc2007,
    "dtd": dtd,
    "pets": pets,
    "caltech101": caltech101,
    "flowers": flowers,
    "inat18": inat18,
}
"""Dataset name -> the module that writes it."""

DATASETS: tuple[str, ...] = tuple(WRITERS)
"""The datasets that can be drawn."""

STAMP = "stamp.json"
"""The file at the world's root: version, seed, and the settings of each finished dataset."""

MARK = ".miniature.json"
"""The file inside a drawn dataset: tells it from a user's own data of the same name."""

_DRAWING = ".drawing-"
_SERVER_ENDING = ".server"

Progress = Callable[[str, int, int], None]
Counts = Mapping[str, Mapping[str, int]]


def world_folder(seed: int = 0) -> Path:
    """Return where the world of a seed is kept: a data root in the cache folder."""
    return cache_folder() / f"world-v{VERSION}-seed{seed}"


def server_folder(folder: Path, name: str) -> Path:
    """Return where a world keeps a dataset's hidden test labels: beside its data root.

    A reader of the data root never sees them; they are there to score submissions with.
    """
    folder = Path(folder).expanduser().absolute()
    return folder.with_name(f"{folder.name}{_SERVER_ENDING}") / name


def is_drawn(
    folder: Path, datasets: Iterable[str], seed: int = 0, counts: Counts | None = None
) -> bool:
    """Tell from the stamp and the folders' names whether a world holds these datasets, whole.

    Args:
        folder: A data root.
        datasets: Names of datasets.
        seed: The world's seed.
        counts: Dataset -> split -> frames; None takes those it was drawn with.
    """
    folder = Path(folder)
    stamp = _read(folder / STAMP)
    if (stamp.get("version"), stamp.get("seed")) != (VERSION, seed):
        return False
    held = stamp.get("datasets") or {}
    return all(
        name in held
        and (folder / WRITERS[name].FOLDER).is_dir()
        and (counts is None or held[name] == _settings(name, counts))
        for name in datasets
    )


def draw_world(
    folder: Path,
    datasets: Iterable[str] = DATASETS,
    seed: int = 0,
    progress: Progress | None = None,
    counts: Counts | None = None,
    jobs: int | None = None,
) -> Path:
    """Draw what a folder lacks of a world; a second process waits for the first one.

    A dataset appears under its own name only when it is complete, so that a killed drawing
    leaves nothing behind but a hidden folder, which the next one removes.

    Args:
        folder: The data root to be; made when missing.
        datasets: Names of datasets, see `DATASETS`.
        seed: The same seed gives the same bytes, whatever `jobs` is.
        progress: Called with (dataset, frames done, frames in all).
        counts: Dataset -> split -> number of frames; None takes the usual ones.
        jobs: Processes; None takes one per core, four at most.

    Returns:
        The folder.

    Raises:
        UserError: A dataset is unknown, the folder holds another world or other data of that
            name, or it can't be written.
    """
    from filelock import FileLock

    folder, names = Path(folder), list(dict.fromkeys(datasets))
    if problems := [unknown("dataset", name, WRITERS) for name in names if name not in WRITERS]:
        raise UserError(problems)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock"):
            stamp = _stamp_of(folder, seed)
            for rest in folder.glob(f"{_DRAWING}*"):  # of a drawing that was killed
                shutil.rmtree(rest)
            with Crew(jobs or default_jobs()) as crew:
                for name in names:
                    settings = _settings(name, counts)
                    if counts is not None or not is_drawn(folder, [name], seed):
                        _draw(folder, name, seed, settings, progress, crew)
                        stamp["datasets"][name] = settings
                        write_json(folder / STAMP, stamp)
    except OSError as error:
        raise UserError(
            f"the miniature world can't be drawn: {error.strerror or error}",
            where=str(folder),
            action="free space on the disk, or set MIM_BENCH_CACHE to a folder that you may "
            "write to",
        ) from error
    return folder


def _settings(name: str, counts: Counts | None) -> dict[str, Any]:
    return {"counts": dict((counts or {}).get(name) or WRITERS[name].COUNTS)}


def _stamp_of(folder: Path, seed: int) -> dict[str, Any]:
    """Return the folder's stamp, a new one where it has none.

    Raises:
        UserError: It holds a world of another version or seed.
    """
    stamp = _read(folder / STAMP)
    if not stamp:
        return {"version": VERSION, "seed": seed, "datasets": {}}
    found = (stamp.get("version"), stamp.get("seed"))
    if found != (VERSION, seed):
        raise UserError(
            f"holds a world of version {found[0]} and seed {found[1]}",
            where=str(folder),
            expected=f"version {VERSION}, seed {seed}, or an empty folder",
            action="choose another folder, or delete this one",
        )
    return stamp


def _draw(
    folder: Path,
    name: str,
    seed: int,
    settings: dict[str, Any],
    progress: Progress | None,
    crew: Crew,
) -> None:
    """Draw one dataset beside its place, then rename it into place."""
    writer = WRITERS[name]
    place = folder / writer.FOLDER
    mark = {"version": VERSION, "seed": seed, "dataset": name, **settings}
    if place.exists():
        held = _read(place / MARK)
        if {key: held.get(key) for key in mark} == mark:
            return  # killed between the rename and the stamp
        raise UserError(
            "is there already and is not this miniature world",
            where=str(place),
            action="choose another folder for the world; nothing was changed",
        )
    drawing = folder / f"{_DRAWING}{name}"
    drawing.mkdir()
    plan = writer.plan(settings["counts"])
    done = 0
    if progress:
        progress(name, done, len(plan))
    for _ in crew.draw(writer.__name__, drawing, seed, settings["counts"], len(plan)):
        done += 1
        if progress:
            progress(name, done, len(plan))
    writer.finish(drawing, settings["counts"])
    _hand_over(drawing, writer, server_folder(folder, name))
    write_json(drawing / MARK, mark)
    drawing.rename(place)


def _hand_over(drawing: Path, writer: Any, server: Path) -> None:
    """Take what only the server has out of a drawing, before it becomes the dataset.

    What is there of a drawing that was killed at this point is replaced.
    """
    kept = drawing / getattr(writer, "SERVER", _SERVER_ENDING)
    if kept.is_dir():
        if server.exists():
            shutil.rmtree(server)
        server.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(kept, server)


def _read(path: Path) -> dict[str, Any]:
    """Return a JSON file's object, an empty one where there is none that can be read."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
