"""The random streams of samples: one generator from (seed, epoch, position). (No torch.)"""

from __future__ import annotations

import random

import numpy as np

_SAMPLE, _EPOCH = 0, 1  # keep the two kinds of stream apart


def sample_generator(seed: int, epoch: int, position: int) -> np.random.Generator:
    """Return the generator of one sample; workers and resuming change nothing in it.

    Args:
        seed: The run's seed.
        epoch: Counted from 0.
        position: The sample's place in the epoch, counted from 0.
    """
    return np.random.default_rng([_SAMPLE, seed, epoch, position])


def epoch_generator(seed: int, epoch: int) -> np.random.Generator:
    """Return the generator that an epoch's order is drawn from."""
    return np.random.default_rng([_EPOCH, seed, epoch])


def python_random(generator: np.random.Generator) -> random.Random:
    """Return a generator of Python's own kind, seeded from one of NumPy's."""
    return random.Random(int(generator.integers(2**63)))  # noqa: S311 - no secret
