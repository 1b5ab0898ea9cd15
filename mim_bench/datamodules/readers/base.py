"""What every reader offers: facts of its dataset, a check of its files, samples as arrays."""

from __future__ import annotations

import abc
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from mim_bench.datamodules.readers import fingerprints
from mim_bench.errors import UserError, unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mim_bench.errors import Problem

STAMP = "stamp.json"
"""The file at a data root that says which miniature world it holds."""


@dataclass(frozen=True)
class DatasetInfo:
    """The facts of a dataset that do not depend on a copy of it.

    Attributes:
        name: Its name in this project, e.g. `nyuv2`.
        title: Its name in print.
        task: The task family it serves.
        folder: Its folder under the data root.
        splits: Split -> official number of samples.
        metric: What it is scored by.
        licence: Under which terms it may be used.
        home: Its home page.
        size_on_disk: What it takes, in words.
        obtain: Where to get it and how to lay it out.
        image_size: (height, width) in pixels, None where images differ.
        max_depth: The largest depth that counts, in metres.
        classes: Names of classes, in the order of their labels.
        joints: Names of joints, in their order.
        flip_pairs: Pairs of joints that change places in a mirrored picture.
        sigmas: Spread of each joint's annotation, for OKS.
        extra: What a single family needs beyond this.
    """

    name: str
    title: str
    task: str
    folder: str
    splits: Mapping[str, int]
    metric: str
    licence: str
    home: str
    size_on_disk: str
    obtain: str
    image_size: tuple[int, int] | None = None
    max_depth: float | None = None
    classes: tuple[str, ...] = ()
    joints: tuple[str, ...] = ()
    flip_pairs: tuple[tuple[int, int], ...] = ()
    sigmas: tuple[float, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


def split_of(view: str) -> str:
    """Return the split that a view belongs to (see `Reader.view`)."""
    return view.partition("+")[0]


class Reader(abc.ABC):
    """Reads one dataset's official layout, without torch.

    Constructing it touches no file. It can be pickled for loader processes.

    Args:
        root: The data root, which holds one folder per dataset.
    """

    info: ClassVar[DatasetInfo]

    hidden: ClassVar[frozenset[str]] = frozenset()
    """Splits whose labels nobody has but a server, which is sent a submission."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root).expanduser()
        self.folder = self.root / self.info.folder

    @abc.abstractmethod
    def ids(self, split: str) -> list[str]:
        """Return the samples' ids in the split's own order: unique, the same on every machine."""

    @abc.abstractmethod
    def sample(self, split: str, index: int) -> dict[str, Any]:
        """Return a sample: `id` and NumPy arrays under the keys that batches have."""

    @abc.abstractmethod
    def check(self, splits: Iterable[str] | None = None) -> list[Problem]:
        """Look for what is missing, without opening an image.

        Args:
            splits: The splits that are needed, by default all.

        Returns:
            One problem for each thing that is missing: where it belongs, where it comes from.
        """

    @abc.abstractmethod
    def describe(self, split: str) -> fingerprints.Description:
        """Return what a split's fingerprint is made of."""

    def facts(self) -> DatasetInfo:
        """Return what tasks are told of the dataset: `info`, and what this copy adds to it."""
        return self.info

    def view(self, split: str, options: Mapping[str, Any]) -> str:
        """Return the view of a split that test options choose: by default the split itself.

        A view is a split whose samples depend on more than the split, such as the boxes that a
        detector found in its pictures. It is named `split+detail`, and every method that takes a
        split takes it as well.

        Raises:
            UserError: The split has no such view.
        """
        del options
        return split

    def scored_options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return test options as they stand in a score's identity: without paths of files."""
        return dict(options)

    @classmethod
    def drawn_from(cls) -> tuple[str, ...]:
        """Return the datasets of the miniature world that it reads: by default its own."""
        return (cls.info.name,)

    def labels_of(self, split: str) -> tuple[str, str]:
        """Return the dataset and its split that a split's hidden labels are kept under."""
        return self.info.name, split

    def official_count(self, split: str) -> int:
        """Return how many samples the official split has."""
        return self.info.splits[split_of(split)]

    def count(self, split: str) -> int:
        """Return the number of samples that a split has on this disk."""
        return len(self.ids(split))

    def notes(self, split: str) -> list[str]:
        """Return what sets this copy of a split apart from the official one, a line each."""
        count, official = self.count(split), self.official_count(split)
        if count == official or self.stamp() is not None:
            return []
        return [f"{split} has {count:,} samples, the official split {official:,}"]

    def incomplete(self, split: str) -> str:
        """Return how much of the official split this copy has, in words; empty for all of it."""
        count, official = self.count(split), self.official_count(split)
        if count >= official or self.stamp() is not None:
            return ""
        return f"{count:,} of the official {official:,} samples"

    def chosen_by_seed(self, split: str) -> bool:
        """Tell whether no official list says what a split has, but a seed; a run then keeps it."""
        del split
        return False

    def ground_truth(self, split: str) -> Any:
        """Return what the split's metric takes, None where it is in the samples."""
        self.require_split(split)

    def expected(self, view: str) -> dict[str, Any]:
        """Return what a submission of a view with hidden labels is checked against.

        By default the samples' `ids`; a reader adds what its server looks at.
        """
        return {"ids": self.ids(view)}

    def read_truth(self, path: Path, split: str) -> Any:
        """Return what `ground_truth` returns of a split, of a file that lies elsewhere."""
        raise UserError(f"can't be read as labels of {split}", where=str(path))

    def stamp(self) -> dict[str, Any] | None:
        """Return the miniature world's stamp at the data root, None for other data.

        Raises:
            UserError: The stamp can't be read.
        """
        path = self.root / STAMP
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError) as error:
            raise UserError(
                f"can't be read: {error}",
                where=str(path),
                action="delete the folder; `mim-bench data make` draws it again",
            ) from error
        return content if isinstance(content, dict) else {}

    def fingerprint(self, split: str) -> str:
        """Return a hash of what a split holds: no image is opened.

        It covers the lists and annotations, counts, the bytes of listed files where labels are
        images, and the miniature world's version, seed and settings. It is remembered in the
        cache folder until a list or a folder that holds listed files changes.

        Raises:
            UserError: Something listed is missing.
        """
        description = self.describe(split)
        stamp = self.stamp()
        if stamp is not None:
            # other datasets may join the same world later
            settings = (stamp.get("datasets") or {}).get(self.drawn_from()[0])
            stamp = {key: stamp.get(key) for key in ("version", "seed")} | {"settings": settings}
        # what a view adds to its split is in its content: the same boxes under another path are
        # the same
        return fingerprints.fingerprint(self.info.name, split_of(split), description, stamp)

    def require_split(self, split: str) -> None:
        """Raise a UserError that names the splits there are, unless it is one or a view of one."""
        if split_of(split) not in self.info.splits:
            where = f"dataset {self.info.name}"
            raise UserError([unknown("split", split_of(split), self.info.splits, where)])
