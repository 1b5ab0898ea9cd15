"""The augmentation of depth against plain re-tellings of the published protocol."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nyu_folders import make_nyu

from mim_bench.datamodules import depth_transforms as ops
from mim_bench.datamodules.depth import DepthDataModule
from mim_bench.datamodules.randomness import sample_generator
from mim_bench.datamodules.transforms import colour_jitter
from mim_bench.errors import UserError

HEIGHT, WIDTH = 24, 32


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return make_nyu(tmp_path_factory.mktemp("transforms"))


def module(root, **settings) -> DepthDataModule:
    plain = {"crop": (HEIGHT, WIDTH), "cut_depth": "off", "colour": False, "flip": False}
    return DepthDataModule("nyuv2", root, **{**plain, **settings})


def coordinates(depth_from=1.0):
    """A frame in which every pixel says where it came from, in the picture and in the depth."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    image = np.stack([rows, columns, rows * 0], axis=-1).astype(np.uint8)
    depth = (depth_from + rows + 0.01 * columns).astype(np.float32)
    return {"id": "x", "image": image, "depth": depth}


def run(datamodule, position, sample=None, epoch=0):
    sample = coordinates() if sample is None else sample
    rng = sample_generator(0, epoch, position)
    return datamodule.train_transform(dict(sample), rng, position)


def test_published_cut_wraps_the_files_numbers():
    depth = np.array([[3.456, 0.255, 0.256, 0.0, 65.535, 9.999]], np.float32)
    assert ops.wrapped(depth, 1000).tolist() == [[128, 255, 0, 0, 255, 15]]
    every = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    metres = np.divide(every, 1000, dtype=np.float32)
    assert np.array_equal(ops.wrapped(metres, 1000), every % 256)


@given(st.floats(0, 1, exclude_max=True), st.floats(0, 1), st.integers(1, 1300))
def test_columns_of_the_cut(alpha, beta, width):
    left, end = ops.cut_columns(alpha, beta, width)
    assert left == int(alpha * width)
    assert end - left == int(max((width - alpha * width) * beta * 0.75, 1))
    assert 0 <= left < end
    assert left < width
    assert end <= width


def test_published_cut_comes_with_every_fourth_position(root):
    datamodule = module(root, cut_depth="published")
    before = coordinates(3.456)
    for position in range(40):
        after = run(datamodule, position, before)
        changed = (after["image"] != before["image"]).any(axis=(0, 2))
        if position % 4:
            assert not changed.any()
            continue
        assert changed.any()
        columns = np.flatnonzero(changed)
        # one strip over all rows; pixels that happen to have their own value may look unchanged
        strip = slice(columns[0], columns[-1] + 1)
        wanted = np.rint(before["depth"].astype(float) * 1000).astype(int) % 256
        for channel in range(3):
            assert np.array_equal(after["image"][:, strip, channel], wanted[:, strip])
        assert np.array_equal(after["depth"], before["depth"])


def test_clean_cut_is_a_random_quarter_in_shades_of_depth(root):
    datamodule = module(root, cut_depth="clean")
    before = {**coordinates(), "depth": np.full((HEIGHT, WIDTH), 4.0, np.float32)}
    cut = []
    for position in range(1200):
        after = run(datamodule, position, before)["image"]
        changed = (after != before["image"]).any(axis=-1)
        cut.append(changed.any())
        assert set(after[changed].ravel()) <= {102}  # 255 * 4 / 10
    assert 0.2 < np.mean(cut) < 0.3
    assert 0.2 < np.mean(cut[::4]) < 0.3
    assert ops.shaded(np.array([0, 5, 10, 20], np.float32), 10).tolist() == [0, 128, 255, 255]


