"""Reading a store: as written, while it is written, half made, or made by a newer release."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from mim_bench.errors import UserError
from mim_bench.files import write_json
from mim_bench.reports import collect

if TYPE_CHECKING:
    from pathlib import Path


def test_a_run_is_read_with_its_scores(store):
    run_id = store.run("vit", scores=0.5, overrides={"task.lr": 1e-3}, seed=3)
    (run,) = collect(store.root)
    assert (run.id, run.title, run.recipe, run.state, run.seed) == (
        run_id,
        "vit",
        "nyuv2",
        "done",
        3,
    )
    assert (run.preset, run.data, run.overrides) == ("paper", "/data", {"task.lr": 1e-3})
    assert [(s.column, s.value, s.metric, s.direction) for s in run.scores] == [
        ("nyuv2", 0.5, "rmse", "min")
    ]
    assert run.log == str(store.folder(run_id) / "log.txt")


def test_a_store_that_does_not_exist_has_no_runs(tmp_path: Path):
    assert collect(tmp_path / "nothing") == []


def test_a_file_is_no_store(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="no folder"):
        collect(tmp_path / "file")


def test_half_made_folders_and_files_being_written_are_left_out(store):
    run_id = store.run("vit", scores=0.5)
    folder = store.folder(run_id)
    (store.root / "nyuv2" / "vit" / "just-made").mkdir()
    (store.root / "nyuv2" / "empty").mkdir()
    (store.root / "stray.txt").touch()
    (store.root / "nyuv2" / "vit" / "stray").touch()
    (folder / "scores" / ".nyuv2-5.json.abc").write_text("{", encoding="utf-8")
    (folder / "scores" / ".half.json").write_text("{", encoding="utf-8")
    (folder / "scores" / "notes.txt").touch()
    (run,) = collect(store.root)
    assert len(run.scores) == 1


def test_a_newer_schema_is_refused_with_its_file(store):
    run_id = store.run("vit", scores=0.5)
    path = store.folder(run_id) / "run.json"
    path.write_text('{"schema": 99}', encoding="utf-8")
    with pytest.raises(UserError, match=r"run.json.*newer mim-bench"):
        collect(store.root)


def test_a_damaged_run_file_is_refused_but_damaged_progress_is_not(store):
    run_id = store.run("vit", state="running", progress=("fit", 1, 2))
    folder = store.folder(run_id)
    (folder / "progress.json").write_text("", encoding="utf-8")
    assert collect(store.root)[0].progress is None
    (folder / "run.json").write_text("{", encoding="utf-8")
    with pytest.raises(UserError, match="no valid JSON"):
        collect(store.root)


def test_fields_that_are_missing_have_defaults(store):
    write_json(store.root / "mine" / "vit" / "abc" / "run.json", {"state": "running"})
    (run,) = collect(store.root)
    assert (run.id, run.title, run.recipe, run.mode, run.seed) == (
        "abc",
        "vit",
        "mine",
        "finetune",
        0,
    )


def test_only_the_runs_asked_for_are_read(store):
    wanted = store.run("vit", scores=0.5)
    other = store.run("swin", scores=0.5)
    (store.folder(other) / "run.json").write_text("{", encoding="utf-8")
    assert [run.id for run in collect(store.root, only={wanted})] == [wanted]


def test_a_store_can_be_read_while_it_is_written(store):
    store.run("vit", scores=0.5)
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            run_id = store.run("swin", state="running", progress=("fit", 1, 2))
            folder = store.folder(run_id)
            store.score(folder, "nyuv2", 0.4)
            for path in (folder / "scores").iterdir():
                path.unlink()
            (folder / "run.json").unlink()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(50):
            assert any(run.title == "vit" for run in collect(store.root))
    finally:
        stop.set()
        thread.join()
