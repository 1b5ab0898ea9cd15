"""Pictures of classes on their way to the network: crops, policies, batches, the card."""

from __future__ import annotations

import pickle
import random

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from test_classification_reader import Folders
from timm.data import create_transform
from timm.data.auto_augment import auto_augment_transform, rand_augment_transform
from torchvision.transforms import functional

from mim_bench.datamodules.classification import ClassificationDataModule
from mim_bench.datamodules.classification_transforms import (
    INTERPOLATIONS,
    augmentation,
    centre_crop,
    cropped,
    resized,
)
from mim_bench.datamodules.sampling import Draw
from mim_bench.draws import drawn_from
from mim_bench.errors import UserError

SMALL = {"image_size": [24, 24], "resize": 28, "train_split": "trainval", "batch_size": 4}


@pytest.fixture
def root(tmp_path):
    rng = np.random.default_rng(0)
    for split, count in (("trainval", 4), ("test", 2)):
        for name in "abc":
            folder = tmp_path / "folders" / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                picture = rng.integers(0, 256, (30, 41, 3), dtype=np.uint8)
                Image.fromarray(picture).save(folder / f"{number}.png")
    (tmp_path / "folders" / "classes.txt").write_text("a b c")
    return tmp_path


def module(root, **settings):
    return ClassificationDataModule(Folders(root), **{**SMALL, **settings})


@pytest.mark.parametrize("size", [(31, 47), (47, 31), (20, 20), (9, 50)])
def test_test_crops_are_torchvisions(size):
    picture = np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8)
    bicubic = functional.InterpolationMode.BICUBIC
    expected = functional.resize(Image.fromarray(picture), 28, bicubic)
    expected = functional.center_crop(expected, [24, 22])
    found = centre_crop(resized(picture, 28, "bicubic"), (24, 22))
    assert np.array_equal(np.asarray(found), np.asarray(expected))


@pytest.mark.parametrize("policy", ["original", "originalr", "v0", "v0r", "rand-m9-mstd0.5-inc1"])
def test_policies_are_timms(policy):
    picture = np.random.default_rng(2).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    image = Image.fromarray(picture)
    facts = {"translate_const": 10, "img_mean": (124, 116, 104)}
    facts["interpolation"] = Image.Resampling.BICUBIC
    make = rand_augment_transform if policy.startswith("rand") else auto_augment_transform
    theirs, ours = make(policy, facts), augmentation(policy, (24, 32), "bicubic")
    changed = 0
    for seed in range(30):
        with drawn_from(np.random.default_rng(seed)):
            expected = np.asarray(theirs(image))
        random.seed(seed)  # whatever the process has drawn before
        with drawn_from(np.random.default_rng(seed)):
            found = np.asarray(ours(image))
        assert np.array_equal(found, expected)
        changed += not np.array_equal(found, picture)
    assert changed > 15


def test_the_policy_is_what_timm_makes_for_fine_tuning():
    official = create_transform(
        (24, 24), is_training=True, auto_augment="rand-m9-mstd0.5-inc1", interpolation="bicubic"
    )
    ours = augmentation("rand-m9-mstd0.5-inc1", (24, 24), "bicubic")
    (theirs,) = [one for one in official.transforms if type(one) is type(ours)]
    assert str(theirs) == str(ours)
    assert [op.hparams for op in theirs.ops] == [op.hparams for op in ours.ops]


def test_global_generators_are_left_alone():
    def draws():
        return random.random(), np.random.rand()  # noqa: NPY002 - what timm draws from

    kept = random.getstate(), np.random.get_state()  # noqa: NPY002
    expected = draws()
    random.setstate(kept[0])
    np.random.set_state(kept[1])  # noqa: NPY002
    with drawn_from(np.random.default_rng(0)):
        first = draws()
    assert draws() == expected
    with drawn_from(np.random.default_rng(0)):
        assert draws() == first


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear", "nearest"])
def test_crops_are_resized_as_pillow_does(interpolation):
    rng = np.random.default_rng(4)
    for _ in range(10):
        height, width = rng.integers(20, 120, 2)
        noise = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        picture = cv2.GaussianBlur(noise, (0, 0), 1.5)  # as smooth as photographs are
        top, left = rng.integers(0, height // 2), rng.integers(0, width // 2)
        box = (int(top), int(left), int(height - top), int(width - left))
        found = cropped(picture, box, (32, 40), interpolation)
        part = Image.fromarray(picture[top:, left:])
        expected = np.asarray(part.resize((40, 32), INTERPOLATIONS[interpolation]))
        apart = np.abs(found.astype(int) - expected)
        assert apart.max() <= (0 if interpolation == "nearest" else 2)
        assert apart.mean() < 0.4  # of 255


def test_random_crops_are_of_the_asked_shares():
    from timm.data.transforms import RandomResizedCropAndInterpolation

    image = Image.new("RGB", (400, 300))
    shares, ratios = [], []
    for seed in range(300):
        with drawn_from(np.random.default_rng(seed)):
            box = RandomResizedCropAndInterpolation.get_params(image, (0.3, 0.5), (0.8, 1.25))
        shares.append(box[2] * box[3] / 120000)
        ratios.append(box[3] / box[2])
    assert 0.29 < min(shares) < 0.33
    assert 0.47 < max(shares) < 0.51
    assert 0.78 < min(ratios) < 0.85
    assert 1.15 < max(ratios) < 1.28


def test_samples_depend_on_seed_epoch_and_position_alone(root):
    one, other = module(root), pickle.loads(pickle.dumps(module(root)))
    draw = Draw(2, 5, 7)
    expected = one._train_sample(draw)["image"]
    one._train_sample(Draw(0, 0, 0))
    random.seed(9)
    assert np.array_equal(other._train_sample(draw)["image"], expected)
    assert not np.array_equal(other._train_sample(Draw(3, 5, 7))["image"], expected)
    assert not np.array_equal(module(root, seed=1)._train_sample(draw)["image"], expected)


@pytest.mark.parametrize("settings", [{}, {"augment": None}, {"augment": None, "colour": 0}])
def test_batches(root, settings):
    data = module(root, **settings)
    batch = next(iter(data.train_dataloader()))
    assert batch["image"].shape == (4, 3, 24, 24)
    assert batch["image"].dtype == torch.uint8
    assert batch["label"].dtype == torch.int64
    test = [one for each in data.eval_dataloader("test") for one in each["id"]]
    assert test == data.reader.ids("test")
    assert data.info.classes == ("a", "b", "c")
    assert data.card("test")["trained_on"] == "trainval, 12 pictures"


def test_mirroring_can_be_switched_off(root):
    plain = {"augment": None, "colour": 0, "crop_scale": [1, 1], "crop_ratio": [41 / 30, 41 / 30]}
    still = module(root, flip=0, **plain)._train_sample(Draw(0, 0, 0))["image"]
    turned = module(root, flip=1, **plain)._train_sample(Draw(0, 0, 0))["image"]
    assert np.array_equal(still[:, ::-1], turned)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"augment": "auto"}, "there is no policy 'auto'"),
        ({"augment": "rand-x9"}, "rand-x9"),
        ({"interpolation": "bicubi"}, "did you mean 'bicubic'"),
        ({"crop_scale": [0.5, 0.2]}, "lower bound first"),
        ({"image_size": [24]}, "two numbers"),
        ({"resize": 20}, "at least 24"),
        ({"reader": "nyuv2", "train_split": "train"}, "reads no classes"),
    ],
)
def test_wrong_settings(root, settings, text):
    with pytest.raises(UserError, match=text):
        ClassificationDataModule(**{"reader": Folders(root), "root": root, **SMALL, **settings})
