"""The classification sets of the world, opened by torchvision and by plain code, and by ours."""

from __future__ import annotations

import itertools
import json
import pickle
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torchvision
from classification_counts import SETS
from PIL import Image
from pycocotools.coco import COCO

from mim_bench.datamodules import miniature
from mim_bench.datamodules.miniature import cog, imagenet1k, inat18, labelled, pets
from mim_bench.datamodules.miniature.scenes.categories import distance
from mim_bench.datamodules.readers import READERS, get_reader_class

NAMES = [name for name in READERS if get_reader_class(name).info.task == "classification"]


@pytest.fixture
def root(classes_world):
    return classes_world


def reader(root, name, **settings):
    return get_reader_class(name)(root, **settings)


def unchecked(cls, **fields):
    """A torchvision class that takes files of other content than the official ones."""
    return type(cls.__name__, (cls,), fields)


def cifar(cls):
    return unchecked(
        cls,
        train_list=[[name, None] for name, _ in cls.train_list],
        test_list=[[name, None] for name, _ in cls.test_list],
        meta={**cls.meta, "md5": None},
    )


V = torchvision.datasets
THEIRS = {
    "food101": lambda root, split: V.Food101(root, split="test" if split == "test" else "train"),
    "cifar10": lambda root, split: cifar(V.CIFAR10)(root, train=split != "test"),
    "cifar100": lambda root, split: cifar(V.CIFAR100)(root, train=split != "test"),
    "cars": lambda root, split: V.StanfordCars(root, split="test" if split == "test" else "train"),
    "aircraft": lambda root, split: V.FGVCAircraft(root, split=split),
    "pets": lambda root, split: V.OxfordIIITPet(root, split=split),
    "flowers": lambda root, split: unchecked(
        V.Flowers102,
        _file_dict={key: (name, None) for key, (name, _) in V.Flowers102._file_dict.items()},
    )(root, split=split),
    "imagenet1k": lambda root, split: V.ImageFolder(Path(root) / "imagenet" / split),
}
SPLITS = {"aircraft": ["train", "val", "trainval", "test"], "flowers": ["train", "val", "test"]}
SPLITS |= {"imagenet1k": ["train", "val"]}


@pytest.mark.parametrize(
    ("name", "split"),
    [(name, split) for name in THEIRS for split in SPLITS.get(name, ["trainval", "test"])],
)
def test_torchvision_reads_the_same(root, name, split):
    ours, theirs = reader(root, name), THEIRS[name](str(root), split)
    assert ours.count(split) == len(theirs) > 0
    # some of its readers list in another order: by file, then, where there are files
    files = getattr(theirs, "_image_files", None) or getattr(theirs, "_images", None)
    if files is None and hasattr(theirs, "samples"):
        files = [path for path, _ in theirs.samples]
    if files is None and hasattr(theirs, "_samples"):
        files = [path for path, _ in theirs._samples]
    places = range(len(theirs))
    if files is not None:
        by_name = {str(Path(path).relative_to(ours.folder)): k for k, path in enumerate(files)}
        places = [by_name[one] for one in ours.ids(split)]
    for index, place in itertools.islice(enumerate(places), 0, None, 7):
        picture, label = theirs[place]
        found = ours.sample(split, index)
        assert found["label"] == label
        assert np.array_equal(found["image"], np.asarray(picture.convert("RGB")))


def test_dtd_as_torchvision_unpacks_it(root, tmp_path):
    """It adds a folder of the same name; both layouts are read."""
    (tmp_path / "dtd").mkdir()
    (tmp_path / "dtd" / "dtd").symlink_to(root / "dtd")
    (tmp_path / "stamp.json").write_bytes((root / "stamp.json").read_bytes())
    for partition, split in itertools.product((1, 4), ("train", "val", "test")):
        theirs = V.DTD(str(tmp_path), split=split, partition=partition)
        for place in (root, tmp_path):
            ours = reader(place, "dtd", partition=partition)
            unpacked = tmp_path / "dtd" / "dtd"
            names = [str(Path(path).relative_to(unpacked)) for path in theirs._image_files]
            assert ours.ids(split) == names
            assert ours.listing(split).labels.tolist() == theirs._labels


