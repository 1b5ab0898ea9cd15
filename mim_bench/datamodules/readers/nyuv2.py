"""NYU Depth V2 as depth papers use it: 24,231 training frames, 654 test frames.

Layout and lists are those of the authors' code, which took them over from GLPDepth and BTS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from mim_bench.datamodules.readers.base import DatasetInfo
from mim_bench.datamodules.readers.depth import DepthReader
from mim_bench.datamodules.readers.lists import Pair, find_list, read_pairs

if TYPE_CHECKING:
    from pathlib import Path

TEST_BASE = "official_splits/test"
"""Where the test's frames lie below the dataset's folder."""

_LISTS = (
    "copy train_list.txt and test_list.txt from filenames/nyudepthv2/ of github.com/"
    "SwinTransformer/MIM-Depth-Estimation into nyu_depth_v2/"
)


class NYUv2(DepthReader):
    """Reads NYU Depth V2: 640 x 480 JPEG pictures, depth in millimetres as 16-bit PNG.

    The lists `train_list.txt` and `test_list.txt` are looked for in `nyu_depth_v2/`, then in
    `filenames/nyudepthv2/` under the data root, then in `nyu_depth_v2/filenames/nyudepthv2/`.
    Training paths are relative to `nyu_depth_v2/`, test paths to its `official_splits/test/`.
    """

    depth_scale: ClassVar[float] = 1000.0

    info: ClassVar[DatasetInfo] = DatasetInfo(
        name="nyuv2",
        title="NYU Depth V2",
        task="depth",
        folder="nyu_depth_v2",
        splits={"train": 24231, "test": 654},
        metric="RMSE in metres below 10 m in the Eigen crop, mean over images",
        licence="not stated by its authors; for research",
        home="https://cs.nyu.edu/~fergus/datasets/nyu_depth_v2.html",
        size_on_disk="about 4 GB of training frames; the labelled file of the test, 2.8 GB",
        obtain=(
            "training frames: the archive sync.zip of BTS (github.com/cleinc/bts), unpacked into "
            "nyu_depth_v2/ so that nyu_depth_v2/kitchen_0028b/rgb_00045.jpg exists; test frames: "
            "nyu_depth_v2_labeled.mat from the home page, then `mim-bench data prepare "
            "nyu_depth_v2 nyu_depth_v2_labeled.mat`, which fills nyu_depth_v2/official_splits/"
            f"test/; lists: {_LISTS}"
        ),
        image_size=(480, 640),
        max_depth=10.0,
    )

    def list_file(self, split: str) -> Path:
        """Return the list of a split, as it was found or where it belongs."""
        return find_list(self.root, self.folder, "nyudepthv2", f"{split}_list.txt")

    def pairs(self, split: str) -> list[Pair]:
        """Return a split's pictures and depth maps."""
        path = self.list_file(split)
        return read_pairs(path, TEST_BASE if split == "test" else "", obtain=_LISTS)
