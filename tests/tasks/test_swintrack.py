"""SwinTrack's head, positions, targets and losses, as its released code computes them."""

import zlib

import numpy as np
import pytest
import swintrack_cases as cases
import torch
from torch import nn

from mim_bench.backbones.build import build_backbone
from mim_bench.backbones.spec import BackboneSpec
from mim_bench.errors import UserError
from mim_bench.tasks.swintrack import DropPath, SwinTrackHead, drop_path_starts
from mim_bench.tasks.swintrack_positions import AttentionBias, relative_index
from mim_bench.tasks.tracking_network import TrackingNetwork

GOLDEN = cases.golden()


@pytest.fixture(scope="module", params=list(cases.HEADS))
def case(request):
    return request.param, GOLDEN["heads"][request.param], cases.run(request.param)


def close(values, expected, tolerance=1e-5):
    """Compare within a share of the largest number."""
    largest = max(1e-3, float(np.abs(expected).max()))
    np.testing.assert_allclose(values, expected, rtol=0, atol=tolerance * largest)


def test_scores_and_boxes(case):
    name, golden, (found, *_) = case
    close(cases.digest(found["score"].sigmoid()), golden["score"])
    close(cases.digest(found["box"]), golden["box"])
    assert (
        sum(weight.numel() for weight in cases.make_head(name).parameters())
        == (golden["parameters"])
    )


def test_positive_cells_and_their_box(case):
    _, golden, (_, positives, truth, *_) = case
    assert positives.flatten(1).sum(1).tolist() == golden["positives"]
    np.testing.assert_allclose(sorted(truth.tolist()), sorted(golden["truth"]), rtol=1e-7)


def test_losses_and_gradients(case):
    _, golden, (_, _, _, losses, gradients) = case
    found = [losses["score"].item(), losses["box"].item()]
    assert found == pytest.approx(golden["losses"], rel=1e-5)
    assert sorted(gradients) == sorted(golden["gradients"])
    largest = max(abs(number) for pair in golden["gradients"].values() for number in pair)
    for name, expected in golden["gradients"].items():
        found = cases.digest(gradients[name], 2)
        np.testing.assert_allclose(found, expected, atol=1e-5 * largest, err_msg=name)


