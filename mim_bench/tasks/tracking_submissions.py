"""Tracks as files: other people's results, archives for GOT-10k's and TrackingNet's servers."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mim_bench.errors import Problem, UserError
from mim_bench.tasks.submissions import Submission, read_archive, zip_archive

if TYPE_CHECKING:
    from collections.abc import Mapping

Tracks = dict[str, npt.NDArray[np.float64]]

SERVERS = {
    "got10k": "GOT-10k's evaluation server (http://got-10k.aitestunion.com/submit_instructions)",
    "trackingnet": "TrackingNet's evaluation server (EvalAI, challenge 1805)",
}
"""Benchmark -> where its archive goes."""

_MOST_LISTED = 20  # problems of an archive that are named


def submission(
    benchmark: str, tracks: Mapping[str, npt.NDArray[Any]], times: Mapping[str, float]
) -> Submission:
    """Return the archive that a benchmark's server takes.

    GOT-10k: a folder for each sequence with `<sequence>_001.txt`, one line x,y,w,h for each frame
    with three decimals, and `<sequence>_time.txt`, the seconds of each frame, where the sequence's
    mean stands for all of them. TrackingNet: a file `<sequence>.txt` for each, two decimals.

    Args:
        benchmark: `got10k` or `trackingnet`.
        tracks: Sequence -> (N, 4).
        times: Sequence -> seconds of a frame.

    Raises:
        UserError: The benchmark has no server that takes archives.
    """
    if benchmark not in SERVERS:
        raise UserError(
            f"there is no server for tracks under the rules {benchmark!r}",
            where="the test option rules",
            expected=" or ".join(SERVERS),
        )
    files: dict[str, bytes] = {}
    for name, track in tracks.items():
        if benchmark == "trackingnet":
            files[f"{name}.txt"] = track_lines(track, 2)
            continue
        files[f"{name}/{name}_001.txt"] = track_lines(track, 3)
        seconds = f"{times.get(name, 0.0):.8f}\n" * len(track)
        files[f"{name}/{name}_time.txt"] = seconds.encode()
    return Submission(f"{benchmark}.zip", files, SERVERS[benchmark])


def results_archive(tracks: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """Return a zip archive with `<sequence>.txt` for each: x,y,w,h, four decimals."""
    return zip_archive({f"{name}.txt": track_lines(track, 4) for name, track in tracks.items()})


def read_results(
    path: Path, frames: Mapping[str, int] | None = None, longer: bool = False
) -> Tracks:
    """Read a tracker's results: `<sequence>.txt` in a folder or in a zip archive, at any depth.

    Lines hold x, y, width and height between commas, tabs or spaces. GOT-10k's names
    (`<sequence>/<sequence>_001.txt`) are known too, and files of times are passed over.

    Args:
        path: The folder or the archive.
        frames: Sequence -> frames; where it is given, each must be there with as many lines, and
            files of other names are passed over.
        longer: Whether files may have more lines than frames, the last of which are cut off: most
            results of LaSOT's `monkey-17` do.

    Raises:
        UserError: Something is missing or ill-formed; all problems are named.
    """
    tracks, problems, bad = _read_tables(path, frames)
    for name, count in (frames or {}).items():
        if name in bad:
            continue
        if name not in tracks:
            problems.append(Problem("has no result", f"{path}, sequence {name}", f"{name}.txt"))
        elif longer and len(tracks[name]) > count:
            tracks[name] = tracks[name][:count]
        elif len(tracks[name]) != count:
            has = f"has {len(tracks[name]):,} lines"
            problems.append(Problem(has, f"{path}, {name}.txt", f"{count:,}, one for each frame"))
    _raise(problems)
    return tracks


def _read_tables(
    path: Path, wanted: Mapping[str, int] | None
) -> tuple[Tracks, list[Problem], set[str]]:
    """Return the tables of a folder or an archive, what is wrong, and in which sequences."""
    if path.is_dir():
        files = {str(one.relative_to(path)): one.read_bytes() for one in path.rglob("*.txt")}
    else:
        files = {name: data for name, data in read_archive(path).items() if name.endswith(".txt")}
    tracks: Tracks = {}
    problems: list[Problem] = []
    bad = set()
    for name, content in sorted(files.items()):
        file = PurePosixPath(name)
        inside = file.stem == f"{file.parent.name}_001"
        stem = file.parent.name if inside else file.stem
        if stem.endswith("_time") or (wanted is not None and stem not in wanted):
            continue
        where = f"{path}, {name}"
        table, wrong = _table(content, r"[,\t ]+")
        if stem in tracks:
            problems.append(Problem("is there twice", where))
        elif table is None:
            problems.append(Problem(wrong, where, "x, y, width, height on each line"))
            bad.add(stem)
        else:
            tracks[stem] = table
    return tracks, problems, bad


def read_submission(path: Path, benchmark: str) -> Tracks:
    """Return the tracks of a benchmark's archive, as its server reads them.

    Of several repetitions of GOT-10k the first is taken; sequences may lie in one folder more.
    """
    ending = "_001.txt" if benchmark == "got10k" else ".txt"
    tracks: Tracks = {}
    for name, content in read_archive(path).items():
        file = PurePosixPath(name).name
        if file.endswith(ending) and not file.endswith("_time.txt"):
            table, _ = _table(content, ",")
            if table is not None:
                tracks[file.removesuffix(ending)] = table
    return tracks


def check_submission(path: Path, benchmark: str, frames: Mapping[str, int]) -> None:
    """Raise a UserError with all that a benchmark's server would refuse, or misread silently.

    Args:
        path: The archive.
        benchmark: `got10k` or `trackingnet`.
        frames: Sequence -> number of frames.
    """
    files = read_archive(path)
    if benchmark == "got10k":
        problems = _check_got10k(files, frames, path)
    elif benchmark == "trackingnet":
        problems = _check_trackingnet(files, frames, path)
    else:
        raise UserError(f"{benchmark!r} has no server that takes archives", where=str(path))
    _raise(problems)


def _raise(problems: list[Problem]) -> None:
    if len(problems) > _MOST_LISTED:
        rest = len(problems) - _MOST_LISTED
        problems = [*problems[:_MOST_LISTED], Problem(f"and {rest:,} more problems")]
    if problems:
        raise UserError(problems)


def _check_got10k(
    files: Mapping[str, bytes], frames: Mapping[str, int], path: Path
) -> list[Problem]:
    problems = []
    seen: dict[str, set[str]] = {name: set() for name in frames}
    tops = set()
    for name, content in files.items():
        parts = PurePosixPath(name).parts
        tops.add(parts[0] if len(parts) == 3 else "")
        where = f"{path}, {name}"
        sequence = parts[-2] if len(parts) in (2, 3) else ""
        if sequence not in frames:
            expected = "<sequence>/<sequence>_001.txt of a test sequence"
            problems.append(Problem("is of no test sequence", where, expected))
            continue
        kind = parts[-1].removeprefix(f"{sequence}_").removesuffix(".txt")
        if kind == "time":
            problems += _check_times(content, frames[sequence], where)
        elif kind in ("001", "002", "003"):
            problems += _check_rows(content, frames[sequence], where)
        else:
            expected = f"{sequence}_001.txt, _002, _003 or {sequence}_time.txt"
            problems.append(Problem("has a name that the server doesn't know", where, expected))
            continue
        seen[sequence].add(kind)
    if len(tops) > 1:
        problems.append(
            Problem(
                "has sequences in different folders", str(path), "all at the top, or all in one"
            )
        )
    for name, kinds in seen.items():
        lacking = {"001": f"{name}_001.txt", "time": f"{name}_time.txt"}
        problems += [
            Problem("is missing", f"{path}, {name}/{file}", "a file for each test sequence")
            for kind, file in lacking.items()
            if kind not in kinds
        ]
    return problems


def _check_trackingnet(
    files: Mapping[str, bytes], frames: Mapping[str, int], path: Path
) -> list[Problem]:
    problems = []
    for name, content in files.items():
        where = f"{path}, {name}"
        if "/" in name:
            problems.append(Problem("lies in a folder", where, "all files at the top"))
        elif name.removesuffix(".txt") not in frames or not name.endswith(".txt"):
            problems.append(Problem("is of no test sequence", where, "<sequence>.txt"))
        else:
            problems += _check_rows(content, frames[name.removesuffix(".txt")], where)
    problems += [
        Problem("is missing", f"{path}, {name}.txt", "a file for each test sequence")
        for name in frames
        if f"{name}.txt" not in files
    ]
    return problems


def _check_rows(content: bytes, frames: int, where: str) -> list[Problem]:
    table, wrong = _table(content, ",")
    if table is None:
        return [Problem(wrong, where, "x,y,width,height on each line, commas between them")]
    problems = []
    if len(table) != frames:
        expected = f"{frames:,}, one for each frame, the first included"
        problems.append(Problem(f"has {len(table):,} lines", where, expected))
    if not np.isfinite(table).all():
        row = int(np.flatnonzero(~np.isfinite(table).all(axis=1))[0]) + 1
        problems.append(Problem("has a number that is none", f"{where}:{row}", "finite numbers"))
    elif (table[:, 2:] < 0).any():
        row = int(np.flatnonzero((table[:, 2:] < 0).any(axis=1))[0]) + 1
        problems.append(Problem("has a negative side", f"{where}:{row}", "sides of 0 or more"))
    return problems


def _check_times(content: bytes, frames: int, where: str) -> list[Problem]:
    lines = content.decode("utf-8", "replace").split("\n")
    lines = [line for line in lines if line.strip()]
    for number, line in enumerate(lines, start=1):
        if not re.fullmatch(r"[\d.eE+-]+(,[\d.eE+-]+)*", line.strip()):
            return [Problem("is no number of seconds", f"{where}:{number}", "one for each frame")]
    if len(lines) != frames:
        return [Problem(f"has {len(lines):,} lines", where, f"{frames:,}, one for each frame")]
    return []


def _table(content: bytes, separator: str) -> tuple[npt.NDArray[np.float64] | None, str]:
    """Return the rows (N, 4) of a text, or None and what is wrong with it."""
    rows = []
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), start=1):
        if not line.strip():
            continue
        columns = re.split(separator, line.strip())
        try:
            row = [float(one) for one in columns]
        except ValueError:
            return None, f"line {number} is {line.strip()[:40]!r}"
        if len(row) != 4:
            return None, f"line {number} has {len(row)} numbers"
        rows.append(row)
    return np.array(rows, np.float64).reshape(-1, 4), ""


def track_lines(track: npt.NDArray[Any], decimals: int) -> bytes:
    """Return a text x,y,w,h with a line for each box of (N, 4); sides below 0 become 0."""
    rows = np.asarray(track, np.float64).reshape(-1, 4)
    rows = np.concatenate([rows[:, :2], np.maximum(rows[:, 2:], 0.0)], axis=1)
    text = "".join(",".join(f"{value:.{decimals}f}" for value in row) + "\n" for row in rows)
    return text.encode()
