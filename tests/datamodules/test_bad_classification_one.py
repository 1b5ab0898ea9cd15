"""Bad files of CoG, iNat18, ImageNet-1K, Birdsnap, SUN397, Caltech-101 and VOC2007.

Each gives one error that says what, where and which tree is expected, never another number.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from mim_bench.datamodules import miniature
from mim_bench.datamodules.readers import get_reader_class
from mim_bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mim_bench.datamodules.readers.classification import ClassificationReader

    Change = Callable[[Path], None]

COUNTS = {
    "cog": {"train": 2, "test": 1},
    "inat18": {"train": 3, "val": 1},
    "imagenet1k": {"train": 2, "val": 1},
    "birdsnap": {"train": 3, "test": 2},
    "sun397": {"train": 2, "test": 1},
    "caltech101": {"all": 3},
    "voc2007": {"train": 20, "val": 20, "test": 4},
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


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def text(content: str) -> Change:
    return lambda path: path.write_text(content) and None


def bytes_(content: bytes) -> Change:
    return lambda path: path.write_bytes(content) and None


def lines(change: Callable[[list[str]], list[str]]) -> Change:
    """Change a file's lines."""

    def how(path: Path) -> None:
        path.write_text("".join(f"{line}\n" for line in change(path.read_text().splitlines())))

    return how


def entries(change: Callable[[Any], Any]) -> Change:
    """Change what a JSON file holds, in place."""

    def how(path: Path) -> None:
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))

    return how


def pickled(change: Callable[[Any], Any]) -> Change:
    """Change what a pickle holds."""

    def how(path: Path) -> None:
        path.write_bytes(pickle.dumps(change(pickle.loads(path.read_bytes()))))

    return how


def first_of(concepts: dict[str, Any], **parts: Any) -> dict[str, Any]:
    return {**concepts, min(concepts): {**concepts[min(concepts)], **parts}}


class Trap:
    """Runs a command when it is unpickled."""

    def __reduce__(self) -> Any:
        return os.mkdir, ("trapped",)


HTML = "<html>not here</html>"
MAPPING, SPLITS = "cog/cog_levels_mapping_file.pkl", "cog/cog_concepts_split_file.pkl"
TRAIN18, TREE18 = "inat2018/train2018.json", "inat2018/train_val2018"
NET = "imagenet"
IMAGES, TESTED = "birdsnap/images.txt", "birdsnap/test_images.txt"
SPECIES = "birdsnap/species.txt"
SUN = "SUN397/Partitions/Training_01.txt"
CALTECH = "caltech101/101_ObjectCategories"
VOC = "VOCdevkit/VOC2007"
MAIN = f"{VOC}/ImageSets/Main"
L1_FIRST = "n11000000"

