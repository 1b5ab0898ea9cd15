"""The readers of ImageNet-CoG's five levels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from mim_bench.datamodules.readers.base import DatasetInfo
from mim_bench.datamodules.readers.classification import Carve, ClassificationReader

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from mim_bench.datamodules.readers.listings import Listing

_LEVELS, _CLASSES, _TESTS, _LEAST, _MOST = 5, 1000, 50, 732, 1300
_MAPPING, _SPLITS = "cog_levels_mapping_file.pkl", "cog_concepts_split_file.pkl"
_PARTS = {"trainval": "train", "test": "test"}


def _info(level: int) -> DatasetInfo:
    whole = 1_100_000  # the official number of training pictures is not published by level
    return DatasetInfo(
        name=f"cog-l{level}",
        title=f"ImageNet-CoG L{level}",
        task="classification",
        folder="cog",
        splits={
            "train": whole - whole // 5,
            "val": whole // 5,
            "trainval": whole,
            "test": _CLASSES * _TESTS,
        },
        metric="top-1",
        licence="ImageNet's: research, not commercial, an account is needed, no redistribution",
        home="https://github.com/naver/cog",
        size_on_disk="1.1 TB for ImageNet-21K, 0.7 GB of lists",
        obtain=f"put {_MAPPING} and {_SPLITS} of its home page into cog/ in the data root, and the "
        "folders of ImageNet-21K (Winter 2021) into cog/images/, cog/ or imagenet21k/",
    )


class CoG(ClassificationReader):
    """One level: 1,000 synsets that ImageNet-1K lacks, labelled by their sorted names.

    Both pickles are read as data alone, once for all levels, and kept as a compact index. There
    is no official validation part: a fifth of the training pictures is one, chosen by seed.
    """

    level: ClassVar[int]
    class_count: ClassVar[int] = _CLASSES
    tree: ClassVar[str] = f"""
