"""The datamodule of trackers: pairs of crops to train on, whole sequences to be tested on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import cv2
import numpy as np

from mim_bench.crops import CUTS, Crop, around, clip_box, cut, frame_mean
from mim_bench.datamodules.base import BenchDataModule
from mim_bench.datamodules.randomness import sample_generator
from mim_bench.datamodules.readers.tracking import TrackingSets
from mim_bench.datamodules.tracking_pairs import PairPlan, candidates
from mim_bench.datamodules.transforms import even_colour_jitter
from mim_bench.errors import UserError, unknown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from mim_bench.datamodules.loading import Sample
    from mim_bench.datamodules.readers.base import Reader
    from mim_bench.datamodules.readers.tracks import PairSource
    from mim_bench.datamodules.sampling import Draw, Plan

_TRIES = 100  # of shifts that leave the box out of the search region


class TrackingDataModule(BenchDataModule):
    """Pairs of a template and a search region, cut from two frames of a sequence.

    Every draw of an epoch picks a set by its weight, then the set's next sequence; picks and
    orders follow from seed and epoch (see `PairPlan`). The search region is moved and stretched,
    the template is not. Where sizes are named, they are (height, width) in pixels.

    Source: SwinTrack's released code, whose numbers are the defaults.

    Args:
        reader: By default `TrackingSets`; one's own has `sources()` (see `PairSource`).
        samples_per_epoch: Pairs of an epoch, over all ranks.
        weights: Set -> weight, 1 where not named.
        template_size: Of the template.
        search_size: Of the search region.
        template_factor: See `around`.
        search_factor: Likewise.
        radius: How many frames the pair's frames are at most from a drawn one, at 30 per second.
        scale_jitter: Deviation of the logarithm of either side's scale.
        shift_jitter: The box is moved by at most a quarter of this times the sum of its sides,
            up or down on either axis; 3 as published gives 0.75.
        grey_p: How often both are without colour.
        colour: Range of brightness, contrast and saturation, drawn for each of the two.
        crop: `whole-pixels` or `affine`, see `cut`.
        eval_batch_size: Sequences that are followed at once.
        kwargs: See `BenchDataModule`.

    Raises:
        UserError: A setting has no such value.
    """

    reader_class: ClassVar[type[Reader] | None] = TrackingSets
    list_keys: ClassVar[frozenset[str]] = frozenset({"frames", "boxes", "valid"})

    def __init__(
        self,
        reader: str | dict[str, Any] | Reader | None = None,
        root: str | Path | None = None,
        *,
        samples_per_epoch: int = 131072,
        weights: Mapping[str, float] | None = None,
        template_size: Sequence[int] = (112, 112),
        search_size: Sequence[int] = (224, 224),
        template_factor: float = 2.0,
        search_factor: float = 4.0,
        radius: int = 50,
        scale_jitter: float = 0.25,
        shift_jitter: float = 3.0,
        grey_p: float = 0.05,
        colour: float = 0.4,
        crop: str = "whole-pixels",
        eval_batch_size: int | None = 8,
        val_split: str = "got10k-val",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            reader, root, eval_batch_size=eval_batch_size, val_split=val_split, **kwargs
        )
        if not hasattr(self.reader, "sources"):
            raise UserError(
                f"{type(self.reader).__name__} has no `sources`",
                where="data.reader",
                expected="a reader of tracking sets, such as mim_bench.datamodules.readers."
                "tracking.TrackingSets",
            )
        for name, value, least in (
            ("samples_per_epoch", samples_per_epoch, 1),
            ("radius", radius, 1),
            ("template_factor", template_factor, 1),
            ("search_factor", search_factor, 1),
        ):
            if value < least:
                raise UserError(f"is {value}", where=f"data.{name}", expected=f"{least} or more")
        if crop not in CUTS:
            raise UserError([unknown("crop", crop, CUTS, "data.crop")])
        self.samples_per_epoch = samples_per_epoch
        self.weights = dict(weights or {})
        self.template_size = (int(template_size[0]), int(template_size[1]))
        self.search_size = (int(search_size[0]), int(search_size[1]))
        self.template_factor = template_factor
        self.search_factor = search_factor
        self.radius = radius
        self.scale_jitter = scale_jitter
        self.shift_jitter = shift_jitter
        self.grey_p = grey_p
        self.colour = even_colour_jitter(colour) if colour > 0 else None
        self.crop = crop
        self._plan: PairPlan | None = None
        self._sources: list[PairSource] | None = None

    @property
    def sources(self) -> list[PairSource]:
        """What pairs are drawn from; looked for once, as every sample asks."""
        if self._sources is None:
            self._sources = self.reader.sources()  # type: ignore[attr-defined]
        return self._sources

    def epoch_plan(self, epoch: int) -> Plan:
        """Return the sequences of an epoch, counted over all sets."""
        if self._plan is None:
            sources = self.sources
            names = [source.name for source in sources]
            if wrong := [name for name in self.weights if name not in names]:
                raise UserError([unknown("set", name, names, "data.weights") for name in wrong])
            weights = [float(self.weights.get(name, 1)) for name in names]
            if min(weights) < 0 or sum(weights) <= 0:
                raise UserError(f"are {weights}", where="data.weights", expected="numbers above 0")
            counts = [len(source) for source in sources]
            self._plan = PairPlan(self.seed, counts, weights, self.samples_per_epoch)
        return self._plan.epoch(epoch)

    def _train_sample(self, draw: Draw) -> Sample:
        rng = sample_generator(self.seed, draw.epoch, draw.position)
        for source, index, frames in candidates(self.sources, draw.sample, rng, self.radius):
            pair = self.pair(source, index, frames, rng)
            if pair is not None:
                return pair
        raise UserError(
            f"no sequence of the set shows its target in two frames (draw {draw.sample})",
            where=str(self.reader.root),
            action="leave the set out of data.reader.init_args.train_sets",
        )

    def pair(
        self,
        source: PairSource,
        index: int,
        frames: tuple[int, int],
        rng: np.random.Generator,
    ) -> Sample | None:
        """Cut a pair of crops and change them at random.

        Returns:
            None where a box lies outside of its picture, as some annotations have it; else `id`
            (str), `sequence` (str), `template` and `search` (H, W, 3) uint8 RGB, `box` (4,)
            float32: the target x, y, width, height in pixels of the search region, cut to it.
        """
        track = source.track(index)
        first = source.frame(index, frames[0])
        second = first if source.still else source.frame(index, frames[1])
        boxes = [
            clip_box(track.boxes[number], picture.shape[:2])
            for number, picture in zip(frames, (first, second), strict=True)
        ]
        if not all((box[2:] > 0).all() for box in boxes):
            return None
        between = jittered(
            boxes[1],
            self.search_factor,
            self.search_size,
            self.scale_jitter,
            self.shift_jitter,
            rng,
        )
        template = cut(
            first,
            around(boxes[0], self.template_factor, self.template_size),
            self.template_size,
            frame_mean(first),
            self.crop,
        )
        search = cut(second, between, self.search_size, frame_mean(second), self.crop)
        if rng.random() < self.grey_p:
            template, search = _grey(template), _grey(search)
        if self.colour is not None:
            template, search = self.colour(template, rng), self.colour(search, rng)
        box = clip_box(between.to_crop(boxes[1]), self.search_size)
        return {
            "id": f"{source.name}/{track.name}/{frames[0]}-{frames[1]}",
            "sequence": track.name,
            "template": template,
            "search": search,
            "box": box.astype(np.float32),
        }

    def eval_transform(self, sample: Sample) -> Sample:
        """Leave a sequence as it is: its frames are opened while it is followed."""
        return sample

    def eval_dataloader(self, split: str, skip: Any = ()) -> Any:
        """Return a loader of whole sequences, those of like length together.

        Sequences of a batch are followed at once, so that the longest tells how long it takes.
        """
        loader = super().eval_dataloader(split, skip)
        lengths = self.reader.lengths(split) if hasattr(self.reader, "lengths") else None
        sampler: Any = loader.sampler
        if lengths is not None:
            sampler.indices.sort(key=lambda index: lengths[index])
        return loader

    def card(self, split: str) -> dict[str, Any]:
        """Return what a score's tracker was trained on."""
        counts = getattr(self.reader, "counts", None)
        return {
            **super().card(split),
            "training_sets": counts() if counts is not None else {},
            "pairs_per_epoch": self.samples_per_epoch,
            "template": list(self.template_size),
            "search": list(self.search_size),
            "crop": self.crop,
        }


def jittered(
    box: npt.NDArray[np.float64],
    factor: float,
    size: Sequence[int],
    scale_jitter: float,
    shift_jitter: float,
    rng: np.random.Generator,
) -> Crop:
    """Return the search region around a box, stretched and moved; the box stays in sight.

    Args:
        box: (4,) x, y, width, height in the frame.
        factor: See `around`.
        size: (H, W) of the search region.
        scale_jitter: Deviation of the logarithm of either axis' scale.
        shift_jitter: The region is moved by at most a quarter of this times the sum of the box's
            scaled sides, on either axis.
        rng: The sample's generator.
    """
    edge = np.array(size[::-1], np.float64) - 0.5
    still = around(box, factor, size)
    for _ in range(_TRIES):
        scale = still.scale / np.exp(rng.normal(0.0, 1.0, 2) * scale_jitter)
        reach = (box[2:] * scale).sum() * 0.5 * shift_jitter
        between = Crop(scale, still.source, still.target - (rng.random(2) - 0.5) * reach)
        inside = between.to_crop(box)
        if (inside[:2] < edge).all() and (inside[:2] + inside[2:] > 0.5).all():
            return between
    return still


def _grey(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.merge([grey, grey, grey]), np.uint8)
