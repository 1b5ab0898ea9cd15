"""Joints in pictures: where the scene's points fall, and which of them are seen."""

from __future__ import annotations

import numpy as np
import pytest
from scene_makers import make_scene
from slow_geometry import GREY, deepest, outside, slow_depths, ways

from mim_bench.datamodules.miniature.scenes.annotations import (
    ABSENT,
    HIDDEN,
    VISIBLE,
    crowdpose_keypoints,
    keypoints,
    shown,
)
from mim_bench.datamodules.miniature.scenes.cameras import Camera
from mim_bench.datamodules.miniature.scenes.people import make_person
from mim_bench.datamodules.miniature.scenes.poses import ACTIONS, Pose, draw_pose
from mim_bench.datamodules.miniature.scenes.scene import Light, Scene, Thing
from mim_bench.datamodules.miniature.scenes.skeleton import COCO, CROWDPOSE, FACE, NAMES
from mim_bench.datamodules.miniature.scenes.solids import Solid, plane
from mim_bench.datamodules.miniature.scenes.views import look

GROUND = plane((0, 0, 0), (0, 1, 0), GREY)
SUN = Light((30.0, 60.0, -50.0), (0, 0, 0), 6.0, fade=False)


def see(things, camera):
    return look(Scene((GROUND,), tuple(things), SUN), camera, np.random.default_rng(0))


def front_camera(height=96, width=72):
    return Camera.towards((0.0, 1.3, -5.0), (0.0, 0.95, 0.0), 1.5 * width, height, width)


def crowd(seed, count=4):
    """A person among others, close together."""
    rng = np.random.default_rng([4, seed])
    things = []
    for number in range(count):
        pose = draw_pose(rng, ACTIONS[int(rng.integers(len(ACTIONS)))])
        spot = (rng.uniform(-0.7, 0.7), 0.5 * number + rng.uniform(-0.2, 0.2))
        things.append(make_person(rng, pose, spot))
    eye = (rng.uniform(-1, 1), rng.uniform(0.8, 2.0), -3.5)
    return see(things, Camera.towards(eye, (0, 0.9, 0.5), 90.0, 96, 128))


def test_places_are_the_projected_points():
    for seed in range(4):
        view = crowd(seed)
        camera = view.camera
        for number, thing in enumerate(view.scene.things):
            found = keypoints(view, number)
            assert found.places.shape == (17, 2)
            points = thing.joints.places[[NAMES.index(name) for name in COCO]]
            # back along the rays through the places
            way = ways(camera, found.places[:, 1], found.places[:, 0])
            back = np.asarray(camera.position) + found.depths[:, None] * way
            np.testing.assert_allclose(back, points, atol=1e-9)
            assert found.labels.dtype == np.int64
            assert set(found.labels) <= {ABSENT, HIDDEN, VISIBLE}


def test_what_is_labelled_seen_is_seen_and_what_is_hidden_has_something_before_it():
    counts = {HIDDEN: 0, VISIBLE: 0}
    for seed in range(3):
        view = crowd(seed, 3)
        things = view.scene.things
        eye = np.asarray(view.camera.position)
        for number, thing in enumerate(things):
            found = keypoints(view, number, NAMES)
            joints, flesh = thing.joints.places, thing.joints.depths
            # the rays of the pixels in which the joints fall
            middle = np.floor(found.places) + 0.5
            columns, rows = middle.T
            way = ways(view.camera, rows, columns)
            skins = [slow_depths(solid, view.camera, rows, columns)[0] for solid in thing.solids]
            skin = np.min(skins, axis=0)
            start = np.broadcast_to(eye, way.shape)
            end = eye + (np.minimum(found.depths, skin) - 1e-6)[:, None] * way
            others = [one.solids for other, one in enumerate(things) if other != number]
            before = np.min(
                [deepest(solid, start, end)[0] for solids in others for solid in solids], axis=0
            )
            seen = found.labels == VISIBLE
            assert (before[seen] > -1e-6).all(), (seed, number)
            assert (skin >= found.depths - flesh - 0.021)[seen].all()
            hidden = found.labels == HIDDEN
            below = outside(GROUND, joints) < 0
            assert ((before < 0) | (skin < found.depths) | below)[hidden].all()
            for label in counts:
                counts[label] += int((found.labels == label).sum())
            np.testing.assert_allclose(found.depths, (joints - eye) @ view.camera.axes[2])
    assert min(counts.values()) > 30