cog/{_MAPPING}
cog/{_SPLITS}
cog/images/<wnid>/*.JPEG
"""
    carve: ClassVar[Carve | None] = Carve(val=1, total=5)

    @classmethod
    def drawn_from(cls) -> tuple[str, ...]:
        """Return the dataset of the miniature world that holds all levels."""
        return ("cog",)

    def pictures(self) -> Path:
        """Return the folder of the synsets."""
        beside = self.root / "imagenet21k"
        inside = self.folder / "images"
        return next((one for one in (inside, beside) if one.is_dir()), self.folder)

    def sources(self, split: str) -> list[Path]:
        """Return the two pickles, whatever the split."""
        del split
        return [self.folder / _MAPPING, self.folder / _SPLITS]

    def official_count(self, split: str) -> int:
        """Return the official number of test pictures; of training what is there."""
        return super().official_count(split) if split == "test" else self.count(split)

    def read_listing(self, split: str) -> Listing:
        """Take the level's part out of the index."""
        import numpy as np

        from mim_bench.datamodules.readers.jsonfiles import kept_of_many
        from mim_bench.datamodules.readers.listings import Listing, Names

        held = kept_of_many(self.sources(split), "index of CoG, form 1", self._index)
        wnids, part = held["wnids"].tolist(), _PARTS[split]
        ends = np.cumsum(held[f"{part}_counts"])
        starts = ends - held[f"{part}_counts"]
        place = {wnid: number for number, wnid in enumerate(wnids)}
        classes = sorted(held[f"level{self.level}"].tolist())
        names = Names(held[f"{part}_letters"], held[f"{part}_ends"])
        chosen, labels = [], []
        for label, wnid in enumerate(classes):
            number = place[wnid]
            chosen.append(np.arange(starts[number], ends[number]))
            labels.append(np.full(len(chosen[-1]), label))
        self._require_official(part, classes, [len(one) for one in chosen])
        some = names.at(np.concatenate(chosen))
        return Listing(some, np.concatenate(labels).astype(np.int32), tuple(classes))

    def _require_official(self, part: str, classes: list[str], counts: list[int]) -> None:
        """Raise a UserError unless each synset has as many pictures as officially."""
        least, most = (_TESTS, _TESTS) if part == "test" else (_LEAST, _MOST)
        for wnid, count in zip(classes, counts, strict=True):
            if not least <= count <= most and self.stamp() is None:
                expected = str(least) if least == most else f"{least} to {most:,}"
                raise self.wrong(
                    f"{wnid} has {count:,} pictures in {part}",
                    str(self.folder / _SPLITS),
                    expected,
                )

    def _index(self) -> dict[str, npt.NDArray[np.generic]]:
        """Read both pickles."""
        import numpy as np

        from mim_bench.datamodules.readers.listings import Names
        from mim_bench.datamodules.readers.pickles import read_pickle

        mapping, splits = self.sources("test")
        levels: Any = read_pickle(mapping, self.info.obtain)
        concepts: Any = read_pickle(splits, self.info.obtain)
        if not (
            isinstance(levels, list)
            and len(levels) == _LEVELS
            and all(_is_list(level) for level in levels)
        ):
            raise self.wrong("is no list of five levels", str(mapping), "five lists of WordNet ids")
        if not isinstance(concepts, dict):
            raise self.wrong("is no dictionary of synsets", str(splits))
        concepts = {str(wnid): parts for wnid, parts in concepts.items()}
        found: dict[str, npt.NDArray[np.generic]] = {}
        for number, level in enumerate(levels, start=1):
            names = [str(wnid) for wnid in level]
            if lost := [wnid for wnid in names if wnid not in concepts]:
                raise self.wrong(
                    f"has no pictures of {lost[0]} (and {len(lost) - 1} more)", str(splits)
                )
            found[f"level{number}"] = np.array(names, dtype=np.str_)
        wnids = sorted(concepts)
        found["wnids"] = np.array(wnids, dtype=np.str_)
        for part in ("train", "test"):
            lists = [self._paths(wnid, concepts[wnid], part) for wnid in wnids]
            try:
                packed = Names.of([name for one in lists for name in one])
            except ValueError as error:
                raise self.wrong(f"a path of {part} is no name: {error}", str(splits)) from error
            found[f"{part}_letters"], found[f"{part}_ends"] = packed.letters, packed.ends
            found[f"{part}_counts"] = np.array([len(one) for one in lists], np.int64)
        return found

    def _paths(self, wnid: str, parts: Any, part: str) -> list[str]:
        """Return the sorted paths that a synset's entry has for a part."""
        entry: Any = parts.get(part) if isinstance(parts, dict) else None
        if not _is_list(entry):
            raise self.wrong(
                f"{wnid} has no list of pictures for {part}",
                str(self.folder / _SPLITS),
                "synset -> train and test -> paths",
            )
        return sorted(str(one).lstrip("/") for one in entry)


def _is_list(entry: Any) -> bool:
    """Tell whether something is a list or an array with one axis."""
    return isinstance(entry, (list, tuple)) or getattr(entry, "ndim", 0) == 1


class CoGL1(CoG):
    """The level nearest to ImageNet-1K."""

    level: ClassVar[int] = 1
    info: ClassVar[DatasetInfo] = _info(1)


class CoGL2(CoG):
    """The second level."""

    level: ClassVar[int] = 2
    info: ClassVar[DatasetInfo] = _info(2)


class CoGL3(CoG):
    """The third level."""

    level: ClassVar[int] = 3
    info: ClassVar[DatasetInfo] = _info(3)


class CoGL4(CoG):
    """The fourth level."""

    level: ClassVar[int] = 4
    info: ClassVar[DatasetInfo] = _info(4)


class CoGL5(CoG):
    """The level farthest from ImageNet-1K."""

    level: ClassVar[int] = 5
    info: ClassVar[DatasetInfo] = _info(5)
