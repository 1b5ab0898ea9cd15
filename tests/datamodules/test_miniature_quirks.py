"""What is odd about the official classification sets is in the world's as well, and seeds hold."""

from __future__ import annotations

import importlib
import itertools
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from classification_counts import SETS
from PIL import Image
from scipy.io import loadmat

from mim_bench.datamodules.miniature import aircraft, class_sheets, food101, labelled, world

DRAWN = [name for name in SETS if not name.startswith("cifar")]


@pytest.fixture
def root(classes_world):
    return classes_world


def writer(name):
    return importlib.import_module(f"mim_bench.datamodules.miniature.{name}")


@pytest.mark.parametrize("name", DRAWN)
def test_a_unit_depends_on_seed_and_number_alone(root, tmp_path, name):
    """Drawn here, alone, it is what another process drew among all; another seed differs."""
    module, counts = writer(name), SETS[name]
    last = len(module.plan(counts)) - 1
    for seed in (0, 1):
        module.draw_frame(tmp_path / str(seed), seed, counts, last)
    paths = [path for path in (tmp_path / "0").rglob("*.[jJ][pP]*") if path.is_file()]
    assert paths
    for path in paths:
        inner = path.relative_to(tmp_path / "0")
        assert path.read_bytes() == (root / module.FOLDER / inner).read_bytes()
        assert path.read_bytes() != (tmp_path / "1" / inner).read_bytes()


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_cifar_holds_the_pictures_of_a_unit(root, tmp_path, name):
    module, counts = writer(name), SETS[name]
    for seed in (0, 1):
        module.draw_frame(tmp_path / str(seed), seed, counts, 0)
    first, other = (np.load(next((tmp_path / str(k)).rglob("*.npy"))) for k in (0, 1))
    assert first.shape[1:] == (32, 32, 3)
    assert not np.array_equal(first, other)
    folder, found = root / module.FOLDER, set()
    for path in folder.iterdir():
        content = pickle.loads(path.read_bytes()) if path.suffix not in (".json",) else {}
        found |= {row.tobytes() for row in content.get("data", ())}
    assert {one.transpose(2, 0, 1).tobytes() for one in first} <= found


@pytest.mark.parametrize("name", sorted(SETS))
def test_lists_say_nothing_of_when_they_were_written(root, tmp_path, monkeypatch, name):
    module, counts = writer(name), SETS[name]
    monkeypatch.setattr("time.asctime", lambda *_: "another time")
    if name in ("voc2007", "birdsnap") or name.startswith("cifar"):  # from what was drawn
        for number in range(len(module.plan(counts))):
            module.draw_frame(tmp_path, 0, counts, number)
    elif name == "caltech101":
        (tmp_path / "101_ObjectCategories" / module.BACKGROUND).mkdir(parents=True)
    elif name == "pets":
        (tmp_path / "images").mkdir()
    module.finish(tmp_path, counts)
    for path in tmp_path.rglob("*"):
        if path.is_file():
            same = root / module.FOLDER / path.relative_to(tmp_path)
            assert path.read_bytes() == same.read_bytes(), path.name


def test_cifar_is_pickled_as_the_official_batches(root):
    ten, hundred = root / "cifar-10-batches-py", root / "cifar-100-python"
    for k in range(1, 6):
        content = (ten / f"data_batch_{k}").read_bytes()
        assert content[:2] == b"\x80\x02"  # the protocol that Python 2 could write
        batch = pickle.loads(content)
        assert set(batch) == {"batch_label", "labels", "data", "filenames"}
        assert batch["data"].dtype == np.uint8
        assert batch["data"].shape == (len(batch["labels"]), 3072)
    for split in ("train", "test"):
        batch = pickle.loads((hundred / split).read_bytes())
        keys = {"batch_label", "fine_labels", "coarse_labels", "data", "filenames"}
        assert set(batch) == keys
        assert len(batch["coarse_labels"]) == len(batch["fine_labels"]) == len(batch["data"])
    coarse = pickle.loads((hundred / "meta").read_bytes())["coarse_label_names"]
    assert set(batch["coarse_labels"]) == set(range(len(coarse)))


@pytest.mark.parametrize(
    ("place", "mode", "turn"),
    [
        ("food-101/images/apple_pie/107924.jpg", "RGB", 6),
        ("oxford-iiit-pet/images/Egyptian_Mau_2.jpg", "RGB", 6),
        ("imagenet/train/n01453109/n01453109_3.JPEG", "L", None),
        ("stanford_cars/cars_train/00045.jpg", "L", None),
    ],
)
def test_some_pictures_are_grey_or_noted_as_lying(root, place, mode, turn):
    with Image.open(root / place) as image:
        assert (image.format, image.mode) == ("JPEG", mode)
        assert image.getexif().get(0x0112) == turn


