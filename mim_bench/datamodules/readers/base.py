"""What every reader is: facts about a dataset, and its samples as NumPy arrays. (No torch.)"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from mim_bench.errors import Problem, UserError, unknown
from mim_bench.files import digest, sha256_file, write_json
from mim_bench.locations import cache_folder

Sample = dict[str, Any]


@dataclass(frozen=True)
class DatasetInfo:
    """Facts about a dataset, without reading it.

    Attributes:
        name: What people type (`nyuv2`).
        title: Its official name.
        task: The task family that it is made for.
        folder: Its folder under the data root.
        splits: Split -> number of samples of the official data.
        metric: What the paper reports on it.
        licence: Under what terms it may be used.
        home: Its home page.
        size_on_disk: How much space it takes.
        obtain: Where it comes from and how it is laid out.
        image_size: (height, width) of its pictures where all are alike.
        max_depth: Depth beyond which nothing is scored, in metres.
        classes: Names of its classes.
        joints: Names of its joints.
        flip_pairs: Pairs of joints that change places in a mirrored picture.
        sigmas: Spread of each joint's annotation, for OKS.
    """

    name: str
    title: str
    task: str
    folder: str
    splits: Mapping[str, int] = field(default_factory=dict)
    metric: str = ""
    licence: str = ""
    home: str = ""
    size_on_disk: str = ""
    obtain: str = ""
    image_size: tuple[int, int] | None = None
    max_depth: float | None = None
    classes: tuple[str, ...] = ()
    joints: tuple[str, ...] = ()
    flip_pairs: tuple[tuple[int, int], ...] = ()
    sigmas: tuple[float, ...] = ()


class Reader(ABC):
    """Reads one dataset's official layout.

    Args:
        root: The data root; the dataset lies in `root / info.folder`.
    """

    info: ClassVar[DatasetInfo]

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)
        self.folder = self.root / self.info.folder

    @abstractmethod
    def ids(self, split: str) -> list[str]:
        """Return a unique, stable id for each sample of a split, in the split's order.

        Raises:
            UserError: The split is unknown, or its list is missing or wrong.
        """

    @abstractmethod
    def sample(self, split: str, index: int) -> Sample:
        """Return a sample as arrays, under the keys of `mim_bench.datamodules.base`.

        Raises:
            UserError: A file of the sample is missing or unreadable.
        """

    @abstractmethod
    def files(self, split: str) -> Sequence[Path]:
        """Return the files that a split's samples are read from."""

    def lists(self, split: str) -> Sequence[Path]:
        """Return the annotation and list files of a split."""
        del split
        return ()

    def ground_truth(self, split: str) -> Any:
        """Return what the split's metric takes beside the samples; None where it needs nothing."""
        del split
        return None

    def count(self, split: str) -> int:
        """Return the number of samples of a split."""
        return len(self.ids(split))

    def stamp(self) -> dict[str, Any] | None:
        """Return what drew the data: version, seed, settings; None for real data."""
        path = self.root / "stamp.json"
        if not path.is_file():
            return None
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        drawn = content.get("datasets", {}).get(self.info.name)
        return {"version": content.get("version"), "seed": content.get("seed"), "drawn": drawn}

    def check(self, splits: Sequence[str] | None = None) -> list[Problem]:
        """Say for each thing that is missing where it belongs and where it comes from.

        Args:
            splits: Which splits; default all.

        Returns:
            The problems; none when the data is complete.
        """
        if not self.folder.is_dir():
            missing = "there is no folder for the dataset"
            return [Problem(missing, str(self.folder), self.info.title, self.info.obtain)]
        problems: list[Problem] = []
        for split in splits if splits is not None else self.info.splits:
            try:
                lost = [path for path in self.files(split) if not path.is_file()]
            except UserError as error:
                problems += error.problems
                continue
            if lost:
                more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
                problems.append(
                    Problem(
                        f"listed files of the split {split!r} are missing: {len(lost)}",
                        f"{lost[0]}{more}",
                        action=self.info.obtain,
                    )
                )
        return problems

    def fingerprint(self, split: str) -> str:
        """Return the hash of what a split is: its lists, ids, total bytes, and what drew it.

        No picture is read. Kept in the cache by the lists' path, size and time where there are
        lists.
        """
        lists = [*self.lists(split)]
        key = [[str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns] for path in lists]
        name = digest([type(self).__qualname__, split, key, self.stamp()])
        kept = cache_folder() / "fingerprints" / f"{name}.json"
        if lists and kept.is_file():
            return str(json.loads(kept.read_text(encoding="utf-8"))["fingerprint"])
        found = digest(
            {
                "lists": [sha256_file(path) for path in lists],
                "ids": self.ids(split),
                "bytes": sum(path.stat().st_size for path in self.files(split)),
                "stamp": self.stamp(),
            }
        )
        if lists:
            write_json(kept, {"fingerprint": found})
        return found

    def _known(self, split: str) -> str:
        if split not in self.info.splits:
            raise UserError([unknown("split", split, self.info.splits, self.info.name)])
        return split