def test_depth_at_a_seen_joint_is_its_distance_within_its_flesh():
    rng = np.random.default_rng(5)
    seen = 0
    for action in ACTIONS:
        for _ in range(3):
            person = make_person(rng, draw_pose(rng, action))
            view = see([person], front_camera(240, 180))
            found = keypoints(view, 0, NAMES)
            for joint in np.flatnonzero(found.labels == VISIBLE):
                column, row = found.places[joint].astype(int)
                if view.things[row, column] != 0:
                    continue  # a pixel of the outline
                seen += 1
                before = found.depths[joint] - view.depth[row, column]
                assert -0.05 < before < person.joints.depths[joint] + 0.021, NAMES[joint]
    assert seen > 250


def test_joints_lie_inside_of_their_own_flesh():
    """A joint that stuck out would be seen from behind, and be no joint."""
    rng = np.random.default_rng(6)
    for action in ACTIONS:
        for _ in range(8):
            person = make_person(rng, draw_pose(rng, action))
            inside = np.min([outside(s, person.joints.places) for s in person.solids], axis=0)
            assert (inside <= 1e-9).all(), NAMES[int(inside.argmax())]


@pytest.mark.parametrize("away", [False, True])
def test_faces_are_labelled_where_they_can_be_seen(away):
    rng = np.random.default_rng(7)
    face = [COCO.index(name) for name in COCO if name in FACE]
    for _ in range(10):
        person = make_person(rng, Pose(), yaw=0.0 if away else np.pi)
        labels = keypoints(see([person], front_camera(192, 144)), 0).labels[face]
        if away:
            assert (labels[:3] == ABSENT).all()
        else:
            assert (labels[:3] == VISIBLE).all()


def test_a_hidden_face_is_still_labelled_where_another_thing_hides_it():
    person = make_person(np.random.default_rng(1), Pose(), yaw=np.pi)
    nose = person.joints.places[0]
    board = Thing(
        "board", (Solid("box", nose - (0, 0, 0.6), np.eye(3), np.array([0.3, 0.3, 0.02]), GREY),)
    )
    found = keypoints(see([person, board], front_camera(192, 144)), 0)
    assert (found.labels[:5] == HIDDEN).all()
    assert (found.labels[5:] == VISIBLE).sum() >= 10


def test_a_thing_just_before_the_skin_hides_a_joint():
    person = make_person(np.random.default_rng(2), Pose(spread=(0.5, 0.5)), yaw=np.pi)
    camera = front_camera(192, 144)
    free = keypoints(see([person], camera), 0)
    for name in ("left_hip", "right_knee", "left_shoulder", "left_elbow"):
        index = COCO.index(name)
        assert free.labels[index] == VISIBLE
        column, row = free.places[index].astype(int)
        skin = see([person], camera).depth[row, column]
        place = np.asarray(camera.position) + (skin - 0.03) * ways(
            camera, free.places[index : index + 1, 1], free.places[index : index + 1, 0]
        )
        board = Solid("box", place[0], np.eye(3), np.array([0.08, 0.08, 0.01]), GREY)
        found = keypoints(see([person, Thing("board", (board,))], camera), 0)
        assert found.labels[index] == HIDDEN, name


