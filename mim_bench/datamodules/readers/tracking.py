"""The sets that a tracker is trained and tested on, as one: GOT-10k, LaSOT, TrackingNet, COCO."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from mim_bench.datamodules.readers.base import DatasetInfo, Reader
from mim_bench.datamodules.readers.coco_objects import COCOObjects
from mim_bench.datamodules.readers.fingerprints import Description
from mim_bench.datamodules.readers.got10k import GOT10k
from mim_bench.datamodules.readers.lasot import LaSOT
from mim_bench.datamodules.readers.trackingnet import TrackingNet
from mim_bench.errors import Problem, UserError, unknown
from mim_bench.files import digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from mim_bench.datamodules.readers.sequences import SequenceReader
    from mim_bench.datamodules.readers.tracks import PairSource

SETS = ("got10k", "lasot", "trackingnet", "coco")
"""What can be trained on, in the order in which pairs count them."""

_TRAIN = "train"
_WHERE = "data.reader.init_args"  # of these arguments, in a recipe


class TrackingSets(Reader):
    """Reads several tracking datasets under one data root.

    `train` is all that is trained on; a sample of it is a sequence (or a picture of COCO) of one
    of the sets, one set after the other. A test split is named `<dataset>-<split>`.

    Args:
        root: The data root.
        train_sets: What is trained on, of `SETS`; their order doesn't matter.
        got10k_selection: See `GOT10k`.
        missing: What happens where a set has no folder under the data root: `refuse`, or
            `leave-out`, if any of the others is there.
    """

    hidden: ClassVar[frozenset[str]] = frozenset({"got10k-test", "trackingnet-test"})

    info: ClassVar[DatasetInfo] = DatasetInfo(
        name="tracking",
        title="GOT-10k, LaSOT, TrackingNet and COCO",
        task="tracking",
        folder=".",
        splits={
            _TRAIN: 7086 + 1120 + 30132 + 117266,
            "got10k-val": 180,
            "got10k-test": 180,
            "trackingnet-test": 511,
            "lasot-test": 280,
        },
        metric="AO of GOT-10k, SUC of TrackingNet and LaSOT",
        licence="each its own: `mim-bench show got10k` and so on",
        home="https://github.com/LitingLin/SwinTrack",
        size_on_disk="2.6 TB",
        obtain=(
            "see `mim-bench show` of got10k, lasot, trackingnet and coco-objects; to train on "
            "some of them: --set 'data.reader.init_args.train_sets=[got10k, coco]'"
        ),
    )

    def __init__(
        self,
        root: str | Path,
        train_sets: Sequence[str] = SETS,
        got10k_selection: str = "vot-train",
        missing: str = "refuse",
    ) -> None:
        super().__init__(root)
        if problems := [
            unknown("set", str(name), SETS, f"{_WHERE}.train_sets")
            for name in train_sets
            if name not in SETS
        ]:
            raise UserError(problems)
        if not train_sets:
            raise UserError("is empty", where=f"{_WHERE}.train_sets", expected="one set or more")
        if missing not in ("refuse", "leave-out"):
            raise UserError(
                [unknown("missing", missing, ("refuse", "leave-out"), f"{_WHERE}.missing")]
            )
        self.train_sets = tuple(name for name in SETS if name in train_sets)
        self.missing = missing
        self.parts: dict[str, SequenceReader | COCOObjects] = {
            "got10k": GOT10k(root, got10k_selection),
            "lasot": LaSOT(root),
            "trackingnet": TrackingNet(root),
            "coco": COCOObjects(root),
        }

    @classmethod
    def drawn_from(cls) -> tuple[str, ...]:
        """Return the datasets of the miniature world that it reads."""
        return ("got10k", "trackingnet", "lasot", "coco-keypoints")

    def labels_of(self, split: str) -> tuple[str, str]:
        """Return the dataset and its split whose hidden labels a split's are."""
        reader, own = self._part(split)
        return reader.info.name, own

    def used(self) -> tuple[str, ...]:
        """Return the sets that are trained on: those that are left out are not among them."""
        if self.missing == "refuse":
            return self.train_sets
        return tuple(name for name in self.train_sets if not self._absent(name))

    def _absent(self, name: str) -> bool:
        reader = self.parts[name]
        if isinstance(reader, COCOObjects):
            return not reader.file.is_file()
        return not reader.folder.is_dir()

    def sources(self) -> list[PairSource]:
        """Return what pairs are drawn from, in the order of `SETS`."""
        return [self.parts[name] for name in self.used()]

    def _part(self, split: str) -> tuple[SequenceReader, str]:
        """Return the dataset of a test split, and what the dataset calls it."""
        self.require_split(split)
        name, _, own = split.partition("-")
        reader = self.parts[name]
        assert not isinstance(reader, COCOObjects)
        return reader, own

    def ids(self, split: str) -> list[str]:
        """Return the names of a split's sequences; of train with the set's name before them."""
        if split != _TRAIN:
            reader, own = self._part(split)
            return reader.ids(own)
        return [f"{name}/{one}" for name in self.used() for one in self.parts[name].ids(_TRAIN)]

    def count(self, split: str) -> int:
        """Return the number of sequences, of train those of all sets and the pictures of COCO."""
        if split != _TRAIN:
            reader, own = self._part(split)
            return reader.count(own)
        return sum(len(source) for source in self.sources())

    def counts(self) -> dict[str, int]:
        """Return how many sequences or pictures each set has that is trained on."""
        return {name: len(self.parts[name]) for name in self.used()}

    def sample(self, split: str, index: int) -> dict[str, Any]:
        """Return a sequence (see `SequenceReader.sample`), of COCO a picture with its objects."""
        if split != _TRAIN:
            reader, own = self._part(split)
            return reader.sample(own, index)
        for name in self.used():
            part = self.parts[name]
            if index < len(part):
                return part.sample(_TRAIN, index)
            index -= len(part)
        raise IndexError(index)

    def lengths(self, split: str) -> list[int]:
        """Return the number of frames of each sequence of a test split."""
        reader, own = self._part(split)
        return reader.lengths(own)

    def ground_truth(self, split: str) -> dict[str, Any] | None:
        """Return what a test split's metrics take (see `SequenceReader.ground_truth`)."""
        if split == _TRAIN:
            return None
        reader, own = self._part(split)
        return reader.ground_truth(own)

    def expected(self, view: str) -> dict[str, Any]:
        """Return what a submission is checked against (see `SequenceReader.expected`)."""
        reader, own = self._part(view)
        return reader.expected(own)

    def read_truth(self, path: Path, split: str) -> Any:
        """Return what `ground_truth` returns of a split, of a file that lies elsewhere."""
        reader, own = self._part(split)
        return reader.read_truth(path, own)

    def check(self, splits: Iterable[str] | None = None) -> list[Problem]:
        """Look for files, of train those of each set that is trained on."""
        problems: list[Problem] = []
        for split in splits or self.info.splits:
            self.require_split(split)
            if split != _TRAIN:
                reader, own = self._part(split)
                problems += reader.check([own])
                continue
            if not self.used():
                problems.append(
                    Problem(
                        f"there is no folder of any of {', '.join(self.train_sets)}",
                        str(self.root),
                        action=self.info.obtain,
                    )
                )
            for name in self.used():
                found = self.parts[name].check([_TRAIN])
                there = ", ".join(one for one in self.train_sets if not self._absent(one))
                more = f"; or train on what is there: --set '{_WHERE}.train_sets=[{there}]'"
                problems += [
                    Problem(one.what, one.where, one.expected, one.action + more) for one in found
                ]
        return problems

    def fingerprint(self, split: str) -> str:
        """Return the dataset's own fingerprint of a test split; of train a hash of all of them."""
        if split != _TRAIN:
            reader, own = self._part(split)
            return reader.fingerprint(own)
        return digest({name: self.parts[name].fingerprint(_TRAIN) for name in self.used()})

    def describe(self, split: str) -> Description:
        """Return what the described splits of the sets hold."""
        if split != _TRAIN:
            reader, own = self._part(split)
            return reader.describe(own)
        found = {name: self.parts[name].describe(_TRAIN) for name in self.used()}
        content = {name: digest(one.content) for name, one in found.items()}
        sources = [path for one in found.values() for path in one.sources]
        return Description(content=content, sources=sources)

    def notes(self, split: str) -> list[str]:
        """Return what sets the tested copy apart, and what was trained on."""
        notes = []
        if split != _TRAIN:
            reader, own = self._part(split)
            notes += [f"{reader.info.title}: {note}" for note in reader.notes(own)]
        left_out = [name for name in self.train_sets if name not in self.used()]
        if left_out:
            notes.append(f"trained without {', '.join(left_out)}, which the data root lacks")
        if self.stamp() is None:
            for name in self.used():
                part = self.parts[name]
                notes += [f"{part.info.title}: {note}" for note in part.notes(_TRAIN)]
        return notes
