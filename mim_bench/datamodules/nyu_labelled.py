"""Reads NYU's labelled file (MATLAB v7.3, which is HDF5) and its official split. (No torch.)."""

from __future__ import annotations

import re
import zlib
from importlib import import_module
from typing import TYPE_CHECKING, Any

from mim_bench.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    import numpy as np
    import numpy.typing as npt

SIZE = (480, 640)
"""(height, width) of its frames."""

_FIELDS = ("images", "rawDepths", "sceneTypes")
_WHOLE = "nyu_depth_v2_labeled.mat, 2.8 GB, as the home page has it"
_AGAIN = "download it again: https://cs.nyu.edu/~fergus/datasets/nyu_depth_v2.html"
_SPLITS = "splits.mat with testNdxs, numbers of frames that count from 1"
_SPLITS_FROM = (
    "download it from http://horatio.cs.nyu.edu/mit/silberman/indoor_seg_sup/splits.mat, and name "
    "it with --splits"
)


def _load(module: str) -> Any:
    """Import what only `data prepare` needs."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise UserError(
            f"{module.partition('.')[0]} is not installed; `data prepare` reads .mat files with it",
            action="pip install 'mim-bench[prepare]'",
        ) from error


class LabelledFile:
    """The frames of `nyu_depth_v2_labeled.mat`, one at a time. Use it in a `with` statement.

    MATLAB stores arrays with their axes reversed: `images` is (frames, 3, width, height),
    `rawDepths` (frames, width, height), `sceneTypes` references to texts of uint16.

    Args:
        path: The file.

    Raises:
        UserError: It is missing, of another kind, cut short, or lacks a field; h5py is missing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        h5py = _load("h5py")
        if not path.is_file():
            raise UserError("there is no such file", where=str(path), action=_AGAIN)
        try:
            if not h5py.is_hdf5(path):
                raise UserError(_kind(path), where=str(path), expected=_WHOLE, action=_AGAIN)
            self._file = h5py.File(path, "r")
        except OSError as error:
            raise self._unreadable(error) from error
        try:
            self._check()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> LabelledFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._file.close()

    def _check(self) -> None:
        lacking = [name for name in _FIELDS if name not in self._file]
        if lacking:
            raise UserError(
                f"has no {', '.join(lacking)}", where=str(self.path), expected=_WHOLE, action=_AGAIN
            )
        images, depths = self._file["images"], self._file["rawDepths"]
        self.frames = int(images.shape[0])
        height, width = SIZE
        wanted = (self.frames, 3, width, height), (self.frames, width, height), (1, self.frames)
        for name, shape in zip(_FIELDS, wanted, strict=True):
            found = self._file[name].shape
            if found != shape:
                raise UserError(
                    f"{name} is {found}", where=str(self.path), expected=f"{shape}", action=_AGAIN
                )
        if images.dtype != "uint8" or depths.dtype.kind != "f":
            raise UserError(
                f"images are {images.dtype}, rawDepths {depths.dtype}",
                where=str(self.path),
                expected="uint8 and floating point",
                action=_AGAIN,
            )

    def scene_type(self, index: int) -> str:
        """Return the kind of room of a frame, e.g. `kitchen`, which names its folder."""
        try:
            reference = self._file["sceneTypes"][0, index]
            text = "".join(map(chr, self._file[reference][()].ravel().tolist()))
        except (OSError, TypeError, ValueError) as error:
            raise self._unreadable(error) from error
        if not re.fullmatch(r"[A-Za-z0-9_-]+", text):
            raise UserError(
                f"the scene type of frame {index} is {text[:40]!r}",
                where=str(self.path),
                expected="a word that can name a folder",
                action=_AGAIN,
            )
        return text

    def image(self, index: int) -> npt.NDArray[np.uint8]:
        """Return a frame's picture, (480, 640, 3) uint8 RGB."""
        return self._read("images", index)

    def raw_depth(self, index: int) -> npt.NDArray[np.floating[Any]]:
        """Return a frame's measured depth, (480, 640) metres, 0 where there is none."""
        return self._read("rawDepths", index)

    def _read(self, name: str, index: int) -> npt.NDArray[Any]:
        try:
            values: npt.NDArray[Any] = self._file[name][index].T.copy(order="C")
        except OSError as error:
            raise self._unreadable(error) from error
        return values

    def _unreadable(self, error: Exception) -> UserError:
        size = self.path.stat().st_size
        what = "is cut short" if "truncated" in str(error) else "can't be read"
        return UserError(
            f"{what} ({size:,} bytes): {error}",
            where=str(self.path),
            expected=_WHOLE,
            action=_AGAIN,
        )


def _kind(path: Path) -> str:
    """Say what a file is that is not HDF5."""
    with path.open("rb") as file:
        head = file.read(16)
    if not head:
        return "is empty"
    if head.startswith(b"MATLAB 5.0"):
        return "is a .mat file of the old format (splits.mat?), not the labelled file"
    return "is no HDF5 file"


def read_test_numbers(path: Path, frames: int) -> list[int]:
    """Read which frames the official test has, counted from 0, in ascending order.

    Args:
        path: `splits.mat`, a .mat file of the old format.
        frames: The number of frames in the labelled file.

    Raises:
        UserError: It is missing, of another kind or damaged, or names frames that there are not;
            scipy is missing.
    """
    matlab = _load("scipy.io.matlab")
    if not path.is_file():
        raise UserError(
            "there is no such file", where=str(path), expected=_SPLITS, action=_SPLITS_FROM
        )
    wrong = ""
    numbers: list[int] = []
    try:
        with path.open("rb") as file:
            head = file.read(10)
        if head == b"MATLAB 5.0":
            content = matlab.loadmat(path, variable_names=["testNdxs"])
            numbers = sorted(int(number) - 1 for number in content["testNdxs"].ravel())
        else:
            wrong = "is no .mat file of the old format"
            if head == b"MATLAB 7.3":
                wrong = "is a .mat file of version 7.3 (the labelled file?)"
    except KeyError:
        wrong = "has no testNdxs"
    except (OSError, IndexError, TypeError, ValueError, zlib.error, matlab.MatReadError) as error:
        wrong = f"can't be read: {error}"
    if not wrong and not numbers:
        wrong = "names no frame"
    elif numbers and not 0 <= numbers[0] <= numbers[-1] < frames:
        wrong = (
            f"names frames {numbers[0] + 1} to {numbers[-1] + 1}, the labelled file has {frames}"
        )
    elif len(set(numbers)) < len(numbers):
        wrong = "names a frame twice"
    if wrong:
        raise UserError(wrong, where=str(path), expected=_SPLITS, action=_SPLITS_FROM)
    return numbers
