"""What all classification readers share: listings, carved validation parts, errors, pictures."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mim_bench.datamodules.readers.base import DatasetInfo
from mim_bench.datamodules.readers.classification import Carve, ClassificationReader
from mim_bench.datamodules.readers.listings import Listing, Names, held_out
from mim_bench.datamodules.readers.values import texts, whole_numbers
from mim_bench.errors import UserError
from mim_bench.images import read_photograph


class Folders(ClassificationReader):
    """One folder a class below `trainval` and `test`."""

    info = DatasetInfo(
        name="folders",
        title="Folders",
        task="classification",
        folder="folders",
        splits={"train": 8, "val": 4, "trainval": 12, "test": 6},
        metric="top-1",
        licence="",
        home="",
        size_on_disk="",
        obtain="draw them",
    )
    class_count = 3
    tree = "trainval/<class>/<picture>.png\ntest/<class>/<picture>.png"
    carve = Carve(val=4, total=12)

    def sources(self, split: str) -> list[Path]:
        return [self.folder / "classes.txt"]

    def folders(self, split: str) -> list[Path]:
        return sorted((self.folder / split).iterdir())

    def read_listing(self, split: str) -> Listing:
        classes = self.sources(split)[0].read_text().split()
        names, labels = [], []
        for label, name in enumerate(classes):
            for path in sorted((self.folder / split / name).glob("*.png")):
                names.append(path.relative_to(self.folder).as_posix())
                labels.append(label)
        return Listing.of(names, labels, classes)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "folders"
    for split, count in (("trainval", 4), ("test", 2)):
        for label, name in enumerate("abc"):
            (folder / split / name).mkdir(parents=True)
            for number in range(count):
                picture = np.full((5, 4, 3), 40 * label + number, np.uint8)
                Image.fromarray(picture).save(folder / split / name / f"{number}.png")
    (folder / "classes.txt").write_text("a b c")
    return tmp_path


def test_samples_and_splits(root: Path) -> None:
    reader = pickle.loads(pickle.dumps(Folders(root)))
    assert not reader.check()
    assert reader.count("test") == 6
    sample = reader.sample("test", 3)
    assert sample["id"] == "test/b/1.png"
    assert sample["label"] == 1
    assert sample["image"].shape == (5, 4, 3)
    assert (sample["image"] == 41).all()
    parts = {split: set(reader.ids(split)) for split in ("train", "val", "trainval")}
    assert len(parts["val"]) == 4
    assert parts["train"] | parts["val"] == parts["trainval"]
    assert not parts["train"] & parts["val"]
    assert reader.facts().classes == ("a", "b", "c")
    other = Folders(root, split_seed=1)
    assert set(other.ids("val")) != parts["val"]
    assert other.fingerprint("val") != reader.fingerprint("val")


def test_new_pictures_are_seen(root: Path) -> None:
    reader = Folders(root)
    before = reader.fingerprint("test")
    Image.new("RGB", (3, 3)).save(root / "folders" / "test" / "a" / "9.png")
    assert Folders(root).count("test") == 7
    assert Folders(root).fingerprint("test") != before


def test_left_out_pictures_are_counted(root: Path) -> None:
    reader = Folders(root, leave_out=["test/a/0.png", "trainval/a/1.png"])
    assert reader.count("test") == 5
    assert "1 pictures are left out: named in leave_out" in " ".join(reader.notes("test"))


@pytest.mark.parametrize(
    ("classes", "text"),
    [("a b", "has 2 classes"), ("a b d", "have no picture in trainval: d"), ("a a b", "twice")],
)
def test_wrong_classes_name_the_tree(root: Path, classes: str, text: str) -> None:
    (root / "folders" / "classes.txt").write_text(classes)
    with pytest.raises(UserError, match=text) as caught:
        Folders(root).ids("trainval")
    assert "trainval/<class>/<picture>.png" in str(caught.value)


def test_missing_pictures_are_one_problem(root: Path) -> None:
    reader = Folders(root)
    reader.ids("test")
    for path in (root / "folders" / "test" / "c").iterdir():
        path.unlink()
    kept = Folders(root)
    kept._listings["test"] = reader.listing("test")
    (problem,) = kept.check(["test"])
    assert "2 of 6 pictures of test are missing" in problem.what


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.floats(0, 1), st.integers(0, 3))
def test_held_out_part_is_stratified(labels: list[int], share: float, seed: int) -> None:
    names = [f"{label}/{number}" for number, label in enumerate(labels)]
    listing = Listing.of(names, labels, [str(label) for label in range(5)])
    count = round(share * len(labels))
    chosen = held_out(listing, count, seed)
    assert chosen.sum() == count
    taken = np.bincount(np.array(labels)[chosen], minlength=5)
    exact = listing.counts() * count / len(labels)
    assert (np.abs(taken - exact) < 1).all()
    # the order of the list changes nothing
    order = np.random.default_rng(seed).permutation(len(labels))
    again = held_out(listing.at(order), count, seed)
    assert (again == chosen[order]).all()


@given(st.lists(st.text(st.characters(exclude_characters="\n", codec="utf-8"), max_size=5)))
def test_names_are_kept(texts: list[str]) -> None:
    names = Names.of(texts)
    assert list(names) == texts == names.all()
    assert names[-len(texts) :] == texts
    listing = Listing.of(texts, [0] * len(texts), ["one"], [("why", 2)])
    held = Listing.from_arrays(listing.arrays())
    assert held.names.all() == texts
    assert (held.classes, held.left_out) == (("one",), (("why", 2),))


def test_photographs_of_all_kinds(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 256, (6, 9, 3), dtype=np.uint8)
    picture = Image.fromarray(colours)
    turned = Image.Exif()
    turned[0x0112] = 6  # a quarter turn, which is not made
    for name, image, options in (
        ("plain.png", picture, {}),
        ("png.jpg", picture, {"format": "PNG"}),
        ("grey.png", picture.convert("L"), {}),
        ("palette.gif", picture.convert("P"), {}),
        ("see-through.png", picture.convert("RGBA"), {}),
        ("print.jpg", picture.convert("CMYK"), {"quality": 95}),
        ("turned.jpg", picture, {"exif": turned, "quality": 95}),
    ):
        image.save(tmp_path / name, **options)
        found = read_photograph(tmp_path / name)
        assert found.shape == (6, 9, 3)
        assert found.dtype == np.uint8
    assert (read_photograph(tmp_path / "png.jpg") == colours).all()
    whole = (tmp_path / "turned.jpg").read_bytes()
    for name, content in (("cut.jpg", whole[:-300]), ("page.jpg", b"<html>"), ("empty.jpg", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match="can't be decoded") as caught:
            read_photograph(tmp_path / name, "list.txt")
        assert "list.txt" in str(caught.value)
    with pytest.raises(UserError, match="is missing"):
        read_photograph(tmp_path / "absent.jpg")


@given(st.lists(st.integers(-(2**31) + 1, 2**31 - 1)), st.sampled_from(["list", "ints", "doubles"]))
def test_whole_numbers_are_taken_as_they_are(numbers: list[int], kind: str) -> None:
    held = {"list": numbers, "ints": np.array(numbers, "i8"), "doubles": np.array(numbers, "f8")}
    assert whole_numbers(held[kind], "label", Path("file"), "").tolist() == numbers


@pytest.mark.parametrize(
    "odd", [2**31, -(2**31) - 1, 2**70, 0.5, float("nan"), float("inf"), "1", None, [1], b"1"]
)
def test_odd_numbers_and_labels_are_refused(odd: object) -> None:
    with pytest.raises(UserError, match="has the label"):
        whole_numbers([0, odd], "label", Path("file"), "")
    with pytest.raises((ValueError, TypeError, OverflowError)):
        Listing.of(["a", "b"], [0, odd], ["one"])  # type: ignore[list-item]


def test_single_texts_and_numbers() -> None:
    assert whole_numbers(np.array(3), "label", Path("file"), "").tolist() == [3]
    assert texts(np.array("one"), "class", Path("file"), "") == ["one"]
    for odd in ("", "a\nb", "\ud800", b"one", 1, None):
        with pytest.raises(UserError, match="has the class"):
            texts(["one", odd], "class", Path("file"), "")
    with pytest.raises(UserError, match="twice"):
        texts(["one", "two", "one"], "class", Path("file"), "", once=True)
