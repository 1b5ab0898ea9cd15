"""People: bones of fixed lengths, feet on the ground, steps without jumps."""

from __future__ import annotations

import numpy as np
import pytest
from slow_geometry import outside

from mim_bench.datamodules.miniature.scenes.dress import dress
from mim_bench.datamodules.miniature.scenes.people import make_person, pose_person
from mim_bench.datamodules.miniature.scenes.poses import ACTIONS, Pose, draw_pose, gait
from mim_bench.datamodules.miniature.scenes.skeleton import NAMES, SIDES, draw_build, skeleton
from mim_bench.datamodules.miniature.scenes.streets import make_street

BONES = [
    (f"{side}_{one}", f"{side}_{two}")
    for side in SIDES
    for one, two in (
        ("shoulder", "elbow"),
        ("elbow", "wrist"),
        ("hip", "knee"),
        ("knee", "ankle"),
        ("ear", "eye"),
    )
] + [
    ("left_shoulder", "right_shoulder"),
    ("left_hip", "right_hip"),
    ("left_shoulder", "neck"),
    ("left_hip", "neck"),
    ("head", "neck"),
    ("nose", "left_eye"),
]
BENDING = {("left_hip", "neck"), ("head", "neck")}


def test_bones_keep_their_lengths_in_all_poses():
    rng = np.random.default_rng(1)
    for _ in range(6):
        build = draw_build(rng)
        lengths = []
        for action in ACTIONS:
            points = skeleton(build, draw_pose(rng, action))
            lengths.append([np.linalg.norm(points[a] - points[b]) for a, b in BONES])
        spread = np.ptp(lengths, axis=0)
        for bone, change in zip(BONES, spread, strict=True):
            assert change < (1e-9 if bone not in BENDING else 0.3), bone


def test_both_sides_are_alike():
    rng = np.random.default_rng(2)
    points = skeleton(draw_build(rng), Pose())
    for name, place in points.items():
        if name.startswith("left_"):
            other = points[name.replace("left", "right")]
            np.testing.assert_allclose(place * (-1, 1, 1), other, atol=1e-12)
            assert place[0] < 0  # its own left; it faces along z and its right is x


def lowest(thing):
    """The height of a thing's lowest point, by trying many directions of its solids."""
    heights = np.linspace(-0.08, 0.08, 81)
    found = np.inf
    for solid in thing.solids:
        if solid.centre[1] > 0.7:
            continue  # no limb is as long
        x, z = solid.centre[[0, 2]]
        reach = 0.5
        grid = np.linspace(-reach, reach, 31)
        gx, gy, gz = np.meshgrid(x + grid, heights, z + grid, indexing="ij")
        inside = outside(solid, np.stack([gx, gy, gz], axis=-1).reshape(-1, 3)) <= 0
        if inside.any():
            found = min(found, gy.reshape(-1)[inside].min())
    return found


@pytest.mark.parametrize("action", ACTIONS)
def test_people_stand_on_the_ground(action):
    rng = np.random.default_rng([3, ACTIONS.index(action)])
    for _ in range(2):
        person = make_person(rng, draw_pose(rng, action))
        assert -0.012 < lowest(person) < 0.03
    ankles = [NAMES.index(f"{side}_ankle") for side in SIDES]
    for _ in range(30):
        person = make_person(rng, draw_pose(rng, action), base=0.7)
        lower = person.joints.places[ankles, 1].min() - 0.7
        assert 0.02 < lower < (0.4 if action in ("sit", "crouch") else 0.2)


def test_a_person_is_as_tall_as_its_build_and_where_it_was_put():
    rng = np.random.default_rng(4)
    for _ in range(10):
        build, clothes = draw_build(rng), dress(rng)
        person = pose_person(build, clothes, Pose(), (3.0, -2.0), 0.4, track=5)
        top = person.joints.places[NAMES.index("head"), 1]
        assert 0.85 * build.height < top < 1.1 * build.height
        hips = person.joints.places[[NAMES.index("left_hip"), NAMES.index("right_hip")]]
        np.testing.assert_allclose(hips.mean(axis=0)[[0, 2]], (3.0, -2.0), atol=1e-9)
        assert (person.kind, person.track) == ("person", 5)


@pytest.mark.parametrize("speed", [0.5, 1.4, 3.2])
def test_steps_go_on_without_jumps(speed):
    rng = np.random.default_rng(5)
    build, clothes = draw_build(rng), dress(rng)
    phases = np.linspace(0, 2 * np.pi, 181)
    places = np.stack(
        [
            pose_person(build, clothes, gait(phase, speed), (0, 0), 0.0).joints.places
            for phase in phases
        ]
    )
    steps = np.linalg.norm(np.diff(places, axis=0), axis=-1)
    assert steps.max() < 0.06  # of 2 degrees of phase
    np.testing.assert_allclose(places[0], places[-1], atol=1e-9)
    ankles = places[:, [NAMES.index("left_ankle"), NAMES.index("right_ankle")]]
    assert (ankles[:, 0, 2].argmax() - ankles[:, 1, 2].argmax()) % 180 == pytest.approx(90, abs=4)


def test_poses_change_smoothly_with_the_speed():
    rng = np.random.default_rng(6)
    build, clothes = draw_build(rng), dress(rng)
    for phase in np.linspace(0, 2 * np.pi, 7):
        places = np.stack(
            [
                pose_person(build, clothes, gait(phase, speed), (0, 0), 0.0).joints.places
                for speed in np.arange(0.0, 4.0, 0.05)
            ]
        )
        assert np.linalg.norm(np.diff(places, axis=0), axis=-1).max() < 0.06


def test_people_in_a_street_stand_on_its_pavement():
    feet = 0
    ankles = [NAMES.index(f"{side}_ankle") for side in SIDES]
    for seed in range(6):
        scene = make_street(np.random.default_rng(seed))
        for thing in scene.things:
            if thing.kind != "person":
                continue
            points = thing.joints.places[ankles]
            slabs = [solid for solid in scene.surroundings if solid.shape == "box"]
            assert min(outside(slab, points).min() for slab in slabs) > 0
            feet += 2
    assert feet > 20


def test_clothes_and_builds_vary():
    rng = np.random.default_rng(7)
    builds = [draw_build(rng) for _ in range(60)]
    assert np.ptp([build.height for build in builds]) > 0.5
    assert 0 < sum(build.child for build in builds) < 25
    shirts = {dress(rng)["shirt"].first for _ in range(20)}
    assert len(shirts) == 20
