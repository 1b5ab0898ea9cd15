"""Readers and the miniature world load no torch, the package itself next to nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "lightning", "timm", "torchvision", "albumentations", "torchmetrics")


def loaded_after(code: str, names: tuple[str, ...]) -> str:
    """Run code in a fresh process; return which of the named modules it loaded."""
    program = f"import sys\n{code}\nprint([n for n in {names!r} if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


@pytest.mark.parametrize(
    "code",
    [
        "import mim_bench.datamodules",
        "from mim_bench.datamodules import miniature\n"
        "miniature.is_drawn(miniature.world_folder(), miniature.DATASETS)",
        "from mim_bench.datamodules.readers import READERS, get_reader_class\n"
        "[get_reader_class(name).info for name in READERS]",
    ],
)
def test_looking_around_loads_not_even_numpy(code):
    assert loaded_after(code, (*HEAVY, "numpy", "cv2")) == "[]"


def test_drawing_and_reading_load_no_torch(tmp_path):
    code = f"""
from pathlib import Path
from mim_bench.datamodules import miniature
from mim_bench.datamodules.readers import get_reader_class
from mim_bench.datamodules import randomness
counts = {{"nyuv2": {{"train": 1, "test": 1}}}}
root = miniature.draw_world(Path({str(tmp_path / "w")!r}), counts, counts=counts)
reader = get_reader_class("nyuv2")(root)
assert reader.check() == []
reader.fingerprint("train"), reader.sample("test", 0)
"""
    assert loaded_after(code, HEAVY) == "[]"


def test_datamodules_are_found_at_the_package():
    from mim_bench import datamodules
    from mim_bench.datamodules.base import BenchDataModule

    assert datamodules.BenchDataModule is BenchDataModule
    with pytest.raises(AttributeError, match="Nothing"):
        _ = datamodules.Nothing
