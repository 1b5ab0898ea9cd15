"""Light on what a camera sees: colour, shading, cast shade, reflection, haze."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from mim_bench.datamodules.miniature.scenes.cameras import Camera
from mim_bench.datamodules.miniature.scenes.hits import own_rays
from mim_bench.datamodules.miniature.scenes.surfaces import surface
from mim_bench.datamodules.miniature.scenes.textures import sample, tile_number
from mim_bench.datamodules.miniature.scenes.tracing import SKY, trace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mim_bench.datamodules.miniature.scenes.scene import Light, Scene
    from mim_bench.datamodules.miniature.scenes.solids import Solid
    from mim_bench.datamodules.miniature.scenes.tracing import Trace

Floats = npt.NDArray[np.float32]

_SHADE_SIDE = 320  # pixels of the picture that the lamp sees
_SHADE_WIDTH = 256  # shade is looked up on about so many pixels of a row, which also softens it
_ONE = np.float32(1)


class Surfaces:
    """All pixels of a frame, sorted by the solid that they show.

    Attributes:
        order: (N,) place of each in the frame, row by row.
        parts: (solid's number, first, last) for each solid in sight, the sky (-1) first.
        normal: (3, N) outward direction of the surface.
        share: (N,) how much of the material's second colour.
        grain: (N,) -1..1, how much lighter or darker.
    """

    def __init__(self, solids: Sequence[Solid], camera: Camera, seen: Trace) -> None:
        shape = seen.labels.shape
        flat = seen.labels.reshape(-1)
        self.order = np.argsort(flat, kind="stable")
        labels = flat[self.order]
        starts = np.flatnonzero(np.diff(labels, prepend=labels[:1] - 1))
        stops = [*starts[1:], len(labels)]
        self.parts = [(int(labels[a]), int(a), int(b)) for a, b in zip(starts, stops, strict=True)]
        count = len(labels)
        row, column = np.divmod(self.order, camera.width)
        self.x = camera.across.astype(np.float32)[column]
        self.y = camera.along.astype(np.float32)[row]
        depth = seen.depth.reshape(-1)[self.order].astype(np.float32)
        self.depth = np.where(np.isfinite(depth), depth, np.float32(1e4))
        self.normal = np.zeros((3, count), dtype=np.float32)
        # place, footprint, tile of the pattern, then of the grain
        where = np.zeros((2, 4, count), dtype=np.float32)
        self.distance = self.depth * np.sqrt(self.x * self.x + self.y * self.y + _ONE)
        axes = camera.axes.astype(np.float32)
        self.way = np.stack(
            [axes[0, k] * self.x + axes[1, k] * self.y + axes[2, k] for k in range(3)]
        )
        for number, first, last in self.parts:
            if number == SKY:
                continue
            here = slice(first, last)
            solid = solids[number]
            self.normal[:, here], u, v = surface(solid, self._own(solid, camera, here))
            slant = np.abs((self.way[:, here] * self.normal[:, here]).sum(axis=0))
            # between the wide and the narrow side of a pixel's slanted footprint
            wide = self.depth[here] / np.float32(camera.focal)
            wide /= np.sqrt(np.maximum(slant, np.float32(0.02)))
            material = solid.material
            stuff = material.substance
            for block, name, tile in (
                (where[0], material.pattern, material.tile),
                (where[1], stuff.grain, stuff.tile),
            ):
                scale = np.float32(1 / tile)
                block[0, here], block[1, here], block[2, here] = u * scale, v * scale, wide * scale
                block[3, here] = tile_number(name)
        self.share, grain = (sample(*block.reshape(4, *shape)).reshape(-1) for block in where)
        self.grain = 2 * grain - _ONE

    def _own(self, solid: Solid, camera: Camera, here: slice) -> Floats:
        """Return points (3, N) in a solid's own axes."""
        origin, basis = own_rays(solid, camera)
        start, turn = origin.astype(np.float32), basis.astype(np.float32)
        x, y, depth = self.x[here], self.y[here], self.depth[here]
        return np.stack(
            [start[k] + depth * (turn[k, 0] * x + turn[k, 1] * y + turn[k, 2]) for k in range(3)]
        )


def shine(scene: Scene, solids: Sequence[Solid], camera: Camera, seen: Trace) -> Floats:
    """Return the light (H, W, 3) that reaches a camera, about 0..1, linear."""
    lie = Surfaces(solids, camera, seen)
    light = scene.light
    place = np.asarray(camera.position, dtype=np.float32)[:, None] + lie.depth * lie.way
    toward = np.asarray(light.position, dtype=np.float32)[:, None] - place
    far = np.sqrt((toward * toward).sum(axis=0))
    toward /= np.maximum(far, np.float32(1e-6))
    facing = np.maximum((toward * lie.normal).sum(axis=0), 0)
    strength = 1 - _by_frame(shade(scene, camera, seen), lie, seen)
    if light.fade:
        # softer than a real lamp's fall-off: walls send light on
        middle = float(np.linalg.norm(np.subtract(light.position, light.target)))
        strength *= np.float32(2) / (_ONE + (far / np.float32(middle)) ** 2)
    near = np.float32(0.45) + np.float32(0.55) * _by_frame(closeness(seen.depth), lie, seen)
    sky = (np.float32(0.72) + np.float32(0.28) * lie.normal[1]) * near
    lit = facing * strength
    back = lie.way / np.sqrt((lie.way * lie.way).sum(axis=0))
    middle_way = toward - back
    middle_way /= np.sqrt(np.maximum((middle_way * middle_way).sum(axis=0), np.float32(1e-12)))
    shine_on = np.maximum((middle_way * lie.normal).sum(axis=0), 0)
    radiance = np.empty((3, lie.depth.size), dtype=np.float32)
    for number, first, last in lie.parts:
        here = slice(first, last)
        if number == SKY:
            radiance[:, here] = _sky(scene, lie.way[:, here])
            continue
        material = solids[number].material
        stuff = material.substance
        rough = _ONE + np.float32(stuff.strength) * lie.grain[here]
        gloss = None
        if stuff.gloss:
            gloss = np.float32(stuff.gloss) * shine_on[here] ** np.float32(stuff.sharpness)
            gloss *= strength[here] * (facing[here] > 0)
        for channel in range(3):
            first_, second = material.first[channel], material.second[channel]
            albedo = np.float32(first_) + np.float32(second - first_) * lie.share[here]
            arriving = np.float32(light.ambient[channel]) * sky[here]
            arriving = arriving + np.float32(light.colour[channel]) * lit[here]
            value = albedo * rough * arriving
            radiance[channel, here] = value if gloss is None else value + gloss
    if scene.haze:
        clear = np.exp(np.float32(-scene.haze) * lie.distance)
        if lie.parts[0][0] == SKY:
            clear[: lie.parts[0][2]] = 1  # a sky has its own haze
        air = np.asarray(scene.air, dtype=np.float32)[:, None]
        radiance = air + (radiance - air) * clear
    picture = np.empty((lie.depth.size, 3), dtype=np.float32)
    picture[lie.order] = radiance.T
    return picture.reshape(*seen.labels.shape, 3)


def _by_frame(values: Floats, lie: Surfaces, seen: Trace) -> Floats:
    """Bring a coarse picture to the frame's size, in the order of the surfaces."""
    whole = cv2.resize(values, seen.labels.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(whole.reshape(-1)[lie.order])


def _sky(scene: Scene, way: Floats) -> Floats:
    low, high = scene.sky or (scene.air, scene.air)
    steep = way[1] / np.sqrt((way * way).sum(axis=0))
    mixed = np.clip(steep * np.float32(2.2), 0, 1) ** np.float32(0.7)
    base = np.asarray(low, dtype=np.float32)[:, None]
    return np.asarray(base + (np.asarray(high, dtype=np.float32)[:, None] - base) * mixed)


def closeness(depth: npt.NDArray[np.float64]) -> Floats:
    """Return 0..1 (h, w): less in nooks, where something close by stands in front."""
    step = max(1, depth.shape[1] // _SHADE_WIDTH)
    coarse = np.minimum(depth[::step, ::step], 1e3).astype(np.float32)
    around = cv2.blur(coarse, (9, 9), borderType=cv2.BORDER_REPLICATE)
    behind = (coarse - around) / (np.float32(0.12) * coarse)
    return np.asarray(1 - np.clip(behind, 0, 1), dtype=np.float32)


def lamp_camera(light: Light) -> Camera:
    """Return a camera at the lamp, looking at what it shines on."""
    way = np.subtract(light.target, light.position)
    far = float(np.sqrt((way * way).sum()))
    focal = _SHADE_SIDE / 2 / min(light.reach / far, 3.0)
    return Camera.towards(light.position, light.target, focal, _SHADE_SIDE, _SHADE_SIDE)


def shade(scene: Scene, camera: Camera, seen: Trace) -> Floats:
    """Return 0..1 (h, w): how much of the lamp's light things keep off, on a coarse grid."""
    lamp = lamp_camera(scene.light)
    met = trace([thing.solids for thing in scene.things], lamp).depth.astype(np.float32)
    step = max(1, camera.width // _SHADE_WIDTH)
    depth = np.minimum(seen.depth[::step, ::step], 1e4)
    x, y = camera.across[None, ::step], camera.along[::step, None]
    axes = camera.axes
    place = [
        camera.position[k] + depth * (axes[0, k] * x + axes[1, k] * y + axes[2, k])
        for k in range(3)
    ]
    away = [place[k] - lamp.position[k] for k in range(3)]
    right, down, ahead = (sum(away[k] * axis[k] for k in range(3)) for axis in lamp.axes)
    safe = np.where(ahead > 1e-6, ahead, np.inf)
    column = (right / safe * lamp.focal + _SHADE_SIDE / 2 - 0.5).astype(np.float32)
    row = (down / safe * lamp.focal + _SHADE_SIDE / 2 - 0.5).astype(np.float32)
    # a surface does not shade itself: two pixels of the lamp's picture, and a little
    slack = (np.float32(0.01) * _ONE + 2.5 * ahead / lamp.focal).astype(np.float32)
    limit = ahead.astype(np.float32) - slack
    dark = np.zeros(depth.shape, dtype=np.float32)
    for right_by, down_by in ((-0.5, -0.5), (0.5, -0.5), (-0.5, 0.5), (0.5, 0.5)):
        first = cv2.remap(
            met,
            column + np.float32(right_by),
            row + np.float32(down_by),
            cv2.INTER_NEAREST,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=float(np.inf),
        )
        dark += first < limit
    dark *= np.float32(0.25) * (ahead > 1e-6)
    return np.asarray(cv2.GaussianBlur(dark, (3, 3), 0.8), dtype=np.float32)
