"""What sets a copy of a pose dataset apart from the official one, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mim_bench.datamodules.readers.evaluation import needs_new_ids
from mim_bench.datamodules.readers.pose_samples import joints_outside

if TYPE_CHECKING:
    from mim_bench.datamodules.readers.annotations import Annotations


def peculiarities(found: Annotations, split: str, official: int | None) -> list[str]:
    """Return a line for each thing that is not as it should be, and that nothing is refused for.

    Args:
        found: Parsed annotations.
        split: The split's name.
        official: The official number of pictures; None does not compare it.
    """
    notes = []
    if official is not None and len(found.image_ids) != official:
        notes.append(
            f"{split} has {len(found.image_ids):,} pictures, the official split {official:,}"
        )
    if needs_new_ids(found):
        notes.append(
            f"{split}: its annotations are numbered anew from 1 for evaluators, which take "
            "ids below 1, or ids that occur twice, for others"
        )
    if outside := joints_outside(found):
        notes.append(f"{split}: {outside}")
    return notes
