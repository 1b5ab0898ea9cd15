"""Frames of a sequence, decoded before they are asked for."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mim_bench.errors import UserError
from mim_bench.images import read_image

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import ThreadPoolExecutor

    import numpy as np
    import numpy.typing as npt

READERS = 4
"""Threads that decode: OpenCV leaves Python's lock."""

_AHEAD = 3  # frames of each sequence


def read_ahead(pool: ThreadPoolExecutor, files: Iterable[str]) -> Iterator[npt.NDArray[np.uint8]]:
    """Yield pictures (H, W, 3) uint8 RGB in their order, some of them being decoded already.

    Raises:
        UserError: One is missing or damaged, or of another size than those before it.
    """
    names = iter(files)
    waiting: deque[Any] = deque()
    size: tuple[int, ...] | None = None

    def submit() -> None:
        name = next(names, None)
        if name is not None:
            waiting.append((name, pool.submit(read_image, Path(name))))

    for _ in range(_AHEAD):
        submit()
    while waiting:
        name, future = waiting.popleft()
        submit()
        picture = future.result()
        if size is not None and picture.shape != size:
            raise UserError(
                f"is {picture.shape[1]} x {picture.shape[0]}, the frames before {size[1]} x "
                f"{size[0]}",
                where=name,
                expected="frames of one size in a sequence",
            )
        size = picture.shape
        yield picture
