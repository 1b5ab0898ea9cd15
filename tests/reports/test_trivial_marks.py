"""The mark of values that are not better than the trivial predictor's, in every form of a table."""

from __future__ import annotations

import csv
import io
import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from mim_bench.benchmarks.published import load_published
from mim_bench.benchmarks.suite import load_suite
from mim_bench.reports import (
    LiveView,
    build_tables,
    collect,
    open_console,
    other_columns_tables,
    render,
)
from mim_bench.reports.table import NOT_ABOVE, RECORDED
from mim_bench.reports.trivial import is_above
from mim_bench.verbs import looking

SUITE = load_suite("geometric")
NAME = "per-pixel mean depth of 64 training frames"
POSE = {"metric": "ap", "direction": "max", "unit": "%"}
NOTE = f"‡ nyuv2: not better than the {NAME}, which needs no network (1.226 m)"


def beside(value, name=NAME):
    return {"trivial": {"value": value, "predictor": name, "all": {}, "records": "x"}}


def only(store, **options):
    (table,) = build_tables(collect(store.root), SUITE, **options)
    return table


def cells(table, column="nyuv2"):
    return {row.title: row.cells[column] for row in table.rows_of("measured")}


def lines(table):
    return [note for note in table.notes if note.startswith(NOT_ABOVE)]


@pytest.mark.parametrize(
    ("recipe", "score", "values"),
    [
        ("nyuv2", beside(1.2263), {"worse": 1.3, "equal": 1.2263, "alike": 1.2262, "good": 1.225}),
        ("crowdpose", POSE | beside(40.0), {"worse": 9, "equal": 40, "alike": 40.04, "good": 41}),
    ],
)  # fmt: skip
def test_values_that_are_not_better_are_marked_by_direction(store, recipe, score, values):
    for name, value in values.items():
        store.run(name, recipe, float(value), **score)
    found = cells(only(store), recipe)
    assert {name: cell.above_trivial for name, cell in found.items()} == {
        "worse": False, "equal": False, "alike": False, "good": True,
    }  # fmt: skip
    assert [name for name, cell in found.items() if cell.marked.endswith(NOT_ABOVE)] == [
        "worse", "equal", "alike",
    ]  # fmt: skip
    assert found["good"].marked == found["good"].text
    assert {cell.trivial for cell in found.values()} == {score["trivial"]["value"]}


def test_one_note_per_column_names_predictor_and_value(store):
    store.run("vit", scores=1.3, **beside(1.2263))
    store.run("swin", scores=1.4, **beside(1.2263))
    store.run("vit", "crowdpose", 3.0, **POSE, **beside(4.04, "mean pose in the box"))
    text = "‡ crowdpose: not better than the mean pose in the box, which needs no network"
    assert lines(only(store)) == [f"{text} (4.0%)", NOTE]


def test_no_mark_and_no_note_where_all_is_better(store):
    store.run("vit", scores=1.0, **beside(1.2263))
    table = only(store)
    assert lines(table) == []
    assert NOT_ABOVE not in render(table) + render(table, "md")


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"trivial": None},
        {"trivial": {"error": "OSError: gone"}},
        {"trivial": "1.0"},
        {"trivial": {"value": "1.0", "predictor": 3}},
        {"trivial": {"value": float("nan"), "predictor": NAME}},
    ],
)
def test_scores_without_one_are_not_marked(store, capsys, content):
    store.run("vit", scores=9.0, started=1.0, **content)
    table = only(store)
    cell = cells(table)["vit"]
    assert (cell.trivial, cell.above_trivial, cell.marked) == (None, None, "9.000")
    assert lines(table) == []
    looking.show_status(str(store.root), False)
    looking.show_run(str(store.root), f"{0:016x}", None, False)
    assert NOT_ABOVE not in capsys.readouterr().out


def test_without_a_direction_nothing_is_better(store):
    store.run("vit", "mine", 1.0, direction="", **beside(0.5))
    (table,) = other_columns_tables(collect(store.root), [SUITE])
    cell = table.rows[0].cells["mine"]
    assert (cell.trivial, cell.above_trivial) == (0.5, None)


