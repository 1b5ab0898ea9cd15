"""What a backbone's features are like: how much they differ, in how many directions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

MOST_VECTORS = 2048
"""The rank is that of at most so many vectors: it takes seconds of more."""

LEAST_VECTORS = 8
"""Fewer vectors than these say nothing of a network."""

LEAST_SPREAD = 1e-3
LEAST_RANK = 1.5


def feature_statistics(maps: Sequence[Tensor]) -> dict[str, Any]:
    """Describe the coarsest of a backbone's maps, computed in double precision.

    Args:
        maps: (B, C_i, H_i, W_i) each, finest first, as `Backbone` returns them.

    Returns:
        As plain JSON: `vectors`, their number B * H * W; `finite`, whether all is; `spread`, the
        RMS over channels of the standard deviation over the vectors, divided by the RMS of all
        features (0: the same vector everywhere; at most 1); `rank`, the effective rank of the
        centred (N, C) matrix: exp of the entropy of its singular values, normalised to a sum of
        1 (Roy and Vetterli 2007), from 1 on, and 0 where there is no difference at all. Of more
        than `MOST_VECTORS` it is that of a seeded choice. Both are None unless all is finite.
    """
    coarsest = maps[-1].detach()
    vectors = coarsest.movedim(1, -1).reshape(-1, coarsest.shape[1]).to("cpu", torch.float64)
    found: dict[str, Any] = {
        "vectors": len(vectors),
        "finite": bool(vectors.isfinite().all()),
        "spread": None,
        "rank": None,
    }
    if found["finite"] and len(vectors):
        size = vectors.square().mean().sqrt()
        spread = vectors.var(dim=0, correction=0).mean().sqrt()
        found["spread"] = float(spread / size) if size > 0 else 0.0
        found["rank"] = _effective_rank(vectors)
    return found


def collapsed(statistics: Mapping[str, Any]) -> bool:
    """Tell whether features are of no use: not finite, alike everywhere, or all in one line.

    The bounds are far from both sides: deliberately broken networks have a spread of rounding or
    a rank of 1.0, randomly initialised ones of six families lie above 0.02 and 3, on pale
    pictures too. Fewer than `LEAST_VECTORS` are only held to be finite.
    """
    if not statistics["finite"]:
        return True
    if statistics["vectors"] < LEAST_VECTORS:
        return False
    return bool(statistics["spread"] < LEAST_SPREAD or statistics["rank"] < LEAST_RANK)


def _effective_rank(vectors: Tensor) -> float:
    if len(vectors) > MOST_VECTORS:
        order = torch.randperm(len(vectors), generator=torch.Generator().manual_seed(0))
        vectors = vectors[order[:MOST_VECTORS]]
    centred = vectors - vectors.mean(dim=0)
    size = centred.abs().max()
    if size == 0:
        return 0.0
    centred = centred / size  # squares of tiny numbers would vanish
    wide = centred.shape[0] < centred.shape[1]
    # the squares of the singular values, in a fraction of the time
    squares = torch.linalg.eigvalsh(centred @ centred.T if wide else centred.T @ centred)
    values = squares.clamp(min=0).sqrt()
    shares = values / values.sum()
    return float(torch.special.entr(shares).sum().exp())
