"""Lets the process's global generators of `random` and NumPy follow one of our own."""

from __future__ import annotations

import random
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def drawn_from(rng: np.random.Generator) -> Iterator[None]:
    """Seed `random` and NumPy's global generator from `rng`, and restore them in the end.

    timm's augmentation draws from both.
    """
    kept = random.getstate(), np.random.get_state()  # noqa: NPY002 - timm's
    seeds = rng.integers(2**32, size=2)
    random.seed(int(seeds[0]))
    np.random.seed(int(seeds[1]))  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(kept[0])
        np.random.set_state(kept[1])  # noqa: NPY002