def test_columns_of_ones_own_are_marked_too(store):
    store.run("vit", "mine", 1.0, **beside(0.5, "first box"))
    (table,) = other_columns_tables(collect(store.root), [SUITE])
    assert table.rows[0].cells["mine"].marked == "1.000‡"
    assert "mine: not better than the first box" in "".join(lines(table))


def test_of_several_seeds_the_mean_is_compared(store):
    for name, values in {"a": (1.0, 1.4), "b": (1.2, 1.4)}.items():
        for seed, value in enumerate(values):
            store.run(name, scores=value, seed=seed, **beside(1.2 + seed / 10))
    table = only(store)
    found = cells(table)
    assert {name: cell.above_trivial for name, cell in found.items()} == {"a": True, "b": False}
    assert found["b"].trivial == pytest.approx(1.25)
    assert found["b"].marked == "1.300 ±0.141‡"
    assert "(1.250 m)" in "".join(lines(table))


def test_seeds_without_one_do_not_hide_the_others(store):
    store.run("vit", scores=1.3, seed=0)
    store.run("vit", scores=1.3, seed=1, **beside(1.2))
    assert cells(only(store))["vit"].above_trivial is False


def test_a_value_that_is_not_above_is_never_the_best(store):
    store.run("a", scores=1.3, **beside(1.2))
    store.run("b", scores=1.4, **beside(1.2))
    assert not any(cell.best for cell in cells(only(store)).values())
    store.run("c", scores=1.1, **beside(1.2))
    assert [name for name, cell in cells(only(store)).items() if cell.best] == ["c"]


def test_the_second_does_not_become_the_best_by_it(store):
    store.run("a", scores=1.0, **beside(0.9))
    store.run("b", scores=1.1, **beside(1.2))
    table = only(store)
    assert not any(cell.best for cell in cells(table).values())


def test_lines_of_two_predictors_name_their_rows(store):
    store.run("a", scores=1.3, **beside(1.2))
    store.run("b", scores=1.4, **beside(1.1, "constant"))
    found = lines(only(store))
    assert [line.split(":")[0] for line in found] == ["‡ nyuv2 (a)", "‡ nyuv2 (b)"]


def test_published_rows_and_means_of_columns_have_no_mark(store):
    store.run("vit", scores=9.0, **beside(0.1))
    table = only(store, published=load_published())
    paper = [cell for row in table.rows_of("reference") for cell in row.cells.values()]
    assert {cell.above_trivial for cell in paper} == {None}
    suite = load_suite("semantic")
    for name in suite.column("average7").mean_of:
        metric = suite.column(name).metric
        store.run("vit", name, 1.0, metric=metric, direction="max", unit="%", **beside(2.0))
    (table,) = build_tables(collect(store.root), suite)
    (row,) = table.rows
    assert row.cells["dtd"].marked.endswith(NOT_ABOVE)
    assert row.cells["average7"].above_trivial is None


@pytest.fixture
def table(store):
    store.run("vit", scores=1.3, source="recorded", **beside(1.2263))
    store.run("swin", scores=1.0, **beside(1.2263))
    store.run("old", scores=1.1)
    return only(store)


def test_text_shows_the_mark_and_what_it_means(table):
    text = render(table)
    assert f"1.300{RECORDED}{NOT_ABOVE}" in text
    assert text.count(NOT_ABOVE) == 2
    assert NOTE in text.splitlines()


def test_markdown_shows_the_mark_and_what_it_means(table):
    text = render(table, "md")
    assert f"1.300{RECORDED}{NOT_ABOVE} |" in text
    assert f"- {NOTE}" in text.splitlines()
    assert "**1.000**" in text


def test_csv_holds_value_and_verdict(table):
    rows = csv.DictReader(io.StringIO(render(table, "csv")))
    found = {
        row["backbone"]: (row["trivial"], row["above_trivial"])
        for row in rows
        if row["column"] == "nyuv2"
    }
    assert found == {"vit": ("1.2263", "0"), "swin": ("1.2263", "1"), "old": ("", "")}


