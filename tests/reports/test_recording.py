"""Scores that a server gave, entered by hand."""

import json

import pytest
from typer.testing import CliRunner

from mim_bench import reports
from mim_bench.benchmarks.suite import load_suite
from mim_bench.cli import app
from mim_bench.errors import UserError

POSE = {"metric": "ap", "direction": "max", "unit": "%", "card": {"boxes": "detections"}}


@pytest.fixture
def waiting(store):
    run = store.run("vit", "coco-pose", {"coco-val": 70.0}, columns=["coco-val"], **POSE)
    path = store.folder(run)
    store.score(path, "coco-test-dev", None, state="pending", source="to be submitted", **POSE)
    return store, run, path / "scores" / f"coco-test-dev-{'5' * 16}.json"


def record(store, *arguments):
    command = ["record", "--store", str(store.root), *arguments]
    result = CliRunner().invoke(app, command)
    if isinstance(result.exception, UserError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def cell(store, column):
    (table,) = reports.build_tables(reports.collect(store.root), load_suite("geometric"))
    return next(row for row in table.rows if row.kind == "measured").cells[column]


def test_a_server_score_is_entered_with_its_origin(waiting):
    store, run, path = waiting
    assert cell(store, "coco-test-dev").text == "to be submitted"
    said = record(store, "coco-test-dev", "75.25", "--source", "COCO server,\n entry 512")
    assert run in said
    assert "75.25" in said
    score = json.loads(path.read_text())
    assert (score["state"], score["value"], score["source"]) == ("done", 75.25, "recorded")
    assert score["recorded"]["from"] == "COCO server, entry 512"
    assert "@" in score["recorded"]["by"]
    assert score["recorded"]["when"].startswith("20")
    assert score["card"] == POSE["card"]
    shown = cell(store, "coco-test-dev")
    assert (shown.marked, shown.recorded) == ("75.2†", True)


def test_another_value_needs_replace_and_keeps_the_first(waiting):
    store, run, path = waiting
    record(store, "coco-test-dev", "70", "--source", "a", "--by", "Ann")
    with pytest.raises(UserError, match=r"entered already: 70.0 by Ann"):
        record(store, "coco-test-dev", "71", "--source", "b")
    record(store, "coco-test-dev", "71", "--source", "b", "--run", run[:15], "--replace")
    score = json.loads(path.read_text())
    assert score["value"] == 71
    assert [(one["value"], one["by"]) for one in score["recorded_before"]] == [(70, "Ann")]


@pytest.mark.parametrize("value", ["nan", "101", "-1"])
def test_impossible_values(waiting, value):
    with pytest.raises(UserError, match="from 0 to 100"):
        record(waiting[0], "coco-test-dev", "--source", "a", "--", value)


def test_a_measured_score_is_never_replaced(waiting):
    with pytest.raises(UserError, match=r"measured here: 70"):
        record(waiting[0], "coco-val", "71", "--source", "a", "--replace")


def test_which_run_is_meant(waiting):
    store, run, _ = waiting
    other = store.run("resnet", "coco-pose", columns=["coco-val"])
    store.score(store.folder(other), "coco-test-dev", None, state="pending", **POSE)
    with pytest.raises(UserError, match="2 scores could be meant"):
        record(store, "coco-test-dev", "70", "--source", "a")
    record(store, "coco-test-dev", "70", "--source", "a", "--run", other)
    # the only one left that waits
    assert run in record(store, "coco-test-dev", "71", "--source", "a")


def test_several_archives_of_one_run(waiting):
    store, run, path = waiting
    store.score(path.parents[1], "coco-test-dev", None, state="pending", id="6" * 16, **POSE)
    with pytest.raises(UserError, match="the score with --score"):
        record(store, "coco-test-dev", "70", "--source", "a", "--run", run)
    record(store, "coco-test-dev", "70", "--source", "a", "--score", "66")
    assert json.loads(path.read_text())["state"] == "pending"


def test_a_column_without_a_score(waiting):
    with pytest.raises(UserError, match="no score of the column 'lasot'"):
        record(waiting[0], "lasot", "70", "--source", "a")
    with pytest.raises(UserError, match="says nothing"):
        record(waiting[0], "coco-test-dev", "70", "--source", " ")
