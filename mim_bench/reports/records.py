"""Reading the store's runs and scores, while others may be writing it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mim_bench.errors import UserError
from mim_bench.files import read_json

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        phase: `starting`, `fit` or `test`; `search` before the run is known.
        share: The share of the phase that is done, 0..1; None when not known.
        updated: When it was written, in seconds since 1970.
    """

    phase: str
    share: float | None
    updated: float


@dataclass(frozen=True)
class ScoreRecord:
    """A column's value for a run; fields as in the store's score files.

    Attributes:
        value: In `unit`; None while it is not known.
        heading: What a table prints above the column, where its recipe says so.
        source: `measured`, or `recorded` for a value entered by hand.
        trivial: The trivial predictor's value on the same split; None where not known.
        predictor: What that predicts, in words.
        submission: The archive for the server that scores it; empty where there is none.
        server: That server, in words.
        stands_in: The split that was tested where it stands in for the column's own.
        part: How much of the column's own split the data has, in words; empty for all of it.
        cause: Why it failed, in one line.
        written: When the file was written, in seconds since 1970.
    """

    id: str
    column: str
    state: str
    value: float | None = None
    source: str = "measured"
    heading: str = ""
    metric: str = ""
    direction: str = ""
    unit: str = ""
    card: Mapping[str, Any] = field(default_factory=dict)
    trivial: float | None = None
    predictor: str = ""
    submission: str = ""
    server: str = ""
    stands_in: str = ""
    part: str = ""
    cause: str = ""
    written: float = 0.0


@dataclass(frozen=True)
class RunRecord:
    """A run of the store, or one that a command is going to start.

    Attributes:
        id: The training id.
        title: The backbone as tables show it.
        recipe: The recipe's name.
        columns: The columns it is to fill; empty means all of its recipe's.
        preset: `paper` or `miniature`.
        data: The world, or the data root.
        overrides: Settings changed by the user.
        mode: `finetune` or `frozen`.
        seed: Its seed.
        state: `planned`, `running`, `interrupted`, `failed` or `done`.
        backbone: `name`, `weights`, `weights_sha256`, `options` (and more): what tells rows apart.
        identity: Every field that the training id hashes.
        wanted: For runs of a plan: the score id that each column is to show; where a column is
            not named, its newest score is shown.
        scores: What its folder holds.
        features: What its backbone's features are like, as run.json says; empty where unknown.
        progress: How far it is, while it is not done.
        cause: Why it failed, in one line.
        log: Its log file.
        started: When it started, as recorded.
        folder: Its folder; None when it has none yet.
    """

    id: str
    title: str
    recipe: str
    columns: tuple[str, ...] = ()
    preset: str = ""
    data: str = ""
    overrides: Mapping[str, Any] = field(default_factory=dict)
    mode: str = "finetune"
    seed: int = 0
    state: str = "planned"
    backbone: Mapping[str, Any] = field(default_factory=dict)
    identity: Mapping[str, Any] = field(default_factory=dict)
    wanted: Mapping[str, str] = field(default_factory=dict)
    scores: tuple[ScoreRecord, ...] = ()
    features: Mapping[str, Any] = field(default_factory=dict)
    progress: Progress | None = None
    cause: str = ""
    log: str = ""
    started: str = ""
    folder: Path | None = None


def collect(store: str | Path, only: Collection[str] | None = None) -> list[RunRecord]:
    """Read the runs of a store, in the order of their folders.

    Folders without run.json (just made, or half removed) are left out; a store that does not
    exist has no runs. Trials of searches are no rows and left out, unless they are named.

    Args:
        store: The folder that holds `<recipe>/<backbone>/<training id>/`.
        only: Read these training ids and no others (a live table knows its plan).

    Raises:
        UserError: The store is no folder; a file was written by a newer release or is damaged.
    """
    root = Path(store)
    if root.exists() and not root.is_dir():
        raise UserError("the store is no folder", where=str(root), action="choose one with --store")
    folders = [
        run
        for recipe in _folders(root)
        for backbone in _folders(recipe)
        for run in _folders(backbone)
        if only is None or run.name in only
    ]
    records = [_read_run(folder, trials=only is not None) for folder in folders]
    return [record for record in records if record is not None]


