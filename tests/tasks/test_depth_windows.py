"""Window and flip test against a plain loop over columns."""

import numpy as np
import pytest
import torch
from depth_cases import golden, window_images
from depth_cases import window_network as network
from hypothesis import given, settings
from hypothesis import strategies as st

from mim_bench.errors import UserError
from mim_bench.tasks.depth_windows import predict_depth, window_starts

GOLDEN = golden("depth")


def slow(images, flip, windows):
    count, _, height, width = images.shape
    stride = (width - height) // (windows - 1)
    total = np.zeros((count, 1, height, width))
    cover = np.zeros(width)
    for index in range(windows):
        start = index * stride
        part = images[..., start : start + height]
        output = network(part).numpy().astype(np.float64)
        if flip:
            mirrored = network(torch.flip(part, [3])).numpy().astype(np.float64)
            output = (output + mirrored[..., ::-1]) / 2
        for column in range(height):
            total[..., start + column] += output[..., column]
            cover[start + column] += 1
    return np.stack(
        [
            total[..., c] / cover[c] if cover[c] else np.full_like(total[..., c], np.nan)
            for c in range(width)
        ],
        axis=-1,
    )


def drawn(count, height, width, seed=0):
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.uniform(0, 1, (count, 3, height, width)).astype(np.float32))


def test_published_windows():
    assert window_starts(480, 640, 2) == [0, 160]
    starts = window_starts(352, 1216, 16)
    assert starts == [57 * index for index in range(16)]
    assert 1216 - (starts[-1] + 352) == 9


@given(st.integers(1, 3), st.integers(4, 12), st.integers(1, 30), st.integers(2, 6), st.booleans())
@settings(max_examples=40, deadline=None)
def test_loop_over_columns(count, height, wider, windows, flip):
    images = drawn(count, height, height + wider)
    found = predict_depth(network, images, flip, windows, chunk=5).numpy()
    assert found.shape == (count, 1, height, height + wider)
    np.testing.assert_allclose(found, slow(images, flip, windows), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("case", GOLDEN["windows"], ids=lambda c: f"{c['windows']} {c['width']}")
def test_same_depth_as_the_authors_code(case):
    images = window_images(case["height"], case["width"])
    found = predict_depth(network, images, case["flip"], case["windows"])[0, 0].numpy()
    assert int(np.isnan(found).sum()) == case["undefined"]
    expected = np.array(case["values"], dtype=np.float64)
    np.testing.assert_allclose(found[case["rows"]][:, case["columns"]], expected, rtol=1e-5)


def test_kitti_leaves_its_last_nine_columns_undefined():
    found = predict_depth(network, drawn(1, 352, 1216), False, 16)
    undefined = torch.isnan(found).any(dim=-2).flatten().nonzero().flatten().tolist()
    assert undefined == list(range(1207, 1216))


def test_mirrored_windows_are_in_the_same_pass_and_chunks_change_nothing():
    sizes = []

    def counted(images):
        sizes.append(tuple(images.shape))
        return network(images)

    images = drawn(2, 8, 12)
    whole = predict_depth(counted, images, True, 3)
    assert sizes == [(12, 3, 8, 8)]
    sizes.clear()
    assert torch.equal(predict_depth(counted, images, True, 3, chunk=5), whole)
    assert [size[0] for size in sizes] == [5, 5, 2]


def test_whole_frames():
    images = drawn(2, 8, 12)
    assert torch.equal(predict_depth(network, images, False, 1), network(images))
    both = (network(images) + network(images.flip(-1)).flip(-1)) / 2
    torch.testing.assert_close(predict_depth(network, images, True, 1), both)


def test_square_frames_have_one_window_and_high_ones_none():
    assert window_starts(480, 480, 2) == [0]
    images = drawn(1, 8, 8)
    assert torch.equal(predict_depth(network, images, False, 4), network(images))
    with pytest.raises(UserError, match=r"640 x 480.*\n.*\n.*set windows to 1"):
        window_starts(640, 480, 2)


@given(st.integers(4, 10), st.integers(0, 20), st.integers(1, 5))
@settings(max_examples=25, deadline=None)
def test_mirrored_frames_give_mirrored_depth_where_windows_lie_symmetrically(side, wider, windows):
    width = side + (wider // max(windows - 1, 1)) * max(windows - 1, 1)
    images = drawn(1, side, width)
    found = predict_depth(network, images, True, windows)
    mirrored = predict_depth(network, images.flip(-1), True, windows)
    torch.testing.assert_close(mirrored.flip(-1), found, equal_nan=True)
