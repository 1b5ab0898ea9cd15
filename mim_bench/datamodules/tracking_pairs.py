"""Which pairs of frames an epoch of tracking draws: a function of seed and epoch alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mim_bench.datamodules.readers.tracks import PairSource, Track
    from mim_bench.datamodules.sampling import Plan

_PICKS, _ORDERS = 2, 3  # streams of a seed; 1 has other sets' orders (`sampling.epoch_plan`)
_USUAL_RATE = 30.0


@dataclass
class PairPlan:
    """Draws sequences of several sets: a set by its weight, then its next sequence.

    Each set goes through permutations of its sequences, one after the other and on over the
    epochs: none comes twice before all have come once. Nothing is kept from epoch to epoch; where
    an epoch begins in a set's permutations is counted from the picks of the epochs before.

    Args:
        seed: The run's seed.
        counts: Sequences of each set.
        weights: Of each set, in any unit.
        length: Draws of an epoch.
    """

    seed: int
    counts: Sequence[int]
    weights: Sequence[float]
    length: int

    def __post_init__(self) -> None:
        total = float(sum(self.weights))
        self._shares = [weight / total for weight in self.weights]
        self._begun = [np.zeros(len(self.counts), np.int64)]

    def picks(self, epoch: int) -> npt.NDArray[np.int64]:
        """Return the set of each draw of an epoch: (length,)."""
        rng = np.random.default_rng(np.random.SeedSequence((self.seed, epoch, 0, _PICKS)))
        return rng.choice(len(self.counts), self.length, p=self._shares)

    def begun(self, epoch: int) -> npt.NDArray[np.int64]:
        """Return how often each set was drawn before an epoch."""
        while len(self._begun) <= epoch:
            drawn = np.bincount(self.picks(len(self._begun) - 1), minlength=len(self.counts))
            self._begun.append(self._begun[-1] + drawn)
        return self._begun[epoch]

    def epoch(self, epoch: int) -> Plan:
        """Return an epoch's sequences: (length,) int64, counted over all sets in their order."""
        picks, begun = self.picks(epoch), self.begun(epoch)
        plan = np.zeros(self.length, np.int64)
        offset = 0
        for number, count in enumerate(self.counts):
            places = np.flatnonzero(picks == number)
            if len(places):
                turns = begun[number] + np.arange(len(places))
                plan[places] = offset + self._sequences(number, turns, count)
            offset += count
        return plan

    def _sequences(
        self, number: int, turns: npt.NDArray[np.int64], count: int
    ) -> npt.NDArray[np.int64]:
        rounds, places = np.divmod(turns, count)
        found = np.zeros(len(turns), np.int64)
        for one in np.unique(rounds):
            key = np.random.SeedSequence((self.seed, int(one), number, _ORDERS))
            order = np.random.default_rng(key).permutation(count)
            found[rounds == one] = order[places[rounds == one]]
        return found


def pick_frames(
    track: Track, still: bool, rng: np.random.Generator, radius: int
) -> tuple[int, int] | None:
    """Draw the frames of template and search region; None where there are no two.

    A frame that shows the target is drawn, then two of those that do, at most `radius` frames
    from it: which is first is random (SwinTrack's released code). Where the dataset knows its
    rate, the reach is that of `radius` frames at 30 per second. Of a still picture both show the
    same object.

    Args:
        track: What is annotated of the sequence.
        still: Whether it is a picture and its objects.
        rng: The sample's generator.
        radius: Frames, at 30 per second.
    """
    valid = np.flatnonzero(track.valid)
    if still:
        if not len(valid):
            return None
        one = int(rng.choice(valid))
        return one, one
    if len(valid) < 2:
        return None
    reach = 2 * radius
    if track.rate is not None:
        reach = max(round(track.rate / _USUAL_RATE * reach), 1)
    window = reach + 1
    if window < len(track.valid):
        middle = int(rng.choice(valid))
        first = middle - window // 2
        valid = valid[(valid >= first) & (valid < first + window)]
        if len(valid) < 2:
            return None
    template, search = rng.choice(valid, 2, replace=False)
    return int(template), int(search)


def candidates(
    sources: Sequence[PairSource], draw: int, rng: np.random.Generator, radius: int
) -> Iterator[tuple[PairSource, int, tuple[int, int]]]:
    """Yield source, sequence and frames of a draw, then those that stand in for it.

    These are the sequences with the next numbers of the same set, once around, so that the same
    draw always gives the same pair; sequences without two frames that show the target are left
    out.
    """
    for source in sources:
        count = len(source)
        if draw < count:
            break
        draw -= count
    for step in range(count):
        index = (draw + step) % count
        frames = pick_frames(source.track(index), source.still, rng, radius)
        if frames is not None:
            yield source, index, frames
