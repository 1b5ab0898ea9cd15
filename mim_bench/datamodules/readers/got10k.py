"""GOT-10k: 9,335 training, 180 validation and 180 test sequences; the test's boxes are hidden."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from mim_bench.datamodules.readers.base import DatasetInfo
from mim_bench.datamodules.readers.lists import read_names
from mim_bench.datamodules.readers.sequences import (
    Listed,
    SequenceReader,
    count_pictures,
)
from mim_bench.errors import UserError, unknown
from mim_bench.yamlfiles import read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mim_bench.datamodules.readers.tracks import Notes

LISTS = Path(__file__).with_name("tracking_lists.yaml")

SELECTIONS = ("all", "vot-train", "vot-train-by-number")
"""What of the training sequences is trained on."""

_OFFICIAL = 9335
_SELECTED = {"all": _OFFICIAL, "vot-train": 7086, "vot-train-by-number": 7085}
_COVERS = 8  # eighths, the whole target
_META = "meta_info.ini"
_LABELS = ("absence.label", "cover.label", "cut_by_image.label", _META)
_FIELDS = ("motion_class", "major_class")


class GOT10k(SequenceReader):
    """Reads GOT-10k: `GOT-10k/<split>/list.txt` and a folder for each sequence.

    `vot-train` is the list of 7,086 sequences that SwinTrack trains on. The published list holds
    numbers that leave out the 1,000 sequences shared with the VOT challenge, but the published
    code takes them for places in `list.txt`, counted from 0, and so trains on the neighbour of
    each. `vot-train` does the same; `vot-train-by-number` takes the numbers for what they are.

    Args:
        root: The data root.
        selection: `all`, `vot-train` or `vot-train-by-number`: what is trained on.
    """

    hidden: ClassVar[frozenset[str]] = frozenset({"test"})

    info: ClassVar[DatasetInfo] = DatasetInfo(
        name="got10k",
        title="GOT-10k",
        task="tracking",
        folder="GOT-10k",
        splits={"train": _OFFICIAL, "val": 180, "test": 180},
        metric="AO: mean overlap over all frames but the first of each sequence",
        licence="annotations CC BY-NC-SA 4.0 by its home page",
        home="http://got-10k.aitestunion.com",
        size_on_disk="66 GB",
        obtain=(
            "register on the home page and download the full data, unpacked so that "
            "GOT-10k/train/GOT-10k_Train_000001/groundtruth.txt and the list.txt of train, val "
            "and test exist"
        ),
    )

    def __init__(self, root: str | Path, selection: str = "all") -> None:
        super().__init__(root)
        if selection not in SELECTIONS:
            where = "data.reader.init_args.got10k_selection"
            raise UserError([unknown("selection", selection, SELECTIONS, where)])
        self.selection = selection

    def official_count(self, split: str) -> int:
        """Return how many sequences the official split, or what is selected of it, has."""
        return _SELECTED[self.selection] if split == "train" else super().official_count(split)

    def find(self, split: str) -> list[Listed]:
        """Return the sequences of `list.txt`, of train those that are selected."""
        folder = self.folder / split
        names = read_names(folder / "list.txt", self.info.obtain)
        if split == "train" and self.selection != "all":
            names = select(names, self.selection)
            if not names:
                raise UserError(
                    f"names no sequence of the selection {self.selection}",
                    where=str(folder / "list.txt"),
                    expected="names like GOT-10k_Train_000001",
                    action="train on all sequences: data.reader.init_args.got10k_selection=all",
                )
        labels = _LABELS if split not in self.hidden else ()
        return [
            Listed(
                name,
                folder / name,
                folder / name / "groundtruth.txt",
                tuple(folder / name / label for label in labels),
            )
            for name in names
        ]

    def read(self, split: str, one: Listed) -> Notes:
        """Read a sequence's boxes and labels; the target is there where it is not absent."""
        from mim_bench.datamodules.readers.tracks import Notes, read_boxes, read_flags

        obtain = self.info.obtain
        boxes = read_boxes(one.boxes, obtain)
        pictures = None if split == "train" else count_pictures(one.pictures)
        if split in self.hidden:
            return Notes(boxes[:1], None, pictures, hidden=True)
        absence, cover, cut, meta = one.others
        absent = read_flags(absence, obtain, len(boxes)) > 0
        read_flags(cut, obtain, len(boxes))
        said = read_meta(meta, obtain)
        return Notes(
            boxes,
            absent,
            pictures,
            rate=_rate(said, meta, obtain),
            size=_resolution(said, meta, obtain),
            cover=read_flags(cover, obtain, len(boxes), most=_COVERS),
            attributes=[said[key].replace(" ", "_") for key in _FIELDS if said.get(key)],
        )

    def picture_name(self, number: int) -> str:
        """Return `00000001.jpg` for the first frame."""
        return f"{number + 1:08d}.jpg"


def select(names: list[str], selection: str) -> list[str]:
    """Return the training sequences of a selection, by the numbers in their names."""
    content = read_yaml(LISTS)
    out: set[int] = set()
    for part in content["got10k_left_out_of_vot_train"].split():
        first, _, last = part.partition("-")
        out.update(range(int(first), int(last or first) + 1))
    less = 1 if selection == "vot-train" else 0  # places in list.txt count from 0
    found = []
    for name in names:
        number = re.search(r"(\d+)$", name)
        if number is None:
            continue
        place = int(number[1]) - less
        if 0 <= place < _OFFICIAL and place not in out:
            found.append(name)
    return found


def read_meta(path: Path, obtain: str) -> Mapping[str, str]:
    """Return what a `meta_info.ini` says: lines `key: value` below a heading."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        absent = isinstance(error, (FileNotFoundError, NotADirectoryError))
        wrong = "is missing" if absent else f"can't be read: {error}"
        raise UserError(wrong, where=str(path), action=obtain) from error
    pairs = (line.partition(":") for line in lines if ":" in line)
    return {key.strip(): value.strip() for key, _, value in pairs}


def _rate(said: Mapping[str, str], path: Path, obtain: str) -> float:
    text = said.get("anno_fps", "")
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(?:Hz)?", text, flags=re.IGNORECASE)
    if found is None or float(found[1]) <= 0:
        raise UserError(
            f"anno_fps is {text!r}", where=str(path), expected="such as 10Hz", action=obtain
        )
    return float(found[1])


def _resolution(said: Mapping[str, str], path: Path, obtain: str) -> tuple[int, int]:
    text = said.get("resolution", "")
    numbers = [int(one) for one in re.findall(r"\d+", text)]
    if len(numbers) != 2 or min(numbers, default=0) < 1:
        raise UserError(
            f"resolution is {text!r}",
            where=str(path),
            expected="width and height, such as (1920, 1080)",
            action=obtain,
        )
    return numbers[0], numbers[1]