# (dataset, split) -> what is spoilt -> (file, how, what the error says)
CASES: dict[tuple[str, str], dict[str, tuple[str, Change, str]]] = {
    ("cog-l1", "trainval"): {
        "no levels": (MAPPING, remove, "is missing"),
        "no splits": (SPLITS, remove, "is missing"),
        "web page": (SPLITS, text(HTML), "can't be read as a pickle of data"),
        "cut short": (SPLITS, lambda p: p.write_bytes(p.read_bytes()[:999]), "can't be read as"),
        "code": (MAPPING, pickled(lambda _: [Trap()]), "mkdir, which is no data"),
        "four levels": (MAPPING, pickled(lambda levels: levels[:4]), "no list of five levels"),
        "numbers": (MAPPING, pickled(lambda _: [1, 2, 3, 4, 5]), "no list of five levels"),
        "a list": (SPLITS, pickled(list), "is no dictionary of synsets"),
        "level 5 lacks a synset": (
            MAPPING,
            pickled(lambda levels: [*levels[:4], ["n99999999"]]),
            "has no pictures of n99999999",
        ),
        "part missing": (
            SPLITS,
            pickled(lambda all_: {**all_, L1_FIRST: {"train": ["a"]}}),
            f"{L1_FIRST} has no list of pictures for test",
        ),
        "list of a text": (
            SPLITS,
            pickled(lambda all_: first_of(all_, train="n1/a.JPEG")),
            "has no list of pictures for train",
        ),
        "line feed": (
            SPLITS,
            pickled(lambda all_: first_of(all_, train=["a\nb"])),
            "is no name: a name holds a line feed",
        ),
        "synset twice": (
            MAPPING,
            pickled(lambda levels: [levels[0] + levels[0][:1], *levels[1:]]),
            "twice",
        ),
        "path outside": (
            SPLITS,
            pickled(lambda all_: first_of(all_, train=["/../../x.JPEG"])),
            "'../../x.JPEG', which leads out",
        ),
        "nothing to train on": (
            SPLITS,
            pickled(lambda all_: first_of(all_, train=[])),
            "1 of 20 classes have no picture in trainval",
        ),
    },
    ("inat18", "train"): {
        "no list": (TRAIN18, remove, "is missing"),
        "web page": (TRAIN18, text(HTML), "is a web page"),
        "cut short": (TRAIN18, lambda p: p.write_bytes(p.read_bytes()[:99]), "no valid JSON"),
        "a list": (TRAIN18, text("[]"), "is not of the dataset's form"),
        "no annotations": (
            TRAIN18,
            entries(lambda all_: all_.pop("annotations")),
            "is not of the dataset's form: KeyError",
        ),
        "a word for a category": (
            TRAIN18,
            entries(lambda all_: all_["annotations"][0].update(category_id="oak")),
            "is not of the dataset's form",
        ),
        "categories from 1": (
            TRAIN18,
            entries(lambda all_: [one.update(id=one["id"] + 1) for one in all_["categories"]]),
            "not numbered from 0",
        ),
        "category twice": (
            TRAIN18,
            entries(lambda all_: all_["categories"].append({"id": 3, "name": "other"})),
            "not numbered from 0, each number once",
        ),
        "unknown category": (
            TRAIN18,
            entries(lambda all_: all_["annotations"][0].update(category_id=30)),
            "is of the category 30, which there is not",
        ),
        "category past 32 bits": (
            TRAIN18,
            entries(lambda all_: all_["annotations"][0].update(category_id=2**32)),
            "is of the category 4294967296",
        ),
        "no annotation": (
            TRAIN18,
            entries(lambda all_: all_["annotations"].pop()),
            "has no annotation",
        ),
        "two annotations": (
            TRAIN18,
            entries(lambda all_: all_["annotations"].append({"image_id": 1, "category_id": 0})),
            "two annotations are of the same picture",
        ),
        "id twice": (
            TRAIN18,
            entries(lambda all_: all_["images"].append({**all_["images"][0], "file_name": "x"})),
            "two pictures have the same id",
        ),
        "path outside": (
            TRAIN18,
            entries(lambda all_: all_["images"][0].update(file_name="../x.jpg")),
            "'../x.jpg', which leads out",
        ),
        "absolute path": (
            TRAIN18,
            entries(lambda all_: all_["images"][0].update(file_name="/etc/x.jpg")),
            "'/etc/x.jpg', which leads out",
        ),
        "line feed": (
            TRAIN18,
            entries(lambda all_: all_["images"][0].update(file_name="a\nb.jpg")),
            "is no name of a picture",
        ),
        "empty class": (
            TRAIN18,
            entries(lambda all_: all_["categories"].append({"id": 30, "name": "rare"})),
            "1 of 31 classes have no picture in train: rare",
        ),
        "nothing": (
            TRAIN18,
            entries(lambda all_: all_.update(images=[], annotations=[], categories=[])),
            "train has no picture",
        ),
        "no pictures": (f"{TREE18}/Aves", remove, "pictures of train are missing"),
    },
    ("imagenet1k", "train"): {
        "tars": (f"{NET}/train", lambda p: (remove(p), p.mkdir()), "no folders of synsets"),
        "other folder": (
            f"{NET}/train",
            lambda p: (p / "__MACOSX").mkdir(),
            "1 folders are none of a synset: __MACOSX",
        ),
        "empty class": (
            f"{NET}/train/n01440764",
            lambda p: [remove(one) for one in p.iterdir()] and None,
            "1 of 40 classes have no picture in train: n01440764",
        ),
        "no train": (f"{NET}/train", remove, "no folders of synsets"),
    },
    ("imagenet1k", "val"): {
        "no val": (f"{NET}/val", remove, "val has no picture"),
        "flat": (
            f"{NET}/val",
            lambda p: [one.rename(p / one.name) for one in list(p.glob("*/*"))] and None,
            "40 pictures are in no folder of a synset",
        ),
        "other class": (
            f"{NET}/val",
            lambda p: (p / "n99999999").mkdir(),
            "val has the folder 'n99999999', which train has not",
        ),
        "no train": (f"{NET}/train", remove, "no folders of synsets"),
    },
    ("birdsnap", "test"): {
        "no list": (IMAGES, remove, "the list is missing"),
        "no species": (SPECIES, remove, "the list is missing"),
        "no test list": (TESTED, remove, "the list is missing"),
        "empty list": (TESTED, text("\n"), "the list is empty"),
        "no text": (IMAGES, bytes_(b"\xff\xfe\0\0"), "can't be read"),
        "web page": (IMAGES, text(HTML), "its first line lacks path, species_id"),
        "short line": (IMAGES, lines(lambda all_: [*all_, "url\tmd5"]), "the line has 2 columns"),
        "species twice": (
            SPECIES,
            lines(lambda all_: [*all_, "3\tNo Bird\tx\tNoBird"]),
            "two species have the same id",
        ),
        "unknown picture": (
            TESTED,
            lines(lambda all_: [*all_, "Owl/0.jpg"]),
            "'Owl/0.jpg' is not in images.txt",
        ),
        "nothing downloaded": ("birdsnap/download", remove, "test has no picture"),
    },
    ("birdsnap", "trainval"): {
        "unknown species": (
            IMAGES,
            lines(lambda all_: [*all_, "u\tm\tX/1.jpg\t21"]),
            "of the species '21', which species.txt has not",
        ),
        "path outside": (
            IMAGES,
            lines(lambda all_: [*all_, "u\tm\t../../x.jpg\t1"]),
            "'../../x.jpg' leads out",
        ),
        "picture twice": (IMAGES, lines(lambda all_: [*all_, all_[1]]), "twice"),
    },
    ("sun397", "trainval"): {
        "no list": (SUN, remove, "the list is missing"),
        "no classes": ("SUN397/ClassName.txt", remove, "the list is missing"),
        "empty list": (SUN, text(""), "the list is empty"),
        "web page": (SUN, text(HTML), "is not in ClassName.txt"),
        "unknown class": (
            SUN,
            lines(lambda all_: [*all_, "/z/zoo/sun_x.jpg"]),
            "the class 'z/zoo' is not in ClassName.txt",
        ),
        "half a class": (
            SUN,
            lines(lambda all_: [*all_, "/s/stadium/sun_x.jpg"]),
            "the class 's/stadium' is not in ClassName.txt",
        ),
        "path outside": (SUN, lines(lambda all_: [*all_, "/../x.jpg"]), "the class '..' is not"),
        "class outside": (
            "SUN397/ClassName.txt",
            lambda p: (
                lines(lambda all_: [*all_, "/.."])(p),
                lines(lambda all_: [*all_, "/../x.jpg"])(p.parent / "Partitions/Training_01.txt"),
            ),
            "leads out of the dataset's folder",
        ),
        "class twice": (
            "SUN397/ClassName.txt",
            lines(lambda all_: [*all_, all_[0]]),
            "has a class twice",
        ),
        "picture twice": (SUN, lines(lambda all_: [*all_, all_[0]]), "twice"),
        "empty class": (
            SUN,
            lines(lambda all_: [one for one in all_ if "/a/abbey/" not in one]),
            "1 of 20 classes have no picture in trainval: a/abbey",
        ),
        "no pictures": ("SUN397/a/abbey", remove, "2 of 40 pictures of trainval are missing"),
    },
    ("caltech101", "trainval"): {
        "not extracted": (CALTECH, remove, "there is no such folder"),
        "no background": (f"{CALTECH}/BACKGROUND_Google", remove, "no folder BACKGROUND_Google"),
        "too few": (f"{CALTECH}/anchor/image_0001.jpg", remove, "has 2 pictures"),
        "other folder": (CALTECH, lambda p: (p / "extra").mkdir(), "has 0 pictures"),
    },
    ("voc2007", "trainval"): {
        "no list": (f"{MAIN}/trainval.txt", remove, "the list is missing"),
        "no class list": (f"{MAIN}/cow_trainval.txt", remove, "the list is missing"),
        "empty class list": (f"{MAIN}/cow_trainval.txt", text(""), "the list is empty"),
        "short list": (f"{MAIN}/cow_trainval.txt", lines(lambda all_: all_[1:]), "has 39 lines"),
        "other flag": (
            f"{MAIN}/cow_trainval.txt",
            lines(lambda all_: ["000005  2", *all_[1:]]),
            "the line is '000005  2'",
        ),
        "no flag": (
            f"{MAIN}/cow_trainval.txt",
            lines(lambda all_: ["000005", *all_[1:]]),
            "the line is '000005'",
        ),
        "other picture": (
            f"{MAIN}/cow_trainval.txt",
            lines(lambda all_: ["999999  1", *all_[1:]]),
            "the line is '999999  1'",
        ),
        "picture twice": (
            f"{MAIN}/cow_trainval.txt",
            lines(lambda all_: [all_[1], *all_[1:]]),
            "is there twice",
        ),
        "path outside": (
            f"{MAIN}/trainval.txt",
            lambda p: (
                [
                    lines(lambda all_: [f"../../{line}" for line in all_])(one)
                    for one in p.parent.glob("*trainval.txt")
                ]
                and None
            ),
            "which leads out",
        ),
        "class never there": (
            f"{MAIN}/cow_trainval.txt",
            lines(lambda all_: [line[:6] + " -1" for line in all_]),
            "1 of 20 classes have no picture in trainval: cow",
        ),
        "no pictures": (f"{VOC}/JPEGImages/000005.jpg", remove, "1 of 40 pictures"),
    },
}


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


