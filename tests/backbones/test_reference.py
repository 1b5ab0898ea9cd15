"""The reference networks against themselves and against what is worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from .reference.small import difference, pixels, v1, v2
from .reference.swinv2 import log_coordinates
from .reference.windows import PatchMerging, in_windows


@pytest.mark.parametrize("make", [v1, v2])
def test_pad_orders_differ_only_where_padding_meets_a_shift(make):
    official, other = make(order="official"), make(order="timm")
    assert max(difference(official, other, pixels(64, 64))) == 0
    # 15 tokens in windows of 4 are padded to 16
    assert min(difference(official, other, pixels(60, 60))) > 0.1
    # 18 are padded to 20: by the shift itself, and either way the mask parts the same tokens
    assert difference(official, other, pixels(72, 72))[0] < 1e-10
    # padded, but the window covers the whole map: no shift, so no order either
    covered = make(window=(32, 16, 8), order="official"), make(window=(32, 16, 8), order="timm")
    assert max(difference(*covered, pixels(60, 60))) == 0


@pytest.mark.parametrize("make", [v1, v2])
@pytest.mark.parametrize("size", [(64, 64), (61, 83), (30, 100)])
def test_any_size_gives_one_map_per_stage(make, size):
    with torch.no_grad():
        maps = make()(pixels(*size))
    wanted, (height, width) = [], size
    height, width = -(-height // 4), -(-width // 4)
    for channels in (8, 16, 32):
        wanted.append((2, channels, height, width))
        height, width = -(-height // 2), -(-width // 2)
    assert [tuple(m.shape) for m in maps] == wanted


@pytest.mark.parametrize("order", ["official", "timm"])
def test_windows_clamp_per_axis(order):
    # maps of 4 x 16, 2 x 8, 1 x 4: rows are covered by a window of 4, columns are not
    wide, fitted = v2(4, order), v2(((4, 4), (2, 4), (1, 4)), order)
    assert max(difference(wide, fitted, pixels(16, 64))) == 0
    assert max(difference(wide, v2(((4, 2), (2, 2), (1, 2)), order), pixels(16, 64))) > 0.01


# timm's order is missing where padded and shifted: its regions there are no neighbourhoods
@pytest.mark.parametrize(
    ("order", "size", "shift"),
    [
        *(("official", size, s) for size in ((8, 12), (7, 10)) for s in ((0, 0), (2, 2), (0, 2))),
        *(("timm", (8, 12), s) for s in ((0, 0), (2, 2), (2, 1))),
        ("timm", (7, 10), (0, 0)),
    ],
)
def test_a_token_meets_its_neighbours_only(order, size, shift):
    """Averages over what may be attended, against a loop over tokens and their regions."""

    def average(tokens, window, mask):
        weights = torch.ones(1, 1, *(window[0] * window[1],) * 2).double()
        weights = weights if mask is None else (mask[None] == 0).double()
        return weights @ tokens / weights.sum(-1, keepdim=True)

    maps = torch.rand(1, *size, 2, generator=torch.Generator().manual_seed(3)).double()
    found = in_windows(maps, (4, 4), shift, order, average)
    padded = torch.zeros(8, 12, 2).double()
    padded[: size[0], : size[1]] = maps[0]

    def region(row, column):
        return (row - shift[0]) // 4, (column - shift[1]) // 4

    for row in range(size[0]):
        for column in range(size[1]):
            mates = [
                padded[r, c]
                for r in range(8)
                for c in range(12)
                if region(r, c) == region(row, column)
            ]
            torch.testing.assert_close(found[0, row, column], torch.stack(mates).mean(0))


def test_merging_concatenates_down_first():
    merging = PatchMerging(1, 1e-5, first=True).double()
    merging.norm = torch.nn.Identity()
    merging.reduction.weight.data = torch.tensor([[1.0, 10, 100, 1000], [0, 0, 0, 1]]).double()
    maps = torch.tensor([[1.0, 2, 5], [3, 4, 6]]).double().view(1, 2, 3, 1)
    assert merging(maps)[0, 0].tolist() == [[4231.0, 4.0], [65.0, 0.0]]


def test_coordinates_follow_the_pretraining_window():
    table = log_coordinates((30, 15), (12, 0))
    rows, columns = table[:, 0, 0], table[0, :, 1]
    assert table.shape == (59, 29, 2)
    assert float(rows[29 + 11]) == pytest.approx(math.log2(9) / 3)
    assert float(rows[-1]) == pytest.approx(math.log2(1 + 8 * 29 / 11) / 3)
    assert float(rows[0]) == -float(rows[-1])
    assert float(columns[-1]) == pytest.approx(math.log2(9) / 3)  # none declared: its own
    assert torch.isfinite(log_coordinates((1, 1), (0, 0))).all()


def test_details_of_v2_attention():
    net, images = v2(), pixels(64, 64)
    attn = net.layers[0].blocks[0].attn
    clamped = v2()
    for block in (b for stage in clamped.layers for b in stage.blocks):
        block.attn.logit_scale.data.clamp_(max=math.log(100))
    assert max(difference(net, clamped, images)) == 0
    assert not torch.equal(attn.logit_scale, clamped.layers[0].blocks[0].attn.logit_scale)
    bias = attn.bias((4, 4)).detach()
    assert bias.shape == (1, 16, 16)
    assert 0 < float(bias.min()) < float(bias.max()) < 16
    assert max(difference(net, v2(pretrained_windows=(4, 4, 4)), images)) > 0.01
    assert max(difference(net, v2(eps=1e-2), images)) > 1e-3
    renamed = v2(bias_name="rpe_mlp")
    renamed.load_state_dict(
        {k.replace("cpb_mlp", "rpe_mlp"): v for k, v in net.state_dict().items()}
    )
    assert max(difference(net, renamed, images)) == 0


def test_a_smaller_window_reads_the_centre_of_the_table():
    large, small = v1(4, tables=(7, 7, 7)), v1(4)
    state = large.state_dict()
    for name in state:
        if name.endswith("table"):
            centre = state[name].view(13, 13, -1)[3:10, 3:10]
            state[name] = centre.reshape(49, -1)
    small.load_state_dict(state)
    # the last map is 4 x 4, then 2 x 2 at 32 pixels: the centre of the centre
    assert max(difference(large, small, pixels(64, 64))) == 0
    assert max(difference(large, small, pixels(32, 32))) == 0
