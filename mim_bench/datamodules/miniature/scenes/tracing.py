"""What each pixel shows: depth, which solid, and how much of each thing would be seen alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mim_bench.datamodules.miniature.scenes.hits import meet
from mim_bench.datamodules.miniature.scenes.windows import windows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mim_bench.datamodules.miniature.scenes.cameras import Camera
    from mim_bench.datamodules.miniature.scenes.solids import Solid

Array = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int16]

SKY = -1
"""The label of a pixel that shows nothing."""


@dataclass(frozen=True)
class Trace:
    """What the pixels' centres show.

    Attributes:
        depth: (H, W) float64 metres along the camera's axis, infinity for the sky.
        labels: (H, W) int16 number of the solid, `SKY` for none.
        alone: For each group, the pixels that it would cover if nothing were in front of it.
        bounds: For each group, left, top, right, bottom of those pixels, zeros for none.
    """

    depth: Array
    labels: Labels
    alone: npt.NDArray[np.int64]
    bounds: npt.NDArray[np.int64]


def trace(groups: Sequence[Sequence[Solid]], camera: Camera) -> Trace:
    """Look at solids. They are numbered through all groups, in order.

    A group is what belongs together, a thing of several solids; each solid is looked for only in
    its own rectangle of the frame.
    """
    depth: Array = np.full((camera.height, camera.width), np.inf)
    labels: Labels = np.full(depth.shape, SKY, dtype=np.int16)
    alone = np.zeros(len(groups), dtype=np.int64)
    bounds = np.zeros((len(groups), 4), dtype=np.int64)
    places = windows([solid for group in groups for solid in group], camera)
    first = 0
    for number, group in enumerate(groups):
        here = places[first : first + len(group)]
        seen = [window for window in here if window is not None]
        if seen:
            top = min(rows.start for rows, _ in seen)
            left = min(columns.start for _, columns in seen)
            bottom = max(rows.stop for rows, _ in seen)
            right = max(columns.stop for _, columns in seen)
            covered = np.zeros((bottom - top, right - left), dtype=bool)
            for own, (solid, window) in enumerate(zip(group, here, strict=True), first):
                if window is None:
                    continue
                rows, columns = window
                reach = meet(solid, camera, window)
                part = (
                    slice(rows.start - top, rows.stop - top),
                    slice(columns.start - left, columns.stop - left),
                )
                covered[part] |= np.isfinite(reach)
                nearer = reach < depth[window]
                np.copyto(depth[window], reach, where=nearer)
                np.copyto(labels[window], own, where=nearer)
            alone[number], bounds[number] = _measure(covered, top, left)
        first += len(group)
    return Trace(depth, labels, alone, bounds)


def _measure(covered: npt.NDArray[np.bool_], top: int, left: int) -> tuple[int, Sequence[int]]:
    rows, columns = np.flatnonzero(covered.any(axis=1)), np.flatnonzero(covered.any(axis=0))
    if not rows.size:
        return 0, (0, 0, 0, 0)
    box = (left + columns[0], top + rows[0], left + columns[-1] + 1, top + rows[-1] + 1)
    return int(covered.sum()), box
