"""Draws a scene as a camera sees it: colour and exact depth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from mim_bench.datamodules.miniature.furniture import Box
from mim_bench.datamodules.miniature.materials import paint
from mim_bench.datamodules.miniature.rays import FACES, shadow, to_box, trace

if TYPE_CHECKING:
    from mim_bench.datamodules.miniature.furniture import Sphere
    from mim_bench.datamodules.miniature.scene import Camera, Scene

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]

_COARSE = 4  # shadows are found on every fourth pixel, which also softens them


def draw(
    scene: Scene, camera: Camera, rng: np.random.Generator
) -> tuple[npt.NDArray[np.uint8], Array]:
    """Draw a scene.

    Args:
        scene: What is seen.
        camera: From where.
        rng: For exposure and the sensor's noise.

    Returns:
        image: (H, W, 3) uint8 RGB.
        depth: (H, W) float64 metres along the camera's axis, at the pixels' centres.
    """
    depth, labels, windows = trace(scene, camera)
    rays = camera.rays()
    points = np.asarray(camera.position) + depth[..., None] * rays
    colour: Floats = np.zeros((camera.height, camera.width, 3), dtype=np.float32)
    facing: Floats = np.zeros((camera.height, camera.width), dtype=np.float32)
    everything = slice(0, camera.height), slice(0, camera.width)
    for label in range(FACES + len(scene.objects)):
        window = everything if label < FACES else windows.get(label)
        if window is None:
            continue
        rows, columns = np.nonzero(labels[window] == label)
        if not rows.size:
            continue
        rows, columns = rows + window[0].start, columns + window[1].start
        here = points[rows, columns]
        if label < FACES:
            axis = label // 2
            normals = np.zeros(3)
            normals[axis] = 1.0 - 2.0 * (label % 2)
            u, v = (here[:, other] for other in _across(axis))
            material = scene.faces[label]
        else:
            item = scene.objects[label - FACES]
            normals, u, v = _surface(item, here)
            material = item.material
        ray = rays[rows, columns]
        slant = np.abs(np.einsum("ni,ni->n", ray, np.broadcast_to(normals, ray.shape)))
        footprint = depth[rows, columns] / camera.focal / np.maximum(slant, 0.05)
        colour[rows, columns] = paint(
            material, *(array.astype(np.float32) for array in (u, v, footprint))
        )
        facing[rows, columns] = _facing(scene, here, normals)
    coarse = shadow(scene, points[::_COARSE, ::_COARSE]).astype(np.float32)
    dark = cv2.resize(coarse, (camera.width, camera.height), interpolation=cv2.INTER_LINEAR)
    light = scene.ambient + (1 - scene.ambient) * facing * (1 - 0.85 * dark)
    return _develop(colour * light[..., None], rng), depth


def _across(axis: int) -> tuple[int, int]:
    """Return the two axes along a face; patterns on walls run upwards."""
    return {0: (2, 1), 1: (0, 2), 2: (0, 1)}[axis]


def _surface(item: Box | Sphere, points: Array) -> tuple[Array, Array, Array]:
    """Return normals (N, 3) and places u, v (N,) in metres of points on an object."""
    away = points - np.asarray(item.centre)
    if not isinstance(item, Box):
        normals = away / item.radius
        turn = np.arctan2(away[:, 0], away[:, 2]) * item.radius
        return normals, turn, np.arcsin(np.clip(normals[:, 1], -1, 1)) * item.radius
    own = to_box(item, away)
    axis = np.argmax(np.abs(own) / np.asarray(item.half), axis=1)
    number = np.arange(len(own))
    sign = np.sign(own[number, axis])
    cos, sin = np.cos(item.yaw), np.sin(item.yaw)
    outward = np.array([(cos, 0, -sin), (0, 1, 0), (sin, 0, cos)])
    sides = np.array([_across(0), _across(1), _across(2)])[axis]
    return outward[axis] * sign[:, None], own[number, sides[:, 0]], own[number, sides[:, 1]]


def _facing(scene: Scene, points: Array, normals: Array) -> Floats:
    """Return how much of the lamp's light (N,) reaches surfaces, shadows left aside."""
    way = np.asarray(scene.light) - points
    distance = np.sqrt(np.einsum("ni,ni->n", way, way)) + 1e-9
    cosine = np.einsum("ni,ni->n", way, np.broadcast_to(normals, way.shape)) / distance
    # a floor of 0.15 stands for light from other walls; the fall-off is softer than a real lamp's
    return ((0.15 + 0.85 * np.maximum(cosine, 0)) * 1.5 / (1 + (distance / 3.5) ** 2)).astype(
        np.float32
    )


def _develop(radiance: Floats, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Expose, blur edges by less than a pixel, add the sensor's noise."""
    exposure, gamma = rng.uniform(0.9, 1.25), rng.uniform(0.75, 0.95)
    picture = cv2.GaussianBlur(np.clip(radiance * exposure, 0, 1), (3, 3), 0.6)
    picture = cv2.pow(picture, gamma) * np.float32(255)
    noise = rng.standard_normal(picture.shape, dtype=np.float32)
    picture += np.float32(rng.uniform(1.0, 3.0)) * noise
    return np.clip(picture + np.float32(0.5), 0, 255).astype(np.uint8)
