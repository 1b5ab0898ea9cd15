"""Makes the test set of NYU Depth V2 out of its labelled file, as papers use it. (No torch.)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from mim_bench.datamodules.nyu_labelled import LabelledFile, read_test_numbers
from mim_bench.datamodules.readers.nyuv2 import TEST_BASE, NYUv2
from mim_bench.errors import UserError
from mim_bench.files import write_atomic

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt

VIEW = slice(7, 474), slice(7, 632)
"""Rows and columns of test pictures outside of which they are black."""

JPEG_QUALITY = 95
"""OpenCV's own default, with which the copies in use were written."""


@dataclass(frozen=True)
class Prepared:
    """What was done.

    Attributes:
        frames: The number of frames of the test.
        written: Files that were written.
        kept: Files that were there and hold what they should.
        list_file: The test's list.
        listed: Whether the list was written.
    """

    frames: int
    written: int
    kept: int
    list_file: Path
    listed: bool


def prepare_nyu(
    labelled: Path,
    splits: Path | None,
    root: Path,
    progress: Callable[[int, int], None] | None = None,
) -> Prepared:
    """Write the test frames of NYU Depth V2, and their list if there is none.

    `official_splits/test/<scene type>/rgb_<number>.jpg` is black outside of `VIEW`;
    `sync_depth_<number>.png` holds millimetres as uint16 (fractions dropped) of the raw depth,
    whose holes stay 0. Numbers count frames of the labelled file from 0. Files that are there
    already are compared, never overwritten; each is written whole, so a call that was cut off
    is simply repeated. The list comes last: scene types in alphabetical order, then numbers.

    Source: the authors' code, which took the test over from BTS.

    Args:
        labelled: `nyu_depth_v2_labeled.mat`.
        splits: `splits.mat`; None looks beside the labelled file.
        root: The data root, made when missing.
        progress: Told how many frames are done, and of how many.

    Raises:
        UserError: A file is missing, wrong or damaged, can't be written, or exists with another
            content; a library is missing.
    """
    reader = NYUv2(root)
    counts = {True: 0, False: 0}
    names = []
    with LabelledFile(labelled) as source:
        numbers = read_test_numbers(splits or labelled.with_name("splits.mat"), source.frames)
        for done, number in enumerate(numbers):
            if progress:
                progress(done, len(numbers))
            scene = source.scene_type(number)
            names.append((scene, number))
            for name, array in _frame(source, number).items():
                path = reader.folder / TEST_BASE / scene / name
                counts[_put(path, array, f"frame {number} of {labelled}")] += 1
    if progress:
        progress(len(numbers), len(numbers))
    list_file = reader.list_file("test")
    listed = not list_file.exists()
    if listed:
        lines = [
            f"/{scene}/rgb_{number:05d}.jpg /{scene}/sync_depth_{number:05d}.png\n"
            for scene, number in sorted(names)
        ]
        write_atomic(list_file, "".join(lines))
    return Prepared(len(numbers), counts[True], counts[False], list_file, listed)


def _frame(source: LabelledFile, number: int) -> dict[str, npt.NDArray[Any]]:
    """Return a frame's files: name -> pixels as OpenCV writes them."""
    image = source.image(number)
    seen = np.zeros_like(image)
    seen[VIEW] = image[VIEW]
    depth = source.raw_depth(number)
    if not (np.isfinite(depth).all() and depth.min() >= 0 and depth.max() * 1000 < 2**16):
        raise UserError(
            f"the depth of frame {number} is no depth",
            where=str(source.path),
            expected="0 to 65 metres",
            action="download the file again",
        )
    # in the file's own precision, so that the same millimetre results as in other people's copies
    millimetres = (depth * 1000).astype(np.uint16)
    return {
        f"rgb_{number:05d}.jpg": cv2.cvtColor(seen, cv2.COLOR_RGB2BGR),
        f"sync_depth_{number:05d}.png": millimetres,
    }


def _put(path: Path, array: npt.NDArray[Any], what: str) -> bool:
    """Write a picture unless it is there; return whether it was written."""
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if path.suffix == ".jpg" else []
    content = cv2.imencode(path.suffix, array, options)[1].tobytes()
    try:
        found = path.read_bytes()
    except FileNotFoundError:
        write_atomic(path, content, durable=False)
        return True
    except OSError as error:
        raise UserError(
            f"can't be read: {error.strerror}",
            where=str(path),
            expected=what,
            action="make it readable, or name another data root with --root",
        ) from error
    if found != content and not _same_pixels(found, content):
        raise UserError(
            "holds another content, which was left as it is",
            where=str(path),
            expected=what,
            action="move it away, or name another data root with --root",
        )
    return False


def _same_pixels(one: bytes, two: bytes) -> bool:
    """Compare pictures that other versions of a library may have packed differently."""
    if not one:
        return False
    first, second = (
        cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
        for content in (one, two)
    )
    return first is not None and second is not None and np.array_equal(first, second)
