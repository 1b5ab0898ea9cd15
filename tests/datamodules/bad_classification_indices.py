"""Spoilt indices of CoG (pickles) and iNat18 (JSON), and what is said of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bad_files import Trap, entries, first_of, pickled, remove, text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Change = Callable[[Path], Any]

HTML = "<html>not here</html>"
MAPPING, SPLITS = "cog/cog_levels_mapping_file.pkl", "cog/cog_concepts_split_file.pkl"
TRAIN18, TREE18 = "inat2018/train2018.json", "inat2018/train_val2018"
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
}
