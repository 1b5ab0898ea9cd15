"""Spoilt lists, tables and batches of seven classification datasets, and what is said of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from bad_files import Trap, bytes_, entries, lines, pickled, remove, text
from scipy.io import loadmat, savemat

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Change = Callable[[Path], Any]

HTML = "<html>not here</html>"
FOOD = "food-101/meta/train.json"
CIFAR = "cifar-10-batches-py"
CARS = "stanford_cars"
AIRCRAFT = "fgvc-aircraft-2013b/data"
DTD = "dtd/labels"
PETS = "oxford-iiit-pet/annotations/trainval.txt"
FLOWERS = "flowers-102"


def variables(**changed: Any) -> Change:
    """Change variables of a MATLAB file; None removes one."""

    def how(path: Path) -> None:
        held = {name: one for name, one in loadmat(path).items() if not name.startswith("__")}
        held |= {name: one(held[name]) for name, one in changed.items() if one is not None}
        savemat(path, {name: one for name, one in held.items() if changed.get(name, 0) is not None})

    return how


def first_class(value: int) -> Change:
    """Change the class of the first picture of Cars' training annotations."""

    def how(rows: Any) -> Any:
        rows[0, 0]["class"] = np.array([[value]])
        return rows

    return variables(annotations=how)


# (dataset, split) -> what is spoilt -> (file, how, what the error says)
CASES_OF_TABLES: dict[tuple[str, str], dict[str, tuple[str, Change, str]]] = {
    ("food101", "trainval"): {
        "no list": (FOOD, remove, "is missing"),
        "web page": (FOOD, text(HTML), "is a web page"),
        "no mapping": (FOOD, text("[1]"), "is no mapping of classes to lists"),
        "path outside": (
            FOOD,
            entries(lambda all_: all_["tacos"].append("../../x")),
            "leads out of the dataset's folder",
        ),
        "twice": (FOOD, entries(lambda all_: all_["tacos"].append(all_["tacos"][0])), "twice"),
        "empty class": (
            FOOD,
            entries(lambda all_: all_["tacos"].clear()),
            "1 of 20 classes have no picture in trainval: tacos",
        ),
    },
    ("cifar10", "trainval"): {
        "no batch": (f"{CIFAR}/data_batch_3", remove, "is missing"),
        "no names": (f"{CIFAR}/batches.meta", remove, "is missing"),
        "a trap": (f"{CIFAR}/data_batch_1", pickled(lambda _: Trap()), "which is no data"),
        "cut short": (
            f"{CIFAR}/data_batch_1",
            lambda p: p.write_bytes(p.read_bytes()[:999]),
            "can't be read as a pickle",
        ),
        "no labels": (
            f"{CIFAR}/data_batch_2",
            pickled(lambda all_: {"data": all_["data"]}),
            "lacks labels",
        ),
        "other pixels": (
            f"{CIFAR}/data_batch_2",
            pickled(lambda all_: {**all_, "data": all_["data"][:, :99]}),
            "its pixels are uint8",
        ),
        "label too high": (
            f"{CIFAR}/data_batch_2",
            pickled(lambda all_: {**all_, "labels": [10, *all_["labels"][1:]]}),
            "has the number 10, counted from 0",
        ),
    },
    ("cars", "trainval"): {
        "no list": (f"{CARS}/devkit/cars_train_annos.mat", remove, "is missing"),
        "no names": (f"{CARS}/devkit/cars_meta.mat", remove, "is missing"),
        "no mat": (f"{CARS}/devkit/cars_train_annos.mat", text(HTML), "as a MATLAB file"),
        "other variable": (
            f"{CARS}/devkit/cars_train_annos.mat",
            variables(annotations=None),
            "lacks the variable 'annotations'",
        ),
        "class 0": (
            f"{CARS}/devkit/cars_train_annos.mat",
            first_class(0),
            "has the number -1, counted from 0",
        ),
        "class too high": (
            f"{CARS}/devkit/cars_train_annos.mat",
            first_class(21),
            "has the number 20, counted from 0",
        ),
        "a mirror's folders": (
            f"{CARS}/cars_train",
            lambda p: (p / "cars_train").mkdir(),
            "holds a folder cars_train of its own",
        ),
    },
    ("cars", "test"): {
        "no labels": (
            f"{CARS}/cars_test_annos_withlabels.mat",
            remove,
            "the labels of the test are missing",
        ),
        "the devkit's own list": (
            f"{CARS}/cars_test_annos_withlabels.mat",
            lambda p: p.write_bytes((p.parent / "devkit" / "cars_test_annos.mat").read_bytes()),
            "has the fields",
        ),
    },
    ("aircraft", "trainval"): {
        "no list": (f"{AIRCRAFT}/images_variant_trainval.txt", remove, "the list is missing"),
        "no classes": (f"{AIRCRAFT}/variants.txt", remove, "the list is missing"),
        "no text": (f"{AIRCRAFT}/variants.txt", bytes_(b"\xff\xfe\0\0"), "can't be read"),
        "unknown class": (
            f"{AIRCRAFT}/images_variant_trainval.txt",
            lines(lambda all_: [*all_, "0000001 F-19"]),
            "the class 'F-19' is not in variants.txt",
        ),
        "path outside": (
            f"{AIRCRAFT}/images_variant_trainval.txt",
            lines(lambda all_: [*all_, "../../x F/A-18"]),
            "leads out of the dataset's folder",
        ),
    },
    ("dtd", "train"): {
        "no list": (f"{DTD}/train1.txt", remove, "the list is missing"),
        "no other list": (f"{DTD}/test1.txt", remove, "the list is missing"),
        "empty class": (
            f"{DTD}/train1.txt",
            lines(lambda all_: all_[1:]),
            "1 of 20 classes have no picture in train: banded",
        ),
    },
    ("pets", "trainval"): {
        "no list": (PETS, remove, "the list is missing"),
        "empty list": (PETS, text("\n"), "the list is empty"),
        "short line": (PETS, lines(lambda all_: [*all_, "beagle_9"]), "the line is 'beagle_9'"),
        "class 0": (PETS, lines(lambda all_: [*all_, "pug_9 0 2 1"]), "the line is 'pug_9 0 2 1'"),
        "two names": (
            PETS,
            lines(lambda all_: [*all_, "pug_9 1 2 1"]),
            "pug has the number of Abyssinian",
        ),
        "a gap": (
            PETS,
            lines(lambda all_: [one for one in all_ if not one.startswith("Birman")]),
            "1 of 20 classes have no picture in trainval: class 6",
        ),
        "comments alone": (PETS, text("# nothing\n"), "trainval has no picture"),
    },
    ("flowers", "train"): {
        "no sets": (f"{FLOWERS}/setid.mat", remove, "is missing"),
        "no labels": (f"{FLOWERS}/imagelabels.mat", remove, "is missing"),
        "no set": (f"{FLOWERS}/setid.mat", variables(trnid=None), "lacks the variable 'trnid'"),
        "number too high": (
            f"{FLOWERS}/setid.mat",
            variables(trnid=lambda ids: np.append(ids, 61)[None]),
            "names the pictures 1 to 61",
        ),
        "number 0": (
            f"{FLOWERS}/setid.mat",
            variables(trnid=lambda ids: np.append(ids, 0)[None]),
            "names the pictures 0 to",
        ),
        "label 0": (
            f"{FLOWERS}/imagelabels.mat",
            variables(labels=lambda all_: np.where(np.arange(all_.size) == 0, 0, all_)),
            "has the number -1, counted from 0",
        ),
    },
}
