"""Small scenes of every kind, each with a camera, from a seed."""

from __future__ import annotations

import numpy as np

from mim_bench.datamodules.miniature.scenes.categories import all_categories
from mim_bench.datamodules.miniature.scenes.films import make_film
from mim_bench.datamodules.miniature.scenes.portraits import make_portrait
from mim_bench.datamodules.miniature.scenes.rooms import make_room, room_camera
from mim_bench.datamodules.miniature.scenes.streets import (
    make_street,
    make_yard,
    street_camera,
    yard_camera,
)

KINDS = ("room", "street", "yard", "portrait", "film")


def make_scene(kind: str, seed: int, height: int = 48, width: int = 64):
    """A scene of a kind and a camera for it."""
    rng = np.random.default_rng([17, seed])
    if kind == "room":
        scene = make_room(rng, people=2)
        return scene, room_camera(rng, scene, height, width)
    if kind == "street":
        return make_street(rng), street_camera(rng, height, width)
    if kind == "yard":
        return make_yard(rng), yard_camera(rng, height, width)
    if kind == "portrait":
        categories = all_categories()
        category = categories[int(rng.integers(len(categories)))]
        return make_portrait(rng, category, height, width)
    film = make_film(rng)
    time = rng.uniform(0, film.seconds)
    return film.scene(time), film.camera(time, height, width)
