"""The live view: plain lines where nothing can be redrawn, a screen that holds still elsewhere."""

from __future__ import annotations

import io
import re
import shutil

import pytest
from rich.console import Console

from mim_bench.benchmarks.published import load_published
from mim_bench.benchmarks.suite import load_suite
from mim_bench.files import read_json, write_json
from mim_bench.reports import LiveView, build_tables, collect, open_console

SUITE = load_suite("geometric")


def rebuilder(store, **options):
    return lambda: build_tables(collect(store.root), SUITE, **options)


def change(store, run_id, progress=None, **fields):
    folder = store.folder(run_id)
    write_json(folder / "run.json", {**read_json(folder / "run.json"), **fields})
    if progress:
        phase, step, total = progress
        write_json(folder / "progress.json", {"phase": phase, "step": step, "total": total})


def test_changes_are_told_in_plain_lines(store):
    run_id = store.run("vit", state="planned")
    failing = store.run("swin", state="planned")
    buffer = io.StringIO()
    with LiveView(rebuilder(store), open_console(buffer)) as view:
        steps = [
            {"state": "running"},
            {"progress": ("starting", 0, 0)},
            *({"progress": ("fit", step, 100)} for step in (1, 10, 24, 26, 49, 55, 80, 100)),
            {"progress": ("test", 0, 3)},
        ]
        for step in steps:
            change(store, run_id, **step)
            view.poll(force=True)
        store.score(store.folder(run_id), "nyuv2", 0.5)
        change(store, run_id, state="done")
        change(store, failing, state="failed", error={"cause": "x", "log": "log.txt"})
    lines = [line.split(" ", 1)[1] for line in buffer.getvalue().splitlines()]
    assert lines == [
        "vit · nyuv2: started",
        "vit · nyuv2: running 25%",
        "vit · nyuv2: running 50%",
        "vit · nyuv2: running 75%",
        "vit · nyuv2: running 100%",
        "vit · nyuv2: testing",
        "vit · nyuv2: 0.500",
        "swin · nyuv2: failed: x",
    ]
    assert all(re.match(r"\d\d:\d\d:\d\d ", line) for line in buffer.getvalue().splitlines())


def test_columns_of_one_run_share_a_line(store):
    store.run("vit", "tracking", columns=["got10k", "trackingnet", "lasot"], state="running")
    buffer = io.StringIO()
    with LiveView(rebuilder(store), open_console(buffer)):
        pass
    assert buffer.getvalue().count("\n") == 1
    assert "got10k, trackingnet, lasot: started" in buffer.getvalue()


def test_the_store_is_not_looked_at_too_often(store):
    looks = []
    with LiveView(lambda: looks.append(1) or [], open_console(io.StringIO()), interval=60) as view:
        for _ in range(100):
            view.poll()
    assert len(looks) == 2  # at the start and at the end


def terminal(width=100, height=50):
    return Console(file=io.StringIO(), force_terminal=True, width=width, height=height)


def test_a_screen_is_redrawn_only_when_something_changed(store):
    run_id = store.run("vit", state="running", progress=("fit", 10, 100))
    console = terminal()
    with LiveView(rebuilder(store), console) as view:
        before = len(console.file.getvalue())
        for _ in range(5):
            view.poll(force=True)
        assert len(console.file.getvalue()) == before
        change(store, run_id, progress=("fit", 20, 100))
        view.poll(force=True)
        assert "20%" in console.file.getvalue()[before:]


def test_the_papers_rows_give_way_on_a_low_screen(store):
    store.run("vit", state="running")
    for height, shown in ((60, True), (14, False)):
        console = terminal(height=height)
        with LiveView(rebuilder(store, published=load_published()), console):
            pass
        assert ("SwinV2-B" in console.file.getvalue()) is shown
        assert "vit" in console.file.getvalue()


def test_an_error_in_the_body_is_not_hidden_by_the_view(store):
    store.run("vit", scores=0.5)

    def body():
        with LiveView(rebuilder(store), terminal()):
            shutil.rmtree(store.root)
            raise KeyError

    with pytest.raises(KeyError):
        body()
