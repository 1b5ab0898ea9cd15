"""Wheel and sdist hold one copy of everything, and the import rules hold."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "lightning", "timm", "torchvision", "albumentations", "torchmetrics")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Build both archives from a copy of what git would clone, without a network."""
    work = tmp_path_factory.mktemp("build")
    source = work / "source"
    source.mkdir()
    names = ["pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "mim_bench"]
    names += ["datamodules", "tasks", "benchmarks", "tests", "docs"]
    subprocess.run(["cp", "-a", *[str(ROOT / name) for name in names], str(source)], check=True)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(work), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(done.stdout[-2000:] + done.stderr[-2000:])
    (wheel,) = work.glob("*.whl")
    (sdist,) = work.glob("*.tar.gz")
    return zipfile.ZipFile(wheel).namelist(), tarfile.open(sdist).getnames()


def expected() -> set[str]:
    files = [path for path in (ROOT / "mim_bench").rglob("*") if path.is_file()]
    return {
        str(path.relative_to(ROOT))
        for path in files
        if "__pycache__" not in path.parts and path.suffix in (".py", ".yaml", ".typed")
    } | {"mim_bench/py.typed"}


def test_the_wheel_holds_the_package_once(built):
    inside = [name for name in built[0] if ".dist-info/" not in name]
    assert sorted(inside) == sorted(expected())


def test_the_sdist_holds_the_package_once(built):
    inside = [name.partition("/")[2] for name in built[1]]
    python = [name for name in inside if name.endswith((".py", ".yaml"))]
    assert sorted(python) == sorted(name for name in expected() if not name.endswith(".typed"))


def test_the_links_lead_into_the_package():
    for name in ("datamodules", "tasks", "benchmarks"):
        link = ROOT / name
        assert link.is_symlink()
        assert link.resolve() == ROOT / "mim_bench" / name


@pytest.mark.parametrize(
    "module",
    [
        "mim_bench.cli",
        "mim_bench.verbs.looking",
        "mim_bench.verbs.listing",
        "mim_bench.reports",
        "mim_bench.benchmarks.runner",
        "mim_bench.benchmarks.plan",
        "mim_bench.benchmarks.launcher",
        "mim_bench.backbones.spec",
        "mim_bench.datamodules.readers.kitti",
        "mim_bench.datamodules.readers.nyuv2",
        "mim_bench.datamodules.prepare",
        "mim_bench.datamodules.miniature",
    ],
)
def test_planning_loads_nothing_heavy(module):
    code = f"import sys, {module}; print([n for n in {HEAVY!r} if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"


RULES = {
    "backbones": ("datamodules", "tasks", "benchmarks", "reports", "cli", "verbs"),
    "datamodules": ("backbones", "tasks", "benchmarks", "reports", "cli", "verbs"),
    "tasks": ("datamodules", "benchmarks", "reports", "cli", "verbs"),
    "reports": ("backbones", "datamodules", "tasks", "cli", "verbs"),
}


@pytest.mark.parametrize("part", RULES)
def test_imports_point_one_way(part):
    for path in (ROOT / "mim_bench" / part).rglob("*.py"):
        for line in path.read_text().splitlines():
            found = re.match(r"\s*(?:from|import) mim_bench\.(\w+)", line)
            # annotations of a worker's own side
            assert not (found and found[1] in RULES[part]), f"{path}: {line}"


def test_the_miniature_world_imports_no_reader():
    for path in (ROOT / "mim_bench/datamodules/miniature").rglob("*.py"):
        assert "datamodules.readers" not in path.read_text(), path


def test_every_file_says_what_lives_there_and_is_small():
    for path in (ROOT / "mim_bench").rglob("*.py"):
        lines = path.read_text().splitlines()
        assert lines[0].startswith('"""'), path
        assert len(lines) <= 350, path
