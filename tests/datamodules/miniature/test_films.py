"""Films: smooth ways, a target that is lost and found again, the same from the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from mim_bench.datamodules.miniature.scenes.films import (
    FIRST_SHOWN,
    TARGETS,
    first_shown,
    make_film,
)
from mim_bench.datamodules.miniature.scenes.paths import Path, stroll
from mim_bench.datamodules.miniature.scenes.solids import corners
from mim_bench.datamodules.miniature.scenes.tracing import trace

SIZE = (48, 64)
RADIUS = {"person": 0.35, "car": 1.0, "object": 0.5}
STEP = 0.1


def film(seed, **settings):
    return make_film(np.random.default_rng([6, seed]), **settings)


def follow(one, step=STEP):
    """For each moment: the target's pixels in sight, those if alone, and the box of these."""
    found = []
    for time in np.arange(0, one.seconds + 1e-9, step):
        scene = one.scene(time)
        seen = trace([thing.solids for thing in scene.things], one.camera(time, *SIZE))
        own = (seen.labels >= 0) & (seen.labels < len(scene.things[0].solids))
        found.append((own.sum(), seen.alone[0], seen.bounds[0]))
    seen, alone, boxes = (np.array(part) for part in zip(*found, strict=True))
    return seen, alone, boxes


@pytest.mark.parametrize("kind", TARGETS)
def test_tracks_are_continuous(kind):
    """From one tenth of a second to the next a box moves less than a sixth of the frame.

    A camera that swings away from its target is faster: there, less than a third.
    """
    for seed in range(2):
        for leaves, most in ((False, 1 / 6), (True, 1 / 3)):
            _, alone, boxes = follow(film(seed, kind=kind, leaves=leaves))
            middle = np.stack([boxes[:, [0, 2]].mean(axis=1), boxes[:, [1, 3]].mean(axis=1)])
            moved = np.abs(np.diff(middle, axis=1)) / np.array(SIZE[::-1])[:, None]
            both = (alone[1:] > 0) & (alone[:-1] > 0)
            assert moved[:, both].max() < most


@pytest.mark.parametrize("kind", TARGETS)
def test_actors_move_smoothly_and_at_a_natural_speed(kind):
    fastest = {"person": 4.0, "car": 7.0, "object": 3.0}[kind]
    for seed in range(4):
        one = film(seed, kind=kind)
        for actor in one.actors:
            times = np.arange(0, one.seconds, 0.02)
            places = np.stack([actor.path.at(time) for time in times])
            steps = np.diff(places, axis=0) / 0.02
            speeds = np.hypot(*steps.T)
            assert speeds.max() < fastest
            assert np.hypot(*np.diff(steps, axis=0).T).max() < 0.5  # no jump of the speed
            covered = [actor.path.covered(time) for time in times]
            assert (np.diff(covered) >= 0).all()
            assert covered[-1] == pytest.approx(speeds.sum() * 0.02, rel=0.03)


@pytest.mark.parametrize("kind", TARGETS)
def test_bodies_change_little_from_one_moment_to_the_next(kind):
    for seed in range(3):
        one = film(seed, kind=kind, distractors=0)
        for actor in one.actors:
            before = None
            for time in np.arange(0, one.seconds, 1 / 50):
                thing = actor.at(time)
                points = np.stack([solid.centre for solid in thing.solids])
                if before is not None:  # nothing is faster than the hand or bumper of a turner
                    assert np.linalg.norm(points - before, axis=1).max() < 0.3
                before = points


def test_the_target_is_in_sight_at_the_start():
    shares = [first_shown(film(seed)) for seed in range(30)]
    assert np.mean([share >= FIRST_SHOWN for share in shares]) > 0.9
    seen, alone, _ = follow(film(3), step=10.0)
    assert seen[0] > 0.5 * alone[0] > 0


def test_targets_leave_and_come_back():
    lost = found = 0
    for seed in range(10):
        _, alone, _ = follow(film(seed, leaves=True, hides=False, seconds=5.0), 0.25)
        gone = np.flatnonzero(alone == 0)
        lost += gone.size > 0
        found += gone.size > 0 and (alone[gone[0] :] > 0).any()
    assert lost >= 7
    assert found >= 6


def test_targets_that_do_not_leave_are_mostly_in_the_frame():
    kept = []
    for seed in range(8):
        _, alone, _ = follow(film(seed, leaves=False, hides=False), 0.5)
        kept.append((alone > 0).mean())
    assert np.mean(kept) > 0.95


