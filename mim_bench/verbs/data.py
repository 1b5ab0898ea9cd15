"""What `data make`, `data check` and `data prepare` do. (No torch.)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mim_bench.datamodules.readers import READERS, get_reader_class
from mim_bench.errors import UserError, unknown
from mim_bench.verbs.printing import print_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def make_world(root: Path | None, seed: int, as_json: bool) -> None:
    """Draw the miniature world and its contact sheets.

    Args:
        root: The data root to be; None takes the cache that `run` reads.
        seed: The world's seed.
        as_json: Print JSON.
    """
    from mim_bench.benchmarks.runner import draw, main_console
    from mim_bench.datamodules import miniature
    from mim_bench.datamodules.miniature.sheets import write_sheets

    console = main_console(as_json)
    folder = root or miniature.world_folder(seed)
    if miniature.is_drawn(folder, miniature.DATASETS, seed):
        console.print(f"{folder} holds this world already.", soft_wrap=True)
    else:
        draw(console, miniature.DATASETS, folder, seed)
    try:
        sheets = write_sheets(folder, seed)
    except OSError as error:
        raise UserError(
            f"the contact sheets can't be written: {error.strerror or error}",
            where=str(folder),
            action="free space on the disk, or name a folder that you may write to",
        ) from error
    console.print(f"Look at it: {sheets[0].parent}", soft_wrap=True)
    if as_json:
        datasets = list(miniature.DATASETS)
        print_json({"root": str(folder), "datasets": datasets, "sheets": [str(s) for s in sheets]})


def check_data(root: Path, names: Sequence[str], as_json: bool) -> int:
    """Print what a data root holds and lacks.

    Returns:
        The exit status: 1 when a dataset that was named, or that has a folder, lacks something.
    """
    if not root.is_dir():
        raise UserError("there is no such folder", where=str(root))
    problems = [unknown("dataset", name, READERS) for name in names if name not in READERS]
    if problems:
        raise UserError(problems)
    report: list[dict[str, Any]] = []
    lacking = False
    for name in names or READERS:
        reader = get_reader_class(name)(root)
        found = reader.check()
        absent = not reader.folder.is_dir()
        lacking = lacking or (bool(found) and (bool(names) or not absent))
        counts = {} if found else {split: reader.count(split) for split in reader.info.splits}
        state = "not there" if absent else "incomplete" if found else "complete"
        report.append({"dataset": name, "state": state, "counts": counts})
        notes = [note for split in counts for note in reader.notes(split)]
        report[-1] |= {"problems": [vars(problem) for problem in found], "notes": notes}
        if not as_json:
            listed = ", ".join(f"{split} {count}" for split, count in counts.items())
            print(f"{name}: {state} {listed}".rstrip())
            for problem in found:
                print("  " + str(problem).replace("\n", "\n  "))
            for note in notes:
                print(f"  note: {note}")
    if as_json:
        print_json(report)
    return int(lacking)


def prepare_data(
    name: str, source: Path, splits: Path | None, root: Path | None, as_json: bool
) -> int:
    """Bring a dataset that is published in another form into its layout.

    Args:
        name: The dataset, by its name or its folder's; only NYUv2 needs it.
        source: What was downloaded.
        splits: The split's file; None looks beside `source`.
        root: The data root to fill.
        as_json: Print JSON.

    Returns:
        The exit status: 1 when the test is still not complete.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from mim_bench.benchmarks.runner import main_console
    from mim_bench.datamodules.readers.nyuv2 import NYUv2

    if name not in (NYUv2.info.name, NYUv2.info.folder):
        raise UserError([unknown("dataset", name, [NYUv2.info.folder], "data prepare")])
    if root is None:
        raise UserError("no data root is given", action="give --root, or set MIM_BENCH_DATA")
    from mim_bench.datamodules.prepare import prepare_nyu

    console = main_console(as_json)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("test frames", total=None)
        done = prepare_nyu(
            source,
            splits,
            root,
            lambda count, total: progress.update(bar, completed=count, total=total),
        )
    reader = NYUv2(root)
    problems = reader.check(["test"])
    notes = [] if problems else reader.notes("test")
    if as_json:
        print_json(
            {
                "root": str(root),
                **vars(done),
                "problems": [vars(one) for one in problems],
                "notes": notes,
            }
        )
        return int(bool(problems))
    print(f"{done.frames} test frames: {done.written} files written, {done.kept} were there")
    print(f"list: {done.list_file} ({'written' if done.listed else 'was there'})")
    for problem in problems:
        print(problem)
    for note in notes:
        print(f"note: {note}")
    return int(bool(problems))
