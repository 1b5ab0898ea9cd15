"""Views: which thing each pixel shows, masks, boxes; the same whatever surrounds the drawing."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scene_makers import KINDS, make_scene

from mim_bench.datamodules.miniature.scenes.hits import meet
from mim_bench.datamodules.miniature.scenes.views import NOTHING, look


def views(kind, count=3, height=48, width=64):
    for seed in range(count):
        scene, camera = make_scene(kind, seed, height, width)
        yield look(scene, camera, np.random.default_rng(seed))


@pytest.mark.parametrize("kind", KINDS)
def test_things_are_the_nearest_of_all(kind):
    for view in views(kind, 2):
        window = slice(0, view.camera.height), slice(0, view.camera.width)

        def nearest(solids, window=window, camera=view.camera):
            none = np.full((camera.height, camera.width), np.inf)
            return np.min([none, *(meet(solid, camera, window) for solid in solids)], axis=0)

        ground = nearest(view.scene.surroundings)
        each = np.stack([nearest(thing.solids) for thing in view.scene.things])
        front = each.min(axis=0)
        np.testing.assert_array_equal(view.depth, np.minimum(front, ground))
        owner = np.where(front < ground, each.argmin(axis=0), NOTHING)
        tied = (each == front).sum(axis=0) > 1
        np.testing.assert_array_equal(view.things[~tied], owner[~tied])
        np.testing.assert_array_equal(view.alone, np.isfinite(each).sum(axis=(1, 2)))
        for number, depth in enumerate(each):
            rows, columns = np.nonzero(np.isfinite(depth))
            whole = (
                (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
                if rows.size
                else (0, 0, 0, 0)
            )
            assert tuple(view.whole[number]) == whole


@pytest.mark.parametrize("kind", KINDS)
def test_masks_share_the_frame_out_and_boxes_bound_them(kind):
    shown = 0
    for view in views(kind):
        count = len(view.scene.things)
        masks = [view.mask(number) for number in range(count)]
        total = np.sum(masks, axis=0) + (view.things == NOTHING)
        assert (total == 1).all()
        for number, mask in enumerate(masks):
            assert view.seen[number] == mask.sum() <= view.alone[number]
            box = view.box(number)
            rows, columns = np.nonzero(mask)
            if not rows.size:
                assert box is None
                continue
            shown += 1
            assert box == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
            left, top, right, bottom = view.whole[number]
            assert left <= box[0] < box[2] <= right
            assert top <= box[1] < box[3] <= bottom
    assert shown > 5


def test_rooms_are_closed():
    for view in views("room", 6):
        assert np.isfinite(view.depth).all()
        assert view.depth.min() > 0.05
        assert view.depth.max() < 20


@pytest.mark.parametrize("kind", KINDS)
def test_a_scene_drawn_twice_is_the_same_to_the_byte(kind):
    first, again = (next(views(kind, 1)) for _ in range(2))
    np.random.seed(5)  # noqa: NPY002 - the point is that it changes nothing
    threads = cv2.getNumThreads()
    try:
        cv2.setNumThreads(3)
        third = next(views(kind, 1))
    finally:
        cv2.setNumThreads(threads)
    for other in (again, third):
        for name in ("image", "depth", "things", "alone", "whole"):
            assert getattr(first, name).tobytes() == getattr(other, name).tobytes()


def test_large_pictures_do_not_depend_on_opencvs_threads():
    scene, camera = make_scene("street", 1, 370, 1226)
    threads = cv2.getNumThreads()
    pictures = []
    try:
        for count in (1, 4):
            cv2.setNumThreads(count)
            pictures.append(look(scene, camera, np.random.default_rng(0)).image)
    finally:
        cv2.setNumThreads(threads)
    assert pictures[0].tobytes() == pictures[1].tobytes()


def test_another_size_shows_the_same():
    for kind in ("room", "yard"):
        scene, camera = make_scene(kind, 1)
        small = look(scene, camera, np.random.default_rng(0))
        large = look(scene, camera.resized(144, 192), np.random.default_rng(0))
        # the middle of each 3 x 3 pixels is the middle of one small pixel
        np.testing.assert_allclose(large.depth[1::3, 1::3], small.depth, rtol=1e-9)
        np.testing.assert_array_equal(large.things[1::3, 1::3], small.things)
        means = large.image.reshape(48, 3, 64, 3, 3).mean(axis=(1, 3))
        assert np.abs(means - small.image).mean() < 12