def test_aircraft_has_a_banner_below_and_a_box(root):
    data = root / "fgvc-aircraft-2013b" / "data"
    boxes = (data / "images_box.txt").read_text().splitlines()
    pictures = sorted((data / "images").glob("*.jpg"))
    assert [line.split()[0] for line in boxes] == [path.stem for path in pictures]
    sizes = {tuple(np.add(size, (20, 0))) for size in labelled.SIZES}
    for path in pictures:
        image = np.asarray(Image.open(path))
        assert image.shape[:2] in sizes
        # nearly all of the banner is as light as nothing in a scene is so evenly
        assert np.mean(np.abs(image[-19:].astype(int) - 230).max(axis=2) < 12) > 0.7
    listed = (data / "images_variant_trainval.txt").read_text()
    assert " F/A-18\n" in listed
    assert {line.partition(" ")[2] for line in listed.splitlines()} == set(aircraft.VARIANTS)


def test_the_labels_of_cars_tests_are_outside_the_devkit(root):
    folder = root / "stanford_cars"
    test = loadmat(folder / "devkit" / "cars_test_annos.mat")["annotations"]
    known = loadmat(folder / "cars_test_annos_withlabels.mat")["annotations"]
    assert "class" not in test.dtype.names
    assert "class" in known.dtype.names
    assert test["fname"].tolist() == known["fname"].tolist()
    assert test.shape == known.shape == (1, 20)
    assert not (folder / "devkit" / "cars_test_annos_withlabels.mat").exists()


def test_food_lists_two_classes_the_other_way_round(root):
    meta = root / "food-101" / "meta"
    names = (meta / "classes.txt").read_text().split()
    place = names.index("cheesecake")
    assert names[place + 1] == "cheese_plate"
    names[place : place + 2] = reversed(names[place : place + 2])
    assert names == sorted(food101.CLASSES)
    words = (meta / "labels.txt").read_text().splitlines()
    assert words[place] == "Cheesecake"
    for split in ("train", "test"):
        listed = json.loads((meta / f"{split}.json").read_text())
        lines = (meta / f"{split}.txt").read_text().split()
        assert sorted(itertools.chain(*listed.values())) == sorted(lines)


def test_sun_has_ten_divisions_with_both_line_ends(root):
    parts = root / "SUN397" / "Partitions"
    ends = set()
    for number in range(1, 11):
        train, test = (parts / f"{name}_{number:02d}.txt" for name in ("Training", "Testing"))
        assert not set(train.read_text().split()) & set(test.read_text().split())
        ends.add(b"\r\n" in train.read_bytes())
    assert ends == {False, True}


def test_voc_has_eighty_lists_with_flags_of_two_letters(root):
    main = root / "VOCdevkit" / "VOC2007" / "ImageSets" / "Main"
    lists = sorted(main.glob("*_*.txt"))
    assert len(lists) == 80
    flags = {line[6:] for path in lists for line in path.read_text().splitlines()}
    assert flags == {" -1", "  0", "  1"}


def test_birdsnap_says_which_pictures_failed(root):
    folder = root / "birdsnap"
    head, *rows = (folder / "images.txt").read_text().splitlines()
    assert {row.count("\t") for row in rows} == {head.count("\t")} == {7 + 2 * 17}
    paths = [row.split("\t")[2] for row in rows]
    there = {path for path in paths if (folder / "download" / "images" / path).is_file()}
    for name, expected in (("success", there), ("fail", set(paths) - there)):
        lines = (folder / "download" / f"{name}.txt").read_text().splitlines()
        assert {line.split("\t")[1] for line in lines} == expected
        assert expected


def test_cog_keeps_arrays_of_text(root):
    concepts = pickle.loads((root / "cog" / "cog_concepts_split_file.pkl").read_bytes())
    arrays = [array for both in concepts.values() for array in both.values()]
    assert {array.dtype.kind for array in arrays} == {"U"}
    assert {Path(name).suffix for array in arrays for name in array.tolist()} == {".JPEG"}


def test_a_sheet_shows_every_set_that_was_drawn(root, tmp_path):
    rows = len(SETS) - 1 + 5  # CoG's levels have one each
    page = class_sheets.classes_page(root)
    assert page.shape[0] % rows == 0
    panels = page.reshape(rows, -1, *page.shape[1:])
    assert all(len(np.unique(panel)) > 100 for panel in panels)
    assert set(class_sheets.SETS) == set(SETS)
    # data of the user's own are not opened
    (tmp_path / world.WRITERS["cifar10"].FOLDER).mkdir()
    assert class_sheets.drawn(tmp_path) == []
