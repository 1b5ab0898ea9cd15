"""`data prepare`: NYU's test frames out of a labelled file, against plain loops over pixels."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from mim_bench.datamodules import prepare
from mim_bench.datamodules.prepare import prepare_nyu
from mim_bench.datamodules.readers.nyuv2 import NYUv2
from mim_bench.errors import UserError
from mim_bench.verbs.data import prepare_data

if TYPE_CHECKING:
    from pathlib import Path

h5py = pytest.importorskip("h5py")
scipy_io = pytest.importorskip("scipy.io")

SCENES = ["kitchen", "bathroom", "home_office", "kitchen", "bathroom"]
TEST = [4, 1, 5]  # as splits.mat counts, from 1
NAMES = ["bathroom/00004", "home_office/00002", "kitchen/00000", "kitchen/00003"]


def make_labelled(path: Path, scenes=tuple(SCENES), leave_out=(), **changed) -> dict:
    """Write a file as MATLAB does: axes reversed, texts behind references, a header before."""
    rng = np.random.default_rng(0)
    count = len(scenes)
    base = np.linspace(0, 180, 480)[:, None, None] + np.linspace(0, 60, 640)[None, :, None]
    images = (base[None] + rng.integers(0, 15, (count, 1, 1, 3))).astype(np.uint8)
    depths = rng.uniform(0.7, 9.99, (count, 480, 640)).astype(np.float32)
    depths[rng.random(depths.shape) < 0.2] = 0
    content = {
        "images": images.transpose(0, 3, 2, 1),
        "rawDepths": depths.transpose(0, 2, 1),
        "depths": np.ones((count, 640, 480), np.float32),  # the in-painted ones: not to be used
        **changed,
    }
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in content.items():
            if name not in leave_out:
                file.create_dataset(name, data=array, chunks=(1, *array.shape[1:]))
        if "sceneTypes" not in leave_out:
            texts = file.create_group("#refs#")
            references = np.empty((1, count), h5py.ref_dtype)
            for index, scene in enumerate(scenes):
                codes = np.array([[ord(letter)] for letter in scene], np.uint16)
                references[0, index] = texts.create_dataset(f"t{index}", data=codes).ref
            file.create_dataset("sceneTypes", data=references, dtype=h5py.ref_dtype)
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512))
    return {"images": images, "depths": depths}


def write_splits(path: Path, numbers) -> Path:
    column = np.array(numbers, np.uint16).reshape(-1, 1)
    scipy_io.savemat(path, {"testNdxs": column, "trainNdxs": column + 1})
    return path


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("labelled")
    arrays = make_labelled(folder / "nyu_depth_v2_labeled.mat")
    write_splits(folder / "splits.mat", TEST)
    return folder / "nyu_depth_v2_labeled.mat", arrays


def files(root: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(root)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in root.rglob("*")
        if path.is_file()
    }


def test_every_pixel(source, tmp_path):
    path, arrays = source
    done = prepare_nyu(path, None, tmp_path)
    assert (done.frames, done.written, done.kept, done.listed) == (3, 6, 0, True)
    base = tmp_path / "nyu_depth_v2/official_splits/test"
    for number, scene in ((3, "kitchen"), (0, "kitchen"), (4, "bathroom")):
        depth = np.asarray(Image.open(base / f"{scene}/sync_depth_{number:05d}.png"))
        assert depth.dtype == np.uint16
        assert depth.shape == (480, 640)
        # float32 numbers times 1000 in float32, fractions dropped
        wanted = [
            [int(np.float32(value) * np.float32(1000)) for value in row]
            for row in arrays["depths"][number]
        ]
        assert np.array_equal(depth, wanted)
        assert (depth[arrays["depths"][number] == 0] == 0).all()
        assert 0.15 < (depth == 0).mean() < 0.25
        with Image.open(base / f"{scene}/rgb_{number:05d}.jpg") as picture:
            assert picture.mode == "RGB"
            assert sum(picture.quantization[0]) < 500  # quality 95; 90 has more
            image = np.asarray(picture).astype(int)
        inside = np.zeros((480, 640), bool)
        inside[7:474, 7:632] = True
        truth = arrays["images"][number].astype(int) * inside[..., None]
        assert np.abs(image - truth).mean(axis=(0, 1)).max() < 1.5  # channels in their order
        far = [(slice(None), slice(0, 636)), (slice(0, 476), slice(None))]
        assert image[:, 636:].max() < 40  # ringing of the border's blocks at most
        assert image[480 - 4 :, :].max() < 40
        assert all(np.abs(image - truth)[part].max() < 90 for part in far)
    assert len(files(base)) == 6


def test_the_border_before_it_is_packed(source):
    path, arrays = source
    with prepare.LabelledFile(path) as labelled:
        for number in range(5):
            image = prepare._frame(labelled, number)[f"rgb_{number:05d}.jpg"][..., ::-1]
            assert np.array_equal(image[7:474, 7:632], arrays["images"][number][7:474, 7:632])
            for outside in (image[:7], image[474:], image[:, :7], image[:, 632:]):
                assert not outside.any()


def test_the_reader_reads_it(source, tmp_path):
    prepare_nyu(source[0], None, tmp_path)
    reader = NYUv2(tmp_path)
    assert reader.check(["test"]) == []
    assert reader.ids("test") == [
        "official_splits/test/bathroom/rgb_00004",
        "official_splits/test/kitchen/rgb_00000",
        "official_splits/test/kitchen/rgb_00003",
    ]
    found = reader.sample("test", 2)["depth"]
    assert np.abs(found - source[1]["depths"][3]).max() <= 0.00101


def test_again_changes_nothing_and_goes_on_where_it_was(source, tmp_path):
    path, _ = source
    seen = []

    def stop(done, total):
        seen.append((done, total))
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare_nyu(path, None, tmp_path, stop)
    assert seen == [(0, 3), (1, 3), (2, 3)]
    first = files(tmp_path)
    assert len(first) == 4
    assert not any(name.endswith("list.txt") for name in first)
    done = prepare_nyu(path, None, tmp_path)
    assert (done.written, done.kept, done.listed) == (2, 4, True)
    whole = files(tmp_path)
    assert len(whole) == 7
    assert first.items() <= whole.items()
    done = prepare_nyu(path, None, tmp_path)
    assert (done.written, done.kept, done.listed) == (0, 6, False)
    assert files(tmp_path) == whole


def test_the_same_pixels_packed_otherwise_are_kept(source, tmp_path):
    prepare_nyu(source[0], None, tmp_path)
    depth = next(tmp_path.rglob("sync_depth_00003.png"))
    array = np.asarray(Image.open(depth))
    Image.fromarray(array).save(depth, compress_level=1)
    before = files(tmp_path)
    assert prepare_nyu(source[0], None, tmp_path).kept == 6
    assert files(tmp_path) == before


@pytest.mark.parametrize("name", ["sync_depth_00003.png", "rgb_00003.jpg"])
@pytest.mark.parametrize("harm", ["other", "empty", "cut"])
def test_other_files_are_refused_and_left_alone(source, tmp_path, name, harm):
    prepare_nyu(source[0], None, tmp_path)
    path = next(tmp_path.rglob(name))
    if harm == "other":
        other = next(tmp_path.rglob(name.replace("00003", "00004")))
        path.write_bytes(other.read_bytes())
    else:
        path.write_bytes(path.read_bytes()[: 900 if harm == "cut" else 0])
    before = files(tmp_path)
    with pytest.raises(UserError) as caught:
        prepare_nyu(source[0], None, tmp_path)
    (problem,) = caught.value.problems
    assert problem.where == str(path)
    assert "frame 3 of" in problem.expected
    assert "left as it is" in problem.what
    assert files(tmp_path) == before


@pytest.mark.parametrize("place", ["nyu_depth_v2", "filenames/nyudepthv2"])
def test_a_list_that_is_there_stays(source, tmp_path, place, capsys):
    listed = tmp_path / place / "test_list.txt"
    listed.parent.mkdir(parents=True)
    listed.write_text("/kitchen/rgb_00009.jpg /kitchen/sync_depth_00009.png\r\n")
    status = prepare_data("nyu_depth_v2", source[0], None, tmp_path, as_json=False)
    assert listed.read_bytes().endswith(b"9.png\r\n")
    assert not (tmp_path / "nyu_depth_v2/test_list.txt").exists() or place == "nyu_depth_v2"
    said = capsys.readouterr().out
    assert status == 1  # what the list names is not in the file
    assert "rgb_00009.jpg" in said
    assert "6 files written" in said


def test_the_command(source, tmp_path, capsys):
    assert prepare_data("nyuv2", source[0], None, tmp_path, as_json=False) == 0
    said = capsys.readouterr().out
    assert "3 test frames: 6 files written, 0 were there" in said
    assert "test has 3 samples, the official split 654" in said
    with pytest.raises(UserError, match="unknown dataset 'kitti'"):
        prepare_data("kitti", source[0], None, tmp_path, as_json=False)
    with pytest.raises(UserError, match="--root"):
        prepare_data("nyuv2", source[0], None, None, as_json=False)


def refused(labelled, splits, root) -> str:
    with pytest.raises(UserError) as caught:
        prepare_nyu(labelled, splits, root)
    (problem,) = caught.value.problems
    assert problem.expected or "no such file" in problem.what
    assert problem.action
    assert not (root / "nyu_depth_v2" / "test_list.txt").exists()
    return str(problem)


def test_labelled_files_that_are_none(source, tmp_path):
    path, _ = source
    root, bad = tmp_path / "root", tmp_path / "bad.mat"
    splits = path.with_name("splits.mat")
    assert "no such file" in refused(bad, splits, root)
    bad.write_bytes(b"")
    assert "is empty" in refused(bad, splits, root)
    bad.write_text("<html>404</html>")
    assert "is no HDF5 file" in refused(bad, splits, root)
    assert "old format (splits.mat?)" in refused(splits, splits, root)
    for share in (0.1, 0.5, 0.999):
        content = path.read_bytes()
        bad.write_bytes(content[: int(len(content) * share)])
        said = refused(bad, splits, root)
        assert "is cut short" in said
        assert f"{bad.stat().st_size:,} bytes" in said
        assert "2.8 GB" in said
        assert "download it again" in said
    assert not root.exists()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"leave_out": ("rawDepths", "sceneTypes")}, "has no rawDepths, sceneTypes"),
        ({"images": np.zeros((5, 480, 640, 3), np.uint8)}, "images is (5, 480, 640, 3)"),
        ({"rawDepths": np.zeros((5, 480, 640), np.float32)}, "rawDepths is (5, 480, 640)"),
        ({"rawDepths": np.zeros((4, 640, 480), np.float32)}, "rawDepths is (4, 640, 480)"),
        ({"rawDepths": np.zeros((5, 640, 480), np.uint16)}, "rawDepths uint16"),
        ({"rawDepths": np.full((5, 640, 480), np.nan, np.float32)}, "depth of frame 0 is no depth"),
        ({"rawDepths": np.full((5, 640, 480), 900, np.float32)}, "depth of frame 0 is no depth"),
        ({"scenes": ["../kitchen"] * 5}, "scene type of frame 0 is '../kitchen'"),
    ],
)
def test_labelled_files_with_other_content(tmp_path, changes, says):
    path = tmp_path / "nyu_depth_v2_labeled.mat"
    make_labelled(path, **changes)
    write_splits(tmp_path / "splits.mat", TEST)
    assert says in refused(path, None, tmp_path / "root")


@pytest.mark.parametrize(
    ("numbers", "says"),
    [
        ([0, 1], "frames 0 to 1, the labelled file has 5"),
        ([5, 6], "frames 5 to 6, the labelled file has 5"),
        ([], "names no frame"),
    ],
)
def test_splits_of_another_file(source, tmp_path, numbers, says):
    splits = write_splits(tmp_path / "other.mat", numbers)
    assert says in refused(source[0], splits, tmp_path / "root")


def test_splits_that_are_none(source, tmp_path):
    path, _ = source
    root, bad = tmp_path / "root", tmp_path / "bad.mat"
    said = refused(path, bad, root)
    assert "no such file" in said
    assert "indoor_seg_sup" in said
    scipy_io.savemat(bad, {"trainNdxs": np.ones((3, 1))})
    assert "has no testNdxs" in refused(path, bad, root)
    write_splits(bad, [1, 1, 2])
    assert "names a frame twice" in refused(path, bad, root)
    assert "version 7.3 (the labelled file?)" in refused(path, path, root)
    whole = write_splits(bad, range(1, 6)).read_bytes()
    for kept in (0, 5, 100, 130, 190):
        bad.write_bytes(whole[:kept])
        assert any(part in refused(path, bad, root) for part in ("can't be read", "is no .mat"))


@pytest.mark.parametrize("module", ["h5py", "scipy.io.matlab"])
def test_what_is_not_installed_is_said(source, tmp_path, monkeypatch, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UserError, match=r"pip install 'mim-bench\[prepare\]'") as caught:
        prepare_nyu(source[0], None, tmp_path)
    assert f"{module.partition('.')[0]} is not installed" in str(caught.value)


def test_a_disk_that_can_not_be_written(source, tmp_path):
    (tmp_path / "nyu_depth_v2").write_text("a file")
    with pytest.raises(UserError, match="can't be"):
        prepare_nyu(source[0], None, tmp_path)
