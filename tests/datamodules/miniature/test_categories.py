"""Categories: many, named apart, with a metric between them, and colours that tell nothing."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_geometry import outside

from mim_bench.datamodules.miniature.scenes.categories import (
    BODIES,
    DECORS,
    PARTS,
    STUFFS,
    Category,
    all_categories,
    distance,
)
from mim_bench.datamodules.miniature.scenes.objects import make_object
from mim_bench.datamodules.miniature.scenes.portraits import make_portrait
from mim_bench.datamodules.miniature.scenes.solids import corners
from mim_bench.datamodules.miniature.scenes.views import look

EVERY = all_categories()
categories = st.sampled_from(EVERY)


def test_there_are_hundreds_and_each_has_a_name_of_its_own():
    assert len(EVERY) >= 500
    assert len(set(EVERY)) == len(EVERY)
    assert len({category.name for category in EVERY}) == len(EVERY)
    assert all(category.name and category.name == category.name.strip() for category in EVERY)


def test_words_of_one_kind_are_not_words_of_another():
    words = [*BODIES, *STUFFS, *DECORS, *PARTS]
    assert len(set(words)) == len(words)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(categories, categories, categories)
def test_the_distance_is_a_metric(one, two, three):
    assert distance(one, one) == 0
    assert (distance(one, two) == 0) == (one == two)
    assert distance(one, two) == distance(two, one)
    assert 0 <= distance(one, two) <= 1 + 1e-12
    assert distance(one, three) <= distance(one, two) + distance(two, three) + 1e-12


def test_the_distance_grows_with_what_differs():
    base = Category("box", "wood", "stripes", "legs")
    related = Category("hexagon", "wood", "stripes", "legs")
    other = Category("ball", "wood", "stripes", "legs")
    apart = Category("ball", "metal", "dots", "ears")
    order = [distance(base, to) for to in (base, related, other, apart)]
    assert order == sorted(order)
    assert len(set(order)) == 4
    assert order[-1] == pytest.approx(1)


def test_all_categories_can_be_made_and_stand_on_the_ground():
    rng = np.random.default_rng(1)
    for number in rng.permutation(len(EVERY))[:150]:
        thing = make_object(rng, EVERY[number], 0.3)
        assert thing.category is EVERY[number]
        low = corners(thing.solids)[..., 1].min()
        assert -0.05 < low < 0.05, EVERY[number].name
    for shape, parts in itertools.product(BODIES, PARTS):
        thing = make_object(rng, Category(shape, "clay", "plain", parts), 0.3, (4.0, -2.0), base=1)
        assert len(thing.solids) == {"nothing": 1}.get(parts, len(thing.solids))
        assert parts == "nothing" or len(thing.solids) > 1
        middle = corners(thing.solids).mean(axis=(0, 1))
        assert np.abs(middle - (4.0, 1.5, -2.0)).max() < 0.4


@pytest.mark.parametrize("parts", [part for part in PARTS if part != "nothing"])
def test_parts_stick_out_of_the_body(parts):
    rng = np.random.default_rng(2)
    for shape in BODIES:
        body, *rest = make_object(rng, Category(shape, "wood", "dots", parts), 0.4).solids
        for solid in rest:
            local = rng.uniform(-1, 1, (1500, 3)) * solid.extent
            points = (local * solid.size) @ solid.turn.T + solid.centre
            assert outside(body, points[outside(solid, points) <= 0]).max() > 0.04, shape


def test_colours_tell_nothing_about_the_category():
    """Two categories' mean colours overlap: no threshold on them tells the two apart."""
    rng = np.random.default_rng(3)
    pairs = [
        (Category("box", "wood", "dots", "legs"), Category("ball", "metal", "stripes", "ears")),
        (Category("cone", "cloth", "plain", "fins"), Category("bucket", "stone", "rings", "lid")),
    ]
    for pair in pairs:
        means = []
        for category in pair:
            found = []
            for _ in range(40):
                scene, camera = make_portrait(rng, category, 32, 32, clutter=0)
                view = look(scene, camera, rng)
                found.append(view.image[view.mask(0)].mean(axis=0))
            means.append(np.array(found))
        for one, two in zip(means[0].T, means[1].T, strict=True):
            greater = (one[:, None] > two[None]).mean()
            assert 0.2 < greater < 0.8
            assert min(np.ptp(one), np.ptp(two)) > 60


def test_the_object_of_a_portrait_is_in_sight():
    rng = np.random.default_rng(4)
    shares = []
    for number in rng.integers(len(EVERY), size=40):
        view = look(*make_portrait(rng, EVERY[number], 48, 48), rng)
        assert view.scene.things[0].category is EVERY[number]
        shares.append(view.seen[0] / 48 / 48)
        assert view.seen[0] > 0.5 * view.alone[0]
    assert min(shares) > 0.03
    assert 0.08 < np.median(shares) < 0.6
