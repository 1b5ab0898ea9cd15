"""Marks of values that may come of a broken backbone, in every form of a table."""

from __future__ import annotations

import csv
import io
import json
import re
import sys

import pytest
from rich.console import Console

from mim_bench.benchmarks.published import load_published
from mim_bench.benchmarks.suite import load_suite
from mim_bench.files import write_json
from mim_bench.reports import LiveView, build_tables, collect, open_console, render
from mim_bench.reports.table import COLLAPSED, IDENTICAL, NOT_ABOVE
from mim_bench.verbs import looking

SUITE = load_suite("geometric")
WHY = "identical to the last digit: the same weights twice, or weights that were not loaded"
WELL = {"vectors": 144, "finite": True, "spread": 0.91, "rank": 35.3, "collapsed": False}
FLAT = WELL | {"spread": 2.1e-6, "rank": 1.2, "collapsed": True}
WORDS = "144 vectors of spread 2.1e-06 and effective rank 1.2"
FELL = f"features collapsed: {WORDS}; the score says nothing of the backbone"


def only(store, **options):
    (table,) = build_tables(collect(store.root), SUITE, **options)
    return table


def cells(table, column="nyuv2"):
    return {row.title: row.cells[column] for row in table.rows_of("measured")}


def lines(table, sign):
    return [note for note in table.notes if note.startswith(sign)]


def marked(table, column="nyuv2"):
    return {name for name, cell in cells(table, column).items() if cell.identical}


def with_features(store, run, features):
    path = store.folder(run) / "run.json"
    write_json(path, {**json.loads(path.read_text()), "features": features})
    return run


# identical values


def test_equal_values_of_two_backbones_are_marked_and_named(store):
    for name, value in {"a": 1.2345678, "b": 1.2345678, "c": 1.2345679}.items():
        store.run(name, scores=value)
    table = only(store)
    assert {name: cell.marked for name, cell in cells(table).items()} == {
        "a": f"1.235{IDENTICAL}", "b": f"1.235{IDENTICAL}", "c": "1.235",
    }  # fmt: skip
    assert lines(table, IDENTICAL) == [f"§ nyuv2 (a, b): {WHY}"]


def test_each_value_has_a_line_of_its_own_and_columns_are_not_compared(store):
    for name, value in {"a": 1.0, "b": 1.0, "c": 2.0, "d": 2.0, "e": 3.0}.items():
        store.run(name, scores=value)
    store.run("e", "kitti", 1.0)
    table = only(store)
    assert lines(table, IDENTICAL) == [f"§ nyuv2 (a, b): {WHY}", f"§ nyuv2 (c, d): {WHY}"]
    assert marked(table, "kitti") == set()


@pytest.mark.parametrize("value", [0.0, 100.0])
def test_values_at_a_metrics_bounds_count_also(store, value):
    for name in "ab":
        store.run(name, "crowdpose", value, metric="ap", direction="max", unit="%")
    assert marked(only(store), "crowdpose") == {"a", "b"}


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_what_is_no_number_is_not_compared(store, value):
    for name in "ab":
        store.run(name, scores={"nyuv2": value})
    assert marked(only(store)) == set()


def test_one_backbone_twice_and_its_weights_are_told_apart(store):
    store.run("vit", scores=1.0)
    store.run("vit", scores=1.0, mode="frozen")
    assert lines(only(store), IDENTICAL) == []
    store.run("vit", scores=1.0, sha="5" * 64, title="vit=file.pth")
    assert lines(only(store), IDENTICAL) == [f"§ nyuv2 (vit, vit frozen, vit=file.pth): {WHY}"]


def test_means_over_seeds_and_columns_have_no_mark(store):
    for name in "ab":
        for seed in (0, 1):
            store.run(name, scores=1.0, seed=seed)
    store.run("c", scores=1.0)
    assert marked(only(store)) == set()
    suite = load_suite("semantic")
    for name in suite.column("average7").mean_of:
        for backbone in "ab":
            metric = suite.column(name).metric
            store.run(backbone, name, 1.0, metric=metric, direction="max", unit="%")
    (table,) = build_tables(collect(store.root), suite)
    assert marked(table, "dtd") == {"a", "b"}
    assert marked(table, "average7") == set()


def test_values_entered_by_hand_and_published_ones_are_not_compared(store):
    paper = load_published().select(SUITE.published, "here")[0]
    store.run("a", scores=paper.values["nyuv2"])
    store.run("b", scores=paper.values["nyuv2"], source="recorded")
    table = only(store, published=load_published())
    assert not any(row.cells["nyuv2"].identical for row in table.rows)


def test_several_settings_are_several_tables(store):
    store.run("a", scores=1.0)
    store.run("b", scores=1.0, overrides={"data.scale": 0.5})
    for table in build_tables(collect(store.root), SUITE):
        assert marked(table) == set()


# collapsed features


def test_a_value_of_collapsed_features_is_marked_and_never_the_best(store):
    with_features(store, store.run("flat", scores=1.0), FLAT)
    with_features(store, store.run("well", scores=1.1), WELL)
    store.run("old", scores=1.2)
    table = only(store)
    found = cells(table)
    assert {n: c.collapsed for n, c in found.items()} == {"flat": True, "well": False, "old": None}
    assert [cell.marked for cell in found.values()] == ["1.000¶", "1.100", "1.200"]
    assert not any(cell.best for cell in found.values())
    assert lines(table, COLLAPSED) == [f"¶ nyuv2 (flat): {FELL}"]


