"""Pictures that annotation files list with their size: reading them, looking for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mim_bench.datamodules.readers.fingerprints import missing
from mim_bench.errors import Problem, UserError
from mim_bench.images import read_image

if TYPE_CHECKING:
    from pathlib import Path

    from mim_bench.datamodules.readers.annotations import Annotations

_SHOWN = 3
_LOOKED_AT = 8  # pictures whose size is compared with the file's


def read_noted(
    path: Path, noted: npt.NDArray[np.int64], listed: str, obtain: str
) -> npt.NDArray[np.uint8]:
    """Read a picture as (H, W, 3) uint8 RGB, as it is stored, whatever its EXIF says.

    Args:
        path: The picture.
        noted: (2,) width and height that the annotation file says it has.
        listed: The annotation file, for errors.
        obtain: Where files come from, for errors.

    Raises:
        UserError: It is missing or damaged, or has another size.
    """
    image = read_image(path, listed, as_stored=True)
    height, width = image.shape[:2]
    wide, tall = (int(side) for side in noted)
    if (width, height) == (wide, tall):
        return image
    says = f"the picture is {width} x {height}, the file says {wide} x {tall}"
    if (width, height) == (tall, wide):
        raise UserError(
            f"width and height are swapped in it: {says}",
            where=f"{listed}: {path.name}",
            expected="width and height as the picture has them",
            action="download the corrected file (early copies of CrowdPose's have them swapped); "
            f"{obtain}",
        )
    raise UserError(
        says,
        where=f"{path} (listed in {listed})",
        expected="the same size",
        action="download the picture again; a copy that was resized can't be used",
    )


def look_at_pictures(
    notes: Annotations, folder: Path, split: str, listed: str, obtain: str
) -> list[Problem]:
    """Look for all pictures of a split, and at the size of a few that are not square.

    Args:
        notes: What the annotation files say.
        folder: The folder of the pictures.
        split: The split, for errors.
        listed: The annotation files, for errors.
        obtain: Where files come from, for errors.
    """
    lost = missing([folder / str(name) for name in notes.names])
    if lost:
        shown = ", ".join(str(path) for path in lost[:_SHOWN])
        return [
            Problem(
                f"{len(lost):,} of {len(notes.names):,} pictures of the split {split!r} are "
                f"missing: {shown}{' …' if len(lost) > _SHOWN else ''}",
                str(folder),
                f"every picture that {listed} lists",
                obtain,
            )
        ]
    for row in np.flatnonzero(notes.sizes[:, 0] != notes.sizes[:, 1])[:_LOOKED_AT]:
        try:
            read_noted(folder / str(notes.names[row]), notes.sizes[row], listed, obtain)
        except UserError as error:
            return list(error.problems)  # the others will be no better
    return []