def test_json_holds_value_verdict_and_predictor(table):
    (content,) = json.loads(render(table, "json"))["tables"]
    found = [row["cells"]["nyuv2"] for row in content["rows"]]
    assert [cell["trivial"] for cell in found] == [1.2263, 1.2263, None]
    assert [cell["above_trivial"] for cell in found] == [False, True, None]
    assert [cell["trivial_predictor"] for cell in found] == [NAME, NAME, ""]


def test_nothing_is_cut_at_any_width(table):
    for width in (40, 60, 80, 100):
        buffer = io.StringIO()
        render(table, "terminal", Console(file=buffer, width=width))
        assert f"1.300{RECORDED}{NOT_ABOVE}" in buffer.getvalue()
        assert all(len(line) <= width for line in buffer.getvalue().splitlines())


def test_a_terminal_shows_it_in_a_colour_of_its_own(table):
    buffer = io.StringIO()
    console = Console(file=buffer, width=200, force_terminal=True, color_system="standard")
    render(table, "terminal", console)
    assert f"\x1b[33m 1.300{RECORDED}{NOT_ABOVE}" in buffer.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_the_live_table_shows_it(store, table, terminal):
    buffer = io.StringIO()
    console = Console(file=buffer, force_terminal=True, width=120, height=60)
    console = console if terminal else open_console(buffer)
    with LiveView(lambda: [table], console):
        pass
    assert f"1.300{RECORDED}{NOT_ABOVE}" in buffer.getvalue()


def test_streams_without_unicode_get_plain_signs(store, table):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    render(table, "terminal", open_console(stream))
    with LiveView(lambda: [table], open_console(stream)):
        pass
    stream.flush()
    said = raw.getvalue().decode("ascii")
    assert "# nyuv2: not better than" in said
    assert said.count("1.300*#") == 2
    assert "vit | nyuv2: 1.300*#" in said


@pytest.mark.parametrize(("encoding", "mark"), [("utf-8", "‡"), ("ascii", "#")])
def test_status_and_explain_tell(store, monkeypatch, encoding, mark):
    runs = {
        name: store.run(name, scores=value, started=1.0, **beside(1.2263))
        for name, value in {"bad": 1.3, "good": 1.0}.items()
    }
    failed = store.run("x", scores=1.0, started=1.0, trivial={"error": "OSError: gone"})

    def said(call, *arguments):
        raw = io.BytesIO()
        stream = io.TextIOWrapper(raw, encoding=encoding)
        monkeypatch.setattr(sys, "stdout", stream)
        call(str(store.root), *arguments)
        stream.flush()
        return raw.getvalue().decode(encoding)

    status = said(looking.show_status, False)
    assert f"nyuv2 1.3{mark}" in status
    assert status.count(mark + " nyuv2: not better than the per-pixel mean") == 1
    words = f"better than the {NAME}, which needs no network (1.226 m)"
    explained = said(looking.show_run, runs["bad"], None, False)
    assert f"Score nyuv2: 1.3{mark} (done)\n  {mark} not {words}\n" in explained
    explained = said(looking.show_run, runs["good"], None, False)
    assert f"Score nyuv2: 1.0 (done)\n  {words}\n" in explained
    assert "the trivial predictor failed: OSError: gone" in said(
        looking.show_run, failed, None, False
    )
    rows = json.loads(said(looking.show_status, True))
    listed = {row["id"]: row["not_above_trivial"] for row in rows}
    assert listed == {runs["bad"]: {"nyuv2": f"not {words}"}, runs["good"]: {}, failed: {}}


numbers = st.floats(0, 1000)


@given(numbers, numbers, st.sampled_from(["min", "max"]), st.integers(0, 4))
def test_above_is_strict_and_never_in_both_directions(value, trivial, direction, decimals):
    above = is_above(value, trivial, direction, decimals)
    assert above is (f"{value:.{decimals}f}" != f"{trivial:.{decimals}f}") or not above
    if above:
        assert value < trivial if direction == "min" else value > trivial
        assert not is_above(trivial, value, direction, decimals)
    assert not is_above(value, value, direction, decimals)
