"""Scenes in time: things that move, a camera that moves, hiding, leaving and coming back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mim_bench.datamodules.miniature.scenes.cameras import Camera
from mim_bench.datamodules.miniature.scenes.categories import all_categories
from mim_bench.datamodules.miniature.scenes.dress import Dress, dress
from mim_bench.datamodules.miniature.scenes.furniture import Piece
from mim_bench.datamodules.miniature.scenes.materials import thing_material
from mim_bench.datamodules.miniature.scenes.objects import make_object, random_category
from mim_bench.datamodules.miniature.scenes.outdoors import make_car
from mim_bench.datamodules.miniature.scenes.paths import Path, stroll
from mim_bench.datamodules.miniature.scenes.people import pose_person
from mim_bench.datamodules.miniature.scenes.poses import gait
from mim_bench.datamodules.miniature.scenes.skeleton import Build, draw_build
from mim_bench.datamodules.miniature.scenes.solids import corners, upright
from mim_bench.datamodules.miniature.scenes.streets import make_yard
from mim_bench.datamodules.miniature.scenes.tracing import trace

if TYPE_CHECKING:
    from numpy.random import Generator

    from mim_bench.datamodules.miniature.scenes.categories import Category
    from mim_bench.datamodules.miniature.scenes.scene import Scene, Thing

TARGETS = ("person", "car", "object")
"""What is followed."""

FIRST_SHOWN = 0.7
"""Share of the target that is in sight when a film begins."""

_TRIES = 12
_PROBE = (72, 96)  # pixels of the picture in which the first frame is tried
_SPECK = 24
_STRIDE = 0.75  # metres of one step per metre of leg and hip, of walkers
_SPEED = {"person": 1.3, "car": 2.5, "object": 0.9}
_RADIUS = {"person": 0.45, "car": 2.2, "object": 0.6}


@dataclass(frozen=True, eq=False)
class Actor:
    """Something that moves.

    Attributes:
        path: Where it goes.
        still: It at the origin, facing along z; for people, in any pose.
        build: The body of a person.
        clothes: What a person wears.
    """

    path: Path
    still: Thing
    build: Build | None = None
    clothes: Dress | None = None

    def at(self, time: float) -> Thing:
        """Return it at a time in seconds; people walk or run at the pace of their path."""
        x, z = self.path.at(time)
        yaw = self.path.heading(time)
        if self.build is None or self.clothes is None:
            turn, offset = upright(yaw), np.array([x, 0.0, z])
            solids = tuple(solid.moved(turn, offset) for solid in self.still.solids)
            return replace(self.still, solids=solids)
        phase = np.pi * self.path.covered(time) / (_STRIDE * 0.5 * self.build.height)
        pose = gait(phase, self.path.speed(time))
        track = self.still.track
        return pose_person(self.build, self.clothes, pose, (float(x), float(z)), yaw, track=track)


@dataclass(frozen=True, eq=False)
class Film:
    """A scene in time. Actors keep their numbers (`Thing.track`), the target's is 0.

    Attributes:
        still: What does not move.
        actors: What does.
        eye: Where the camera is, seen from above.
        height: Its height over the ground in metres.
        gaze: What it looks at.
        focal: Its focal length in units of its picture's width.
        seconds: How long it lasts.
    """

    still: Scene
    actors: tuple[Actor, ...]
    eye: Path
    height: float
    gaze: Path
    focal: float
    seconds: float

    def scene(self, time: float) -> Scene:
        """Return the scene at a time in seconds: actors first, in the order of their numbers."""
        things = tuple(actor.at(time) for actor in self.actors)
        return replace(self.still, things=things + self.still.things)

    def camera(self, time: float, height: int, width: int) -> Camera:
        """Return the camera at a time in seconds."""
        (x, z), (to_x, to_z) = self.eye.at(time), self.gaze.at(time)
        return Camera.towards(
            (float(x), self.height, float(z)),
            (float(to_x), 0.6, float(to_z)),
            self.focal * width,
            height,
            width,
        )


def make_film(
    rng: Generator,
    kind: str | None = None,
    seconds: float = 4.0,
    distractors: int = 2,
    leaves: bool | None = None,
    hides: bool | None = None,
    category: Category | None = None,
) -> Film:
    """Draw a film of a target among others of its category.

    In the first frame at least `FIRST_SHOWN` of the target is in sight, where one of `_TRIES`
    drawn films has it so.

    Args:
        rng: Where randomness comes from.
        kind: One of `TARGETS`; None draws it.
        seconds: How long it lasts.
        distractors: How many others of the target's category move about.
        leaves: Whether the camera loses the target for a while; None draws it.
        hides: Whether something stands in front of the target's way; None draws it.
        category: Of a target of the kind `object`; None draws it.
    """
    kind = kind or TARGETS[int(rng.integers(len(TARGETS)))]
    leaves = bool(rng.random() < 0.35) if leaves is None else leaves
    hides = bool(rng.random() < 0.6) if hides is None else hides
    best, most = None, -1.0
    for _ in range(_TRIES):
        film = _draw(rng, kind, seconds, distractors, leaves, hides, category)
        seen = first_shown(film)
        if seen > most:
            best, most = film, seen
        if most >= FIRST_SHOWN:
            break
    assert best is not None
    return best


def first_shown(film: Film) -> float:
    """Return the share 0..1 of the target in sight when the film begins.

    A target that is cut by the frame's edge, or only a speck, counts as out of sight.
    """
    camera = film.camera(0.0, *_PROBE)
    scene = film.scene(0.0)
    seen = trace([thing.solids for thing in scene.things], camera)
    left, top, right, bottom = seen.bounds[0]
    inside = left > 0 and top > 0 and right < _PROBE[1] and bottom < _PROBE[0]
    if not inside or seen.alone[0] < _SPECK:
        return 0.0
    own = (seen.labels >= 0) & (seen.labels < len(scene.things[0].solids))
    return float(own.sum() / seen.alone[0])


def _draw(
    rng: Generator,
    kind: str,
    seconds: float,
    distractors: int,
    leaves: bool,
    hides: bool,
    category: Category | None,
) -> Film:
    reach = 9.0 if kind == "car" else 5.0
    still = make_yard(rng, people=0, objects=int(rng.integers(0, 3)), reach=reach)
    category = category or random_category(rng, all_categories())
    size, pace = rng.uniform(0.3, 0.5), rng.uniform(0.7, 1.4)
    lanes = rng.permutation(1 + distractors)
    actors = []
    for number in range(1 + distractors):
        # lanes one behind the other: they pass in front of each other, never through
        lane = reach + (lanes[number] - 0.5 * distractors) * 2.3 * _RADIUS[kind]
        area = (0.6 * reach, 0.15 * _RADIUS[kind])
        path = stroll(rng, seconds, pace * _SPEED[kind], (0.0, lane), area)
        if kind == "person":
            build, clothes = draw_build(rng), dress(rng)
            person = pose_person(build, clothes, gait(0.0, 1.0), (0, 0), 0.0, track=number)
            actors.append(Actor(path, person, build, clothes))
        elif kind == "car":
            actors.append(Actor(path, make_car(rng, (0, 0), 0.0, track=number)))
        else:
            toy = make_object(rng, category, size, yaw=0.0, track=number)
            actors.append(Actor(path, toy))
    eye = stroll(rng, seconds, rng.uniform(0.1, 0.6), (0.0, -0.25 * reach), (2.0, 0.2 * reach))
    gaze = _follow(rng, actors[0].path, seconds, reach, leaves)
    spread = (0.5 * distractors * 2.3 + 1.3) * _RADIUS[kind]
    near, far = reach - spread, reach + spread
    still = replace(
        still, things=tuple(thing for thing in still.things if _clear(thing, near, far))
    )
    film = Film(
        still, tuple(actors), eye, rng.uniform(1.3, 3.0), gaze, rng.uniform(0.75, 1.2), seconds
    )
    return _with_screen(rng, film, _RADIUS[kind], near) if hides else film


def _follow(rng: Generator, path: Path, seconds: float, reach: float, leaves: bool) -> Path:
    """Follow a way lazily and not quite on it; perhaps look elsewhere for a while."""
    times = np.linspace(0.0, seconds, max(5, int(seconds / 0.7)))
    places = np.stack([path.at(time - 0.3) for time in times])
    middle = np.array([0.0, reach])
    points = middle + 0.75 * (places - middle) + rng.normal(0, 0.05 * reach, places.shape)
    if leaves:
        away = rng.uniform(0.45, 0.75) * seconds
        side = -1.0 if rng.random() < 0.5 else 1.0
        bump = np.exp(-(((times - away) / (0.11 * seconds)) ** 2))
        points[:, 0] += side * 2.2 * reach * bump
    return Path(times, points)


def _clear(thing: Thing, near: float, far: float) -> bool:
    """Tell whether a thing keeps off the ground from z = near to far, where actors go."""
    z = corners(thing.solids)[..., 2]
    return bool(z.max() < near or z.min() > far)


def _with_screen(rng: Generator, film: Film, radius: float, near: float) -> Film:
    """Put a post or a wall between the camera and the target at some moment, before z = near."""
    time = rng.uniform(0.3, 0.8) * film.seconds
    eye, target = film.eye.at(time), film.actors[0].path.at(time)
    share = min(rng.uniform(0.45, 0.7), float((near - 0.3 - eye[1]) / (target[1] - eye[1])))
    x, z = eye + share * (target - eye)
    yaw = float(np.arctan2(*(target - eye)))
    piece = Piece()
    wide = radius * rng.uniform(0.25, 1.1) * share
    piece.box((-wide, 0.0, -0.08), (wide, rng.uniform(1.2, 2.6), 0.08), thing_material(rng))
    screen = piece.put("screen", (float(x), float(z)), yaw)
    return replace(film, still=replace(film.still, things=(*film.still.things, screen)))
