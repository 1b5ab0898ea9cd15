"""One source of randomness per sample, from (seed, epoch, position) alone."""

from __future__ import annotations

import random

import numpy as np


def sample_generator(seed: int, epoch: int, position: int) -> np.random.Generator:
    """Return the generator of the sample at a position of an epoch.

    Workers, ranks and resuming do not enter, so they change nothing.

    Args:
        seed: The run's seed, not negative.
        epoch: The epoch, from 0.
        position: The place in the whole epoch over all ranks, from 0.
    """
    return np.random.default_rng(np.random.SeedSequence((seed, epoch, position)))


def python_random(rng: np.random.Generator) -> random.Random:
    """Return a `random.Random` drawn from a generator, for what wants one."""
    return random.Random(int(rng.integers(2**63)))  # noqa: S311 - no secret
