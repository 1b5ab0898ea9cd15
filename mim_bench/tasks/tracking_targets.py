"""What a tracker should say of each cell of a search region, from the target's box."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


def box_targets(box: Tensor, size: tuple[int, int], grid: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Return which cells are positive, and what all of these should give as the box.

    A cell is positive if the box reaches into it: from floor(x1 * columns / width) to
    floor(x2 * columns / width), both included, and so for rows (SwinTrack's released code).

    Args:
        box: (B, 4) x, y, width, height in pixels of the search region, inside of it.
        size: (H, W) of the search region in pixels.
        grid: (rows, columns) of cells.

    Returns:
        positives (B, rows, columns) bool, and (B, 4) float: centre x, centre y, width, height in
        shares of the search region.
    """
    # in double precision, as published: an edge on the border of two cells decides
    exact = box.double()
    corners = torch.cat([exact[:, :2], exact[:, :2] + exact[:, 2:]], dim=1)
    height, width = size
    rows, columns = grid
    first, last = corners[:, :2], corners[:, 2:]
    scale = exact.new_tensor([columns / width, rows / height])
    first, last = (first * scale).floor(), (last * scale).floor()
    row = torch.arange(rows, device=box.device)
    column = torch.arange(columns, device=box.device)
    inside_rows = (row >= first[:, 1:]) & (row <= last[:, 1:])
    inside_columns = (column >= first[:, :1]) & (column <= last[:, :1])
    sides = box.new_tensor([width, height]).repeat(2)
    centred = torch.cat([box[:, :2] + box[:, 2:] / 2, box[:, 2:]], dim=1) / sides
    return inside_rows[:, :, None] & inside_columns[:, None, :], centred
