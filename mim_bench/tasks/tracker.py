"""Follows targets through sequences: one of them frame by frame, or several in one batch."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mim_bench.crops import clip_box, crop, frame_mean
from mim_bench.errors import UserError
from mim_bench.images import read_image
from mim_bench.tasks.tracking_frames import READERS, read_ahead

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from torch import Tensor

    from mim_bench.crops import Crop
    from mim_bench.tasks.tracking import TrackingTask


@dataclass
class Target:
    """What is known of one target while it is followed.

    Attributes:
        features: (1, C, h, w) of the template, computed once.
        fill: (3,) mean colour of the first frame, which stands outside of every frame.
        box: (4,) float64 x, y, width, height in pixels: where it was last.
    """

    features: Tensor
    fill: npt.NDArray[np.float64]
    box: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Look:
    """One search.

    Attributes:
        box: (4,) float64 x, y, width, height in pixels of the frame: what was found.
        score: The network's of the chosen cell, 0..1.
        search: (H, W, 3) uint8 RGB, what the network was shown.
        scores: (h, w) float32, before the window's penalty.
        crop: Between the frame and `search`.
    """

    box: npt.NDArray[np.float64]
    score: float
    search: npt.NDArray[np.uint8]
    scores: npt.NDArray[np.float32]
    crop: Crop


@dataclass
class Followed:
    """A target through a sequence of N frames.

    Attributes:
        boxes: (N, 4) float64 x, y, width, height in pixels; the first is the given one.
        scores: (N,) float64 of the chosen cell, 0..1; 1 for the first.
        seconds: What it took, its share of a batch's time, without waiting for pictures.
        looks: Some searches, by the number of their frame.
    """

    boxes: npt.NDArray[np.float64]
    scores: npt.NDArray[np.float64]
    seconds: float = 0.0
    looks: dict[int, Look] = field(default_factory=dict)


class Tracker:
    """Follows one target with a trained network.

        tracker = Tracker(task)
        tracker.init(first_frame, (x, y, width, height))
        for frame in frames:
            box, score = tracker.update(frame)

    Frames are (H, W, 3) uint8 RGB, boxes x, y, width, height in pixels, the first pixel being 0.
    The template is that of the first frame all the time (SwinTrack, section 3, and its released
    code: no update, no smoothing of sizes).

    Args:
        task: The trained task; it is set to evaluation and stays on its device.
        window: Weight of the Hann window against the network's scores.
        min_size: Sides of the last box below this many pixels count as this many when the search
            region is cut out.
    """

    def __init__(
        self, task: TrackingTask, window: float | None = None, min_size: float | None = None
    ) -> None:
        self.task = task.eval()
        self.follower = Follower(task, window, min_size)
        self.target: Target | None = None

    def init(self, frame: npt.NDArray[np.uint8], box: Sequence[float]) -> None:
        """Take the target from a frame.

        Raises:
            UserError: The box has no width or height, or no pixel of the frame.
        """
        with torch.inference_mode():
            self.target = self.follower.start([frame], [np.asarray(box, np.float64)])[0]

    def update(self, frame: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.float64], float]:
        """Find the target in the next frame.

        Returns:
            Its box (4,) and the network's score of it, 0..1.

        Raises:
            RuntimeError: `init` has not been called.
        """
        if self.target is None:
            raise RuntimeError("init comes first")
        with torch.inference_mode():
            step = self.follower.step([frame], [self.target])[0]
        return step.box, step.score


class Follower:
    """The network's side of tracking: several targets in one batch, each in its own frame."""

    def __init__(
        self, task: TrackingTask, window: float | None = None, min_size: float | None = None
    ) -> None:
        self.task = task
        chosen = task.test_defaults
        self.window = chosen["window"] if window is None else window
        self.min_size = chosen["min_size"] if min_size is None else min_size

    def start(
        self, frames: Sequence[npt.NDArray[np.uint8]], boxes: Sequence[npt.NDArray[np.float64]]
    ) -> list[Target]:
        """Compute the features of the templates, once."""
        for frame, box in zip(frames, boxes, strict=True):
            _require_box(box, frame)
        fills = [frame_mean(frame) for frame in frames]
        size, factor = self.task.template_size, self.task.template_factor
        crops = [
            crop(frame, box, factor, size, fill)
            for frame, box, fill in zip(frames, boxes, fills, strict=True)
        ]
        features = self.task.network.features(self._images([picture for picture, _ in crops]))
        return [
            Target(features[k : k + 1], fill, np.array(box, np.float64))
            for k, (fill, box) in enumerate(zip(fills, boxes, strict=True))
        ]

    def searches(
        self, frames: Sequence[npt.NDArray[np.uint8]], targets: Sequence[Target]
    ) -> list[tuple[npt.NDArray[np.uint8], Crop]]:
        """Cut the search regions out, around where the targets were last."""
        size, factor = self.task.image_size, self.task.search_factor
        found = []
        for frame, target in zip(frames, targets, strict=True):
            box = _at_least(target.box, self.min_size)
            found.append(crop(frame, box, factor, size, target.fill))
        return found

    def step(
        self, frames: Sequence[npt.NDArray[np.uint8]], targets: Sequence[Target]
    ) -> list[Look]:
        """Find each target in its next frame, and remember where it was."""
        crops = self.searches(frames, targets)
        template = torch.cat([target.features for target in targets])
        search = self._images([picture for picture, _ in crops])
        found = self.task.network.locate(template, search)
        scores = found["score"].float().sigmoid()
        count, height, width = scores.shape
        hann = hann_window(height, width).to(scores.device)
        chosen = ((1 - self.window) * scores + self.window * hann).flatten(1).argmax(1)
        rows = torch.arange(count, device=scores.device)
        boxes = found["box"].float().reshape(count, -1, 4)[rows, chosen]
        best = scores.flatten(1)[rows, chosen]
        # one trip from the device for all of it
        told = torch.cat([boxes, best[:, None], scores.flatten(1)], dim=1).detach().cpu().numpy()
        steps = []
        for frame, target, (picture, between), row in zip(
            frames, targets, crops, told, strict=True
        ):
            box = between.to_frame(_corner(row[:4], self.task.image_size))
            target.box = _remembered(box, target.box, frame.shape)
            maps = row[5:].reshape(height, width).astype(np.float32)
            steps.append(Look(box, float(row[4]), picture, maps, between))
        return steps

    def follow(
        self,
        sequences: Sequence[Sequence[str]],
        boxes: Sequence[npt.NDArray[np.float64]],
        looks: int = 0,
    ) -> list[Followed]:
        """Follow targets through whole sequences, in one batch until the last has ended.

        Pictures are decoded ahead, by threads.

        Args:
            sequences: The files of each sequence's frames.
            boxes: Where each target is in the first.
            looks: How many searches of each are kept, evenly spaced.

        Raises:
            UserError: A picture is missing or damaged, or changes its size within a sequence.
        """
        found = []
        for files in sequences:
            count = len(files)
            found.append(Followed(np.zeros((count, 4)), np.ones(count)))
        kept = [_kept(len(files), looks) for files in sequences]
        with ThreadPoolExecutor(READERS) as pool:
            streams = [read_ahead(pool, files) for files in sequences]
            first = [next(stream) for stream in streams]
            started = time.perf_counter()
            targets = self.start(first, boxes)
            self._share(found, started)
            for one, box in zip(found, boxes, strict=True):
                one.boxes[0] = box
            for number in range(1, max(map(len, sequences))):
                active = [k for k, files in enumerate(sequences) if number < len(files)]
                frames = [next(streams[k]) for k in active]
                started = time.perf_counter()
                steps = self.step(frames, [targets[k] for k in active])
                self._share([found[k] for k in active], started)
                for k, step in zip(active, steps, strict=True):
                    one = found[k]
                    one.boxes[number], one.scores[number] = step.box, step.score
                    if number in kept[k]:
                        one.looks[number] = step
        return found

    @staticmethod
    def _share(found: Sequence[Followed], started: float) -> None:
        took = (time.perf_counter() - started) / len(found)
        for one in found:
            one.seconds += took

    def glance(
        self, sequences: Sequence[Sequence[str]], boxes: Sequence[npt.NDArray[np.float64]]
    ) -> None:
        """Pass what the first frames' search regions show through the backbone, once."""
        frames = [read_image(Path(files[0])) for files in sequences]
        size, factor = self.task.image_size, self.task.search_factor
        shown = [
            crop(frame, _at_least(box, self.min_size), factor, size, frame_mean(frame))[0]
            for frame, box in zip(frames, boxes, strict=True)
        ]
        self.task.network.features(self._images(shown))

    def _images(self, pictures: Sequence[npt.NDArray[np.uint8]]) -> Tensor:
        stacked = torch.from_numpy(np.stack(pictures)).to(self.task.device)
        return self.task.images({"image": stacked.permute(0, 3, 1, 2)})


