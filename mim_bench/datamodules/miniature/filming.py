"""Draws sequences: films whose target can be followed, but not by keeping its first box."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from mim_bench.datamodules.miniature.files import write_picture
from mim_bench.datamodules.miniature.scenes.categories import Category
from mim_bench.datamodules.miniature.scenes.films import make_film
from mim_bench.datamodules.miniature.scenes.solids import corners
from mim_bench.datamodules.miniature.scenes.tracing import trace
from mim_bench.datamodules.miniature.scenes.views import look
from mim_bench.datamodules.miniature.sequences import Sight

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from mim_bench.datamodules.miniature.scenes.films import Film
    from mim_bench.datamodules.miniature.scenes.views import View
    from mim_bench.datamodules.miniature.sequences import Shot

Boxes = npt.NDArray[np.float64]

SPECK = 12
"""Pixels in sight below which the target counts as absent."""

_TRIES = 10
_OTHERS = {"person": 1, "car": 2, "object": 2}  # people have many parts
_ZOOM = {"person": 1.25, "car": 0.7, "object": 1.2}
_SIDES = (20.0, 90.0)  # pixels, of the square as large as the box: most of the time
_GONE = (0.04, 0.35)  # share of frames without the target, where it leaves
_BEGINS = 0.6  # share of the target that has to be in sight when a sequence begins
_HIDDEN = 0.3  # share of frames in which the target may be hidden
_PROBE = (36, 48)  # pixels of the picture in which that is tried,
_EVERY = 4  # in every so manieth frame
_BEYOND = 120  # pixels around the frame in which the rest of a cut target is looked for
_NOTHING = (0, 0, 0, 0)


def shoot(shot: Shot, source: Sequence[int], place: Callable[[int], Path]) -> list[Sight]:
    """Draw the frames of a sequence into files.

    Args:
        shot: The sequence.
        source: Seeds of its randomness.
        place: Number of a frame, from 0, -> its file.

    Returns:
        What each frame shows, those beyond the annotated ones left out.

    Raises:
        OSError: They can't be written.
    """
    cv2.setNumThreads(1)
    film = find_film(shot, source)
    sights = []
    for number in range(shot.frames + shot.extra):
        time = number * shot.step
        # one exposure and one sensor for the whole film
        rng = np.random.default_rng([*source, 1])
        view = look(film.scene(time), film.camera(time, *shot.size), rng)
        write_picture(place(number), view.image)
        sights.append(sight(view))
    return sights[: shot.frames]


def find_film(shot: Shot, source: Sequence[int]) -> Film:
    """Return the first of some drawn films that is what a shot asks for, or comes next to it."""
    rng = np.random.default_rng(source)
    category = Category(*shot.category) if shot.category else None
    seconds = (shot.frames + shot.extra) * shot.step
    best, least = None, np.inf
    for _ in range(_TRIES):
        film = make_film(
            rng, shot.kind, seconds, _OTHERS[shot.kind], shot.leaves, shot.hides, category
        )
        film = replace(film, focal=film.focal * _ZOOM[shot.kind])
        film = _with_twin(film) if shot.twin else film
        wrong = misfit(shot, rough_boxes(shot, film))
        wrong += 10.0 * (rough_share(shot, film, 0) < _BEGINS)
        if not wrong and shot.hides:
            wrong = max(hidden(shot, film) - _HIDDEN, 0.0)
        if wrong < least:
            best, least = film, wrong
        if not wrong:
            break
    assert best is not None
    return best


def hidden(shot: Shot, film: Film) -> float:
    """Return about how often (0..1) the target is behind something else."""
    frames = range(0, shot.frames, _EVERY)
    return sum(rough_share(shot, film, number) < 0.1 for number in frames) / len(frames)


def rough_share(shot: Shot, film: Film, number: int) -> float:
    """Return about how much (0..1) of the target in a frame is in sight, 1 outside the frame."""
    scene = film.scene(number * shot.step)
    seen = trace([thing.solids for thing in scene.things], film.camera(number * shot.step, *_PROBE))
    own = (seen.labels >= 0) & (seen.labels < len(scene.things[0].solids))
    return float(own.sum() / seen.alone[0]) if seen.alone[0] else 1.0


def _with_twin(film: Film) -> Film:
    """Let the first of the others look like the target: the same clothes, paint or pattern."""
    target, other, *rest = film.actors
    if target.clothes is None:
        other = replace(other, still=replace(target.still, track=1))
    else:
        other = replace(other, clothes=target.clothes)
    return replace(film, actors=(target, other, *rest))


def rough_boxes(shot: Shot, film: Film) -> Boxes:
    """Return about where the target is, whether hidden or not: (N, 4) left, top, right, bottom.

    It is NaN where the target is behind the camera. Boxes are not cut at the frame's edges.
    """
    boxes = np.full((shot.frames, 4), np.nan)
    for number in range(shot.frames):
        time = number * shot.step
        points = corners(film.actors[0].at(time).solids).reshape(-1, 3)
        seen = film.camera(time, *shot.size).project(points)
        if seen[:, 2].min() > 0.1:
            boxes[number] = *seen[:, :2].min(axis=0), *seen[:, :2].max(axis=0)
    return boxes


def misfit(shot: Shot, boxes: Boxes) -> float:
    """Return how far a film is from what a shot asks for, 0 where it is just that."""
    height, width = shot.size
    edge = np.array([width, height, width, height])
    inside = np.clip(np.nan_to_num(boxes, nan=-1.0), 0, edge)
    sides = inside[:, 2:] - inside[:, :2]
    areas = sides.prod(axis=1)
    there = np.asarray((sides > 1).all(axis=1), dtype=bool)
    first = boxes[0]
    begins = there[0] and (first[:2] >= 0).all() and (first[2:] <= edge[2:]).all()
    lengths = np.sqrt(areas[there])
    fits = ((lengths >= _SIDES[0]) & (lengths <= _SIDES[1])).mean() if there.any() else 0.0
    gone = 1.0 - there.mean()
    low, high = _GONE if shot.leaves else (0.0, 0.0)
    lost = max(low - gone, gone - high, 0.0)
    overlap = np.minimum(inside[:, 2:], inside[0, 2:]) - np.maximum(inside[:, :2], inside[0, :2])
    common = np.clip(overlap, 0, None).prod(axis=1)
    shares = (common / np.maximum(areas + areas[0] - common, 1e-9))[1:][there[1:]]
    kept = float(shares.mean()) if shares.size else 1.0
    dull = max(shot.still[0] - kept, kept - shot.still[1], 0.0)
    return float(10.0 * (not begins) + 3.0 * lost + max(0.9 - fits, 0.0) + dull)


def sight(view: View) -> Sight:
    """Return what a view shows of its first thing, the target."""
    camera = view.camera
    inside = int(view.alone[0])
    left, top, right, bottom = (int(side) for side in view.whole[0])
    alone, extent = inside, _box(view.whole[0]) if inside else _NOTHING
    touches = left == 0 or top == 0 or right == camera.width or bottom == camera.height
    if not inside or touches:
        wider = replace(
            camera, height=camera.height + 2 * _BEYOND, width=camera.width + 2 * _BEYOND
        )
        found = trace([view.scene.things[0].solids], wider)
        alone = int(found.alone[0])
        if alone:
            extent = _box(found.bounds[0] - _BEYOND)
    seen = view.box(0) if view.seen[0] >= SPECK else None
    return Sight(
        _box(seen) if seen else _NOTHING,
        _box(view.whole[0]) if inside else _NOTHING,
        extent,
        float(view.seen[0] / alone) if seen else 0.0,
        not inside,
        alone > inside,
    )


def _box(sides: npt.ArrayLike) -> tuple[int, int, int, int]:
    left, top, right, bottom = (int(side) for side in np.asarray(sides))
    return left, top, right - left, bottom - top