def _folders(path: Path) -> list[Path]:
    try:
        with os.scandir(path) as entries:
            names = [e.name for e in entries if not e.name.startswith(".") and e.is_dir()]
    except (FileNotFoundError, NotADirectoryError):  # removed while we look
        return []
    return [path / name for name in sorted(names)]


def _read_run(folder: Path, trials: bool) -> RunRecord | None:
    try:
        run = read_json(folder / "run.json")
    except (FileNotFoundError, NotADirectoryError):
        return None
    if run.get("kind") == "trial" and not trials:
        return None
    backbone = _mapping(run.get("backbone"))
    error = _mapping(run.get("error"))
    state = str(run.get("state", "planned"))
    title = backbone.get("title") or backbone.get("label") or backbone.get("name")
    return RunRecord(
        id=str(run.get("id", folder.name)),
        title=str(title or folder.parent.name),
        recipe=str(run.get("recipe", folder.parent.parent.name)),
        columns=tuple(map(str, run.get("columns") or ())),
        preset=str(run.get("preset", "")),
        data=str(run.get("data", "")),
        overrides=_mapping(run.get("overrides")),
        mode=str(run.get("mode") or "finetune"),
        seed=int(run.get("seed") or 0),
        state=state,
        backbone=backbone,
        identity=_mapping(run.get("identity")),
        scores=_read_scores(folder / "scores"),
        features=_mapping(run.get("features")),
        progress=_read_progress(folder) if state in ("running", "interrupted") else None,
        cause=_line(error.get("cause")),
        log=str(folder / str(error.get("log") or "log.txt")),
        started=str(_mapping(run.get("timings")).get("started") or ""),
        folder=folder,
    )


def _read_scores(folder: Path) -> tuple[ScoreRecord, ...]:
    scores = []
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208 - twice as fast over a large store
    except (FileNotFoundError, NotADirectoryError):
        return ()
    for name in names:
        # files being written have a leading dot until they are whole
        if name.startswith(".") or not name.endswith(".json"):
            continue
        path = folder / name
        try:
            content, written = read_json(path), path.stat().st_mtime
        except FileNotFoundError:
            continue
        trivial = _mapping(content.get("trivial"))
        scores.append(
            ScoreRecord(
                id=str(content.get("id", "")),
                column=str(content.get("column", "")),
                state=str(content.get("state", "failed")),
                value=_number(content.get("value")),
                source=str(content.get("source") or "measured"),
                heading=str(content.get("heading") or ""),
                metric=str(content.get("metric") or ""),
                direction=str(content.get("direction") or ""),
                unit=str(content.get("unit") or ""),
                card=_mapping(content.get("card")),
                trivial=_number(trivial.get("value")),
                predictor=_line(trivial.get("predictor")),
                submission=_beside(folder, content.get("submission")),
                server=_line(content.get("server")),
                stands_in=_line(content.get("split")) if content.get("stands_for") else "",
                part="" if content.get("stands_for") else _line(content.get("part")),
                cause=_line(_mapping(content.get("error")).get("cause")),
                written=written,
            )
        )
    return tuple(scores)


def _read_progress(folder: Path) -> Progress | None:
    try:
        content = read_json(folder / "progress.json")
    except (FileNotFoundError, UserError):  # it is written without waiting for the disk
        return None
    step, total = content.get("step") or 0, content.get("total") or 0
    share = min(max(step / total, 0.0), 1.0) if total > 0 else None
    return Progress(str(content.get("phase", "")), share, float(content.get("updated") or 0.0))


def _beside(folder: Path, archive: Any) -> str:
    return str(folder.parent / archive) if isinstance(archive, str) and archive else ""


def _mapping(content: Any) -> dict[str, Any]:
    return content if isinstance(content, dict) else {}


def _number(content: Any) -> float | None:
    return float(content) if isinstance(content, (int, float)) else None


def _line(text: Any) -> str:
    return " ".join(str(text or "").split())
