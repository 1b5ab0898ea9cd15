"""Bad files of the classification datasets.

Each gives one error that says what, where and which tree is expected, never another number.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from bad_classification_arrays import CASES_OF_ARRAYS
from bad_classification_indices import CASES as CASES_OF_INDICES
from bad_classification_indices import L1_FIRST, TRAIN18
from bad_classification_lists import CASES_OF_LISTS, NET, SUN, TESTED
from bad_classification_tables import CASES_OF_TABLES
from bad_files import entries, lines, remove

from mim_bench.datamodules import miniature
from mim_bench.datamodules.readers import get_reader_class
from mim_bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mim_bench.datamodules.readers.classification import ClassificationReader

COUNTS = {
    "cog": {"train": 2, "test": 1},
    "inat18": {"train": 3, "val": 1},
    "imagenet1k": {"train": 2, "val": 1},
    "birdsnap": {"train": 3, "test": 2},
    "sun397": {"train": 2, "test": 1},
    "caltech101": {"all": 3},
    "voc2007": {"train": 20, "val": 20, "test": 4},
    "food101": {"train": 2, "test": 1},
    "cifar10": {"train": 5, "test": 2},
    "cifar100": {"train": 2, "test": 1},
    "cars": {"train": 2, "test": 1},
    "aircraft": {"train": 1, "val": 1, "test": 1},
    "dtd": {"train": 1, "val": 1, "test": 1},
    "pets": {"trainval": 2, "test": 1},
    "flowers": {"train": 1, "val": 1, "test": 1},
}
DRAWN = {"cog-l1": "cog"}
PER_CLASS = {"caltech101": {"train_per_class": 2}}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return where a dataset is drawn, once."""
    folder = tmp_path_factory.mktemp("world")

    def get(name: str) -> Path:
        counts = {name: COUNTS[name]}
        if not miniature.is_drawn(folder / name, [name], counts=counts):
            miniature.draw_world(folder / name, [name], counts=counts, jobs=1)
        return folder / name

    return get


@pytest.fixture
def copy(drawn: Callable[[str], Path], tmp_path: Path) -> Callable[[str], ClassificationReader]:
    """Return a reader of a dataset's own copy, which may be spoilt."""

    def get(name: str) -> ClassificationReader:
        found = get_reader_class(name)
        shutil.copytree(drawn(DRAWN.get(name, name)), tmp_path / "data")
        reader: Any = found(tmp_path / "data", **PER_CLASS.get(name, {}))
        return reader

    return get


CASES = {**CASES_OF_INDICES, **CASES_OF_LISTS, **CASES_OF_TABLES, **CASES_OF_ARRAYS}