def test_outside_of_the_frame_nothing_is_labelled():
    rng = np.random.default_rng(8)
    out = 0
    for seed in range(8):
        person = make_person(rng, draw_pose(rng, "wave"))
        eye = (rng.uniform(-1, 1), 1.2, -1.6)
        camera = Camera.towards(eye, (rng.uniform(-0.8, 0.8), 1.0, 0.0), 90.0, 64, 64)
        found = keypoints(see([person], camera), 0)
        outside_ = ((found.places < 0) | (found.places >= 64)).any(axis=1)
        assert (found.labels[outside_] == ABSENT).all(), seed
        body = [COCO.index(name) for name in COCO if name not in FACE]
        assert (found.labels[body][~outside_[body]] != ABSENT).all()
        out += outside_.sum()
        behind = Camera(eye, np.pi, 0.0, 90.0, 64, 64)
        assert (keypoints(see([person], behind), 0).labels == ABSENT).all()
    assert out > 20


def test_left_and_right_are_the_persons_own():
    for away, sign in ((False, 1), (True, -1)):
        person = make_person(np.random.default_rng(9), Pose(), yaw=0.0 if away else np.pi)
        found = keypoints(see([person], front_camera()), 0)
        for part in ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle"):
            left, right = (COCO.index(f"{side}_{part}") for side in ("left", "right"))
            assert (found.places[left, 0] - found.places[right, 0]) * sign > 0, part


def test_orders_are_those_of_the_data_sets():
    sides = [f"{side}_{part}" for part in ("eye", "ear", "shoulder", "elbow") for side in LR]
    lower = [f"{side}_{part}" for part in ("wrist", "hip", "knee", "ankle") for side in LR]
    assert list(COCO) == ["nose", *sides, *lower]
    crowd_ = [*sides[4:], *lower, "head", "neck"]
    assert list(CROWDPOSE) == crowd_
    view = crowd(1)
    coco, other = keypoints(view, 0), crowdpose_keypoints(view, 0)
    for index, name in enumerate(CROWDPOSE[:12]):
        same = COCO.index(name)
        np.testing.assert_array_equal(other.places[index], coco.places[same])
        assert other.labels[index] == coco.labels[same]
    head, neck = other.places[12:]
    shoulders = other.places[:2, 1].mean()
    assert head[1] < neck[1] < shoulders + 5


LR = ("left", "right")


def test_things_without_joints_are_refused():
    view = see([Thing("box", (Solid("box", np.zeros(3), np.eye(3), np.ones(3), GREY),))], CAMERA)
    with pytest.raises(ValueError, match="no joints"):
        keypoints(view, 0)


CAMERA = Camera.towards((0, 1, -6), (0, 0.5, 0), 60.0, 48, 64)


def test_the_shown_share_falls_as_a_thing_is_covered():
    far = Solid("box", np.array([0, 1.0, 2.0]), np.eye(3), np.array([1.0, 0.6, 0.1]), GREY)
    shares = []
    for place in (-2.5, -1.2, -0.6, 0.0):
        near = Solid("box", np.array([place, 1.0, 0]), np.eye(3), np.array([0.9, 0.8, 0.1]), GREY)
        view = see([Thing("far", (far,)), Thing("near", (near,))], CAMERA)
        shares.append(shown(view, 0))
        assert shown(view, 1) == 1.0
    assert shares[0] == 1.0
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] < 0.15
    gone = see([Thing("far", (far,))], Camera((0, 1, -6), np.pi, 0, 60.0, 48, 64))
    assert shown(gone, 0) == 0.0


def test_people_in_rooms_and_streets_have_joints_in_their_masks():
    found = 0
    for kind in ("room", "street", "yard"):
        for seed in range(3):
            scene, camera = make_scene(kind, seed, 120, 160)
            view = look(scene, camera, np.random.default_rng(0))
            for number, thing in enumerate(scene.things):
                if thing.kind != "person" or view.seen[number] < 150:
                    continue
                joints = keypoints(view, number, NAMES)
                left, top, right, bottom = view.box(number)
                inside = joints.places[joints.labels == VISIBLE]
                assert (inside >= (left - 1, top - 1)).all()
                assert (inside <= (right + 1, bottom + 1)).all()
                found += len(inside)
    assert found > 25