def test_caltech_has_a_background_class(root):
    ours = reader(root, "caltech101")
    assert ours.facts().classes[0] == "BACKGROUND_Google"
    every = ours.ids("trainval") + ours.ids("test")
    # all but the stray file, each once
    files = {str(path.relative_to(ours.pictures())) for path in ours.pictures().glob("*/image_*")}
    assert set(every) == files
    assert len(every) == len(files)
    counts = ours.listing("trainval").counts()
    assert set(counts.tolist()) == {4}
    assert "1 pictures are left out" in " ".join(ours.notes("test"))
    few = reader(root, "caltech101", background=False)
    assert len(few.facts().classes) == len(ours.facts().classes) - 1
    assert Image.open(ours.pictures() / "Motorbikes" / "image_0003.jpg").mode == "L"
    other = reader(root, "caltech101", split_seed=1)
    assert set(other.ids("test")) != set(ours.ids("test"))


def test_voc_flags_agree_with_the_annotations(root):
    ours, folder = reader(root, "voc2007"), root / "VOCdevkit" / "VOC2007"
    theirs = V.VOCDetection(str(root), year="2007", image_set="trainval")
    classes = ours.facts().classes
    assert [Path(path).stem for path in theirs.images] == [
        Path(name).stem for name in ours.ids("trainval")
    ]
    difficult = 0
    for index, name in enumerate(ours.ids("trainval")):
        tree = ElementTree.parse(folder / "Annotations" / f"{Path(name).stem}.xml")
        expected = np.zeros(len(classes))
        for one in tree.getroot().iter("object"):
            place = classes.index(one.findtext("name"))
            if one.findtext("difficult") == "0":
                expected[place] = 1
            elif expected[place] == 0:
                expected[place] = -1
                difficult += 1
            left, top, right, bottom = (
                int(one.findtext(f"bndbox/{side}")) for side in ("xmin", "ymin", "xmax", "ymax")
            )
            assert 1 <= left <= right <= 96
            assert 1 <= top <= bottom <= 72
        sample = ours.sample("trainval", index)
        assert np.array_equal(sample["label"], expected == 1)
        assert np.array_equal(sample["valid"], expected >= 0)
    assert difficult > 0


def test_inat_is_what_pycocotools_reads(root, capsys):
    ours = reader(root, "inat18")
    for split in ("train", "val"):
        theirs = COCO(str(root / "inat2018" / f"{split}2018.json"))
        by_file = {image["file_name"]: image["id"] for image in theirs.imgs.values()}
        listing = ours.listing(split)
        for name, label in zip(listing.names, listing.labels, strict=True):
            (annotation,) = theirs.imgToAnns[by_file[name]]
            assert annotation["category_id"] == label
            assert name.split("/")[2] == str(label)
    capsys.readouterr()
    assert set(ours.listing("val").counts().tolist()) == {3}
    counts = [inat18.trained(inat18.COUNTS, label) for label in range(inat18.CLASSES)]
    assert (min(counts), max(counts)) == (4, 60)


def test_sun_places_have_two_or_three_levels(root):
    ours = reader(root, "sun397")
    lines = (root / "SUN397" / "ClassName.txt").read_text().splitlines()
    for split, kind in (("trainval", "Training"), ("test", "Testing")):
        listed = (root / "SUN397" / "Partitions" / f"{kind}_01.txt").read_text().split()
        assert [f"/{name}" for name in ours.ids(split)] == listed
        for name, label in zip(listed, ours.listing(split).labels, strict=True):
            assert name.rpartition("/")[0] == lines[label]
    assert {line.count("/") for line in lines} == {2, 3}
    assert set(reader(root, "sun397", partition=2).ids("test")) != set(ours.ids("test"))


def test_birdsnap_counts_what_was_lost(root):
    ours = reader(root, "birdsnap")
    rows = (root / "birdsnap" / "images.txt").read_text().splitlines()[1:]
    paths = {row.split("\t")[2] for row in rows}
    tested = set((root / "birdsnap" / "test_images.txt").read_text().splitlines()[1:])
    there = {
        str(path.relative_to(root / "birdsnap" / "download" / "images"))
        for path in (root / "birdsnap" / "download" / "images").glob("*/*")
    }
    assert there < paths
    names = {name.removeprefix("download/images/") for name in ours.ids("test")}
    assert names == tested & there
    train = {name.removeprefix("download/images/") for name in ours.ids("trainval")}
    assert train == there - tested
    lost = len(paths - tested - there)
    assert f"{lost} pictures are left out" in " ".join(ours.notes("trainval"))