@pytest.mark.parametrize("settings", [{}, {"flip": True}, {"flip": True, "crop": (10, 14)}])
def test_picture_and_depth_move_together(root, settings):
    datamodule = module(root, **settings)
    height, width = datamodule.crop
    mirrored = set()
    for position in range(60):
        out = run(datamodule, position)
        assert out["image"].shape == (height, width, 3)
        rows, columns = out["image"][..., 0].astype(int), out["image"][..., 1].astype(int)
        np.testing.assert_allclose(out["depth"], 1 + rows + 0.01 * columns, atol=1e-4)
        assert (np.diff(rows, axis=0) == 1).all()
        steps = np.unique(np.diff(columns, axis=1))
        assert steps.tolist() in ([1], [-1])
        mirrored.add(int(steps[0]))
        assert out["valid"].all()
    assert mirrored == ({1, -1} if datamodule.flip else {1})


def test_order_cut_then_mirror_then_crop(root):
    """The cut is made on the whole frame: in mirrored samples its strip is mirrored too."""
    datamodule = module(root, cut_depth="published", flip=True)
    middles = {True: [], False: []}
    for position in range(0, 2400, 4):
        rng = sample_generator(0, 0, position)
        frame = {**coordinates(), "depth": np.full((HEIGHT, WIDTH), 0.2, np.float32)}
        image = datamodule.train_transform(frame, rng, position)["image"]
        strip = np.flatnonzero((image == 200).all(axis=(0, 2)))
        kept = [column for column in (0, WIDTH - 1) if column not in strip]
        if not kept:
            continue
        mirrored = bool(image[0, kept[0], 1] != kept[0])
        middles[mirrored].append(strip.mean())
    # int(alpha W) .. + 0.75 (1-alpha) beta W: the strip's middle lies right of the frame's middle
    assert np.mean(middles[False]) > WIDTH / 2 + 1
    assert np.mean(middles[True]) < WIDTH / 2 - 2


def test_crops_are_uniform_and_reach_every_border():
    rng = np.random.default_rng(0)
    places = np.array([ops.crop_place(rng, (12, 15), (10, 10)) for _ in range(6000)])
    for column, number in ((0, 3), (1, 6)):
        found = np.bincount(places[:, column], minlength=number) / len(places)
        assert len(found) == number
        np.testing.assert_allclose(found, 1 / number, atol=0.025)
    assert ops.crop_place(rng, (480, 640), (480, 640)) == (0, 0)
    with pytest.raises(UserError, match=r"96 x 200.*data\.crop|data\.crop.*96 x 200") as caught:
        ops.crop_place(rng, (96, 128), (96, 200))
    assert "96 x 128" in str(caught.value)


def test_resizing_keeps_holes_and_invents_no_depth():
    rng = np.random.default_rng(1)
    image = rng.integers(0, 256, (480, 640, 3)).astype(np.uint8)
    depth = rng.choice([0.0, 1.5, 9.0], (480, 640)).astype(np.float32)
    small, near = ops.resize(image, depth, 0.2)
    assert small.shape == (96, 128, 3)
    assert near.shape == (96, 128)
    assert near.dtype == np.float32
    assert set(np.unique(near)) == {0.0, 1.5, 9.0}
    blocks = image.reshape(96, 5, 128, 5, 3).mean(axis=(1, 3))
    assert np.abs(small - blocks).max() <= 0.51
    for scale in (0.3, 0.5, 1.7):  # between pixels
        assert set(np.unique(ops.resize(image, depth, scale)[1])) == {0.0, 1.5, 9.0}
    same, also = ops.resize(image, depth, 1.0)
    assert same is image
    assert also is depth


def test_a_readers_arrays_are_left_alone(root):
    datamodule = module(root, cut_depth="published", colour=True, flip=True)
    sample = coordinates()
    kept = {key: np.copy(value) for key, value in sample.items()}
    for position in range(8):
        run(datamodule, position, sample)
    for key in ("image", "depth"):
        assert np.array_equal(sample[key], kept[key])


def correlation(a, b) -> float:
    return abs(float(np.corrcoef(np.asarray(a, float), np.asarray(b, float))[0, 1]))


