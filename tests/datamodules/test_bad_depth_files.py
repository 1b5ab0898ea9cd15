"""Bad lists and files of depth sets: one error each that says what, where, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from kitti_folders import Layout, make_kitti
from nyu_folders import make_nyu
from PIL import Image

from mim_bench.datamodules.depth import DepthDataModule
from mim_bench.datamodules.readers.kitti import KITTI
from mim_bench.datamodules.readers.nyuv2 import NYUv2
from mim_bench.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from mim_bench.datamodules.readers.depth import DepthReader


@dataclass(frozen=True)
class Copy:
    """A copy of a dataset and its second training sample."""

    reader: DepthReader
    image: Path
    depth: Path
    listed: Path
    size: tuple[int, int]

    def again(self) -> DepthReader:
        """Open it as a new process would."""
        return type(self.reader)(self.reader.root)


def open_copy(reader: DepthReader, size: tuple[int, int]) -> Copy:
    image, depth = reader._listed("train")[1].files(reader.folder)
    return Copy(reader, image, depth, reader.list_file("train"), size)


@pytest.fixture(params=["nyuv2", "kitti", "kitti as jpg"])
def copy(request, tmp_path) -> Copy:
    if request.param == "nyuv2":
        return open_copy(NYUv2(make_nyu(tmp_path)), (24, 32))
    layout = Layout(ending=".jpg") if request.param == "kitti as jpg" else None
    return open_copy(KITTI(make_kitti(tmp_path, layout, size=(24, 32))), (24, 32))


def cut(path: Path, kept: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])


def save(path: Path, array: np.ndarray) -> None:
    Image.fromarray(array).save(path)


FILES = {
    "missing picture": (lambda c: c.image.unlink(), "image", "No such file"),
    "missing depth": (lambda c: c.depth.unlink(), "depth", "No such file"),
    "half a picture": (lambda c: cut(c.image, 0.5), "image", "is cut short"),
    "nearly a picture": (lambda c: cut(c.image, 0.97), "image", "is cut short"),
    "half a depth map": (lambda c: cut(c.depth, 0.5), "depth", "is cut short"),
    "nearly a depth map": (lambda c: cut(c.depth, 0.99), "depth", "is cut short"),
    "empty picture": (lambda c: c.image.write_bytes(b""), "image", "is empty"),
    "empty depth": (lambda c: c.depth.write_bytes(b""), "depth", "is empty"),
    "web page": (lambda c: c.image.write_text("<html>403</html>"), "image", "is no picture"),
    "8 bits": (
        lambda c: save(c.depth, np.full(c.size, 9, np.uint8)),
        "depth",
        "holds 1 channel(s) of 8 bits",
    ),
    "colours": (
        lambda c: save(c.depth, np.zeros((*c.size, 3), np.uint8)),
        "depth",
        "holds 3 channel(s) of 8 bits",
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_files(copy, name):
    harm, kind, says = FILES[name]
    harm(copy)
    with pytest.raises(UserError) as caught:
        copy.again().sample("train", 1)
    (problem,) = caught.value.problems
    path = getattr(copy, kind)
    assert says in problem.what
    assert problem.where == f"{path} (listed in {copy.listed}:2)"
    assert problem.expected
    assert problem.action
    if name != "missing picture":
        assert copy.again().sample("train", 0)["image"].any()  # others are not harmed


@pytest.mark.parametrize("size", [(24, 30), (22, 32), (48, 64)])
def test_sizes_that_differ(copy, size):
    save(copy.image, np.zeros((*size, 3), np.uint8))
    with pytest.raises(UserError) as caught:
        copy.again().sample("train", 1)
    (problem,) = caught.value.problems
    assert f"{copy.image} is {size[1]} x {size[0]}" in problem.what
    assert f"{copy.depth} 32 x 24" in problem.what
    assert problem.where == f"{copy.listed}:2"
    assert problem.expected == "the same size"
    assert problem.action


LISTS = {
    "one column": (b"/a/rgb.jpg /a/d.png\n/b/rgb.jpg\n", ":2", "one column"),
    "picture outside": (b"/a.jpg /d.png\r\n\r\n../../etc/passwd /d.png\n", ":3", "leads out"),
    "depth outside": (b"/a.jpg /raw_data/../../d.png\n", ":1", "leads out"),
    "outside, far in": (b"/a.jpg ../official_splits/../../../d.png\n", ":1", "leads out"),
    "empty": (b"", "", "is empty"),
    "blank": (b"\n\r\n  \n", "", "is empty"),
    "binary": (b"\x89PNG\r\n\x1a\n\xff\x00", "", "can't be read"),
    "bytes that are text by chance": (b"/a\x00b.jpg /d.png\n", "", "can't be read"),
    "UTF-16": ("/a.jpg /d.png\n".encode("utf-16"), "", "can't be read"),
    "none with depth": (b"/a.jpg None\n/b.jpg None 721\n", "", "no frame with a depth map"),
}


@pytest.mark.parametrize("name", LISTS)
def test_lists(copy, name):
    content, line, says = LISTS[name]
    copy.listed.write_bytes(content)
    reader = copy.again()
    with pytest.raises(UserError) as caught:
        reader.ids("train")
    (problem,) = caught.value.problems
    assert says in problem.what
    assert problem.where == f"{copy.listed}{line}"
    assert problem.expected
    assert problem.action
    assert reader.check(["train"]) == [problem]
    assert reader.check(["test"]) == []


def test_a_list_that_is_missing(copy):
    copy.listed.unlink()
    for harm in (lambda: None, copy.listed.mkdir):
        harm()
        (problem,) = copy.again().check(["train"])
        assert problem.what == "the list is missing"
        assert problem.where == str(copy.listed)
        assert "MIM-Depth-Estimation" in problem.action
        assert "depth map" in problem.expected


def test_no_folder_at_all(copy, tmp_path):
    (problem,) = type(copy.reader)(tmp_path / "elsewhere").check()
    assert problem.where == str(tmp_path / "elsewhere" / copy.reader.info.folder)
    assert problem.action == copy.reader.info.obtain


def test_a_mixed_drive_says_where_it_was_looked_for(tmp_path):
    """Half converted to .jpg, or half moved: one problem, and it names the places."""
    root = make_kitti(tmp_path)
    copy = open_copy(KITTI(root), (12, 30))
    copy.image.rename(copy.image.with_suffix(".jpg"))
    drive = "2011_09_26_drive_0001_sync"
    other = root / "kitti" / "data_depth_annotated" / drive
    (other / "proj_depth/groundtruth/image_02").mkdir(parents=True)
    copy.depth.rename(other / "proj_depth/groundtruth/image_02" / copy.depth.name)
    (problem,) = copy.again().check(["train"])
    assert "2 listed file(s) of the split 'train' are missing" in problem.what
    assert str(copy.image) in problem.what
    assert str(copy.depth) in problem.what
    assert problem.where == str(copy.listed)
    assert problem.action == KITTI.info.obtain
    with pytest.raises(UserError) as caught:
        copy.again().sample("train", 1)
    (read,) = caught.value.problems
    for place in (
        f"raw_data/2011_09_26/{drive}/image_02/data/*.png",
        f" 2011_09_26/{drive}/image_02/data/*.jpg",
        f"data_depth_annotated/train/{drive}/proj_depth/groundtruth/image_02/*.png",
        f"data_depth_annotated/{drive}/proj_depth",
        f" val/{drive}/proj_depth",
        "one place and one format",
    ):
        assert place in problem.expected
        assert place in read.expected
    with pytest.raises(UserError, match="0000000006"):
        copy.again().fingerprint("train")


def test_a_lost_first_frame_does_not_hide_its_neighbours(tmp_path):
    layout = Layout(images="", depth="{part}", ending=".jpg")
    copy = open_copy(KITTI(make_kitti(tmp_path, layout)), (12, 30))
    pair = copy.reader._listed("train")[0]
    lost = pair.files(copy.reader.folder)
    for path in lost:
        path.unlink()
    (problem,) = copy.again().check(["train"])
    assert "2 listed file(s)" in problem.what
    assert all(str(path) in problem.what for path in lost)
    assert copy.again().sample("train", 1)["image"].any()


def test_a_drive_that_is_not_there(tmp_path):
    root = make_kitti(tmp_path)
    raw = root / "kitti/raw_data/2011_10_03"
    raw.rename(tmp_path / "away")
    (problem,) = KITTI(root).check()
    assert "1 listed file(s) of the split 'test'" in problem.what
    assert f"{raw}/2011_10_03_drive_0047_sync/image_02/data/0000000120.png" in problem.what
    assert "raw_data/2011_10_03" in problem.expected


@pytest.mark.filterwarnings("ignore:.*no measurement")
def test_a_depth_map_of_zeros_is_read_and_counts_for_nothing(copy):
    cv2.imwrite(str(copy.depth), np.zeros(copy.size, np.uint16))
    sample = copy.again().sample("train", 1)
    assert not sample["depth"].any()
    datamodule = DepthDataModule(copy.again(), batch_size=2, crop=copy.size)
    batch = datamodule.sample_batch("train", 2)
    assert batch["valid"].flatten(1).any(1).tolist() == [True, False]
