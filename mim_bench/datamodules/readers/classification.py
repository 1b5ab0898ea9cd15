"""The reader of classification datasets: pictures, each with a class or several."""

from __future__ import annotations

import abc
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from mim_bench.datamodules.readers.base import DatasetInfo, Reader, split_of
from mim_bench.datamodules.readers.fingerprints import Description, missing_names
from mim_bench.errors import Problem, UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from mim_bench.datamodules.readers.listings import Listing

_FORM = 2  # of what is kept of the lists
_SHOWN = 3


@dataclass(frozen=True)
class Carve:
    """A validation part that has no official list: it is carved out of the training set.

    Attributes:
        val: How many pictures are validated on.
        total: Of how many, officially; a copy with fewer gives the same share.
        of: The split that is divided.
    """

    val: int
    total: int
    of: str = "trainval"

    def count(self, found: int) -> int:
        """Return how many of `found` pictures are held out."""
        return round(found * self.val / self.total)


class ClassificationReader(Reader):
    """Reads classes of pictures. A subclass gives `info`, `tree`, `sources` and `read_listing`.

    What the lists say is read once and kept in the cache folder, compactly; a pickled reader
    carries none of it.

    Args:
        root: The data root.
        leave_out: Names of pictures (ids) that aren't used, such as damaged ones; it is a part of
            what a score means.
        split_seed: Of a validation part that is carved out of the training set.
    """

    class_count: ClassVar[int] = 0
    """The official number of classes; 0 takes any."""

    tree: ClassVar[str] = ""
    """The files that are expected, as text; errors show it."""

    carve: ClassVar[Carve | None] = None
    """How `train` and `val` are made of `trainval`, where the dataset has no such lists."""

    has_files: ClassVar[bool] = True
    """Whether each picture is a file of its own."""

    multi_label: ClassVar[bool] = False
    """Whether a picture may show several classes."""

    trained_on: ClassVar[tuple[str, ...]] = ("train", "trainval")
    """Splits in which no class may lack pictures."""

    def __init__(
        self, root: str | Path, leave_out: Sequence[str] = (), split_seed: int = 0
    ) -> None:
        super().__init__(root)
        self.leave_out = tuple(leave_out)
        self.split_seed = split_seed
        self._listings: dict[str, Listing] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_listings": {}}

    # what a subclass writes

    @abc.abstractmethod
    def sources(self, split: str) -> Sequence[Path]:
        """Return the list files that a split's listing is read from, if there are any."""

    @abc.abstractmethod
    def read_listing(self, split: str) -> Listing:
        """Read the listing of an official split; `listing` keeps it.

        Raises:
            UserError: A list is missing or wrong.
        """

    def folders(self, split: str) -> Sequence[Path]:
        """Return folders whose listing enters as well: a change in them means reading again."""
        del split
        return ()

    def choices(self) -> dict[str, Any]:
        """Return the reader's own settings that change what a split lists."""
        return {}

    def picture(self, split: str, index: int) -> npt.NDArray[np.uint8]:
        """Return a picture as (H, W, 3) uint8 RGB."""
        from mim_bench.images import read_photograph

        name = self.listing(split).names[index]
        lists = self.sources(split)
        return read_photograph(self.pictures() / name, listed=str(lists[0]) if lists else "")

    def pictures(self) -> Path:
        """Return the folder that names of pictures are relative to: the dataset's own."""
        return self.folder

    # what all share

    def listing(self, split: str) -> Listing:
        """Return what a split lists.

        Raises:
            UserError: A list is missing or wrong, or a class has no picture to train on.
        """
        self.require_split(split)
        name = split_of(split)
        if name not in self._listings:
            self._listings[name] = self._kept(name)
        return self._listings[name]

    def _kept(self, split: str) -> Listing:
        from mim_bench.datamodules.readers.jsonfiles import kept_of_many
        from mim_bench.datamodules.readers.listings import Listing

        carved = self._carve_of(split)
        official = carved.of if carved else split
        choices = {"leave_out": self.leave_out, **self.choices()}
        choices["drawn"] = self.stamp() is not None  # official rules don't hold for it
        if carved:
            choices["split_seed"] = self.split_seed

        def parse() -> dict[str, npt.NDArray[Any]]:
            if carved is None:
                return self._read(split).arrays()
            from mim_bench.datamodules.readers.listings import held_out

            whole = self.listing(official)
            validated = held_out(whole, carved.count(len(whole)), self.split_seed)
            return whole.at((validated if split == "val" else ~validated).nonzero()[0]).arrays()

        what = f"listing of {self.info.name} {split}, form {_FORM}, {sorted(choices.items())}"
        where = [path for path in self.sources(official) if path.is_file()]
        return Listing.from_arrays(kept_of_many(where, what, parse, self.folders(official)))

    def _read(self, split: str) -> Listing:
        try:
            listing = self.read_listing(split)
        except UserError as error:
            raise UserError([self._with_tree(one) for one in error.problems]) from error
        if self.leave_out:
            import numpy as np

            unwanted = set(self.leave_out)
            wanted = [name not in unwanted for name in listing.names.all()]
            gone = len(wanted) - sum(wanted)
            listing = listing.at(np.flatnonzero(wanted))
            reasons = (*listing.left_out, ("named in leave_out", gone))
            listing = replace(listing, left_out=reasons)
        self._require_whole(split, listing)
        return listing

    def _require_whole(self, split: str, listing: Listing) -> None:
        """Raise a UserError unless pictures are listed once and classes are complete."""
        from mim_bench.datamodules.readers.listing_rules import flaw

        official = self.class_count if self.stamp() is None else 0
        what, expected = flaw(split, listing, official, split in self.trained_on)
        if what:
            raise self.wrong(what, expected=expected)

    def wrong(self, what: str, where: str = "", expected: str = "") -> UserError:
        """Return an error about this dataset's files, with the tree that is expected."""
        problem = Problem(what, where or str(self.folder), expected, self.info.obtain)
        return UserError([self._with_tree(problem)])

    def _with_tree(self, problem: Problem) -> Problem:
        """Return a problem that shows the expected tree."""
        tree = f"the tree\n{self.tree.strip()}"
        if not self.tree or tree in problem.expected:
            return problem
        shown = "; ".join(part for part in (problem.expected, tree) if part)
        return replace(problem, expected=shown)

    def chosen_by_seed(self, split: str) -> bool:
        """Tell whether a split is carved out of another."""
        return self._carve_of(split) is not None

    def _carve_of(self, split: str) -> Carve | None:
        return self.carve if split in ("train", "val") else None

    def facts(self) -> DatasetInfo:
        """Return the dataset's facts with the classes that this copy has."""
        first = next(iter(self.info.splits))
        carved = self._carve_of(first)  # whose classes are known without dividing it
        classes = self.listing(carved.of if carved else first).classes
        extra = {**self.info.extra, "multi_label": self.multi_label}
        return replace(self.info, classes=classes, extra=extra)

    def ids(self, split: str) -> list[str]:
        """Return the pictures' paths below the dataset's folder."""
        return self.listing(split).names.all()

    def count(self, split: str) -> int:
        """Return the number of pictures."""
        return len(self.listing(split))

    def sample(self, split: str, index: int) -> dict[str, Any]:
        """Return a sample as it lies on disk.

        Returns:
            `id` (str); `image`: (H, W, 3) uint8 RGB; `label`: int; with several classes in a
            picture `label`: (C,) float32, 1 where a class is there, and `valid`: (C,) bool, false
            where that isn't scored.

        Raises:
            UserError: The picture is missing or can't be decoded.
        """
        listing = self.listing(split)
        found: dict[str, Any] = {
            "id": listing.names[index],
            "image": self.picture(split, index),
        }
        label = listing.labels[index]
        if listing.labels.ndim == 1:
            return {**found, "label": int(label)}
        return {**found, "label": (label == 1).astype("float32"), "valid": label >= 0}

    def check(self, splits: Iterable[str] | None = None) -> list[Problem]:
        """Look for lists and listed pictures, without opening one; compare the splits."""
        from mim_bench.datamodules.readers.listing_rules import disagreements

        if not self.folder.is_dir():
            return list(self.wrong(f"there is no folder for {self.info.title}").problems)
        problems: list[Problem] = []
        listings = {}
        for split in self.info.splits if splits is None else splits:
            try:
                listing = listings[split] = self.listing(split)
            except UserError as error:
                problems += [one for one in error.problems if one not in problems]
                continue
            names = listing.names.all() if self.has_files else []
            base = self.pictures()
            if lost := missing_names(base, names):
                shown = ", ".join(str(base / name) for name in lost[:_SHOWN])
                more = " …" if len(lost) > _SHOWN else ""
                what = f"{len(lost):,} of {len(names):,} pictures of {split} are missing: "
                (problem,) = self.wrong(f"{what}{shown}{more}").problems
                action = f"{problem.action}; or name them in the reader's leave_out"
                problems.append(replace(problem, action=action))
        for what, expected in disagreements(listings, carved=self.carve is not None):
            problems += self.wrong(what, expected=expected).problems
        return problems

    def describe(self, split: str) -> Description:
        """Return the hash of names, labels and classes."""
        listing = self.listing(split)
        content = {
            "count": len(listing),
            "listing": listing.sha256(),
            "classes": len(listing.classes),
        }
        return Description(content=content, sources=())

    def notes(self, split: str) -> list[str]:
        """Return what sets this copy apart: counts, what is left out, classes without pictures."""
        listing = self.listing(split)
        notes = super().notes(split)
        notes += [
            f"{split}: {count:,} pictures are left out: {why}"
            for why, count in listing.left_out
            if count
        ]
        if empty := int((listing.counts() == 0).sum()):
            notes.append(f"{split}: {empty:,} of {len(listing.classes):,} classes have no picture")
        return notes