@pytest.mark.parametrize("all_ask", [True, False])
@pytest.mark.parametrize("grids", [((1, 2), (3, 2)), ((2, 2), (4, 3))])
def test_bias_is_that_of_plain_loops(grids, all_ask):
    template, search = grids
    torch.manual_seed(0)
    dim, heads = 8, 2
    bias = AttentionBias(dim, heads, template, search, all_ask)
    places = [(b, r, c) for b, g in enumerate(grids) for r in range(g[0]) for c in range(g[1])]
    asks = places if all_ask else [place for place in places if place[0] == 1]
    relations = sorted(
        {
            (q[1] - k[1], q[2] - k[2], *((q[0],) if all_ask else ()), k[0])
            for q in asks
            for k in places
        }
    )
    maps = (bias.template, bias.search)
    expected = np.zeros((heads, len(asks), len(places)))
    for i, q in enumerate(asks):
        for j, k in enumerate(places):
            query, key = (maps[b].norm(maps[b].rows[r] + maps[b].columns[c]) for b, r, c in (q, k))
            query, key = maps[q[0]].queries(query), maps[k[0]].keys(key)
            relation = (q[1] - k[1], q[2] - k[2], *((q[0],) if all_ask else ()), k[0])
            number = bias.table[:, relations.index(relation)]
            for h in range(heads):
                part = slice(h * dim // heads, (h + 1) * dim // heads)
                untied = query[part] @ key[part] / (dim // heads) ** 0.5
                expected[h, i, j] = (untied + number[h]).item()
    np.testing.assert_allclose(bias().detach()[0].numpy(), expected, atol=1e-6)


@pytest.mark.parametrize("name", list(cases.HEADS))
def test_relations_are_numbered_as_published(name):

    grids = cases.HEADS[name]["template"], cases.HEADS[name]["search"]
    for all_ask, expected in zip((True, False), GOLDEN["heads"][name]["index"], strict=True):
        index = relative_index(*grids, all_ask).numpy()
        assert zlib.crc32(index.astype("<i8").tobytes()) == expected


def test_drop_path_rises_over_encoder_and_decoder():
    head = SwinTrackHead(16, (1, 1), (2, 2), layers=8, heads=2, drop_path=0.01)
    rates = [layer.drop_path.rate for layer in (*head.encoder, *head.decoder)]
    # the released code, whose configuration says 0.1
    assert rates == pytest.approx(GOLDEN["drop_path"]["last"], abs=1e-9)
    assert GOLDEN["drop_path"]["first"] == [0.0] * 9


def test_no_drop_path_in_the_first_half():
    none = sum(not drop_path_starts(step, 20, 0.5) for step in range(1, 21))
    assert none == GOLDEN["drop_path"]["none"] == 10
    assert [drop_path_starts(step, 4, 0.0) for step in (1, 4)] == [True, True]
    assert not drop_path_starts(4, 4, 1.0)


def test_drop_path_leaves_out_whole_samples():
    torch.manual_seed(0)
    drop, branch = DropPath(0.25), torch.ones(4000, 2, 3)
    dropped = drop(branch)
    assert dropped.unique().tolist() == pytest.approx([0.0, 4 / 3])
    assert (dropped == dropped[:, :1, :1]).all()
    assert dropped.mean().item() == pytest.approx(1.0, abs=0.05)
    drop.on = False
    assert torch.equal(drop(branch), branch)
    drop.on = True
    assert torch.equal(drop.eval()(branch), branch)


def test_drop_path_is_switched_in_all_layers():
    torch.manual_seed(0)
    name = "projected, not square"
    head = cases.make_head(name, drop_path=0.6)
    quiet = head.eval()(*cases.maps(name))["score"]
    head.train().set_drop_path(False)
    assert torch.equal(head(*cases.maps(name))["score"], quiet)
    head.set_drop_path(True)
    assert not torch.allclose(head(*cases.maps(name))["score"], quiet)


def test_a_new_heads_weights():
    torch.manual_seed(0)
    head = SwinTrackHead(64, (2, 2), (4, 4), layers=1, dim=32)
    for name, module in head.named_modules():
        if isinstance(module, nn.Linear):
            assert module.weight.std().item() == pytest.approx(0.02, rel=0.25), name
            assert not module.bias.any()
        elif isinstance(module, nn.LayerNorm):
            assert (module.weight == 1).all()
            assert not module.bias.any()
    bias = head.encoder_bias
    for weight in (bias.search.rows, bias.search.columns, bias.table):
        assert weight.std().item() == pytest.approx(0.02, rel=0.25)


def test_heads_that_do_not_divide():
    with pytest.raises(UserError, match="30 channels can't be divided by 8 heads"):
        SwinTrackHead(30, (2, 2), (4, 4))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("swinv2_mini", {"out_norm": "new"}),
        ("vit_mini", {}),
        ("convnext_mini", {}),
        ("resnet18", {}),
    ],
)
def test_any_backbone(name, options):
    torch.manual_seed(0)
    sizes = [(96, 64), (48, 32)]
    backbone = build_backbone(BackboneSpec(name), sizes, (16,), **options)
    channels, stride = backbone.channels[-1], backbone.strides[-1]
    grids = [(height // stride, width // stride) for height, width in sizes]
    head = SwinTrackHead(channels, grids[1], grids[0], layers=1, heads=4)
    network = TrackingNetwork(backbone, head, frozen=False)
    template, search = torch.rand(2, 3, *sizes[1]), torch.rand(2, 3, *sizes[0])
    found = network.train()(template, search)
    assert found["score"].shape == (2, *grids[0])
    assert found["box"].shape == (2, *grids[0], 4)
    assert found["box"].min() >= 0
    assert found["box"].max() <= 1
    (found["score"].sum() + found["box"].sum()).backward()
    without = [key for key, weight in network.named_parameters() if weight.grad is None]
    assert not without  # or data-parallel training stops
    network.eval()
    with torch.no_grad():
        once = network(template, search)
        again = network.locate(network.features(template), search)
    assert torch.equal(once["score"], again["score"])
