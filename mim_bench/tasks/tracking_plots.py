"""Success and precision plots of trackers, as the field draws them. (No torch.)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mim_bench.tasks.figures import new_figure, png

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

AXES = {
    "success": ("overlap threshold", "success rate"),
    "precision": ("location error threshold (pixels)", "precision"),
    "norm_precision": ("location error threshold (share of the target's size)", "precision"),
}
"""Curve -> what its axes say; a curve of another name is drawn as the one that it begins with."""

_STYLES = ("-", "--", ":", "-.")
_COLOURS = 10  # of Matplotlib's cycle


def curve_plot(
    name: str,
    curves: Mapping[str, tuple[npt.ArrayLike, npt.ArrayLike]],
    scores: Mapping[str, float],
    title: str = "",
) -> bytes:
    """Draw one kind of curve of one or more trackers, the best first in the legend.

    Args:
        name: `success`, `precision` or `norm_precision`, perhaps with an ending.
        curves: Tracker -> thresholds and shares 0..1 of frames.
        scores: Tracker -> what stands before its name, 0..1.
        title: Above the plot.

    Returns:
        A PNG file's content.
    """
    kind = max((one for one in AXES if name.startswith(one)), key=len, default="success")
    figure, axes = new_figure(5.4, 4.0, dpi=110)
    end = 0.0
    for place, tracker in enumerate(sorted(curves, key=lambda one: -scores.get(one, 0.0))):
        x, y = (np.asarray(part, np.float64) for part in curves[tracker])
        end = max(end, float(x.max()))
        style = _STYLES[place // _COLOURS % len(_STYLES)]
        label = f"[{scores.get(tracker, 0.0):.3f}] {tracker}"
        axes.plot(x, y, style, linewidth=1.8, label=label)
    axes.set(xlabel=AXES[kind][0], ylabel=AXES[kind][1], title=title, xlim=(0, end), ylim=(0, 1))
    axes.grid(alpha=0.3, linewidth=0.6)
    axes.legend(loc="lower left" if kind == "success" else "lower right", fontsize=8)
    return png(figure)
