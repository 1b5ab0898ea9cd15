"""Targets and decoding against MMPose's numbers on seeded inputs."""

import numpy as np
import pytest
import torch
from pose_cases import JOINTS, PAIRS, golden, heatmaps, targets

from mim_bench.tasks.pose_decoding import decode, flip_back, to_picture
from mim_bench.tasks.pose_targets import gaussian_targets, heatmap_loss

NUMBERS = golden()
SIZE = (64, 64)


def test_targets():
    keypoints, weight = (torch.from_numpy(one) for one in targets(0))
    maps, kept = gaussian_targets(keypoints, weight, (256, 256), SIZE, 2.0)
    places = torch.arange(64.0)
    for index, wanted in enumerate(NUMBERS["targets"]):
        np.testing.assert_array_equal(kept[index], wanted["weight"])
        np.testing.assert_allclose(maps[index].sum((1, 2)), wanted["sums"], atol=1e-4)
        np.testing.assert_allclose(maps[index].sum(2) @ places, wanted["rows"], atol=1e-2)
        np.testing.assert_allclose(maps[index].sum(1) @ places, wanted["columns"], atol=1e-2)


def plain_target(x, y, size, stride, sigma):
    height, width = size
    column, row = int(x / stride + 0.5), int(y / stride + 0.5)
    radius = int(3 * sigma)
    found = np.zeros(size, np.float32)
    for r in range(height):
        for c in range(width):
            if abs(r - row) <= radius and abs(c - column) <= radius:
                found[r, c] = np.exp(-((r - row) ** 2 + (c - column) ** 2) / (2 * sigma**2))
    return found


@pytest.mark.parametrize("sigma", [1.0, 2.0, 3.0])
def test_targets_pixel_by_pixel(sigma):
    rng = np.random.default_rng(5)
    keypoints = rng.uniform(-10, 110, (1, 6, 2)).astype(np.float32)
    weight = torch.tensor([[1.0, 1.0, 1.0, 1.0, 0.0, 1.0]])
    maps, kept = gaussian_targets(torch.from_numpy(keypoints), weight, (96, 80), (24, 20), sigma)
    for joint in range(6):
        expected = plain_target(*keypoints[0, joint].tolist(), (24, 20), 4, sigma)
        expected *= float(kept[0, joint])
        np.testing.assert_allclose(maps[0, joint], expected, atol=1e-6)
    assert kept[0, 4] == 0


def test_the_loss_is_a_mean_over_labelled_and_unlabelled_joints():
    rng = np.random.default_rng(6)
    prediction, target = rng.normal(size=(2, 3, 5, 8, 7))
    weight = (rng.random((3, 5)) < 0.5).astype(float)
    per_joint = [
        np.mean([weight[b, k] * (prediction[b, k] - target[b, k]) ** 2 for b in range(3)])
        for k in range(5)
    ]
    found = heatmap_loss(*(torch.from_numpy(one) for one in (prediction, target, weight)))
    assert float(found) == pytest.approx(np.mean(per_joint))


def test_mirrored_maps():
    maps = torch.from_numpy(heatmaps(0))
    plain, shifted = flip_back(maps, PAIRS, False), flip_back(maps, PAIRS, True)
    np.testing.assert_allclose(plain.sum((0, 1)), NUMBERS["decoding"]["flipped"], atol=1e-3)
    ranks = torch.arange(float(JOINTS))[None, :, None, None]
    found = (shifted * ranks).sum((0, 1))
    np.testing.assert_allclose(found, NUMBERS["decoding"]["shifted"], atol=1e-2)
    torch.testing.assert_close(flip_back(plain, PAIRS, False), maps)


@pytest.mark.parametrize(("how", "apart"), [("argmax", 1e-4), ("quarter", 1e-4), ("dark", 1e-3)])
def test_decoding(how, apart):
    center = torch.tensor([[100.0, 80.0], [50.0, 60.0], [220.0, 10.0]])
    scale = torch.tensor([[1.0, 0.75], [0.4, 0.3], [2.0, 1.5]])
    places, peaks = decode(torch.from_numpy(heatmaps(0)), how)
    found = to_picture(places, center, scale, (48, 64))
    np.testing.assert_allclose(found, NUMBERS["decoding"][how], atol=apart)
    np.testing.assert_allclose(peaks, heatmaps(0).max((2, 3)), atol=0)


def test_what_is_drawn_is_read_back():
    """The whole way: joints, targets, decoding, back to the picture."""
    rng = np.random.default_rng(7)
    keypoints = torch.from_numpy(rng.uniform(40, 210, (4, JOINTS, 2)).astype(np.float32))
    maps, _ = gaussian_targets(keypoints, torch.ones(4, JOINTS), (256, 256), SIZE, 2.0)
    center = torch.full((4, 2), 128.0)
    scale = torch.full((4, 2), 256 / 200)
    places, peaks = decode(maps, "quarter")
    # targets are rounded to whole heat-map pixels, so half a pixel of 4 is lost
    assert (to_picture(places, center, scale, SIZE) - keypoints).abs().max() <= 2 + 1e-3
    assert (peaks == 1).all()
