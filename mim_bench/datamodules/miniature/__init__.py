"""The miniature world: seeded scenes, written as each dataset in its official format.

Importing it loads neither torch nor NumPy: whether a world is drawn is asked often.
"""

from __future__ import annotations

from mim_bench.datamodules.miniature.server import hidden_labels
from mim_bench.datamodules.miniature.world import (
    DATASETS,
    TITLE,
    VERSION,
    draw_world,
    is_drawn,
    world_folder,
)

__all__ = [
    "DATASETS",
    "TITLE",
    "VERSION",
    "draw_world",
    "hidden_labels",
    "is_drawn",
    "world_folder",
]
