"""Spoilt lists and folders of five classification datasets, and what is said of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bad_files import bytes_, lines, remove, text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Change = Callable[[Path], Any]

HTML = "<html>not here</html>"
NET = "imagenet"
IMAGES, TESTED = "birdsnap/images.txt", "birdsnap/test_images.txt"
SPECIES = "birdsnap/species.txt"
SUN = "SUN397/Partitions/Training_01.txt"
CALTECH = "caltech101/101_ObjectCategories"
VOC = "VOCdevkit/VOC2007"
MAIN = f"{VOC}/ImageSets/Main"

# (dataset, split) -> what is spoilt -> (file, how, what the error says)
CASES_OF_LISTS: dict[tuple[str, str], dict[str, tuple[str, Change, str]]] = {
    ("imagenet1k", "train"): {
        "tars": (f"{NET}/train", lambda p: (remove(p), p.mkdir()), "no folders of synsets"),
        "other folder": (
            f"{NET}/train",
            lambda p: (p / "__MACOSX").mkdir(),
            "1 folders are none of a synset: __MACOSX",
        ),
        "empty class": (
            f"{NET}/train/n01440764",
            lambda p: [remove(one) for one in p.iterdir()],
            "1 of 40 classes have no picture in train: n01440764",
        ),
        "no train": (f"{NET}/train", remove, "no folders of synsets"),
    },
    ("imagenet1k", "val"): {
        "no val": (f"{NET}/val", remove, "val has no picture"),
        "flat": (
            f"{NET}/val",
            lambda p: [one.rename(p / one.name) for one in list(p.glob("*/*"))],
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
