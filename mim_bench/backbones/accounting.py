"""Telling what becomes of each of a checkpoint's tensors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mim_bench.backbones.formats import Format, recognise

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from torch import Tensor

COUNTERS = "num_batches_tracked"  # of batch norm; only used where momentum is None


@dataclass(frozen=True)
class LoadReport:
    """What became of a checkpoint's tensors.

    Attributes:
        used: Names of the network that were filled from the checkpoint.
        taken: Network name -> checkpoint name, of the tensors that were taken as they are.
        resampled: Names of the network whose values were changed to fit (position embeddings at
            another grid, patches of another size, split or joined projections).
        dropped: Checkpoint names without a place in the network: classifier, decoder, stages
            that were not built, buffers that are computed again.
        missing: Names of the network that the checkpoint does not hold, initialised at random.
        format: What the checkpoint was recognised as.
    """

    used: tuple[str, ...] = ()
    taken: Mapping[str, str] = field(default_factory=dict)
    resampled: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    format: Format | None = None

    @property
    def renamed(self) -> dict[str, str]:
        """Checkpoint name -> network name, where they differ."""
        return {old: new for new, old in self.taken.items() if new != old}


def account(
    wanted: Iterable[str],
    state: Mapping[str, Tensor],
    source: Mapping[str, Tensor],
    encoder: str = "",
) -> LoadReport:
    """Tell what becomes of each of a checkpoint's tensors.

    Args:
        wanted: Names of the network.
        state: What `adapt_state` made of the checkpoint.
        source: The checkpoint's tensors, by identity of which it is seen what was changed.
        encoder: What `adapt_state` was told of it.
    """
    wanted = list(wanted)
    found = recognise(source, encoder)
    origin = {id(tensor): name for name, tensor in source.items()}
    used = tuple(name for name in wanted if name in state)
    taken = {name: origin[id(state[name])] for name in used if id(state[name]) in origin}
    resampled = tuple(name for name in used if name not in taken)
    spent = {*taken.values(), *resampled, *(found.prefix + name for name in resampled)}
    return LoadReport(
        used=used,
        taken=taken,
        resampled=resampled,
        dropped=tuple(name for name in source if name not in spent),
        missing=tuple(n for n in wanted if n not in state and not n.endswith(COUNTERS)),
        format=found,
    )
