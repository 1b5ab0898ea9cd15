"""A scene as a camera sees it: the picture, and everything that annotations are made of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from mim_bench.datamodules.miniature.scenes.shading import shine
from mim_bench.datamodules.miniature.scenes.tracing import SKY, trace

if TYPE_CHECKING:
    from mim_bench.datamodules.miniature.scenes.cameras import Camera
    from mim_bench.datamodules.miniature.scenes.scene import Scene
    from mim_bench.datamodules.miniature.scenes.solids import Solid

Floats = npt.NDArray[np.float32]

NOTHING = -1
"""In a map of things: ground, walls and sky."""

_NOISE_SIDE = 1 << 20


@dataclass(frozen=True, eq=False)
class View:
    """What a camera sees of a scene.

    Attributes:
        scene: What is seen.
        camera: From where.
        depth: (H, W) float64 metres along the camera's axis at the pixels' centres, infinity for
            the sky.
        things: (H, W) int16 number of the thing in `scene.things`, `NOTHING` for none.
        alone: (T,) pixels of each thing if nothing stood in front of it.
        whole: (T, 4) left, top, right, bottom of these pixels, in pixels; zeros for none.
    """

    scene: Scene
    camera: Camera
    depth: npt.NDArray[np.float64]
    things: npt.NDArray[np.int16]
    alone: npt.NDArray[np.int64]
    whole: npt.NDArray[np.int64]
    image: npt.NDArray[np.uint8]

    @cached_property
    def seen(self) -> npt.NDArray[np.int64]:
        """(T,): pixels of each thing in sight."""
        count = len(self.scene.things)
        return np.bincount(self.things.reshape(-1) + 1, minlength=count + 1)[1:].astype(np.int64)

    def mask(self, number: int) -> npt.NDArray[np.bool_]:
        """(H, W): where a thing is in sight."""
        return np.asarray(self.things == number)

    def box(self, number: int) -> tuple[int, int, int, int] | None:
        """Return left, top, right, bottom in pixels of a thing's mask; None when out of sight."""
        if not self.seen[number]:
            return None
        left, top, right, bottom = (int(side) for side in self.whole[number])
        part = self.things[top:bottom, left:right] == number
        rows, columns = np.flatnonzero(part.any(axis=1)), np.flatnonzero(part.any(axis=0))
        return (
            left + int(columns[0]),
            top + int(rows[0]),
            left + int(columns[-1]) + 1,
            top + int(rows[-1]) + 1,
        )


def solids_of(scene: Scene) -> list[Solid]:
    """Return all solids in the order in which a trace numbers them: surroundings first."""
    return [*scene.surroundings, *(solid for thing in scene.things for solid in thing.solids)]


def look(scene: Scene, camera: Camera, rng: np.random.Generator) -> View:
    """Draw a scene.

    Args:
        scene: What is seen.
        camera: From where.
        rng: For the exposure and the sensor's noise.
    """
    seen = trace([scene.surroundings, *(thing.solids for thing in scene.things)], camera)
    image = develop(shine(scene, solids_of(scene), camera, seen), rng)
    owners = np.full(1 + len(scene.surroundings), NOTHING, dtype=np.int16)
    counts = [len(thing.solids) for thing in scene.things]
    # the last entry stands for the label SKY
    table = np.concatenate(
        [owners[:-1], np.repeat(np.arange(len(counts), dtype=np.int16), counts), owners[-1:]]
    ).astype(np.int16)
    assert SKY == -1
    return View(
        scene, camera, seen.depth, table[seen.labels], seen.alone[1:], seen.bounds[1:], image
    )


@lru_cache(maxsize=1)
def _noise() -> Floats:
    noise = np.random.default_rng(11).standard_normal(2 * _NOISE_SIDE, dtype=np.float32)
    return np.asarray(noise)


def develop(radiance: Floats, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Expose by the middle of the picture's light, soften edges, add a sensor's noise.

    Args:
        radiance: (H, W, 3) linear light.
        rng: For exposure, colour cast, tone and noise.

    Returns:
        (H, W, 3) RGB.
    """
    middle = float(radiance[::4, ::4].mean()) + 1e-3
    exposure = rng.uniform(0.34, 0.54) / middle ** rng.uniform(0.5, 0.9)
    gains = (exposure * rng.uniform(0.94, 1.06, 3)).astype(np.float32)
    picture = cv2.GaussianBlur(radiance * gains, (3, 3), 0.55)
    picture = picture / (1 + 0.25 * picture)  # bright parts are compressed, not cut off
    picture = cv2.pow(np.clip(picture, 0, 1), rng.uniform(0.6, 0.75)) * np.float32(255)
    # a stretch of one long noise: drawing new noise takes longer than all shading
    start = int(rng.integers(_NOISE_SIDE // 2))
    noise = _noise()
    count = picture.size
    if count > noise.size - start:
        grain = np.resize(noise[start:], count)
    else:
        grain = noise[start : start + count]
    picture += grain.reshape(picture.shape) * np.float32(rng.uniform(1.0, 3.0))
    picture += np.float32(0.5)
    return np.asarray(np.clip(picture, 0, 255, out=picture).astype(np.uint8))
