"""A depth dataset of one's own: a folder of `NAME.jpg` with `NAME_depth.png`, split by name."""

from mim_bench.datamodules.readers.base import DatasetInfo
from mim_bench.datamodules.readers.depth import DepthReader
from mim_bench.datamodules.readers.lists import Pair


class Garage(DepthReader):
    """Every fifth picture of the folder is for the test. Depth is in tenths of a millimetre."""

    depth_scale = 10_000.0
    info = DatasetInfo(
        name="garage",
        title="Our garage",
        task="depth",
        folder="garage",
        splits={"train": 8, "test": 2},
        metric="RMSE in metres below 5 m",
        licence="ours",
        home="",
        size_on_disk="3 MB",
        obtain="ask the caretaker",
        max_depth=5.0,
    )

    def list_file(self, split):
        """Return what names the samples."""
        return self.folder  # no list: the folder itself says what there is

    def pairs(self, split):
        """Return pictures with their depth maps."""
        pictures = sorted(self.folder.glob("*.jpg"))
        chosen = (
            pictures[::5] if split == "test" else [p for p in pictures if p not in pictures[::5]]
        )
        return [Pair(p.name, f"{p.stem}_depth.png", str(p)) for p in chosen]
