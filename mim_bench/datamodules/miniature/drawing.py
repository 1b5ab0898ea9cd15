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
Labels = npt.NDArray[np.int16]
Whole = npt.NDArray[np.intp]

_COARSE = 5  # shadows are found on every fifth pixel, which also softens them


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
    rays = camera.rays()
    depth, labels, windows = trace(scene, camera, rays)
    # colour needs no more than single precision, in one row of pixels
    ways = rays.reshape(-1, 3).astype(np.float32)
    distance = depth.reshape(-1, 1).astype(np.float32)
    points = np.asarray(camera.position, dtype=np.float32) + distance * ways
    normals: Floats = np.zeros_like(points)
    places: Floats = np.zeros((len(points), 2), dtype=np.float32)
    parts: dict[int, Whole] = {}
    for label in range(FACES + len(scene.objects)):
        if label >= FACES and label not in windows:
            continue
        chosen = _pixels(labels, label, windows.get(label))
        if not chosen.size:
            continue
        parts[label] = chosen
        here = points.take(chosen, axis=0)
        if label < FACES:
            axis = label // 2
            normals[chosen, axis] = 1 - 2 * (label % 2)
            places[chosen] = here[:, _across(axis)]
        else:
            normals[chosen], places[chosen] = _surface(scene.objects[label - FACES], here)
    slant = np.abs(np.einsum("ni,ni->n", ways, normals))
    footprint = distance[:, 0] / np.float32(camera.focal) / np.maximum(slant, np.float32(0.05))
    colour: Floats = np.empty_like(points)
    for label, chosen in parts.items():
        face = label < FACES
        material = scene.faces[label] if face else scene.objects[label - FACES].material
        u, v = places.take(chosen, axis=0).T
        colour[chosen] = paint(material, u, v, footprint.take(chosen))
    frame = (camera.height, camera.width)
    coarse = points.reshape(*frame, 3)[::_COARSE, ::_COARSE].astype(np.float64)
    dark = cv2.resize(shadow(scene, coarse).astype(np.float32), frame[::-1])
    lit = _facing(scene, points, normals).reshape(frame) * (1 - np.float32(0.85) * dark)
    light = np.float32(scene.ambient) + np.float32(1 - scene.ambient) * lit
    return _develop(colour.reshape(*frame, 3) * light[..., None], rng), depth


def _pixels(labels: Labels, label: int, window: tuple[slice, slice] | None) -> Whole:
    """Return the pixels, counted row by row, that show a label; `window` is where to look."""
    if window is None:
        return np.flatnonzero(labels == label)
    rows, columns = np.nonzero(labels[window] == label)
    chosen: Whole = (rows + window[0].start) * labels.shape[1] + columns + window[1].start
    return chosen


def _across(axis: int) -> list[int]:
    """Return the two axes along a face; patterns on walls run upwards."""
    return [[2, 1], [0, 2], [0, 1]][axis]


def _surface(item: Box | Sphere, points: Floats) -> tuple[Floats, Floats]:
    """Return normals (N, 3) and places (N, 2) in metres of points on an object."""
    away = points - np.asarray(item.centre, dtype=np.float32)
    if not isinstance(item, Box):
        normals = away / np.float32(item.radius)
        turn = np.arctan2(away[:, 0], away[:, 2])
        places = np.stack([turn, np.arcsin(np.clip(normals[:, 1], -1, 1))], axis=1)
        return normals, places * np.float32(item.radius)
    own = to_box(item, away).astype(np.float32)
    axis = np.argmax(np.abs(own) / np.asarray(item.half, dtype=np.float32), axis=1)
    number = np.arange(len(own))
    cos, sin = np.cos(item.yaw), np.sin(item.yaw)
    outward = np.array([(cos, 0, -sin), (0, 1, 0), (sin, 0, cos)], dtype=np.float32)
    sides = np.array([_across(0), _across(1), _across(2)])[axis]
    return (
        outward[axis] * np.sign(own[number, axis])[:, None],
        own[number[:, None], sides],
    )


def _facing(scene: Scene, points: Floats, normals: Floats) -> Floats:
    """Return how much of the lamp's light (N,) reaches surfaces, shadows left aside."""
    way = np.asarray(scene.light, dtype=np.float32) - points
    square = np.einsum("ni,ni->n", way, way) + np.float32(1e-9)
    cosine = np.einsum("ni,ni->n", way, normals) / np.sqrt(square)
    # a floor of 0.15 stands for light from other walls; the fall-off is softer than a real lamp's
    lit = np.float32(0.15) + np.float32(0.85) * np.maximum(cosine, 0)
    return np.asarray(lit * np.float32(1.5) / (1 + square / np.float32(3.5**2)), dtype=np.float32)


def _develop(radiance: Floats, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Expose, blur edges by less than a pixel, add the sensor's noise."""
    exposure, gamma = rng.uniform(0.9, 1.25), rng.uniform(0.75, 0.95)
    picture = cv2.GaussianBlur(np.clip(radiance * exposure, 0, 1), (3, 3), 0.6)
    picture = cv2.pow(picture, gamma) * np.float32(255)
    noise = rng.standard_normal(picture.shape, dtype=np.float32)
    noise *= np.float32(rng.uniform(1.0, 3.0))
    noise += picture
    noise += np.float32(0.5)
    return np.asarray(np.clip(noise, 0, 255, out=noise).astype(np.uint8), dtype=np.uint8)
