"""TrackingNet: 30,132 training sequences in twelve chunks, 511 test sequences with hidden boxes."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, ClassVar

from mim_bench.datamodules.readers.base import DatasetInfo
from mim_bench.datamodules.readers.sequences import (
    Listed,
    SequenceReader,
    count_pictures,
)
from mim_bench.errors import UserError

if TYPE_CHECKING:
    from mim_bench.datamodules.readers.tracks import Notes


class TrackingNet(SequenceReader):
    """Reads TrackingNet: `TrackingNet/<chunk>/anno/<id>.txt`, `.../frames/<id>/0.jpg`.

    What there is of TRAIN_0 to TRAIN_11 is trained on. A box without width or height says that
    the target is not there.
    """

    hidden: ClassVar[frozenset[str]] = frozenset({"test"})

    info: ClassVar[DatasetInfo] = DatasetInfo(
        name="trackingnet",
        title="TrackingNet",
        task="tracking",
        folder="TrackingNet",
        splits={"train": 30132, "test": 511},
        metric="SUC: area under the success curve",
        licence="annotations by its home page; the pictures are of YouTube",
        home="https://tracking-net.org",
        size_on_disk="1.1 TB as archives, twice that unpacked",
        obtain=(
            "by the scripts of github.com/SilvioGiancola/TrackingNet-devkit; the archives "
            "unpacked so that TrackingNet/TRAIN_0/frames/<id>/0.jpg and "
            "TrackingNet/TRAIN_0/anno/<id>.txt exist, and so for TEST"
        ),
    )

    def find(self, split: str) -> list[Listed]:
        """Return the sequences of all chunks, ordered by chunk and by name."""
        chunks = ["TEST"] if split == "test" else self._chunks()
        listed = []
        for chunk in chunks:
            folder = self.folder / chunk
            try:
                names = os.listdir(folder / "anno")  # noqa: PTH208 - thousands of names
            except OSError as error:
                raise UserError(
                    "the folder of annotations is missing",
                    where=str(folder / "anno"),
                    expected="a file <id>.txt for each sequence",
                    action=self.info.obtain,
                ) from error
            for name in sorted(name for name in names if name.endswith(".txt")):
                stem = name.removesuffix(".txt")
                listed.append(Listed(stem, folder / "frames" / stem, folder / "anno" / name))
        if not listed:
            raise UserError(
                "holds no annotation file",
                where=str(self.folder / (chunks[0] if chunks else "TRAIN_0") / "anno"),
                expected="a file <id>.txt for each sequence",
                action=self.info.obtain,
            )
        return listed

    def _chunks(self) -> list[str]:
        """Return the chunks of the training part that are there, by their numbers."""
        try:
            names = os.listdir(self.folder)  # noqa: PTH208
        except OSError:
            names = []
        numbers = [re.fullmatch(r"TRAIN_(\d+)", name) for name in names]
        return [f"TRAIN_{number}" for number in sorted(int(one[1]) for one in numbers if one)]

    def read(self, split: str, one: Listed) -> Notes:
        """Read a sequence's boxes."""
        from mim_bench.datamodules.readers.tracks import Notes, read_boxes

        boxes = read_boxes(one.boxes, self.info.obtain)
        if split in self.hidden:
            pictures = count_pictures(one.pictures)
            return Notes(boxes[:1], None, pictures, hidden=True)
        return Notes(boxes)

    def picture_name(self, number: int) -> str:
        """Return `0.jpg` for the first frame: the numbers are not padded."""
        return f"{number}.jpg"
