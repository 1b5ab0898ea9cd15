"""Tables and positions at another size, against plain formulas and published numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.interpolate import CubicSpline

from mim_bench.backbones.build import build_backbone
from mim_bench.backbones.resampling import (
    bicubic_table,
    geometric_table,
    growth,
    resample_positions,
)
from mim_bench.backbones.spec import BackboneSpec


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        *((11, 13, 1.0913), (27, 29, 1.0123), (23, 27, 1.0329), (13, 31, 1.3655)),
        *((23, 59, 1.1815), (27, 59, 1.1251), (11, 59, 1.5), (27, 13, 1.01)),
    ],
)
def test_growth_as_published(source, target, expected):
    assert growth(source, target) == pytest.approx(expected, abs=1e-4)


def test_geometric_table_is_a_spline_along_each_axis():
    """The cubic spline over a grid is one along the rows, then one along the columns."""
    table = torch.randn(49, 2, generator=torch.Generator().manual_seed(0)).double()
    fitted = geometric_table(table, (6, 6), 121).reshape(11, 11, 2).numpy()
    q = growth(7, 11)
    places = np.array([-(1 + q + q * q), -(1 + q), -1, 0, 1, 1 + q, 1 + q + q * q])
    wanted = np.clip(np.arange(-5, 6), places[0], places[-1])
    square = table.reshape(7, 7, 2).numpy()
    rows = CubicSpline(places, square, axis=0, bc_type="not-a-knot")(wanted)
    both = CubicSpline(places, rows, axis=1, bc_type="not-a-knot")(wanted)
    np.testing.assert_allclose(fitted, both, atol=1e-9)
    np.testing.assert_allclose(fitted[5, 5], square[3, 3], atol=1e-9)


def test_special_rows_are_kept():
    table = torch.arange(2.0 * (25 + 3)).reshape(28, 2)
    for fit in (geometric_table, bicubic_table):
        fitted = fit(table, (5, 5), 81 + 3)
        assert fitted.shape == (84, 2)
        assert torch.equal(fitted[-3:], table[-3:])


def test_constant_stays_constant_and_size_stays_untouched():
    ones = torch.ones(49, 3)
    for fit in (geometric_table, bicubic_table):
        torch.testing.assert_close(fit(ones, (7, 7), 169), torch.ones(169, 3))
        assert torch.equal(fit(ones, (4, 4), 49), ones)


def test_positions_bicubic_without_antialiasing():
    positions = torch.randn(1, 17, 5)
    fitted = resample_positions(positions, (2, 2))
    assert torch.equal(fitted[:, 0], positions[:, 0])
    grid = positions[:, 1:].reshape(1, 4, 4, 5).permute(0, 3, 1, 2)
    # halving a 4-grid reads between the middle two: weights of Keys' cubic with a = -0.75
    weights = torch.tensor([-0.09375, 0.59375, 0.59375, -0.09375])
    first = torch.einsum("bcij,i,j->bc", grid, *([weights] * 2))
    edge = grid[:, :, [0, 0, 1, 2]][:, :, :, [0, 0, 1, 2]]
    first = torch.einsum("bcij,i,j->bc", edge, weights, weights)
    torch.testing.assert_close(fitted[:, 1], first)


@pytest.mark.usefixtures("entries")
@pytest.mark.parametrize("family", ["vit", "swin", "beit"])
def test_the_option_changes_what_is_resampled_alone(family, tmp_path):
    level = (16,)
    small = build_backbone(BackboneSpec(family), [(64, 64)], level, window=4)
    with torch.no_grad():
        for param in small.parameters():
            param.normal_(generator=torch.Generator().manual_seed(0))
    torch.save(small.net.state_dict(), tmp_path / "w.pth")
    states, reports = [], []
    for rule in ("timm", "official"):
        spec = BackboneSpec(family, str(tmp_path / "w.pth"), options={"resample": rule})
        built = build_backbone(spec, [(112, 112)], level, window=7)
        states.append(built.net.state_dict())
        reports.append(built.report)
    differing = {name for name in states[0] if not torch.equal(states[0][name], states[1][name])}
    assert differing
    assert differing <= set(reports[1].resampled)
    assert reports[0].resampled == reports[1].resampled
