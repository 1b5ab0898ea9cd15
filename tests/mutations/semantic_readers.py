"""Facts of the readers of CoG, iNat18, ImageNet-1K, Birdsnap, SUN397, Caltech-101 and VOC2007."""

from tests.mutations.mutation import Mutation

_READERS = "datamodules/readers/"
_BAD = "tests/datamodules/test_bad_classification_one.py"

SEMANTIC_READERS = (
    Mutation(
        "a label past 32 bits is refused before it wraps",
        f"{_READERS}inat18.py",
        "if label not in classes:",
        "if False:",
        _BAD,
    ),
    Mutation(
        "a picture has one annotation",
        f"{_READERS}inat18.py",
        "if len(labels) < len(shown):",
        "if False:",
        _BAD,
    ),
    Mutation(
        "each level of CoG has pictures, whichever level is read",
        f"{_READERS}cog.py",
        "if lost := [wnid for wnid in names if wnid not in concepts]:",
        "if lost := [wnid for wnid in names if number == 1 and wnid not in concepts]:",
        _BAD,
    ),
    Mutation(
        "pickles are read as data",
        f"{_READERS}pickles.py",
        "if (module, name) not in _ALLOWED:",
        "if False:",
        _BAD,
    ),
    Mutation(
        "classes of ImageNet's val are numbered as those of train",
        f"{_READERS}imagenet1k.py",
        "        classes = class_folders(train)\n",
        "        classes = class_folders(self.folder / split)\n",
        _BAD,
    ),
    Mutation(
        "the first line of Birdsnap's test list may be a picture",
        f"{_READERS}birdsnap.py",
        'if "/" not in lines[0][1]:',
        "if True:",
        _BAD,
    ),
    Mutation(
        "a class of SUN397 is its whole path",
        f"{_READERS}sun397.py",
        'one = name.rpartition("/")[0]',
        'one = "/".join(name.split("/")[:2])',
        _BAD,
    ),
    Mutation(
        "each picture of VOC has one flag for each class",
        f"{_READERS}voc2007.py",
        "if name in given:",
        "if False:",
        _BAD,
    ),
    Mutation(
        "strays are no pictures of Caltech-101",
        f"{_READERS}caltech101.py",
        "whole = [one for one in found if _PICTURE.fullmatch(one)]",
        "whole = list(found)",
        _BAD,
    ),
    Mutation(
        "official numbers hold for all but drawn data, whatever the cache has",
        f"{_READERS}classification.py",
        'choices["drawn"] = self.stamp() is not None',
        'choices["drawn"] = True',
        _BAD,
    ),
    Mutation(
        "no picture to train and to test on",
        f"{_READERS}listing_rules.py",
        "if both := set(one.names.all()).intersection(other.names.all()):",
        "if both := set():",
        _BAD,
    ),
    Mutation(
        "no path leads out of the dataset's folder",
        f"{_READERS}listing_rules.py",
        'if name.startswith("/") or ".." in name.split("/")]',
        'if name.startswith("/")]',
        _BAD,
    ),
)
