"""Light: shade where the lamp is hidden, haze by the distance, sky where there is nothing."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from scene_makers import make_scene
from slow_geometry import GREY, deepest, turn_matrix, ways

from mim_bench.datamodules.miniature.scenes.cameras import Camera
from mim_bench.datamodules.miniature.scenes.materials import SUBSTANCES, Material
from mim_bench.datamodules.miniature.scenes.scene import Light, Scene, Thing
from mim_bench.datamodules.miniature.scenes.shading import shade, shine
from mim_bench.datamodules.miniature.scenes.solids import Solid, plane
from mim_bench.datamodules.miniature.scenes.tracing import trace
from mim_bench.datamodules.miniature.scenes.views import look, solids_of

FLOOR = plane((0, 0, 0), (0, 1, 0), GREY)
WALL = plane((0, 0, 5), (0, 0, -1), GREY)
CAMERA = Camera.towards((0.5, 3.0, -4.0), (0, 0.6, 1.0), 50.0, 48, 64)


def traced(scene, camera):
    return trace([scene.surroundings, *(thing.solids for thing in scene.things)], camera)


def light_on(scene, camera=CAMERA):
    return shine(scene, solids_of(scene), camera, traced(scene, camera))


def several(rng, count):
    """Solids of several shapes over a floor, each a thing."""
    shapes = ("box", "ellipsoid", "frustum", "hexagon", "pyramid", "capsule")
    things = []
    for number in range(count):
        size = np.full(3, rng.uniform(0.3, 0.6))
        place = np.array([rng.uniform(-2, 2), rng.uniform(0.4, 1.2), rng.uniform(-1, 3)])
        shape = shapes[number % len(shapes)]
        things.append(Thing("thing", (Solid(shape, place, turn_matrix(rng), size, GREY),)))
    return tuple(things)


@pytest.mark.parametrize("sunny", [True, False])
def test_what_stands_before_the_lamp_keeps_its_light_off(sunny):
    rng = np.random.default_rng(1)
    camera = CAMERA.resized(96, 128)
    right = {True: 0, False: 0}
    count = {True: 0, False: 0}
    for _ in range(3):
        lamp = Light((rng.uniform(-1, 1), 3.5, 1.0), (0, 0, 1), 6.0)
        if sunny:
            lamp = Light((60.0, 70.0, rng.uniform(-60, 0)), (0, 0, 1), 6.0, fade=False)
        scene = Scene((FLOOR, WALL), several(rng, 6), lamp)
        seen = traced(scene, camera)
        found = shade(scene, camera, seen) > 0.5
        rows, columns = (part.reshape(-1) for part in np.mgrid[:96, :128] + 0.5)
        points = np.asarray(camera.position) + seen.depth.reshape(-1, 1) * ways(
            camera, rows, columns
        )
        ground = (seen.labels < 2).reshape(-1)
        toward = np.asarray(lamp.position) - points[ground]
        start = points[ground] + 0.02 * toward / np.linalg.norm(toward, axis=1, keepdims=True)
        end = np.broadcast_to(np.asarray(lamp.position), start.shape)
        least = np.min([deepest(t.solids[0], start, end)[0] for t in scene.things], axis=0)
        slow = np.zeros(96 * 128, np.uint8)
        slow[ground] = least < 0
        slow, ground = slow.reshape(96, 128), ground.reshape(96, 128)
        # away from the edges of shade and of things
        kernel = np.ones((5, 5), np.uint8)
        even = cv2.erode(slow, kernel) == cv2.dilate(slow, kernel)
        even &= cv2.erode(ground.astype(np.uint8), kernel) > 0
        for dark in (True, False):
            here = even & (slow == dark)
            right[dark] += (found == dark)[here].sum()
            count[dark] += here.sum()
    for dark in (True, False):
        assert count[dark] > 400
        assert right[dark] / count[dark] > 0.97


def test_a_floor_is_darker_behind_a_box_and_nowhere_lighter():
    lamp = Light((-2.5, 3.0, 1.0), (0, 0, 1.0), 6.0)
    box = Thing("box", (Solid("box", np.array([0, 0.5, 1.0]), np.eye(3), np.full(3, 0.5), GREY),))
    without, with_box = (light_on(Scene((FLOOR, WALL), things, lamp)) for things in ((), (box,)))
    floor = traced(Scene((FLOOR, WALL), (box,), lamp), CAMERA).labels == 0
    change = (with_box / without).mean(axis=-1)
    assert (change[floor] < 1.001).all()
    point = CAMERA.project([(0.9, 0.0, 1.0), (-0.9, 0.0, 1.0)])
    (behind, row), (before, level) = point[:, :2].astype(int)
    assert change[row, behind] < 0.75
    assert change[level, before] > 0.85
    assert change[row, behind] < change[level, before] - 0.2


def test_faces_towards_the_lamp_are_lighter():
    lamp = Light((-6.0, 1.0, 0.0), (0, 1, 0), 4.0, fade=False, ambient=(0.2, 0.2, 0.2))
    ball = Thing(
        "ball", (Solid("ellipsoid", np.array([0, 1.0, 0]), np.eye(3), np.full(3, 0.9), GREY),)
    )
    camera = Camera((0, 1.0, -6), 0.0, 0.0, 100.0, 48, 64)
    picture = light_on(Scene((), (ball,), lamp), camera)
    assert picture[24, 22].mean() > 1.5 * picture[24, 42].mean()
    assert picture[14, 32].mean() > picture[34, 32].mean()  # ambient light comes from above


def test_a_lamps_light_fades_and_the_suns_does_not():
    floor = plane((0, 0, 0), (0, 1, 0), Material("plain", (0.5,) * 3, (0.5,) * 3, 1.0, EVEN))
    camera = Camera((0, 12.0, 0), 0.0, -np.pi / 2, 60.0, 48, 64)
    for fade in (True, False):
        lamp = Light((0, 4.0, 0), (0, 0, 0), 4.0, fade=fade, ambient=(0, 0, 0))
        if not fade:
            lamp = replace(lamp, position=(0, 4000.0, 0))
        picture = light_on(Scene((floor,), (), lamp), camera)[..., 0]
        edge, middle = picture[24, 2], picture[24, 32]
        assert (edge < 0.4 * middle) if fade else edge == pytest.approx(middle, rel=0.01)


EVEN = SUBSTANCES["plastic"]._replace(gloss=0.0)


@pytest.mark.parametrize("kind", ["room", "yard"])
def test_haze_takes_light_by_the_distance(kind):
    scene, camera = make_scene(kind, 3)
    clear, air = replace(scene, haze=0.0), np.array([0.3, 0.5, 0.9])
    density = 0.13
    hazy = replace(scene, haze=density, air=tuple(air))
    seen = traced(scene, camera)
    rows, columns = (part.reshape(-1) for part in np.mgrid[:48, :64] + 0.5)
    long = np.linalg.norm(ways(camera, rows, columns), axis=1).reshape(48, 64)
    left = np.exp(-density * seen.depth * long)[..., None]
    there = np.isfinite(seen.depth)
    expected = air + (light_on(clear, camera) - air) * left
    np.testing.assert_allclose(light_on(hazy, camera)[there], expected[there], atol=2e-4)


def test_the_sky_is_where_nothing_is():
    scene, camera = make_scene("yard", 2)
    seen = traced(scene, camera)
    empty = ~np.isfinite(seen.depth)
    assert 0.02 < empty.mean() < 0.9
    assert (empty == (seen.labels < 0)).all()
    low, high = np.array([0.9, 0.1, 0.1]), np.array([0.1, 0.1, 0.9])
    picture = light_on(replace(scene, sky=(tuple(low), tuple(high))), camera)
    share = (picture - low) / (high - low + 1e-12)
    assert (share[empty][:, 0] >= -1e-5).all()
    assert (share[empty][:, 0] <= 1 + 1e-5).all()
    np.testing.assert_allclose(share[empty][:, 0], share[empty][:, 2], atol=1e-4)


def test_the_sky_changes_upwards():
    sky = ((0.9, 0.1, 0.1), (0.1, 0.1, 0.9))
    scene = Scene((FLOOR,), (), Light((0, 50, 0), (0, 0, 0), 5.0), sky=sky)
    column = light_on(scene, Camera((0, 1, 0), 0.0, 0.3, 60.0, 48, 64))[:, 32]
    above = column[:40]
    assert (np.diff(above[:, 2]) < 0).sum() > 20
    assert (np.diff(above[:, 2]) <= 0).all()
    overhead = light_on(scene, Camera((0, 1, 0), 0, 1.5, 60, 8, 8))[4, 4]
    np.testing.assert_allclose(overhead, sky[1], atol=1e-6)


def test_pictures_are_neither_dark_nor_burnt_out():
    for kind in ("room", "street", "yard", "portrait"):
        for seed in range(3):
            scene, camera = make_scene(kind, seed)
            image = look(scene, camera, np.random.default_rng(seed)).image
            assert image.dtype == np.uint8
            assert 40 < image.mean() < 215
            assert image.std() > 12
            assert (image == 255).mean() < 0.2
