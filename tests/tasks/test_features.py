"""Statistics of features: against NumPy, on random networks of six families and broken ones."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from mim_bench.backbones.build import build_backbone
from mim_bench.backbones.spec import BackboneSpec
from mim_bench.tasks import features
from mim_bench.tasks.features import collapsed, feature_statistics

FAMILIES = ("vit_mini", "swinv2_mini", "convnext_mini", "resnet18", "efficientnet_b0", "vgg11")


def by_hand(maps):
    """The definition, in NumPy with a whole singular value decomposition."""
    vectors = np.moveaxis(maps.double().numpy(), 1, -1).reshape(-1, maps.shape[1])
    spread = np.sqrt((vectors.std(axis=0) ** 2).mean()) / np.sqrt((vectors**2).mean())
    values = np.linalg.svd(vectors - vectors.mean(axis=0), compute_uv=False)
    shares = values / values.sum()
    shares = shares[shares > 0]
    return spread, np.exp(-(shares * np.log(shares)).sum())


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 3), st.integers(1, 40), st.integers(2, 6), st.integers(0, 99),
    st.sampled_from([0.0, 1.0, 30.0]), st.sampled_from([1e-6, 1.0, 1e6]),
)  # fmt: skip
def test_statistics_are_those_of_the_definition(batch, channels, side, seed, offset, scale):
    rng = torch.Generator().manual_seed(seed)
    maps = (torch.randn(batch, channels, side, side, generator=rng) + offset) * scale
    found = feature_statistics([torch.zeros(1, 1, 1, 1), maps])
    spread, rank = by_hand(maps)
    assert found["vectors"] == batch * side * side
    assert found["spread"] == pytest.approx(spread, rel=1e-6)
    assert found["rank"] == pytest.approx(rank, rel=1e-4)
    assert 1 - 1e-6 <= found["rank"] <= min(channels, found["vectors"]) + 1e-6
    assert 0 <= found["spread"] <= 1 + 1e-6


def test_the_coarsest_map_counts_in_any_precision_and_on_gradients():
    torch.manual_seed(0)
    fine, coarse = torch.zeros(2, 4, 8, 8), torch.randn(2, 8, 4, 4, requires_grad=True)
    found = feature_statistics([fine, coarse])
    assert found["spread"] == pytest.approx(by_hand(coarse.detach())[0])
    half = feature_statistics([fine, coarse.bfloat16()])
    assert half["rank"] == pytest.approx(found["rank"], rel=1e-2)
    assert json.loads(json.dumps(found)) == found


def test_many_vectors_are_chosen_from_alike_each_time_and_without_a_trace():
    maps = torch.randn(2, 8, 48, 48)
    torch.manual_seed(3)
    first = feature_statistics([maps])
    drawn = torch.rand(1)
    torch.manual_seed(3)
    assert torch.rand(1) == drawn
    assert feature_statistics([maps]) == first
    assert first["vectors"] == 4608 > features.MOST_VECTORS
    assert first["rank"] == pytest.approx(by_hand(maps)[1], rel=0.01)


def test_nothing_and_too_little_to_judge():
    zero = feature_statistics([torch.zeros(2, 4, 3, 3)])
    assert (zero["spread"], zero["rank"], collapsed(zero)) == (0.0, 0.0, True)
    one = feature_statistics([torch.ones(1, 4, 1, 1)])
    assert (one["spread"], one["rank"], collapsed(one)) == (0.0, 0.0, False)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_a_single_number_that_is_not_finite_is_found(bad):
    maps = torch.randn(1, 4, 1, 1)
    maps[0, 2] = bad
    found = feature_statistics([maps])
    assert found == {"vectors": 1, "finite": False, "spread": None, "rank": None}
    assert collapsed(found)
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def pictures():
    """Smooth ones, noise, and pale ones that hardly differ."""
    torch.manual_seed(1)
    smooth = nn.functional.interpolate(torch.randn(4, 3, 12, 12), (96, 96), mode="bilinear")
    return {"smooth": smooth, "noise": torch.randn(4, 3, 96, 96), "pale": 1 + smooth / 20}


def network(name):
    torch.manual_seed(0)
    return build_backbone(BackboneSpec(name), [(96, 96)], (32,)).eval()


class OneLine(nn.Module):
    """A network all of whose vectors are a multiple of one, plus another."""

    def __init__(self, backbone):
        super().__init__()
        self.backbone = backbone
        self.line = nn.Parameter(torch.randn(backbone.channels[-1]))

    def forward(self, images):
        (maps,) = self.backbone(images)
        strength = maps.mean(dim=1, keepdim=True) / maps.std()
        return [strength * self.line[:, None, None] + 3]


@pytest.mark.parametrize("name", FAMILIES)
def test_random_networks_have_not_collapsed_by_far(name):
    backbone = network(name)
    for kind, images in pictures().items():
        with torch.no_grad():
            found = feature_statistics(backbone(images))
        assert not collapsed(found), kind
        assert found["spread"] > 20 * features.LEAST_SPREAD, kind
        assert found["rank"] > 2 * features.LEAST_RANK, kind


@pytest.mark.parametrize("name", FAMILIES)
def test_rank_one_is_found_in_every_family(name):
    broken = OneLine(network(name)).eval()
    for images in pictures().values():
        with torch.no_grad():
            found = feature_statistics(broken(images))
        assert collapsed(found)
        assert found["rank"] < 1.05


@pytest.mark.parametrize("how", ["zero weights", "no weights but biases", "tiny weights"])
@pytest.mark.parametrize("name", ["resnet18", "convnext_mini", "vit_mini", "swinv2_mini"])
def test_constant_output_is_found_in_every_family(name, how):
    backbone = network(name)
    with torch.no_grad():
        for key, parameter in backbone.named_parameters():
            if how == "zero weights" or "pos_embed" in key:
                parameter.zero_()
            elif how == "no weights but biases":
                parameter.zero_() if parameter.ndim > 1 else parameter.normal_()
            else:
                parameter.mul_(1e-6) if parameter.ndim > 1 else parameter.normal_()
    for images in pictures().values():
        with torch.no_grad():
            found = feature_statistics(backbone(images))
        assert found["finite"]
        assert collapsed(found), found


@pytest.mark.parametrize("name", ["resnet18", "convnext_mini", "vit_mini"])
def test_weights_that_are_not_finite_are_found(name):
    backbone = network(name)
    with torch.no_grad():
        next(p for p in backbone.parameters() if p.ndim == 4)[0, 0, 0, 0] = float("nan")
        found = feature_statistics(backbone(pictures()["noise"]))
    assert not found["finite"]
    assert collapsed(found)
