"""Facts of the protocols, each broken once on purpose: a test must notice.

Run by hand from the repository's root: python -m tests.mutations [NAME or FAMILY ...]
The package and its tests are copied to a temporary folder, and only the copy is changed. Prints
for each mutation whether its test killed it. Ends with status 1 if one survives, if a text to
replace is not found exactly once, or if a test can't run or fails on the unchanged copy.
A new fact is a line in its family's table; a new family, a file with a table in `FAMILIES`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.mutations.backbones import BACKBONES
from tests.mutations.classification_task import CLASSIFICATION_TASK
from tests.mutations.depth import DEPTH
from tests.mutations.oks import OKS
from tests.mutations.pose import POSE
from tests.mutations.search import SEARCH
from tests.mutations.semantic_readers import SEMANTIC_READERS
from tests.mutations.tracking_data import TRACKING_DATA
from tests.mutations.tracking_metrics import TRACKING_METRICS
from tests.mutations.tracking_network import TRACKING_NETWORK

if TYPE_CHECKING:
    from tests.mutations.mutation import Mutation

ROOT = Path(__file__).resolve().parents[2]
FAILED = 1  # pytest's status where tests ran and some failed
FAMILIES = {
    "backbones": BACKBONES,
    "classification-task": CLASSIFICATION_TASK,
    "depth": DEPTH,
    "oks": OKS,
    "pose": POSE,
    "search": SEARCH,
    "semantic-readers": SEMANTIC_READERS,
    "tracking-data": TRACKING_DATA,
    "tracking-metrics": TRACKING_METRICS,
    "tracking-network": TRACKING_NETWORK,
}


def chosen(names: list[str]) -> list[Mutation]:
    """Return the mutations of these names and families; all of them for none."""
    every = [mutation for family in FAMILIES.values() for mutation in family]
    if not names:
        return every
    found = []
    for name in names:
        hits = FAMILIES.get(name) or [mutation for mutation in every if name in mutation.name]
        if not hits:
            sys.exit(f"no mutation and no family is called {name!r}")
        found += [mutation for mutation in hits if mutation not in found]
    return found


def run_tests(copy: Path, nodes: list[str]) -> int:
    """Run tests of the copy on the copy, which stands first among Python's paths."""
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *nodes]
    done = subprocess.run(
        command, check=False, cwd=copy, env=environment, capture_output=True, text=True
    )
    if done.returncode not in (0, FAILED):
        print(done.stdout[-2000:], done.stderr[-2000:])
    return done.returncode


def judge(copy: Path, mutation: Mutation) -> str:
    """Apply a mutation to the copy, run its test, restore the copy; return what came of it."""
    path = copy / "mim_bench" / mutation.file
    text = path.read_text()
    if text.count(mutation.old) != 1:
        return f"text found {text.count(mutation.old)} times in {mutation.file}"
    path.write_text(text.replace(mutation.old, mutation.new))
    try:
        status = run_tests(copy, [mutation.test])
    finally:
        path.write_text(text)
    return {0: "SURVIVED", FAILED: "killed"}.get(status, f"pytest ended with status {status}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("names", nargs="*")
    mutations = chosen(parser.parse_args().names)
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        ignored = shutil.ignore_patterns("__pycache__", ".*")
        for name in ("mim_bench", "tests"):
            shutil.copytree(ROOT / name, copy / name, ignore=ignored)
        shutil.copy(ROOT / "pyproject.toml", copy)
        if run_tests(copy, sorted({mutation.test for mutation in mutations})) != 0:
            sys.exit("the tests don't pass on the unchanged copy")
        for mutation in mutations:
            start = time.monotonic()
            verdict = judge(copy, mutation)
            bad += verdict != "killed"
            print(f"{verdict}: {mutation.name} ({time.monotonic() - start:.0f} s)", flush=True)
    print(f"{len(mutations) - bad} of {len(mutations)} killed")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
