"""The reader of FGVC Aircraft."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from mim_bench.datamodules.readers.base import DatasetInfo
from mim_bench.datamodules.readers.classification import ClassificationReader
from mim_bench.datamodules.readers.lists import read_lines
from mim_bench.errors import UserError, unknown

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from mim_bench.datamodules.readers.listings import Listing

LEVELS = {
    "variant": ("variants", 100),
    "family": ("families", 70),
    "manufacturer": ("manufacturers", 30),
}
"""What may be told apart: the list of its classes, how many there are."""

_BANNER = 20  # rows of copyright below every picture


class Aircraft(ClassificationReader):
    """Variants of aircraft, numbered by their line in `variants.txt`.

    Args:
        root: The data root.
        level: variant, family or manufacturer.
        banner: `keep` or `crop` the copyright line below each picture; torchvision keeps it, and
            what the published protocol does is not known.
        kwargs: See `ClassificationReader`.
    """

    info: ClassVar[DatasetInfo] = DatasetInfo(
        name="aircraft",
        title="FGVC Aircraft",
        task="classification",
        folder="fgvc-aircraft-2013b",
        splits={"train": 3334, "val": 3333, "trainval": 6667, "test": 3333},
        metric="mean per class",
        licence="research, not commercial; photographers keep their rights",
        home="https://www.robots.ox.ac.uk/~vgg/data/fgvc-aircraft/",
        size_on_disk="2.75 GB",
        obtain="extract fgvc-aircraft-2013b.tar.gz of its home page into the data root",
    )
    tree: ClassVar[str] = """
fgvc-aircraft-2013b/data/images/<7 digits>.jpg
fgvc-aircraft-2013b/data/variants.txt
fgvc-aircraft-2013b/data/images_variant_{train,val,trainval,test}.txt
"""

    def __init__(
        self, root: str | Path, level: str = "variant", banner: str = "keep", **kwargs: Any
    ) -> None:
        super().__init__(root, **kwargs)
        where = "data.reader.init_args"
        if level not in LEVELS:
            raise UserError([unknown("level", level, LEVELS, where)])
        if banner not in ("keep", "crop"):
            raise UserError([unknown("banner", banner, ("keep", "crop"), where)])
        self.level = level
        self.banner = banner
        self.class_count = LEVELS[level][1]  # type: ignore[misc]  # the level's own

    def choices(self) -> dict[str, Any]:
        """Return the level."""
        return {"level": self.level}

    def sources(self, split: str) -> list[Path]:
        """Return the split's list and that of the classes."""
        data = self.folder / "data"
        return [data / f"images_{self.level}_{split}.txt", data / f"{LEVELS[self.level][0]}.txt"]

    def read_listing(self, split: str) -> Listing:
        """Read `id class`, where classes may hold spaces and slashes."""
        from mim_bench.datamodules.readers.listings import Listing
        from mim_bench.datamodules.readers.values import texts

        path, classes_file = self.sources(split)
        listed = [name for _, name in read_lines(classes_file, self.info.obtain)]
        classes = texts(listed, "class", classes_file, self.info.obtain, once=True)
        known = {name: label for label, name in enumerate(classes)}
        names, labels = [], []
        for number, line in read_lines(path, self.info.obtain):
            picture, _, name = line.partition(" ")
            if name not in known:
                raise self.wrong(
                    f"the class {name!r} is not in {classes_file.name}", f"{path}:{number}"
                )
            names.append(f"data/images/{picture}.jpg")
            labels.append(known[name])
        return Listing.of(names, labels, classes)

    def picture(self, split: str, index: int) -> npt.NDArray[np.uint8]:
        """Return a picture, with or without its banner."""
        whole = super().picture(split, index)
        return whole[:-_BANNER] if self.banner == "crop" and len(whole) > _BANNER else whole