@pytest.mark.parametrize(
    ("name", "split", "case"), [(*which, case) for which, all_ in CASES.items() for case in all_]
)
def test_bad_files(
    copy: Callable[[str], ClassificationReader],
    name: str,
    split: str,
    case: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    file, how, said = CASES[name, split][case]
    reader = copy(name)
    assert not reader.check([split])  # and its listing is in the cache, of what is spoilt now
    how(reader.root / file)
    (problem,) = type(reader)(reader.root, **PER_CLASS.get(name, {})).check([split])
    assert said in problem.what
    assert str(reader.root) in problem.where
    assert reader.tree.strip() in problem.expected
    assert reader.info.obtain in problem.action
    assert not (tmp_path / "trapped").exists()


DATASETS = (
    *("cog-l1", "inat18", "imagenet1k", "birdsnap", "sun397", "caltech101", "voc2007", "food101"),
    *("cars", "aircraft", "dtd", "pets", "flowers"),
)
OFFICIAL = {
    "cog-l1": f"{L1_FIRST} has 2 pictures in train",
    "inat18": "train has 30 classes",
    "imagenet1k": "train has 40 classes",
    "birdsnap": "trainval has 20 classes",
    "sun397": "trainval has 20 classes",
    "caltech101": "trainval has 21 classes",
    "food101": "trainval has 20 classes",
    "cifar100": "trainval has 20 classes",
    "cars": "trainval has 20 classes",
    "aircraft": "train has 20 classes",
    "dtd": "train has 20 classes",
    "pets": "trainval has 20 classes",
    "flowers": "train has 20 classes",
}


@pytest.mark.parametrize("name", OFFICIAL)
def test_other_data_must_have_the_official_classes(
    copy: Callable[[str], ClassificationReader], name: str
) -> None:
    reader = copy(name)
    assert reader.ids("train")  # what is in the cache is of the drawn one
    remove(reader.root / "stamp.json")
    with pytest.raises(UserError) as caught:
        type(reader)(reader.root, **PER_CLASS.get(name, {})).ids("train")
    assert OFFICIAL[name] in str(caught.value)
    assert reader.tree.strip() in str(caught.value)


@pytest.mark.parametrize("name", [*DATASETS, "cifar10", "cifar100"])
def test_no_folder(tmp_path: Path, name: str) -> None:
    found: Any = get_reader_class(name)
    (problem,) = found(tmp_path).check()
    assert "there is no folder for" in problem.what
    assert found.tree.strip() in problem.expected


@pytest.mark.parametrize("name", DATASETS)
def test_damaged_and_absent_pictures(
    copy: Callable[[str], ClassificationReader], name: str
) -> None:
    reader = copy(name)
    split = "val" if name in ("inat18", "imagenet1k") else "test"
    assert not reader.check()
    path = reader.pictures() / reader.ids(split)[1]
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(UserError, match="can't be decoded") as caught:
        reader.sample(split, 1)
    assert str(path) in str(caught.value)
    assert "leave_out" in str(caught.value)
    path.unlink()
    with pytest.raises(UserError, match="is missing"):
        reader.sample(split, 1)


def test_caltech_needs_pictures_for_the_test(
    copy: Callable[[str], ClassificationReader],
) -> None:
    reader = copy("caltech101")
    remove(reader.root / "stamp.json")
    (problem,) = type(reader)(reader.root).check(["test"])
    assert "has 3 pictures" in problem.what
    assert "more than 30" in problem.expected
    assert "BACKGROUND_Google" in problem.where


def test_absent_pictures_can_be_left_out(copy: Callable[[str], ClassificationReader]) -> None:
    reader = copy("cog-l1")
    name = reader.ids("test")[3]
    remove(reader.pictures() / name)
    (problem,) = reader.check(["test"])
    assert name in problem.what
    assert "leave_out" in problem.action
    without = type(reader)(reader.root, leave_out=[name])
    assert not without.check()
    assert without.count("test") == reader.count("test") - 1


def test_strays_are_no_pictures_and_counted(copy: Callable[[str], ClassificationReader]) -> None:
    for name, folder in (("imagenet1k", "train/n01440764"), ("caltech101", "/anchor")):
        reader = copy(name)
        before = reader.ids("trainval" if name == "caltech101" else "train")
        place = reader.pictures() / folder.strip("/")
        for stray in ("Thumbs.db", ".DS_Store", "._image_0001.jpg", os.fsdecode(b"\xe9.jpg")):
            (place / stray).write_bytes(b"no picture")
        (place / "folder.jpg").mkdir()
        if name == "caltech101":  # whose pictures have numbers
            shutil.copy(place / "image_0001.jpg", place / "cover.jpg")
        again = type(reader)(reader.root, **PER_CLASS.get(name, {}))
        split = "trainval" if name == "caltech101" else "train"
        assert again.ids(split) == before
        strays = 6 if name == "caltech101" else 4  # one is drawn
        assert any(f"{strays} pictures are left out: files" in one for one in again.notes(split))
        shutil.rmtree(reader.root)


def test_a_picture_to_train_and_to_test_on(copy: Callable[[str], ClassificationReader]) -> None:
    reader = copy("sun397")
    shared = (reader.root / SUN).read_text().splitlines()[:2]
    tested = reader.root / "SUN397/Partitions/Testing_01.txt"
    tested.write_text(tested.read_text() + "\n".join(shared))
    (problem,) = reader.check()
    assert "2 pictures are in trainval and in test" in problem.what
    (problem,) = type(reader)(reader.root).check(["train", "test"])
    assert "in train and in test" in problem.what
    assert not reader.check(["train", "val", "trainval"])


def test_lists_of_other_classes(copy: Callable[[str], ClassificationReader]) -> None:
    reader = copy("inat18")
    entries(lambda all_: all_["categories"][4].update(name="other"))(reader.root / TRAIN18)
    (problem,) = reader.check()
    assert "train and val do not have the same classes" in problem.what


def test_birdsnap_keeps_its_classes(copy: Callable[[str], ClassificationReader]) -> None:
    reader = copy("birdsnap")
    remove(reader.root / "birdsnap/download/images/BarnOwl")
    assert not reader.check()
    listing = reader.listing("test")
    assert len(listing.classes) == 20
    assert listing.counts()[3] == 0
    notes = " ".join(reader.notes("test"))
    assert "1 of 20 classes have no picture" in notes
    assert "listed, but not on this disk" in notes
    held = Counter(reader.listing("trainval").labels.tolist())
    assert 3 not in held


def test_birdsnap_test_list_without_a_header(
    copy: Callable[[str], ClassificationReader],
) -> None:
    reader = copy("birdsnap")
    before = reader.ids("test")
    lines(lambda all_: all_[:0:-1])(reader.root / TESTED)  # the first is one that isn't lost
    assert type(reader)(reader.root).ids("test") == before


def test_imagenet_lists_one_class_less_in_val(
    copy: Callable[[str], ClassificationReader],
) -> None:
    reader = copy("imagenet1k")
    remove(reader.root / NET / "val" / "n01440764")
    assert not reader.check()
    assert reader.listing("val").labels.min() == 1  # numbers are those of train
    assert any("1 of 40 classes have no picture" in note for note in reader.notes("val"))