def test_augmentations_of_a_sample_are_independent(root):
    """Flips, crops and colours of 2,000 samples tell nothing of each other."""
    datamodule = module(root, crop=(12, 16), flip=True, colour=True, cut_depth="clean")
    plain = module(root, crop=(12, 16), flip=True, cut_depth="off")
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    image = np.stack([60 + 3 * rows, 60 + 3 * columns, 90 + rows], -1).astype(np.uint8)
    frame = {"id": "x", "image": image, "depth": (1 + rows + 0.01 * columns).astype(np.float32)}
    facts = []
    for position in range(2000):
        depth = run(plain, position, frame)["depth"].astype(float)
        flip = depth[0, 0] > depth[0, -1]
        top = int(depth[0, 0]) - 1
        left = round((depth[0].min() - 1 - top) * 100)
        # colours on a picture of their own, so that the crop can't change what they do
        rng = sample_generator(0, 0, position)
        flat = np.full((HEIGHT, WIDTH, 3), (150, 100, 60), np.uint8)
        out = datamodule.train_transform({**frame, "image": flat}, rng, position)["image"]
        pixel = out[-1, -1 if flip else 0].astype(int)  # least often inside the cut
        cut = (out == out[:1, :, :]).all() and len(np.unique(out.reshape(-1, 3), axis=0)) > 1
        changed = tuple(pixel) != (150, 100, 60)
        facts.append((flip, top, left, changed, pixel.sum(), pixel[0] - pixel[2], cut))
    flips, tops, lefts, changed, light, hue, _ = np.array(facts, dtype=float).T
    assert 0.45 < flips.mean() < 0.55
    assert (tops.min(), tops.max(), lefts.min(), lefts.max()) == (0, 12, 0, 16)
    # each of three changes comes with half of the samples: all stay away in an eighth
    assert 0.83 < changed.mean() < 0.92
    for a, b in (
        (flips, tops),
        (flips, lefts),
        (tops, lefts),
        (flips, changed),
        (flips, light),
        (flips, hue),
        (tops, light),
        (lefts, light),
        (tops, changed),
        (lefts, changed),
        (lefts, hue),
    ):
        assert correlation(a, b) < 0.09


def test_colour_changes_come_independently_of_each_other():
    jitter = colour_jitter()
    picture = np.zeros((1, 3, 3), np.uint8)
    picture[0] = (60, 60, 60), (170, 170, 170), (200, 40, 40)
    bent, hue, values = [], [], []
    for position in range(2000):
        out = jitter(picture, sample_generator(1, 0, position))
        assert out.dtype == np.uint8
        low, high = out[0, 0].astype(int).max(), out[0, 1].astype(int).max()
        # contrast and gamma alone change the distance of two greys' values; a change of hue
        # alone tells green and blue of a red apart
        bent.append(abs(high - low - 110) > 1)
        hue.append(int(out[0, 2, 1]) != int(out[0, 2, 2]))
        values.append(low)
    assert 0.44 < np.mean(hue) < 0.54
    assert 0.5 < np.mean(bent) < 0.75  # of three quarters, some by less than a shade
    assert correlation(hue, bent) < 0.09
    assert min(values) < 30
    assert max(values) > 95


def test_colour_is_driven_by_the_samples_generator_alone():
    picture = np.random.default_rng(0).integers(0, 256, (6, 6, 3)).astype(np.uint8)
    one, two = colour_jitter(), colour_jitter()
    for position in (3, 9, 4):
        one(picture, sample_generator(9, 9, position))  # another history
    for position in range(12):
        first = one(picture, sample_generator(0, 0, position))
        assert np.array_equal(first, two(picture, sample_generator(0, 0, position)))


def test_crop_cuts_out_of_the_mirrored_frame():
    rng = np.random.default_rng(4)
    image = rng.integers(0, 256, (20, 31, 3)).astype(np.uint8)
    depth = rng.uniform(0, 9, (20, 31)).astype(np.float32)
    for mirrored in (False, True):
        whole = (image[:, ::-1], depth[:, ::-1]) if mirrored else (image, depth)
        for _ in range(20):
            top, left = int(rng.integers(0, 9)), int(rng.integers(0, 14))
            found = ops.crop(image, depth, (top, left), (12, 18), mirrored)
            for part, frame in zip(found, whole, strict=True):
                assert (part == frame[top : top + 12, left : left + 18]).all()
                assert part.dtype == frame.dtype