@pytest.mark.parametrize("features", [None, {}, 3, {"collapsed": "yes"}, {"collapsed": None}])
def test_runs_without_a_verdict_have_no_mark(store, capsys, features):
    run = with_features(store, store.run("vit", scores=1.0, started=1.0), features)
    table = only(store)
    assert (cells(table)["vit"].collapsed, lines(table, COLLAPSED)) == (None, [])
    looking.show_run(str(store.root), run, None, False)
    assert COLLAPSED not in capsys.readouterr().out


def test_columns_of_one_run_share_a_line(store):
    suite = load_suite("semantic")
    recipe = next(c.recipe for c in suite.columns if c.recipe and not c.mean_of)
    names = [c.name for c in suite.columns if c.recipe == recipe and not c.mean_of]
    score = {"metric": suite.column(names[0]).metric, "direction": "max", "unit": "%"}
    with_features(store, store.run("vit", recipe, dict.fromkeys(names, 1.0), **score), FLAT)
    (table,) = build_tables(collect(store.root), suite)
    assert lines(table, COLLAPSED) == [f"¶ {', '.join(names)} (vit): {FELL}"]


def test_one_seed_that_collapsed_marks_the_mean(store):
    with_features(store, store.run("vit", scores=1.0, seed=0), WELL)
    with_features(store, store.run("vit", scores=1.2, seed=1), FLAT)
    table = only(store)
    assert cells(table)["vit"].marked == "1.100 ±0.141¶"
    assert lines(table, COLLAPSED) == [
        f"¶ nyuv2 (vit): {FELL.replace(WORDS, WORDS + ' with seed 1')}"
    ]


def test_features_of_values_entered_by_hand_say_nothing(store):
    with_features(store, store.run("vit", scores=1.0, source="recorded"), FLAT)
    assert cells(only(store))["vit"].collapsed is None


def test_features_that_are_not_finite_are_said_to_be(store):
    lost = {"vectors": 9, "finite": False, "spread": None, "rank": None, "collapsed": True}
    with_features(store, store.run("vit", scores=1.0), lost)
    (line,) = lines(only(store), COLLAPSED)
    assert "features collapsed: 9 vectors that are not all finite" in line


def test_a_plans_table_shows_what_the_store_knows(store):
    run = store.run("vit", scores=1.0)
    plan = collect(store.root)
    with_features(store, run, FLAT)
    table = only(store, expected_rows=plan)
    assert cells(table)["vit"].collapsed is True


def test_explain_tells_of_the_features(store, capsys, monkeypatch):
    flat = with_features(store, store.run("a", scores=1.0, started=1.0), FLAT)
    well = with_features(store, store.run("b", scores=1.1, started=1.0), WELL)
    looking.show_run(str(store.root), flat, None, False)
    assert f"features:           ¶ collapsed: {WORDS}\n" in capsys.readouterr().out
    looking.show_run(str(store.root), well, None, False)
    said = capsys.readouterr().out
    assert "features:           144 vectors of spread 0.91 and effective rank 35.3\n" in said
    looking.show_run(str(store.root), flat, None, True)
    assert json.loads(capsys.readouterr().out)["run"]["features"] == FLAT
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    looking.show_run(str(store.root), flat, None, False)
    sys.stdout.flush()
    assert b"! collapsed: " in raw.getvalue()


# every form


@pytest.fixture
def table(store):
    beside = {"trivial": {"value": 0.9, "predictor": "mean", "all": {}, "records": "x"}}
    with_features(store, store.run("a", scores=1.0, **beside), FLAT)
    with_features(store, store.run("b", scores=1.0), WELL)
    store.run("c", scores=1.5)
    return only(store)


ALL = f"1.000{NOT_ABOVE}{IDENTICAL}{COLLAPSED}"


def test_text_and_markdown_show_the_marks_and_what_they_mean(table):
    for form, start in (("terminal", ""), ("md", "- ")):
        text = render(table, form)
        assert ALL in text
        assert text.count(IDENTICAL) == 3
        assert text.count(COLLAPSED) == 2
        assert f"{start}§ nyuv2 (a, b): {WHY}" in text.splitlines()
        assert f"{start}¶ nyuv2 (a): {FELL}" in text.splitlines()


def test_csv_and_json_hold_the_verdicts(table):
    rows = csv.DictReader(io.StringIO(render(table, "csv")))
    found = [(r["identical"], r["collapsed"]) for r in rows if r["column"] == "nyuv2"]
    assert found == [("1", "1"), ("1", "0"), ("0", "")]
    (content,) = json.loads(render(table, "json"))["tables"]
    found = [row["cells"]["nyuv2"] for row in content["rows"]]
    assert [cell["identical"] for cell in found] == [True, True, False]
    assert [cell["collapsed"] for cell in found] == [True, False, None]
    assert [cell["features"] for cell in found] == [WORDS, "", ""]
    assert f"¶ nyuv2 (a): {FELL}" in content["notes"]


def test_a_terminal_shows_them_in_a_colour_of_its_own(store):
    with_features(store, store.run("a", scores=1.0), FLAT)
    buffer = io.StringIO()
    console = Console(file=buffer, width=200, force_terminal=True, color_system="standard")
    render(only(store), "terminal", console)
    assert re.search(rf"\x1b\[33m *1.000{COLLAPSED}", buffer.getvalue())


def test_streams_without_unicode_get_plain_signs(table):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    render(table, "terminal", open_console(stream))
    with LiveView(lambda: [table], open_console(stream)):
        pass
    stream.flush()
    said = raw.getvalue().decode("ascii")
    assert "= nyuv2 (a, b): identical" in said
    assert "! nyuv2 (a): features collapsed" in said
    assert said.count("1.000#=!") == 2
    assert "a | nyuv2: 1.000#=!" in said
