"""Spoilt lists of four classification datasets, and what is said of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bad_files import bytes_, entries, lines, remove, text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Change = Callable[[Path], Any]

HTML = "<html>not here</html>"
FOOD = "food-101/meta/train.json"
AIRCRAFT = "fgvc-aircraft-2013b/data"
DTD = "dtd/labels"
PETS = "oxford-iiit-pet/annotations/trainval.txt"

# (dataset, split) -> what is spoilt -> (file, how, what the error says)
CASES_OF_TABLES: dict[tuple[str, str], dict[str, tuple[str, Change, str]]] = {
    ("food101", "trainval"): {
        "no list": (FOOD, remove, "is missing"),
        "web page": (FOOD, text(HTML), "is a web page"),
        "no mapping": (FOOD, text("[1]"), "is no mapping of classes to lists"),
        "path outside": (
            FOOD,
            entries(lambda all_: all_["tacos"].append("tacos/../../../x")),
            "leads out of the dataset's folder",
        ),
        "another's picture": (
            FOOD,
            entries(lambda all_: all_["tacos"].append("pizza/1")),
            "lists 'pizza/1' under tacos",
        ),
        "a number for a picture": (
            FOOD,
            entries(lambda all_: all_["tacos"].append(7)),
            "has the picture 7",
        ),
        "line feed": (
            FOOD,
            entries(lambda all_: all_["tacos"].append("tacos/1\n2")),
            "has the picture 'tacos/1\\n2'",
        ),
        "no letter": (
            FOOD,
            entries(lambda all_: all_["tacos"].append("tacos/\ud800")),
            "has the picture 'tacos/\\ud800'",
        ),
        "no class": (
            FOOD,
            entries(lambda all_: all_.update({"a\nb": []})),
            "has the class 'a\\nb'",
        ),
        "without end": (FOOD, text("[" * 200_000), "no valid JSON"),
        "twice": (FOOD, entries(lambda all_: all_["tacos"].append(all_["tacos"][0])), "twice"),
        "empty class": (
            FOOD,
            entries(lambda all_: all_["tacos"].clear()),
            "1 of 20 classes have no picture in trainval: tacos",
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
        "no class": (
            f"{AIRCRAFT}/images_variant_trainval.txt",
            lines(lambda all_: [*all_, "0000001"]),
            "the class '' is not in variants.txt",
        ),
        "class twice": (
            f"{AIRCRAFT}/variants.txt",
            lines(lambda all_: [*all_, all_[0]]),
            "has the class '707-320' twice",
        ),
        "empty class": (
            f"{AIRCRAFT}/variants.txt",
            lines(lambda all_: [*all_, "F-19"]),
            "1 of 21 classes have no picture in trainval: F-19",
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
        "web page": (f"{DTD}/train1.txt", text(HTML), f"the line is '{HTML}'"),
        "no class": (
            f"{DTD}/train1.txt",
            lines(lambda all_: [*all_, "banded_9.jpg"]),
            "the line is 'banded_9.jpg'",
        ),
        "path outside": (
            f"{DTD}/test1.txt",
            lines(lambda all_: [*all_, "../x.jpg"]),
            "the line is '../x.jpg'",
        ),
        "another folder": (
            f"{DTD}/train1.txt",
            lines(lambda all_: [*all_, "banded/old/x.jpg"]),
            "the line is 'banded/old/x.jpg'",
        ),
    },
    ("pets", "trainval"): {
        "no list": (PETS, remove, "the list is missing"),
        "empty list": (PETS, text("\n"), "the list is empty"),
        "short line": (PETS, lines(lambda all_: [*all_, "beagle_9"]), "the line is 'beagle_9'"),
        "class 0": (PETS, lines(lambda all_: [*all_, "pug_9 0 2 1"]), "the line is 'pug_9 0 2 1'"),
        "class past memory": (
            PETS,
            lines(lambda all_: [*all_, "pug_9 9999999999 2 1"]),
            "the line is 'pug_9 9999999999 2 1'",
        ),
        "no digit": (PETS, lines(lambda all_: [*all_, "pug_9 ² 2 1"]), "the line is 'pug_9 ²"),
        "no breed": (PETS, lines(lambda all_: [*all_, "9 1 2 1"]), "the line is '9 1 2 1'"),
        "two numbers": (
            PETS,
            lines(lambda all_: [*all_, "Abyssinian_9 21 1 1"]),
            "Abyssinian has two numbers",
        ),
        "path outside": (
            PETS,
            lines(lambda all_: [*all_, "../../pug_9 21 2 1"]),
            "leads out of the dataset's folder",
        ),
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
}
