"""The fixed crop of every frame: KITTI's published 352 x 1216, before anything else."""

from __future__ import annotations

import warnings

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kitti_folders import frame, make_kitti, names

from mim_bench.benchmarks.cards import make_card
from mim_bench.benchmarks.check import GIVEN_TO_DATA, check_arguments
from mim_bench.datamodules import depth_transforms as ops
from mim_bench.datamodules.depth import DepthDataModule
from mim_bench.datamodules.randomness import sample_generator
from mim_bench.errors import UserError

SIZE = (21, 33)
KEPT = (12, 20)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return make_kitti(tmp_path_factory.mktemp("crop"), size=SIZE)


def module(root, **changes) -> DepthDataModule:
    plain = {"frame_crop": KEPT, "crop": (10, 10), "cut_depth": "off", "colour": False}
    return DepthDataModule("kitti", root, **{"flip": False, "batch_size": 2, **plain, **changes})


@pytest.mark.parametrize(
    ("frame_size", "top", "left"),
    [
        # the sizes that KITTI's frames have
        ((375, 1242), 23, 13),
        ((376, 1241), 24, 12),
        ((374, 1238), 22, 11),
        ((370, 1226), 18, 5),
        ((370, 1224), 18, 4),
        ((352, 1216), 0, 0),
    ],
)
def test_the_published_window(frame_size, top, left):
    rows, columns = np.mgrid[: frame_size[0], : frame_size[1]]
    image = np.stack([rows % 256, columns % 256, columns // 256], -1).astype(np.uint8)
    depth = (rows * 2000 + columns).astype(np.float32)
    image, depth = ops.bottom_middle(image, depth, (352, 1216))
    assert image.shape == (352, 1216, 3)
    assert depth.shape == (352, 1216)
    assert divmod(int(depth[0, 0]), 2000) == (top, left)
    assert divmod(int(depth[-1, -1]), 2000) == (frame_size[0] - 1, left + 1215)
    assert np.array_equal(depth.astype(int) // 2000 % 256, image[..., 0])
    assert np.array_equal(depth.astype(int) % 2000 % 256, image[..., 1])


@settings(max_examples=60)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 9), st.integers(0, 9))
def test_the_window_lies_below_and_in_the_middle(height, width, above, beside):
    depth = np.arange((height + above) * (width + beside)).reshape(height + above, width + beside)
    image = np.stack([depth] * 3, -1)
    found = ops.bottom_middle(image, depth, (height, width))
    left = beside // 2
    assert np.array_equal(found[1], depth[above:, left : left + width])
    assert np.array_equal(found[0][..., 0], found[1])


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_evaluation_crops_at_full_size_then_resizes(root, scale):
    batch = module(root, scale=scale, eval_batch_size=3).sample_batch("test", 3)
    size = (int(KEPT[0] * scale), int(KEPT[1] * scale))
    assert batch["id"] == [image for image, _, _ in names("test")]
    assert batch["image"].shape == (3, 3, *size)
    for index in range(3):
        image, depth = frame("test", index, SIZE)
        image, depth = image[9:, 6:26], np.ascontiguousarray(depth[9:, 6:26])
        if scale != 1:
            image = cv2.resize(
                np.ascontiguousarray(image), size[::-1], interpolation=cv2.INTER_AREA
            )
            depth = cv2.resize(depth, size[::-1], interpolation=cv2.INTER_NEAREST)
        assert np.array_equal(batch["image"][index].permute(1, 2, 0), image)
        assert np.array_equal(batch["depth"][index], (depth / 256).astype(np.float32))
        assert np.array_equal(batch["valid"][index], depth > 0)


def test_training_sees_the_window_alone(root):
    """Random crops, mirroring and CutDepth all happen inside of it."""
    datamodule = module(root, crop=(6, 8), flip=True, cut_depth="published")
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    image = np.zeros((*SIZE, 3), np.uint8)
    sample = {"id": "x", "image": image, "depth": (1 + rows + 0.01 * columns).astype(np.float32)}
    seen = []
    for position in range(1500):
        out = datamodule.train_transform(dict(sample), sample_generator(0, 0, position), position)
        assert out["depth"].shape == (6, 8)
        places = out["depth"].astype(float)
        seen.append((places.min(), places.max()))
    least, most = np.array(seen).T
    assert int(least.min()) - 1 == SIZE[0] - KEPT[0]
    assert int(most.max()) - 1 == SIZE[0] - 1
    left = round(min((value - int(value)) * 100 for value in least))
    right = round(max((value - int(value)) * 100 for value in most))
    assert (left, right) == (6, 25)


def test_the_published_cut_spans_the_window_and_wraps_kittis_numbers(root):
    datamodule = module(root, crop=KEPT, cut_depth="published")
    image, units = frame("train", 0, SIZE)
    sample = {"id": "x", "image": image, "depth": (units / 256).astype(np.float32)}
    changed = 0
    for position in range(0, 40, 4):
        rng = sample_generator(0, 0, position)
        out = datamodule.train_transform(dict(sample), rng, position)["image"].astype(int)
        inside, wrapped = image[9:, 6:26].astype(int), units[9:, 6:26].astype(int) % 256
        strip = np.flatnonzero((out != inside).any(axis=(0, 2)))
        assert (out[:, strip] == wrapped[:, strip, None]).all()
        kept = np.setdiff1d(np.arange(KEPT[1]), strip)
        assert (out[:, kept] == inside[:, kept]).all()
        changed += strip.size > 0
    assert changed > 5


@pytest.mark.parametrize(("kept", "workers"), [((22, 20), 0), ((12, 34), 0), ((12, 34), 1)])
def test_frames_that_are_too_small_are_named(root, kept, workers):
    datamodule = module(root, frame_crop=kept, num_workers=workers)
    for loader in (datamodule.train_dataloader(), datamodule.val_dataloader()):
        iterator = iter(loader)
        with pytest.raises(UserError) as caught:
            next(iterator)
        if workers:
            iterator._shutdown_workers()
        said = str(caught.value)
        for part in (
            ".png (listed in ",
            "_list.txt:",
            "the frame is 21 x 33",
            f"at least {kept[0]} x {kept[1]}",
            "data.frame_crop",
            "to do: ",
        ):
            assert part in said, said
        assert len(caught.value.problems) == 1


@pytest.mark.parametrize("value", [[352], [352, 1216, 3], [0, 5], [5, -1]])
def test_wrong_sizes_are_said(root, value):
    with pytest.raises(UserError, match=r"data\.frame_crop"):
        module(root, frame_crop=value)


def test_a_recipe_may_say_it():
    good = {"reader": "kitti", "frame_crop": [352, 1216], "crop": [352, 352]}
    assert check_arguments(DepthDataModule, good, "data", GIVEN_TO_DATA) == []
    (problem,) = check_arguments(DepthDataModule, {"frame_crop": "kb"}, "data", GIVEN_TO_DATA)
    assert "frame_crop" in problem.where


class Card:
    """A task that says one thing."""

    def card(self, options):
        return {"windows": options["windows"]}


def test_it_stands_on_the_card(root):
    job = {
        "resolved": {"trainer": {}},
        "recipe": "kitti",
        "preset": "paper",
        "data": "/data",
        "overrides": {},
        "mode": "finetune",
    }
    test = {
        "split": "test",
        "view": "test",
        "fingerprint": "f" * 64,
        "metric": "rmse",
        "checkpoint": "last",
    }
    test["options"] = {"windows": 16}
    for kept in (KEPT, None):
        datamodule = module(root, frame_crop=kept)
        datamodule.batch_report = {"effective": 2, "batch_norm": 2, "devices": 1}
        card = make_card(job, Card(), datamodule, test)
        assert card.get("frame_crop") == (None if kept is None else list(KEPT))
        assert card["windows"] == 16


def test_a_map_without_a_measurement_is_noted(root):
    datamodule = module(root)
    sample = datamodule.reader.sample("test", 1)
    empty = {**sample, "depth": np.zeros(SIZE, np.float32)}
    below = {**sample, "depth": np.zeros(SIZE, np.float32)}
    below["depth"][0] = 7  # above the window
    for one in (empty, below):
        with pytest.warns(UserWarning, match=r"0000000054.*no measurement") as said:
            assert not datamodule.eval_transform(one)["valid"].any()
        assert "test_list.txt:2" in str(said[0].message)
        with pytest.warns(UserWarning, match="nothing is learned"):
            out = datamodule.train_transform(one, np.random.default_rng(0), 0)
        assert np.isfinite(out["depth"]).all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        datamodule.eval_transform(sample)
