"""Facts of the readers of the classification datasets."""

from tests.mutations.mutation import Mutation

_READERS = "datamodules/readers/"
_BAD = "tests/datamodules/test_bad_classification_files.py"

_WORLD = "tests/datamodules/test_miniature_classification.py"

SEMANTIC_READERS = (
    Mutation(
        "Food's classes are numbered by their sorted keys",
        f"{_READERS}food101.py",
        "classes = sorted(content)",
        "classes = list(content)",
        _WORLD,
    ),
    Mutation(
        "Cars count classes from 1",
        f"{_READERS}cars.py",
        "int(label) - 1",
        "int(label) % len(named)",
        _WORLD,
    ),
    Mutation(
        "Flowers are tested on the large set",
        f"{_READERS}flowers.py",
        '"train": ("trnid",)',
        '"train": ("tstid",)',
        _WORLD,
    ),
    Mutation(
        "CIFAR's pixels are laid colour by colour",
        f"{_READERS}cifar.py",
        "reshape(3, _SIDE, _SIDE)\n        return np.ascontiguousarray(pixels.transpose(1, 2, 0))",
        "reshape(_SIDE, _SIDE, 3)\n        return np.ascontiguousarray(pixels)",
        _WORLD,
    ),
    Mutation(
        "VOC's difficult objects are not scored",
        f"{_READERS}voc2007.py",
        '"0": -1',
        '"0": 0',
        _WORLD,
    ),
    Mutation(
        "each class gives its share to the validation part",
        f"{_READERS}listings.py",
        "order = np.lexsort((rank, labels))",
        "order = np.argsort(rank)",
        "tests/datamodules/test_classification_reader.py",
    ),
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
