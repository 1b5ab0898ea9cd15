"""KITTI depth: the Eigen split with the annotated depth, 23,158 training and 652 test frames.

Lists are those of the authors' code. Layouts are those of the official archives and of the two
code bases that most copies were made for, BTS and monodepth2; `kitti_layout` finds the frames.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from mim_bench.datamodules.readers.base import DatasetInfo
from mim_bench.datamodules.readers.depth import DepthReader
from mim_bench.datamodules.readers.kitti_layout import canonical
from mim_bench.datamodules.readers.lists import Pair, find_list, read_pairs

if TYPE_CHECKING:
    from pathlib import Path

_LISTS = (
    "copy train_list.txt and test_list.txt from filenames/eigen_benchmark/ of github.com/"
    "SwinTransformer/MIM-Depth-Estimation into kitti/"
)


class KITTI(DepthReader):
    """Reads KITTI: left colour pictures of about 1242 x 375, sparse depth in metres x 256.

    The lists `train_list.txt` and `test_list.txt` are looked for in `kitti/`, then in
    `filenames/eigen_benchmark/` under the data root, then in
    `kitti/filenames/eigen_benchmark/`. Frames are named
    `<date>/<drive>/image_02/data/<frame>` in every layout and under every form of the lists,
    which so have the same ids and, with the same files, the same fingerprint.
    """

    depth_scale: ClassVar[float] = 256.0

    info: ClassVar[DatasetInfo] = DatasetInfo(
        name="kitti",
        title="KITTI",
        task="depth",
        folder="kitti",
        splits={"train": 23158, "test": 652},
        metric="RMSE in metres below 80 m in the Garg crop, mean over images",
        licence="CC BY-NC-SA 3.0; an account is needed for the download",
        home="https://www.cvlibs.net/datasets/kitti/",
        size_on_disk="about 175 GB of raw data, 14 GB of annotated depth",
        obtain=(
            "pictures: the 61 drives of the lists from 'raw data' of the home page (synced+"
            "rectified), so that kitti/raw_data/2011_09_26/2011_09_26_drive_0002_sync/image_02/"
            "data/0000000069.png exists (also without raw_data/, also as .jpg); depth: "
            "data_depth_annotated.zip from 'depth prediction' of the home page, unpacked into "
            "kitti/data_depth_annotated/ so that kitti/data_depth_annotated/train/2011_09_26_"
            "drive_0001_sync/proj_depth/ exists (also unpacked into kitti/, also with train and "
            f"val merged); lists: {_LISTS}"
        ),
        max_depth=80.0,
    )

    def list_file(self, split: str) -> Path:
        """Return the list of a split, as it was found or where it belongs."""
        return find_list(self.root, self.folder, "eigen_benchmark", f"{split}_list.txt")

    def pairs(self, split: str) -> list[Pair]:
        """Return a split's pictures and depth maps."""
        return canonical(read_pairs(self.list_file(split), obtain=_LISTS), self.folder)
