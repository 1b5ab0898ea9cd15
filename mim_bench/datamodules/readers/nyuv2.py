"""NYU Depth V2 as the depth literature lays it out: 24,231 training and 654 test frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from mim_bench.datamodules.readers.base import DatasetInfo
from mim_bench.datamodules.readers.depth import DepthReader, Pair, read_pairs
from mim_bench.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

_TEST = "official_splits/test"


class NYUv2(DepthReader):
    """NYU Depth V2 with the lists of BTS and GLPDepth (see `info.obtain`).

    Lists are looked for in the dataset's folder, then in `filenames/nyudepthv2/` of the data root
    and of the dataset's folder. Training lines are relative to the dataset's folder, test lines to
    `official_splits/test/` (or to the dataset's folder, when they name it). Depth is in
    millimetres, 0 where nothing was measured; at test it is the raw map, with its holes.
    """

    info: ClassVar[DatasetInfo] = DatasetInfo(
        name="nyuv2",
        title="NYU Depth V2",
        task="depth",
        folder="nyu_depth_v2",
        splits={"train": 24231, "test": 654},
        metric="RMSE in metres over depths below 10 m, per image, Eigen crop",
        licence="not stated by its authors; for research, cite Silberman et al., ECCV 2012",
        home="https://cs.nyu.edu/~fergus/datasets/nyu_depth_v2.html",
        size_on_disk="about 4 GB of training frames (sync.zip), 2.8 GB labelled .mat for the test",
        obtain=(
            "unpack the sync.zip of the BTS repository (cleinc/bts) into nyu_depth_v2/ "
            "(<scene>/rgb_00000.jpg, sync_depth_00000.png), put the official test split into "
            "nyu_depth_v2/official_splits/test/<type>/ (made from nyu_depth_v2_labeled.mat and "
            "splits.mat), and train_list.txt and test_list.txt of "
            "SwinTransformer/MIM-Depth-Estimation (dataset/filenames/nyudepthv2) into nyu_depth_v2/"
        ),
        image_size=(480, 640),
        max_depth=10.0,
    )
    depth_scale: ClassVar[float] = 1000.0

    def pairs(self, split: str) -> list[Pair]:
        """Return the pairs of `train` or `test` (see `DepthReader.pairs`)."""
        (list_file,) = self.lists(split)
        if split == "train":
            return read_pairs(list_file, self.folder)
        pairs = read_pairs(list_file, self.folder / _TEST)
        if any(pair.id.startswith(_TEST) for pair in pairs):
            pairs = read_pairs(list_file, self.folder)
        return pairs

    def lists(self, split: str) -> list[Path]:
        """Return the split's list file.

        Raises:
            UserError: It is in none of the places.
        """
        name = f"{self._known(split)}_list.txt"
        places = [
            self.folder / name,
            self.root / "filenames" / "nyudepthv2" / name,
            self.folder / "filenames" / "nyudepthv2" / name,
        ]
        for place in places:
            if place.is_file():
                return [place]
        raise UserError(
            f"there is no {name}",
            where=str(self.folder),
            expected=" or ".join(str(place) for place in places),
            action=self.info.obtain,
        )
