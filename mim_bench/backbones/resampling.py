"""Fitting bias tables and position embeddings to another size, by the official codes' rules.

timm's own rules are the default: its table rule is the geometric grid too, read linearly, and
its position rule is bicubic with antialiasing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Mapping

_SPECIAL = 3  # rows for the class token


def resampled_officially(net: nn.Module, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Fit what has another size in the network: position embedding, bias tables.

    Position embeddings: bicubic (MAE's and the authors' depth code). Tables of ViTs and of
    SimMIM's Swin: a cubic spline on a geometric grid (SimMIM's code, BEiT's). Tables of a
    supervised Swin: bicubic (Swin's code); they are told apart by the classifier beside them.

    Args:
        net: The complete network at the size that is wanted.
        state: Tensors under the network's names.
    """
    supervised = any(name.startswith("head.") for name in state)
    fitted = dict(state)
    for name, tensor in state.items():
        target = _target(net, name)
        if target is None:
            continue
        if name == "pos_embed":
            grid = net.patch_embed.grid_size  # type: ignore[union-attr]
            fitted[name] = resample_positions(tensor, grid)  # type: ignore[arg-type]
        elif name.endswith("relative_position_bias_table"):
            attn = net.get_submodule(name.rpartition(".")[0])
            window: Any = attn.window_size
            if tensor.shape == target.shape and window[0] == window[1]:
                continue
            plain = supervised and not name.startswith("blocks.")
            fit = bicubic_table if plain else geometric_table
            fitted[name] = fit(tensor, tuple(window), len(target))
    return fitted


def _target(net: nn.Module, name: str) -> Tensor | None:
    return dict(net.named_parameters()).get(name)


def resample_positions(positions: Tensor, grid: tuple[int, int]) -> Tensor:
    """Resample a (1, extra + N, C) position embedding of a square grid, bicubically.

    Tokens before the grid's are kept. Without antialiasing, unlike timm's rule.
    """
    side = math.isqrt(positions.shape[1])
    extra = positions.shape[1] - side * side
    if (side, side) == tuple(grid):
        return positions
    kept, square = positions[:, :extra], positions[:, extra:]
    maps = square.reshape(1, side, side, -1).permute(0, 3, 1, 2)
    maps = F.interpolate(maps.float(), size=tuple(grid), mode="bicubic", align_corners=False)
    return torch.cat((kept, maps.permute(0, 2, 3, 1).flatten(1, 2).to(kept.dtype)), dim=1)


def bicubic_table(table: Tensor, window: tuple[int, int], rows: int) -> Tensor:
    """Resample a (S * S, heads) table of offsets to a window's, bicubically (Swin's code)."""
    side, special = _split(table, rows, window)
    maps = table[: side * side].T.reshape(1, -1, side, side)
    size = (2 * window[0] - 1, 2 * window[1] - 1)
    if size == (side, side):
        return table
    maps = F.interpolate(maps.float(), size=size, mode="bicubic", align_corners=False)
    fitted = maps.flatten(2)[0].T.to(table.dtype)
    return torch.cat((fitted, table[side * side :])) if special else fitted


def geometric_table(table: Tensor, window: tuple[int, int], rows: int) -> Tensor:
    """Resample a table of offsets on a grid that widens geometrically (SimMIM's and BEiT's code).

    Old offsets are placed at 0, 1, 1 + q, 1 + q + q^2 ... so that the outermost meets the new
    outermost; a cubic spline is read at whole offsets, clamped to where it is known.
    """
    from scipy.interpolate import RectBivariateSpline

    side, special = _split(table, rows, window)
    size = (2 * window[0] - 1, 2 * window[1] - 1)
    if size == (side, side):
        return table
    places = [_places(side, length) for length in size]
    wanted = [
        np.clip(np.arange(length) - length // 2, known[0], known[-1])
        for length, known in zip(size, places, strict=True)
    ]
    heads = table[: side * side].T.reshape(-1, side, side).double().cpu().numpy()
    fitted = np.stack(
        [RectBivariateSpline(*places, head, kx=3, ky=3)(*wanted).ravel() for head in heads], axis=1
    )
    answer = torch.from_numpy(fitted).to(table.dtype)
    return torch.cat((answer, table[side * side :])) if special else answer


def growth(source: int, target: int) -> float:
    """Return q in [1.01, 1.5] with 1 + q + ... over source // 2 terms = target // 2, by bisection.

    The search ends within 1e-6, as in the official codes.
    """
    terms, reach = source // 2, target // 2
    low, high = 1.01, 1.5
    while high - low > 1e-6:
        middle = (low + high) / 2
        if (1 - middle**terms) / (1 - middle) > reach:
            high = middle
        else:
            low = middle
    return (low + high) / 2


def _places(source: int, target: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    if source == target:
        return np.arange(source, dtype=np.float64) - source // 2
    steps = np.cumsum(growth(source, target) ** np.arange(source // 2))
    return np.concatenate((-steps[::-1], [0.0], steps))


def _split(table: Tensor, rows: int, window: tuple[int, int]) -> tuple[int, bool]:
    special = rows != (2 * window[0] - 1) * (2 * window[1] - 1)
    return math.isqrt(len(table) - (_SPECIAL if special else 0)), special
