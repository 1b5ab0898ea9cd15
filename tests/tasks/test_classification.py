"""The classification task: what is learnt, what is said of a picture, what it is worth."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from timm.data.mixup import Mixup
from torch.nn import functional

from mim_bench.draws import drawn_from
from mim_bench.errors import UserError
from mim_bench.tasks.base import Task
from mim_bench.tasks.classification import ClassificationTask
from mim_bench.tasks.classification_metrics import (
    eleven_point_precision,
    per_class,
    score_records,
)
from mim_bench.tasks.classification_mixing import Mixing
from mim_bench.tasks.classification_validation import ClassificationScores

INFO = {"name": "pets", "classes": ("a", "b", "c", "d", "e", "f")}


def task(backbone="convnext_mini", info=INFO, **settings):
    torch.manual_seed(0)
    return ClassificationTask(backbone, info=info, image_size=(32, 32), **settings)


def batch(count=6, classes=6):
    return {
        "id": [str(k) for k in range(count)],
        "image": torch.randint(0, 256, (count, 3, 32, 32), dtype=torch.uint8),
        "label": torch.arange(count) % classes,
    }


@pytest.mark.parametrize(
    ("backbone", "norm"),
    [("convnext_mini", "pooled"), ("swinv2_mini", "tokens"), ("vit_mini", "pooled")],
)
def test_any_backbone_learns_a_batch(backbone, norm):
    one = task(backbone, window=None, mixup=0.0, cutmix=0.0, erasing=0.0, smoothing=0.0)
    assert one.norm == norm
    samples = batch()
    optimiser = torch.optim.AdamW(one.parameters(), lr=2e-3)
    for _ in range(40):
        loss = one.loss(samples)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    records = one.eval().evaluate(samples, {})
    assert [record["id"] for record in records] == samples["id"]
    assert one.scores(records)["top1"] > 80


@pytest.mark.parametrize("name", ["swinv2_cr_tiny_ns_224", "hiera_base_abswin_256"])
def test_names_like_swins_are_no_swins(name, monkeypatch):
    """The last norm follows what a network is, not what it is called."""
    asked = {}
    monkeypatch.setattr(Task, "__init__", lambda _self, _backbone, **given: asked.update(given))
    norm = ClassificationTask(name, info=INFO).norm
    assert (norm, asked["out_norm"]) == ("pooled", "none")


def test_plain_loss_is_smoothed_cross_entropy():
    one, samples = task(mixup=0.0, cutmix=0.0, erasing=0.0), batch()
    expected = functional.cross_entropy(
        one.network(one.images(samples)), samples["label"], label_smoothing=0.1
    )
    torch.testing.assert_close(one.loss(samples), expected)


def test_several_classes_count_where_they_are_known():
    one = task(info={**INFO, "extra": {"multi_label": True}})
    samples = batch()
    samples["label"] = (torch.rand(6, 6) < 0.4).float()
    samples["valid"] = torch.rand(6, 6) < 0.7
    torch.manual_seed(5)
    loss = one.loss(samples)
    torch.manual_seed(5)
    images, _ = one.training_inputs(samples)
    logits = one.network(images)
    each = [
        -(y * torch.log(p) + (1 - y) * torch.log(1 - p))
        for p, y, v in zip(
            logits.sigmoid().flatten(),
            samples["label"].flatten(),
            samples["valid"].flatten(),
            strict=True,
        )
        if v
    ]
    torch.testing.assert_close(loss, torch.stack(each).mean())
    (record, *_) = one.eval().evaluate(samples, {})
    assert [t == -1 for t in record["truth"]] == [not v for v in samples["valid"][0].tolist()]


@pytest.mark.parametrize(("mixup", "cutmix"), [(0.8, 0.0), (0.0, 1.0), (0.8, 1.0)])
def test_mixing_is_timms(mixup, cutmix):
    mixing = Mixing(mixup, cutmix)
    ways = set()
    for seed in range(12):
        images, labels = torch.rand(4, 3, 16, 20), torch.tensor([0, 3, 1, 1])
        found, targets = mixing(images.clone(), labels, 5, np.random.default_rng(seed))
        # the share and the rectangle are read off, and timm is told to take them
        share = float((targets[0, 0] - 0.02) / 0.9)
        changed = (found != images).any(dim=1).any(dim=0)
        theirs = Mixup(mixup, cutmix, label_smoothing=0.1, num_classes=5)
        mixed = share * images + (1 - share) * images.flip(0)
        if torch.allclose(found, mixed, atol=1e-6):
            ways.add("mixup")
        else:
            ways.add("cutmix")
            rows, columns = changed.any(dim=1).nonzero(), changed.any(dim=0).nonzero()
            area = len(rows) * len(columns)
            assert changed.sum() == area
            assert share == pytest.approx(1 - area / 320, abs=1e-5)
            assert torch.equal(found[..., changed], images.flip(0)[..., changed])
        theirs._mix_batch = lambda x, share=share: share
        expected = theirs(images, labels)[1]
        torch.testing.assert_close(targets, expected, atol=1e-6, rtol=0)
    assert ways == {name for name, on in (("mixup", mixup), ("cutmix", cutmix)) if on}


def test_shares_have_timms_distribution():
    """The same numbers of both, sorted, lie close together."""
    ours, theirs = [], []
    mixup = Mixup(0.8, 1.0, num_classes=2, label_smoothing=0.0)
    for seed in range(400):
        images, labels = torch.zeros(2, 3, 32, 32), torch.tensor([0, 1])
        rng = np.random.default_rng(seed)
        ours.append(float(Mixing(smoothing=0.0)(images, labels, 2, rng)[1][0, 0]))
        with drawn_from(np.random.default_rng(1000 + seed)):
            theirs.append(float(mixup(images, labels)[1][0, 0]))
    assert np.abs(np.sort(ours) - np.sort(theirs)).mean() < 0.04


def test_steps_repeat_by_torchs_seed():
    one, samples = task(), batch()
    torch.manual_seed(3)
    first = one.training_inputs(samples)
    torch.manual_seed(3)
    again = one.training_inputs(samples)
    other = one.training_inputs(samples)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])


def test_accuracies_against_plain_counts():
    rng = np.random.default_rng(0)
    logits, labels = torch.randn(60, 7), torch.from_numpy(rng.integers(0, 6, 60))
    one = task(info={"classes": tuple("abcdefg")})
    samples = {"id": [str(k) for k in range(60)], "label": labels}
    found = score_records(one.records(logits, samples, {}))
    order = logits.argsort(dim=1, descending=True)
    right = [int(labels[k]) == int(order[k, 0]) for k in range(60)]
    five = [int(labels[k]) in order[k, :5].tolist() for k in range(60)]
    means = [
        np.mean([r for r, label in zip(right, labels, strict=True) if label == c]) for c in range(6)
    ]
    assert found["top1"] == pytest.approx(100 * np.mean(right))
    assert found["top5"] == pytest.approx(100 * np.mean(five))
    assert found["mean_per_class"] == pytest.approx(100 * np.mean(means))
    metric = ClassificationScores(7, False)
    for part in range(0, 60, 13):
        metric.update(logits[part : part + 13], labels[part : part + 13])
    assert {k: float(v) for k, v in metric.compute().items()} == pytest.approx(found, abs=1e-4)
    assert np.isnan(per_class(labels.numpy(), np.array(right, float), 7)[6])


def plain_eleven_points(scores, truth):
    """Follow the definition: walk down the ranking, note recall and precision."""
    ranked = sorted(
        ((s, t) for s, t in zip(scores, truth, strict=True) if t >= 0), key=lambda one: -one[0]
    )
    total = sum(t == 1 for _, t in ranked)
    points, hits = [], 0
    for number, (_, t) in enumerate(ranked, start=1):
        hits += t == 1
        points.append((hits / total, hits / number))
    best = 0.0
    for level in [step / 10 for step in range(11)]:
        best += max([p for r, p in points if r >= level], default=0.0)
    return best / 11


def test_eleven_points_against_the_definition():
    rng = np.random.default_rng(1)
    for _ in range(50):
        count = int(rng.integers(2, 40))
        scores, truth = rng.random(count), rng.integers(-1, 2, count)
        truth[0] = 1
        found = eleven_point_precision(scores, truth)
        assert found == pytest.approx(plain_eleven_points(scores, truth))
    # what is marked difficult neither helps nor harms
    scores, truth = np.array([0.9, 0.8, 0.7]), np.array([-1, 1, 0])
    assert eleven_point_precision(scores, truth) == 1.0
    assert np.isnan(eleven_point_precision(scores, np.array([0, 0, -1])))


def test_map_of_records_and_validation_agree():
    torch.manual_seed(2)
    one = task(info={**INFO, "extra": {"multi_label": True}})
    logits, label = torch.randn(30, 6), (torch.rand(30, 6) < 0.3).float()
    valid = torch.rand(30, 6) < 0.8
    samples = {"id": [str(k) for k in range(30)], "label": label, "valid": valid}
    found = score_records(one.records(logits, samples, {}))
    metric = ClassificationScores(6, True)
    metric.update(logits[:11], label[:11], valid[:11])
    metric.update(logits[11:], label[11:], valid[11:])
    assert float(metric.compute()["map"]) == pytest.approx(found["map"], abs=1e-3)


def test_wrong_settings():
    with pytest.raises(UserError, match="names no classes"):
        task(info={"name": "x"})
    with pytest.raises(UserError, match="norm"):
        task(norm="batch")
    with pytest.raises(UserError, match="mix_switch"):
        task(mix_switch=1.5)