def test_cog_levels_lead_away_from_what_pretraining_sees(root):
    seen = set(imagenet1k.categories())
    far = [np.mean([cog.far(one) for one in level]) for level in cog.levels()]
    nearest = [
        np.mean([min(distance(one, other) for other in seen) for one in level])
        for level in cog.levels()
    ]
    for grown in (far, nearest):
        assert all(after - before > 0.03 for before, after in itertools.pairwise(grown))
    assert not seen & {one for level in cog.levels() for one in level}
    mapping = pickle.loads((root / "cog" / "cog_levels_mapping_file.pkl").read_bytes())
    concepts = pickle.loads((root / "cog" / "cog_concepts_split_file.pkl").read_bytes())
    assert any(name.startswith("/") for one in concepts.values() for name in one["train"])
    for level, wnids in enumerate(mapping, start=1):
        ours = reader(root, f"cog-l{level}")
        assert list(ours.facts().classes) == sorted(wnids)
        expected = [
            (name.lstrip("/"), label)
            for label, wnid in enumerate(sorted(wnids))
            for name in sorted(concepts[wnid]["test"].tolist())
        ]
        found = zip(ours.ids("test"), ours.listing("test").labels.tolist(), strict=True)
        assert list(found) == expected


def test_fine_grained_sets_share_shapes():
    for name in ("food101", "birdsnap", "cars", "aircraft", "pets", "flowers"):
        module = __import__(f"mim_bench.datamodules.miniature.{name}", fromlist=["_SHAPES"])
        shown = labelled.choose(name, 20, module._SHAPES, module._LEAST_APART)
        assert len({one.shape for one in shown}) <= 2
        apart = [distance(one, other) for one, other in itertools.combinations(shown, 2)]
        assert min(apart) >= 0.35 - 1e-9


def test_odd_files_are_there(root):
    images = root / "oxford-iiit-pet" / "images"
    assert Image.open(images / "Abyssinian_5.jpg").format == "PNG"
    assert list(images.glob("*.mat"))
    shot = next(
        s
        for unit in imagenet1k.plan(SETS["imagenet1k"])
        for s in unit
        if (s.label, s.number) == (0, 3)
    )
    assert Image.open(root / "imagenet" / shot.path).mode == "CMYK"
    lines = (root / "food-101" / "meta" / "classes.txt").read_text().split()
    content = json.loads((root / "food-101" / "meta" / "train.json").read_text())
    assert sorted(content) != lines
    assert set(content) == set(lines)
    cats = [name for name in pets.CLASSES if name[0].isupper()]
    listed = (root / "oxford-iiit-pet" / "annotations" / "trainval.txt").read_text().splitlines()
    assert {line.split()[0].rpartition("_")[0] for line in listed if line.split()[2] == "1"} == set(
        cats
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_set_is_read_whole(root, name):
    ours = reader(root, name)
    assert not ours.check()
    splits = list(ours.info.splits)
    if "trainval" in splits:
        whole = set(ours.ids("trainval"))
        parts = [set(ours.ids(split)) for split in ("train", "val")]
        assert parts[0] | parts[1] == whole
        assert not parts[0] & parts[1]
        assert not whole & set(ours.ids("test"))
    for split in splits:
        assert len(set(ours.ids(split))) == ours.count(split) > 0
        sample = ours.sample(split, ours.count(split) - 1)
        assert sample["image"].ndim == 3
        assert len(ours.fingerprint(split)) == 64


def test_the_same_seed_gives_the_same_bytes(root, tmp_path):
    some = {name: SETS[name] for name in ("flowers", "cifar10")}
    again = miniature.draw_world(tmp_path / "again", some, counts=some, jobs=1)
    for name in ("flowers-102/jpg/image_00007.jpg", "cifar-10-batches-py/data_batch_2"):
        assert (again / name).read_bytes() == (root / name).read_bytes()
    other = miniature.draw_world(tmp_path / "other", ["flowers"], seed=1, counts=some, jobs=1)
    name = "flowers-102/jpg/image_00007.jpg"
    assert (other / name).read_bytes() != (root / name).read_bytes()
