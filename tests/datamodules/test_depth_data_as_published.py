"""Training samples of depth against what the authors' dataset class gave for the same draws."""

import numpy as np
import pytest
from depth_cases import TRAINING_CROP, ScriptedDraws, golden, ranges, training_frames, write_frames

from mim_bench.datamodules.depth import DepthDataModule
from mim_bench.datamodules.depth_transforms import cut_columns

GOLDEN = golden("depth_data")


def test_strips_of_the_cut_are_the_authors_to_the_column():
    for alpha, beta, width, first, end in GOLDEN["columns"]:
        assert cut_columns(alpha, beta, width) == (first, end), (alpha, beta, width)


def test_a_span_that_is_whole_loses_no_column_to_rounding():
    assert cut_columns(0.8, 0.0625, 640) == (512, 518)
    assert cut_columns(0.9, 0.75, 640) == (576, 612)


@pytest.fixture(scope="module")
def datamodule(tmp_path_factory):
    root = tmp_path_factory.mktemp("frames")
    write_frames(root, "nyudepthv2", "train", training_frames())
    return DepthDataModule("nyuv2", root, crop=TRAINING_CROP, colour=False)


@pytest.mark.parametrize("position", range(len(GOLDEN["augmented"])))
def test_samples_are_the_authors_to_the_pixel(datamodule, position):
    expected = GOLDEN["augmented"][position]
    sample = datamodule.reader.sample("train", position)
    found = datamodule.train_transform(sample, ScriptedDraws(*expected["draws"]), position)
    assert np.array_equal(found["image"], expected["image"])
    assert found["depth"][0, 0] == np.float32(expected["depth_first"])


def test_samples_show_what_they_are_to_show():
    rows = GOLDEN["augmented"]
    assert [number for number, row in enumerate(rows) if row["cut"]] == [0, 4, 8]
    assert {row["draws"][-1] for row in rows} == {True, False}


def test_colours_change_in_the_authors_order_and_ranges():
    datamodule = DepthDataModule("nyuv2", "nowhere")
    ours = ranges(datamodule.colour.chain.transforms)
    assert [step["name"] for step in GOLDEN["colours"][:2]] == ["HorizontalFlip", "RandomCrop"]
    assert ours == GOLDEN["colours"][2:]
