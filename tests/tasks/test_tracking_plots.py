"""Success and precision plots: which lines, in which order, under which names."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from mim_bench.tasks.tracking_plots import curve_plot


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are saved."""
    figures = []
    save = Figure.savefig

    def keep(figure, *given, **settings):
        figures.append(figure)
        return save(figure, *given, **settings)

    monkeypatch.setattr(Figure, "savefig", keep)
    return figures


@pytest.mark.parametrize(
    ("name", "end", "label"),
    [
        ("success_visible", 1, "overlap threshold"),
        ("overlap", 1, "overlap threshold"),
        ("precision", 50, "location error threshold (pixels)"),
        ("norm_precision", 0.5, "location error threshold (share of the target's size)"),
    ],
)
def test_the_best_stands_first(drawn, name, end, label):
    x = np.linspace(0, end, 21)
    curves = {f"t{k}": (x, np.linspace(1, 0, 21) ** (k + 1)) for k in range(12)}
    scores = {f"t{k}": k / 20 for k in range(12)}
    content = curve_plot(name, curves, scores, "LaSOT")
    assert Image.open(BytesIO(content)).size == (594, 440)
    (axes,) = drawn[0].axes
    assert axes.get_xlabel() == label
    assert axes.get_title() == "LaSOT"
    assert axes.get_xlim() == (0, end)
    words = [text.get_text() for text in axes.get_legend().get_texts()]
    assert words[:2] == ["[0.550] t11", "[0.500] t10"]
    assert words[-1] == "[0.000] t0"
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), curves["t11"][1])
    styles = {(line.get_color(), line.get_linestyle()) for line in axes.lines}
    assert len(styles) == len(curves)  # no two look the same
    assert content == curve_plot(name, curves, scores, "LaSOT")
