"""Figures of classifiers: which classes are taken for which, and how often each is right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mim_bench.tasks.figures import new_figure, png

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

MOST_CLASSES = 50
"""The most classes of which a confusion matrix is drawn and kept."""

_NAMED = 30  # classes whose names fit beside the axes


def confusion_plot(counts: npt.NDArray[Any], classes: Sequence[str], title: str = "") -> bytes:
    """Draw a confusion matrix: true classes below each other, predicted ones side by side.

    Args:
        counts: (C, C) pictures.
        classes: Names.
        title: Above the plot.

    Returns:
        A PNG file's content.
    """
    side = 3.2 + 0.14 * len(classes)
    figure, axes = new_figure(side + 0.8, side)
    totals = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    shown = axes.imshow(counts / totals, vmin=0, vmax=1, cmap="Blues")
    ticks = range(len(classes)) if len(classes) <= _NAMED else []
    axes.set_xticks(list(ticks), [classes[k] for k in ticks], rotation=90, fontsize=6)
    axes.set_yticks(list(ticks), [classes[k] for k in ticks], fontsize=6)
    axes.set(xlabel="predicted", ylabel="true", title=title)
    figure.colorbar(shown, ax=axes, shrink=0.8, label="share of the true class")
    return png(figure)


def per_class_plot(shares: Sequence[float | None], title: str = "") -> bytes:
    """Draw the classes' shares of right answers, the best first.

    Args:
        shares: 0..1 of each class; None for a class without a picture, which is left out.
        title: Above the plot.

    Returns:
        A PNG file's content.
    """
    known = sorted((share for share in shares if share is not None), reverse=True)
    figure, axes = new_figure(5.4, 3.2)
    axes.fill_between(np.arange(len(known) + 1), [*known, known[-1] if known else 0], step="post")
    axes.set(
        xlabel="classes, the best first",
        ylabel="score of the class",
        ylim=(0, 1),
        xlim=(0, max(1, len(known))),
        title=title,
    )
    axes.grid(alpha=0.3, linewidth=0.6)
    return png(figure)