DATASETS = ("cog-l1", "inat18", "imagenet1k", "birdsnap", "sun397", "caltech101", "voc2007")
OFFICIAL = {
    "cog-l1": f"{L1_FIRST} has 2 pictures in train",
    "inat18": "train has 30 classes",
    "imagenet1k": "train has 40 classes",
    "birdsnap": "trainval has 20 classes",
    "sun397": "trainval has 20 classes",
    "caltech101": "trainval has 21 classes",
}


@pytest.mark.parametrize("name", OFFICIAL)
def test_other_data_must_have_the_official_classes(
    copy: Callable[[str], ClassificationReader], name: str
) -> None:
    reader = copy(name)
    remove(reader.root / "stamp.json")
    with pytest.raises(UserError) as caught:
        reader.ids("train")
    assert OFFICIAL[name] in str(caught.value)
    assert reader.tree.strip() in str(caught.value)


@pytest.mark.parametrize("name", DATASETS)
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
    path = reader.files(split)[1]
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(UserError, match="can't be decoded") as caught:
        reader.sample(split, 1)
    assert str(path) in str(caught.value)
    assert "leave_out" in str(caught.value)
    path.unlink()
    with pytest.raises(UserError, match="is missing"):
        reader.sample(split, 1)


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
        again = type(reader)(reader.root, **PER_CLASS.get(name, {}))
        split = "trainval" if name == "caltech101" else "train"
        assert again.ids(split) == before
        strays = 5 if name == "caltech101" else 4  # one is drawn
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
    lines(lambda all_: all_[1:])(reader.root / TESTED)
    assert type(reader)(reader.root).ids("test") == before


def test_imagenet_lists_one_class_less_in_val(
    copy: Callable[[str], ClassificationReader],
) -> None:
    reader = copy("imagenet1k")
    remove(reader.root / NET / "val" / "n01440764")
    assert not reader.check()
    assert reader.listing("val").labels.min() == 1  # numbers are those of train
    assert any("1 of 40 classes have no picture" in note for note in reader.notes("val"))
