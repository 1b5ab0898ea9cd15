"""Spoilt batches and MATLAB files of four classification datasets, and what is said of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from bad_files import Trap, pickled, remove, text
from scipy.io import loadmat, savemat

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Change = Callable[[Path], Any]

HTML = "<html>not here</html>"
CIFAR = "cifar-10-batches-py"
CARS = "stanford_cars"
FLOWERS = "flowers-102"


def variables(**changed: Any) -> Change:
    """Change variables of a MATLAB file; None removes one."""

    def how(path: Path) -> None:
        held = {name: one for name, one in loadmat(path).items() if not name.startswith("__")}
        held |= {name: one(held[name]) for name, one in changed.items() if one is not None}
        savemat(path, {name: one for name, one in held.items() if changed.get(name, 0) is not None})

    return how


def first_row(field: str, value: Any) -> Change:
    """Change what Cars' training annotations say of the first picture."""

    def how(rows: Any) -> Any:
        rows[0, 0][field] = np.array([[value]])
        return rows

    return variables(annotations=how)


def first_label(value: Any) -> Change:
    """Change the first label of a CIFAR batch."""
    return pickled(lambda all_: {**all_, "labels": [value, *all_["labels"][1:]]})


def first_number(value: float) -> Callable[[Any], Any]:
    """Return how the first of an array's numbers is changed."""
    return lambda all_: np.where(np.arange(all_.size) == 0, value, all_.astype(float))


# (dataset, split) -> what is spoilt -> (file, how, what the error says)
CASES_OF_ARRAYS: dict[tuple[str, str], dict[str, tuple[str, Change, str]]] = {
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
            first_label(10),
            "has the number 10, counted from 0",
        ),
        "label below 0": (
            f"{CIFAR}/data_batch_2",
            first_label(-1),
            "has the number -1, counted from 0",
        ),
        "label past 32 bits": (
            f"{CIFAR}/data_batch_2",
            first_label(2**32),
            "has the label 4294967296",
        ),
        "half a label": (f"{CIFAR}/data_batch_2", first_label(1.5), "has the label 1.5"),
        "a word": (f"{CIFAR}/data_batch_2", first_label("cat"), "has the label 'cat'"),
        "no list": (
            f"{CIFAR}/data_batch_2",
            pickled(lambda all_: {**all_, "labels": None}),
            "has the label None",
        ),
        "fewer labels": (
            f"{CIFAR}/data_batch_2",
            pickled(lambda all_: {**all_, "labels": all_["labels"][1:]}),
            "its pixels are uint8",
        ),
        "keys of bytes": (
            f"{CIFAR}/data_batch_2",
            pickled(lambda all_: {key.encode(): one for key, one in all_.items()}),
            "lacks data, labels",
        ),
        "no list of names": (
            f"{CIFAR}/batches.meta",
            pickled(lambda all_: {**all_, "label_names": None}),
            "has the class None",
        ),
        "a name twice": (
            f"{CIFAR}/batches.meta",
            pickled(lambda all_: {**all_, "label_names": ["cat"] * 10}),
            "has the class 'cat' twice",
        ),
        "a name less": (
            f"{CIFAR}/batches.meta",
            pickled(lambda all_: {**all_, "label_names": all_["label_names"][:9]}),
            "has the number 9, counted from 0",
        ),
    },
    ("cifar100", "test"): {
        "no batch": ("cifar-100-python/test", remove, "is missing"),
        "no other batch": ("cifar-100-python/train", remove, "is missing"),
        "coarse labels alone": (
            "cifar-100-python/test",
            pickled(lambda all_: {"data": all_["data"], "coarse_labels": all_["coarse_labels"]}),
            "lacks fine_labels",
        ),
        "coarse names alone": (
            "cifar-100-python/meta",
            pickled(lambda all_: {"coarse_label_names": all_["coarse_label_names"]}),
            "lacks fine_label_names",
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
            first_row("class", 0),
            "has the number -1, counted from 0",
        ),
        "class too high": (
            f"{CARS}/devkit/cars_train_annos.mat",
            first_row("class", 21),
            "has the number 20, counted from 0",
        ),
        "class past 32 bits": (
            f"{CARS}/devkit/cars_train_annos.mat",
            first_row("class", 2**32 + 1),
            "has the class 4294967297",
        ),
        "no number": (
            f"{CARS}/devkit/cars_train_annos.mat",
            first_row("class", np.nan),
            "has the class nan",
        ),
        "two classes": (
            f"{CARS}/devkit/cars_train_annos.mat",
            first_row("class", [1, 2]),
            "has the class array([1, 2])",
        ),
        "path outside": (
            f"{CARS}/devkit/cars_train_annos.mat",
            first_row("fname", "../../x.jpg"),
            "leads out of the dataset's folder",
        ),
        "line feed": (
            f"{CARS}/devkit/cars_train_annos.mat",
            first_row("fname", "a\nb.jpg"),
            "has the picture 'a\\nb.jpg'",
        ),
        "no structures": (
            f"{CARS}/devkit/cars_train_annos.mat",
            variables(annotations=lambda rows: np.zeros(rows.shape)),
            "has the fields (none)",
        ),
        "no texts": (
            f"{CARS}/devkit/cars_meta.mat",
            variables(class_names=lambda all_: np.zeros(all_.shape)),
            "has the class 0.0",
        ),
        "a name less": (
            f"{CARS}/devkit/cars_meta.mat",
            variables(class_names=lambda all_: all_[:, 1:]),
            "has the number 19, counted from 0",
        ),
        "other file names": (
            f"{CARS}/cars_train",
            lambda p: [one.rename(p / f"0{one.name}") for one in list(p.glob("*.jpg"))],
            "40 of 40 pictures of trainval are missing",
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
            variables(labels=first_number(0)),
            "has the number -1, counted from 0",
        ),
        "label past memory": (
            f"{FLOWERS}/imagelabels.mat",
            variables(labels=first_number(2**31 - 1)),
            "has the label 2147483647",
        ),
        "half a label": (
            f"{FLOWERS}/imagelabels.mat",
            variables(labels=first_number(1.5)),
            "has the label 1.5",
        ),
        "words": (
            f"{FLOWERS}/imagelabels.mat",
            variables(labels=lambda _: np.array(["one"])),
            "has the label 'one'",
        ),
        "no number": (
            f"{FLOWERS}/setid.mat",
            variables(trnid=first_number(np.nan)),
            "has the picture nan",
        ),
        "empty set": (
            f"{FLOWERS}/setid.mat",
            variables(trnid=lambda ids: ids[:, :0]),
            "20 of 20 classes have no picture in train",
        ),
        "picture twice": (
            f"{FLOWERS}/setid.mat",
            variables(trnid=lambda ids: np.append(ids, ids[:, :1])[None]),
            "twice",
        ),
    },
}
