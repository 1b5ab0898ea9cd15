"""Pictures of poses: skeletons of prediction and ground truth, heat-maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from mim_bench.tasks.pictures import colour, titled

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from mim_bench.tasks.pictures import Picture
    from mim_bench.tasks.training import Batch

SIDE = 192
"""Panels are enlarged until they are at least so wide."""

LEFT, RIGHT, MIDDLE = (255, 140, 0), (40, 190, 255), (120, 255, 120)
"""Colours of the body's left, its right, and what is neither."""

PEAK = 0.2
"""Predicted joints of lower peaks are drawn small."""


def pose_pictures(
    prediction: Mapping[str, Any], batch: Batch, count: int, info: Mapping[str, Any]
) -> list[tuple[str, Picture]]:
    """Draw samples side by side: prediction, ground truth, the highest of all heat-maps.

    Left limbs are orange, right ones blue. Joints without a label are not drawn on the ground
    truth, which is left out where none has one (a detector's boxes).

    Args:
        prediction: `keypoints`, `peaks` and, if there are any, `heatmaps` (see `PoseTask`).
        batch: The batch.
        count: How many.
        info: `DatasetInfo` as a dictionary.

    Returns:
        Pairs of id and (H', W', 3) RGB.
    """
    size = batch["image"].shape[-2:]
    # back from the picture to the input
    sides = batch["scale"].cpu().numpy()[:count, None] * 200.0
    corner = batch["center"].cpu().numpy()[:count, None] - sides / 2
    shown = prediction["keypoints"][:count].float().cpu().numpy()
    guesses = (shown - corner) / sides * np.array([size[1], size[0]])
    peaks = prediction["peaks"][:count].float().cpu().numpy()
    images = batch["image"][:count].permute(0, 2, 3, 1).cpu().numpy()
    truths = batch["keypoints"][:count].cpu().numpy()
    weights = batch["weight"][:count].cpu().numpy()
    maps = prediction.get("heatmaps")
    drawn = []
    for index, image in enumerate(images):
        panels = [titled(_skeleton(image, guesses[index], peaks[index] > PEAK, info), "prediction")]
        if weights[index].any():
            truth = _skeleton(image, truths[index], weights[index] > 0, info, hide=True)
            panels.append(titled(truth, "ground truth"))
        if maps is not None:
            highest = maps[index].float().amax(0).cpu().numpy()
            panels.append(titled(_heat(image, highest), "heat-maps"))
        drawn.append((str(batch["id"][index]), np.concatenate(panels, axis=1)))
    return drawn


def _enlarged(image: npt.NDArray[np.uint8]) -> tuple[Picture, int]:
    factor = max(1, -(-SIDE // image.shape[1]))
    size = image.shape[1] * factor, image.shape[0] * factor
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.uint8), factor


def _skeleton(
    image: npt.NDArray[np.uint8],
    places: npt.NDArray[np.floating],
    sure: npt.NDArray[np.bool_],
    info: Mapping[str, Any],
    hide: bool = False,
) -> Picture:
    """Draw limbs between joints that are sure, and a dot for each joint."""
    picture, factor = _enlarged(image)
    colours = _colours(info)
    points = [(round(float(x)), round(float(y))) for x, y in (places + 0.5) * factor - 0.5]
    for first, second in (info.get("extra") or {}).get("skeleton", ()):
        if sure[first] and sure[second]:
            both = colours[first] if colours[first] == colours[second] else MIDDLE
            cv2.line(picture, points[first], points[second], both, 2, cv2.LINE_AA)
    for point, known, paint in zip(points, sure, colours, strict=True):
        if known or not hide:
            cv2.circle(picture, point, 3 if known else 1, paint, -1, cv2.LINE_AA)
    return picture


def _colours(info: Mapping[str, Any]) -> list[tuple[int, int, int]]:
    colours = [MIDDLE] * len(info["joints"])
    for left, right in info.get("flip_pairs") or ():
        colours[left], colours[right] = LEFT, RIGHT
    return colours


def _heat(image: npt.NDArray[np.uint8], heat: npt.NDArray[np.float32]) -> Picture:
    """Lay heat over a darkened picture."""
    picture, _ = _enlarged(image)
    height, width = picture.shape[:2]
    large = cv2.resize(heat, (width, height), interpolation=cv2.INTER_LINEAR)
    grey = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    painted = colour(np.asarray(large, np.float32), 0.0, 1.0, cv2.COLORMAP_INFERNO)
    return np.asarray(cv2.addWeighted(grey, 0.35, painted, 0.8, 0), np.uint8)
