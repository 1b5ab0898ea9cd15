"""Figures without a window: drawn by Matplotlib into PNG files. (No torch.)."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def new_figure(width: float, height: float, dpi: int = 100) -> tuple[Figure, Axes]:
    """Return a figure of so many inches, and its only axes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=dpi, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot()


def png(figure: Figure) -> bytes:
    """Return a figure as a PNG file's content."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