def hann_window(height: int, width: int) -> Tensor:
    """Return the outer product of two symmetric Hann windows: (height, width) float32, 0..1."""
    rows = torch.hann_window(height, periodic=False)
    columns = torch.hann_window(width, periodic=False)
    return rows[:, None] * columns[None, :]


def _kept(frames: int, looks: int) -> set[int]:
    """Return the numbers of the frames whose searches are kept, evenly spaced."""
    chosen = min(looks, frames - 1)
    return {1 + step * (frames - 1) // chosen for step in range(chosen)} if chosen > 0 else set()


def _corner(box: npt.NDArray[Any], size: Sequence[int]) -> npt.NDArray[np.float64]:
    """Turn centre and sides in shares of a crop into x, y, width, height in its pixels."""
    x, y, wide, high = np.asarray(box, np.float64)
    rows, columns = size
    return np.array([(x - wide / 2) * columns, (y - high / 2) * rows, wide * columns, high * rows])


def _at_least(box: npt.NDArray[np.float64], size: float) -> npt.NDArray[np.float64]:
    sides = np.maximum(box[2:], size)
    return np.concatenate([box[:2] + (box[2:] - sides) / 2, sides])


def _remembered(
    box: npt.NDArray[np.float64], before: npt.NDArray[np.float64], shape: tuple[int, ...]
) -> npt.NDArray[np.float64]:
    """Return a box cut to its frame, or the one before where nothing is left of it."""
    inside = clip_box(box, shape)
    return inside if (inside[2:] > 0).all() else before


def _require_box(box: npt.NDArray[np.float64], frame: npt.NDArray[np.uint8]) -> None:
    whole = box.shape == (4,) and bool(np.isfinite(box).all() and (box[2:] > 0).all())
    height, width = frame.shape[:2]
    if whole:
        x, y, wide, high = box
        whole = bool(x < width and y < height and x + wide > 0 and y + high > 0)
    if not whole:
        raise UserError(
            f"the box {[round(float(one), 2) for one in box]} is no place in the first frame, "
            f"which is {width} x {height}",
            where="the first frame's box",
            expected="x, y, width, height in pixels, with some width and height",
        )
