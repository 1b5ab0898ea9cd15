"""The reader of tracking datasets: sequences of pictures with a box on each."""

from __future__ import annotations

import abc
import json
import os
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

from mim_bench.datamodules.readers.base import Reader, split_of
from mim_bench.datamodules.readers.fingerprints import Description
from mim_bench.errors import Problem, UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from mim_bench.datamodules.readers.tracks import Notes, Track, Tracks

_LOOKED_AT = 20
"""Training sequences whose pictures a check counts, evenly spaced; of tests it counts all."""

_FORM = 2  # of what is kept of the annotation files


@dataclass(frozen=True)
class Listed:
    """Where the files of one sequence are.

    Attributes:
        name: Its name.
        pictures: The folder of its pictures.
        boxes: The annotation file.
        others: Further files that are read of it.
    """

    name: str
    pictures: Path
    boxes: Path
    others: tuple[Path, ...] = ()


class SequenceReader(Reader):
    """Reads sequences. A subclass gives `info`, where the files are, and what they say.

    A sample is a whole sequence: its pictures are not opened here. All annotation files of a split
    are read once and kept in the cache folder; a pickled reader carries none of it.
    """

    still: ClassVar[bool] = False
    trained_on: ClassVar[str] = "train"
    """The split that pairs are drawn from."""

    origin: ClassVar[int] = 0
    """What the files call the first pixel."""

    def __init__(self, root: str | Path) -> None:
        super().__init__(root)
        self._tracks: dict[str, Tracks] = {}
        self._listed: dict[str, list[Listed]] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_tracks": {}, "_listed": {}}

    @abc.abstractmethod
    def find(self, split: str) -> list[Listed]:
        """Return a split's sequences in their order, as lists or folders name them."""

    @abc.abstractmethod
    def read(self, split: str, one: Listed) -> Notes:
        """Return what the files of a sequence say; tests list their pictures as well."""

    @abc.abstractmethod
    def picture_name(self, number: int) -> str:
        """Return the file name of a sequence's frame; the first has the number 0."""

    # what pairs are drawn from

    @property
    def name(self) -> str:
        """The dataset's name."""
        return self.info.name

    def __len__(self) -> int:
        """Return the number of training sequences."""
        return self.count(self.trained_on)

    def track(self, index: int) -> Track:
        """Return what is annotated of a training sequence."""
        return self.track_of(self.trained_on, index)

    def frame(self, index: int, number: int) -> npt.NDArray[np.uint8]:
        """Return a frame of a training sequence: (H, W, 3) uint8 RGB."""
        return self.frame_of(self.trained_on, index, number)

    # what is read of any split

    def ids(self, split: str) -> list[str]:
        """Return the names of a split's sequences, in the order of its list."""
        return [one.name for one in self.listed(split)]

    def count(self, split: str) -> int:
        """Return the number of sequences."""
        return len(self.listed(split))

    def track_of(self, split: str, index: int) -> Track:
        """Return what is annotated of a sequence, in pixels counted from 0."""
        import numpy as np

        from mim_bench.datamodules.readers.tracks import Track

        tracks = self.tracks(split)
        boxes = tracks.boxes_of(index)
        boxes[:, :2] -= self.origin
        valid = tracks.valid[tracks.rows(index)]
        lacking = int(tracks.frames[index]) - len(boxes)
        if lacking > 0:  # only the first box is public
            boxes = np.concatenate([boxes, np.full((lacking, 4), np.nan)])
            valid = np.concatenate([valid, np.zeros(lacking, np.bool_)])
        rate = float(tracks.rates[index])
        name = str(tracks.names[index])
        return Track(name, boxes, valid, rate if np.isfinite(rate) else None)

    def frame_of(self, split: str, index: int, number: int) -> npt.NDArray[np.uint8]:
        """Return a frame as (H, W, 3) uint8 RGB.

        Raises:
            UserError: The picture is missing or damaged.
        """
        from mim_bench.images import read_image

        one = self.listed(split)[index]
        return read_image(one.pictures / self.picture_name(number), listed=str(one.boxes))

    def sample(self, split: str, index: int) -> dict[str, Any]:
        """Return a sequence to be tracked.

        Returns:
            `id`: its name; `frames`: the N files of its pictures; `box`: (4,) float32, the
            target in the first; `boxes`: (N, 4) float32, x, y, width, height in pixels counted
            from 0, NaN where they are not public; `valid`: (N,) bool, the target is there.
        """
        import numpy as np

        one, track = self.listed(split)[index], self.track_of(split, index)
        names = range(len(track.boxes))
        return {
            "id": one.name,
            "frames": [str(one.pictures / self.picture_name(number)) for number in names],
            "box": track.boxes[0].astype(np.float32),
            "boxes": track.boxes.astype(np.float32),
            "valid": track.valid,
        }

    def ground_truth(self, split: str) -> dict[str, Any] | None:
        """Return what the benchmark's metrics take; None where only a server has it.

        Returns:
            `benchmark`: the dataset's name; `origin`: what the boxes call the first pixel;
            `sequences`: name -> `boxes` (N, 4) as the files have them, `size` (width, height),
            `absent` (N,), `cover` (N,) where there is one, `attributes`.
        """
        self.require_split(split)
        if split_of(split) in self.hidden:
            return None
        tracks = self.tracks(split)
        found = {}
        for index, name in enumerate(tracks.names):
            rows = tracks.rows(index)
            held: dict[str, Any] = {
                "boxes": tracks.boxes_of(index),
                "absent": tracks.absent[rows],
                "size": self._size(split, index),
                "attributes": str(tracks.attributes[index]).split(),
            }
            if len(tracks.cover):
                held["cover"] = tracks.cover[rows]
            found[str(name)] = held
        return {"benchmark": self.info.name, "origin": self.origin, "sequences": found}

    def _size(self, split: str, index: int) -> list[int]:
        width, height = (int(one) for one in self.tracks(split).sizes[index])
        if not width:
            height, width = self.frame_of(split, index, 0).shape[:2]
        return [width, height]

    def expected(self, view: str) -> dict[str, Any]:
        """Return what a submission is checked against: `benchmark`, `frames` of each sequence."""
        tracks = self.tracks(view)
        pairs = zip(tracks.names, tracks.frames, strict=True)
        return {
            "benchmark": self.info.name,
            "frames": {str(name): int(count) for name, count in pairs},
        }

    def read_truth(self, path: Path, split: str) -> dict[str, Any]:
        """Return what `ground_truth` returns of a split, of a JSON file in that form."""
        import numpy as np

        del split
        try:
            content: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            sequences = {
                name: {
                    key: np.array(value)
                    if isinstance(value, list) and key != "attributes"
                    else value
                    for key, value in held.items()
                }
                for name, held in content["sequences"].items()
            }
        except (OSError, ValueError, KeyError, AttributeError) as error:
            raise UserError(f"can't be read as labels: {error!r}", where=str(path)) from error
        return {"benchmark": self.info.name, "origin": self.origin, "sequences": sequences}

    def check(self, splits: Iterable[str] | None = None) -> list[Problem]:
        """Look for files, and count the pictures of test sequences and of some others."""
        obtain = self.info.obtain
        if not self.folder.is_dir():
            what = f"there is no folder for {self.info.title}"
            return [Problem(what, str(self.folder), action=obtain)]
        problems: list[Problem] = []
        for split in splits or self.info.splits:
            try:
                self.require_split(split)
                problems += self._check_split(split)
            except UserError as error:
                problems += [one for one in error.problems if one not in problems]
        return problems

    def _check_split(self, split: str) -> list[Problem]:
        listed, tracks = self.listed(split), self.tracks(split)
        problems = []
        tested = split != self.trained_on
        steps = range(len(listed)) if tested else _spaced(len(listed), _LOOKED_AT)
        for index in steps:
            one, rows = listed[index], int(tracks.frames[index])
            pictures = rows + int(tracks.extra[index]) if tested else count_pictures(one.pictures)
            boxes = tracks.boxes_of(index)
            if pictures < rows or not pictures:
                problems.append(
                    Problem(
                        f"has {pictures:,} pictures",
                        str(one.pictures),
                        f"{rows:,}, as many as {one.boxes} has boxes",
                        self.info.obtain,
                    )
                )
            elif tested and not (boxes[0, 2:] > 0).all():
                problems.append(
                    Problem(
                        "the target is absent in the first frame, so that nothing can be followed",
                        f"{one.boxes}:1",
                        "a box of some width and height",
                        self.info.obtain,
                    )
                )
            elif not (first := one.pictures / self.picture_name(0)).is_file():
                problems.append(Problem("is missing", str(first), action=self.info.obtain))
        return problems

    def describe(self, split: str) -> Description:
        """Return the hash of all annotation files and the names of the sequences."""
        tracks = self.tracks(split)
        content = {
            "annotations": str(tracks.sha256),
            "names": [str(name) for name in tracks.names],
            "frames": [int(count) for count in tracks.frames],
        }
        return Description(content=content, sources=())

    def notes(self, split: str) -> list[str]:
        """Return what sets this copy apart: sequences, pictures beyond the annotation."""
        tracks = self.tracks(split)
        notes = super().notes(split)
        more = tracks.extra > 0
        if more.any():
            notes.append(
                f"{int(more.sum())} of {len(more):,} sequences of {split} have more pictures than "
                f"boxes, and the last {int(tracks.extra[more].sum())} are left out: "
                + ", ".join(tracks.names[more][:3])
            )
        if split_of(split) == self.trained_on and (unusable := tracks.unusable):
            notes.append(
                f"{unusable} of {len(more):,} sequences of {split} show their target in less than "
                "two frames and give no pair"
            )
        return notes

    def lengths(self, split: str) -> list[int]:
        """Return the number of frames of each sequence."""
        return [int(count) for count in self.tracks(split).frames]

    def listed(self, split: str) -> list[Listed]:
        """Return a split's sequences (see `find`)."""
        self.require_split(split)
        name = split_of(split)
        if name not in self._listed:
            self._listed[name] = self.find(name)
        return self._listed[name]

    def tracks(self, split: str) -> Tracks:
        """Return what is annotated of a whole split, read once.

        Raises:
            UserError: A file is missing or ill-formed, or files of a sequence differ in length.
        """
        from mim_bench.datamodules.readers.jsonfiles import kept_of_many
        from mim_bench.datamodules.readers.tracks import Tracks, join

        self.require_split(split)
        name = split_of(split)
        if name not in self._tracks:
            listed = self.listed(name)
            files = [file for one in listed for file in (one.boxes, *one.others)]
            # the pictures of tests are counted
            folders = [one.pictures for one in listed] if name != self.trained_on else []

            def parse() -> dict[str, npt.NDArray[Any]]:
                return join([one.name for one in listed], [self.read(name, one) for one in listed])

            what = f"tracks of {self.info.name} {name}, form {_FORM}"
            held = kept_of_many(files, what, parse, folders)
            self._tracks[name] = Tracks(**{one.name: held[one.name] for one in fields(Tracks)})
        return self._tracks[name]


def count_pictures(folder: Path) -> int:
    """Return the number of JPEG files in a folder, 0 where there is none."""
    try:
        names = os.listdir(folder)  # noqa: PTH208 - names are all that is needed
    except OSError:
        return 0
    return sum(name.lower().endswith((".jpg", ".jpeg")) for name in names)


def _spaced(count: int, most: int) -> Iterable[int]:
    chosen = min(count, most)
    return [step * count // chosen for step in range(chosen)]