def test_a_screen_hides_the_target_for_a_while():
    lows = {True: [], False: []}
    for seed in range(10):
        for hides in (True, False):
            one = film(seed, hides=hides, leaves=False, distractors=0)
            seen, alone, _ = follow(one, 0.2)
            shares = seen[alone > 0] / alone[alone > 0]
            lows[hides].append(shares.min())
            screens = [thing for thing in one.still.things if thing.kind == "screen"]
            assert len(screens) == hides
    assert np.median(lows[True]) < 0.6
    assert np.median(lows[True]) < np.median(lows[False]) - 0.2


@pytest.mark.parametrize("kind", TARGETS)
def test_others_are_of_the_targets_kind_and_keep_their_numbers(kind):
    one = film(2, kind=kind, distractors=3)
    for time in (0.0, 1.7, one.seconds):
        scene = one.scene(time)
        actors = scene.things[:4]
        assert [thing.track for thing in actors] == [0, 1, 2, 3]
        assert {thing.kind for thing in actors} == {kind}
        assert len({thing.category for thing in actors}) == 1
        assert all(thing.track == -1 for thing in scene.things[4:])
        assert len(scene.things) == 4 + len(one.still.things)


@pytest.mark.parametrize("kind", TARGETS)
def test_actors_do_not_run_through_each_other(kind):
    apart = []
    for seed in range(6):
        one = film(seed, kind=kind)
        for time in np.arange(0, one.seconds, 0.2):
            places = np.stack([actor.path.at(time) for actor in one.actors])
            for number, place in enumerate(places):
                away = np.hypot(*(places[number + 1 :] - place).T)
                apart += list(away > 2 * RADIUS[kind])
    assert np.mean(apart) > 0.98


@pytest.mark.parametrize("kind", TARGETS)
def test_actors_face_where_they_go(kind):
    right = []
    for seed in range(4):
        one = film(seed, kind=kind)
        for actor in one.actors:
            for time in np.arange(0.2, one.seconds - 0.2, 0.3):
                way = actor.path.at(time + 0.05) - actor.path.at(time - 0.05)
                if np.hypot(*way) > 0.03:
                    yaw = actor.path.heading(time)
                    ahead = np.array([np.sin(yaw), np.cos(yaw)])
                    right.append(ahead @ way / np.hypot(*way))
    assert np.median(right) > 0.95
    assert np.mean(np.array(right) > 0.5) > 0.9


def test_the_same_seed_is_the_same_film():
    def print_of(one):
        scene = one.scene(1.3)
        camera = one.camera(1.3, *SIZE)
        solids = [solid for thing in scene.things for solid in thing.solids]
        return corners(solids).tobytes(), camera

    assert print_of(film(4)) == print_of(film(4))
    assert print_of(film(4)) != print_of(film(5))


def test_moments_do_not_depend_on_those_before():
    one, two = film(5), film(5)
    one.scene(0.5)
    one.camera(2.0, *SIZE)
    a, b = (corners(film_.scene(1.0).things[0].solids) for film_ in (one, two))
    np.testing.assert_array_equal(a, b)


def test_a_path_goes_through_its_points_and_stays_at_its_ends():
    rng = np.random.default_rng(1)
    times = np.array([0.0, 0.7, 1.0, 2.5, 3.0])
    points = rng.normal(0, 2, (5, 2))
    path = Path(times, points)
    for time, point in zip(times, points, strict=True):
        np.testing.assert_allclose(path.at(time), point, atol=1e-12)
    np.testing.assert_allclose(path.at(-4.0), points[0])
    np.testing.assert_allclose(path.at(9.0), points[-1])
    line = Path([0, 1, 2], [(0, 0), (1, 0), (2, 0)])
    assert line.speed(1.0) == pytest.approx(1.0)
    assert line.heading(1.0) == pytest.approx(np.pi / 2)
    assert line.covered(1.5) == pytest.approx(1.5, abs=0.03)


def test_strolls_stay_in_their_place():
    for seed in range(10):
        path = stroll(np.random.default_rng(seed), 6.0, 1.5, (1.0, 5.0), (2.0, 1.0))
        places = np.stack([path.at(time) for time in np.arange(0, 6, 0.05)])
        assert (np.abs(places - (1.0, 5.0)) < (2.4, 1.4)).all()
