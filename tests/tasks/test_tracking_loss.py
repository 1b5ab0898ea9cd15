"""Losses and targets of tracking against plain loops."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mim_bench.tasks.tracking_loss import overlaps, tracking_losses, varifocal
from mim_bench.tasks.tracking_targets import box_targets

SIDES = st.floats(0.001, 1.0)
PLACES = st.floats(-1.0, 1.0)
BOXES = st.tuples(PLACES, PLACES, SIDES, SIDES)


def plain_overlaps(box, other):
    """Return IoU and GIoU of two boxes, centre and sides."""
    (l1, t1, r1, b1), (l2, t2, r2, b2) = (
        (x - w / 2, y - h / 2, x + w / 2, y + h / 2) for x, y, w, h in (box, other)
    )
    common = max(0, min(r1, r2) - max(l1, l2)) * max(0, min(b1, b2) - max(t1, t2))
    union = max(1e-6, box[2] * box[3] + other[2] * other[3] - common)
    hull = max(1e-6, (max(r1, r2) - min(l1, l2)) * (max(b1, b2) - min(t1, t2)))
    return common / union, common / union - (hull - union) / hull


def plain_losses(logits, boxes, positives, truth):
    """Return both losses, and what they are divided by, cell by cell."""
    score = box = count = weights = 0.0
    for b, i, j in np.ndindex(*logits.shape):
        p = 1 / (1 + math.exp(-logits[b, i, j]))
        if positives[b, i, j]:
            iou, giou = plain_overlaps(boxes[b, i, j], truth[b])
            t = max(iou, 1e-6)
            score += t * -(t * math.log(p) + (1 - t) * math.log(1 - p))
            box += p * (1 - giou)
            count += 1
            weights += p
        else:
            score += 0.75 * p**2 * -math.log(1 - p)
    return score, box, count, weights


def draw(seed, count=3, grid=(4, 5)):
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (count, *grid))
    boxes = rng.uniform(0.05, 0.95, (count, *grid, 4))
    low = rng.uniform(0, 0.6, (count, 2))
    pixels = np.concatenate([low, rng.uniform(0.05, 1 - low)], axis=1) * [80, 64, 80, 64]
    return [torch.from_numpy(one) for one in (logits, boxes, pixels)]


def test_losses_are_those_of_plain_loops():
    logits, boxes, pixels = draw(0)
    positives, truth = box_targets(pixels, (64, 80), (4, 5))
    found = tracking_losses(logits, boxes, positives, truth)
    score, box, count, weights = plain_losses(
        *(one.numpy() for one in (logits, boxes)), positives, truth.double().numpy()
    )
    assert found["score"].item() == pytest.approx(score / count, rel=1e-5)
    assert found["box"].item() == pytest.approx(box / weights, rel=1e-5)


@given(BOXES, BOXES)
def test_overlaps_are_those_of_plain_numbers(box, other):
    pair = [torch.tensor(one, dtype=torch.float64) for one in (box, other)]
    iou, giou = overlaps(*pair)
    expected = plain_overlaps(box, other)
    assert [iou.item(), giou.item()] == pytest.approx(expected, abs=1e-9)
    assert -1 <= giou.item() <= iou.item() + 1e-9
    swapped = overlaps(*pair[::-1])
    assert swapped[1].item() == pytest.approx(giou.item(), abs=1e-9)


def test_overlaps_have_a_gradient_everywhere():
    boxes = torch.tensor([[0.5, 0.5, 0.2, 0.2], [0.1, 0.1, 0.1, 0.1], [0.5, 0.5, 0.0, 0.0]])
    boxes.requires_grad_()
    (1 - overlaps(boxes, torch.tensor([0.5, 0.5, 0.2, 0.2]).expand(3, 4))[1]).sum().backward()
    assert boxes.grad.isfinite().all()
    assert boxes.grad[1].abs().sum() > 0.1  # apart: it is drawn nearer


def test_the_overlap_is_a_target_and_learns_nothing_from_the_scores():
    logits, boxes, pixels = draw(1)
    positives, truth = box_targets(pixels, (64, 80), (4, 5))
    logits, boxes = logits.float().requires_grad_(), boxes.float().requires_grad_()
    losses = tracking_losses(logits, boxes, positives, truth)
    (of_score,) = torch.autograd.grad(losses["score"], boxes, retain_graph=True)
    (of_box,) = torch.autograd.grad(losses["box"], logits)
    assert not of_score.any()
    assert not of_box.any()


def test_no_positive_cell_is_no_division_by_nothing():
    logits = torch.zeros(1, 2, 2, requires_grad=True)
    boxes = torch.full((1, 2, 2, 4), 0.5, requires_grad=True)
    nothing = torch.zeros(1, 2, 2, dtype=torch.bool)
    losses = tracking_losses(logits, boxes, nothing, torch.full((1, 4), 0.5))
    assert losses["box"].item() == 0
    assert losses["score"].item() == pytest.approx(4 * 0.75 * 0.25 * math.log(2) / 1e-4, rel=1e-5)
    (losses["score"] + losses["box"]).backward()
    assert logits.grad.isfinite().all()
    assert boxes.grad.isfinite().all()


def test_the_norm_of_tiny_weights():
    logits = torch.full((1, 1, 1), -13.0)  # a score of 2.3e-6
    box = torch.tensor([0.5, 0.5, 0.2, 0.2])
    losses = tracking_losses(
        logits, box.expand(1, 1, 1, 4) * 0.5, torch.ones(1, 1, 1, dtype=torch.bool), box[None]
    )
    distance = 1 - plain_overlaps([0.25, 0.25, 0.1, 0.1], box.tolist())[1]
    assert losses["box"].item() == pytest.approx(distance * math.exp(-13.0) / 1e-5, rel=1e-3)


def test_varifocal_keeps_a_gradient_where_a_probability_is_rounded():
    logits = torch.tensor([60.0, -60.0], requires_grad=True)
    found = varifocal(logits, torch.tensor([0.0, 0.8]))
    assert found.tolist() == pytest.approx([0.75 * 60, 0.8 * 0.8 * 60], rel=1e-5)
    found.sum().backward()
    assert logits.grad.tolist() == pytest.approx([0.75, -0.64], rel=1e-5)


@settings(max_examples=40)
@given(st.data())
def test_positive_cells_are_those_of_plain_loops(data):
    rows, columns = data.draw(st.integers(1, 15)), data.draw(st.integers(1, 15))
    cell = data.draw(st.sampled_from([16, 14, 8]))
    height, width = rows * cell, columns * cell
    x1, x2 = sorted(data.draw(st.floats(0, width, width=32)) for _ in range(2))
    y1, y2 = sorted(data.draw(st.floats(0, height, width=32)) for _ in range(2))
    box = torch.tensor([[x1, y1, x2 - x1, y2 - y1]], dtype=torch.float32)
    positives, truth = box_targets(box, (height, width), (rows, columns))
    x, y, w, h = (float(number) for number in box[0])
    for i in range(rows):
        for j in range(columns):
            inside = math.floor(x * columns / width) <= j <= math.floor((x + w) * columns / width)
            inside &= math.floor(y * rows / height) <= i <= math.floor((y + h) * rows / height)
            assert bool(positives[0, i, j]) == inside
    expected = [(x + w / 2) / width, (y + h / 2) / height, w / width, h / height]
    assert truth[0].tolist() == pytest.approx(expected, abs=1e-6)
    assert truth.dtype == torch.float32
