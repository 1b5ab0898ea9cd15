"""What a server would know of the miniature world: the labels of hidden tests, out of reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mim_bench.datamodules.miniature.world import server_folder

if TYPE_CHECKING:
    from pathlib import Path


def hidden_labels(root: Path, dataset: str, split: str) -> Path | None:
    """Return the file of a split's hidden labels; None where the data root is no drawn world.

    Args:
        root: The data root.
        dataset: The dataset's name.
        split: A split whose labels are not under the data root.
    """
    path = server_folder(root, dataset) / f"{split}.json"
    return path if path.is_file() else None
