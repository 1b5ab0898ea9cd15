"""Tables as text: readable at any width, nothing cut, and machine-readable without loss."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import time

import pytest
from rich.cells import cell_len
from rich.console import Console

from mim_bench.benchmarks.published import load_published
from mim_bench.benchmarks.suite import TABLE_SUITES, load_suite
from mim_bench.errors import UserError
from mim_bench.reports import build_tables, collect, open_console, reference_table, render

SUITE = load_suite("geometric")


@pytest.fixture
def table(store):
    for seed in range(3):
        store.run("convnext_mini", scores=0.5 + seed / 100, seed=seed, preset="miniature")
    store.run("swinv2_mini", scores=0.41, preset="miniature")
    store.run("vit_mini", preset="miniature", state="failed", error="out of memory")
    columns = ["got10k", "trackingnet", "lasot"]
    store.run(
        "swinv2_mini", "tracking", columns=columns, preset="miniature", state="running",
        progress=("fit", 45, 100),
    )  # fmt: skip
    (table,) = build_tables(collect(store.root), SUITE, published=load_published())
    return table


def at_width(table, width):
    buffer = io.StringIO()
    console = Console(file=buffer, width=width, height=50)
    assert render(table, "terminal", console) is None
    return buffer.getvalue()


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_nothing_is_cut_on_a_terminal(table, width):
    text = at_width(table, width)
    assert all(cell_len(line) <= width for line in text.splitlines())
    assert "…" not in text
    squeezed = "".join(text.split())
    for column in table.columns:
        assert column.heading.replace(" ", "") in squeezed or column.heading.split()[0] in text
    for row in table.rows:
        assert row.label.split(",")[0].split()[0] in text
        for cell in row.cells.values():
            assert all(word in text for word in cell.text.split())


def test_table_2_fits_side_by_side_into_100_columns(table):
    lines = at_width(table, 100).splitlines()
    (line,) = [line for line in lines if line.startswith("SwinV2-B 1K-MIM")]
    assert line.split()[2:] == ["77.6", "76.7", "74.9", "0.304", "2.050", "70.8", "82.0", "70.0"]


def test_a_narrow_terminal_gets_its_groups_one_below_the_other(table):
    lines = [
        line for line in at_width(table, 60).splitlines() if line.startswith("SwinV2-B 1K-MIM")
    ]
    assert len(lines) > 1
    assert " ".join(line[len("SwinV2-B 1K-MIM") :] for line in lines).split() == (
        ["77.6", "76.7", "74.9", "0.304", "2.050", "70.8", "82.0", "70.0"]
    )


def test_a_long_label_does_not_push_the_numbers_off_the_screen(store):
    store.run("vit", scores=0.123, title="/a/very/long/path/" + "x" * 200 + ".pth")
    (table,) = build_tables(collect(store.root), SUITE)
    text = at_width(table, 80)
    assert "0.123" in text
    assert text.replace("\n", "").replace(" ", "").count("x") >= 200


def test_without_a_terminal_the_text_is_plain_and_whole(table):
    text = render(table)
    assert "\x1b" not in text
    assert "convnext_mini, 3 seeds" in text
    assert "0.510 ±0.010" in text
    (line,) = [line for line in text.splitlines() if line.startswith("swinv2_mini ")]
    assert line.split("  ")[-1].strip() == "running 45%"


def test_a_stream_that_is_no_terminal_has_no_width():
    assert open_console(io.StringIO()).width > 10_000


def test_a_terminal_shows_the_best_bold_and_the_failed_red(table):
    buffer = io.StringIO()
    console = Console(
        file=buffer, width=200, force_terminal=True, color_system="standard", no_color=False
    )
    render(table, "terminal", console)
    assert "\x1b[1;32m" in buffer.getvalue()
    bold = [part.split("\x1b")[0] for part in buffer.getvalue().split("\x1b[1;32m")[1:]]
    assert [part.strip() for part in bold] == ["0.410"]


def test_arrows_and_groups_stand_in_the_heading(table):
    text = render(table)
    assert text.count("RMSE ↓") == 2
    assert text.count("AP ↑") == 3
    for group in ("Pose estimation", "Depth estimation", "Video object tracking"):
        assert text.count(group) == 1


def test_streams_without_unicode_get_plain_signs(table):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    render(table, "terminal", open_console(stream))
    stream.flush()
    assert b"0.510 +/-0.010" in raw.getvalue()
    assert b"RMSE (min)" in raw.getvalue()


def test_brackets_of_a_label_are_no_markup(store):
    store.run("vit", scores=0.1, title="[red]vit[/red] :smile:")
    (table,) = build_tables(collect(store.root), SUITE)
    for format_ in ("terminal", "md"):
        assert "[red]vit[/red] :smile:" in render(table, format_)


def test_markdown_is_a_table(table):
    lines = [line for line in render(table, "md").splitlines() if line.startswith("|")]
    assert all(line.count("|") == len(table.columns) + 2 for line in lines)
    assert set(lines[1]) <= set("|-: ")
    assert lines[1].count("-:") == len(table.columns)
    assert sum("**" in line for line in lines) == 1
    assert "**0.410**" in "\n".join(lines)


def test_markdown_survives_the_signs_it_uses_itself(store):
    store.run("vit", scores=0.1, title="a|b *c* <d>")
    (table,) = build_tables(collect(store.root), SUITE)
    text = render(table, "md")
    assert r"a\|b \*c\* &lt;d>" in text


def test_csv_holds_every_cell_unrounded(table):
    rows = list(csv.DictReader(io.StringIO(render(table, "csv"))))
    assert len(rows) == len(table.rows) * len(table.columns)
    (row,) = [r for r in rows if r["backbone"] == "convnext_mini" and r["column"] == "nyuv2"]
    cell = table.rows[0].cells["nyuv2"]
    assert float(row["mean"]) == cell.value
    assert float(row["std"]) == cell.std
    assert (row["n"], row["direction"], row["preset"]) == ("3", "min", "miniature")
    assert row["runs"].split() == list(cell.runs)
    reference = [r for r in rows if r["kind"] == "reference"]
    assert all(r["preset"] == "" and r["best"] == "0" for r in reference)


def test_several_tables_make_one_csv_and_one_json(table):
    text = render([table, table], "csv")
    assert text.count("table,title") == 1
    content = json.loads(render([table, table], "json"))
    assert content["schema"] == 1
    assert len(content["tables"]) == 2
    assert content["tables"][0]["rows"][0]["cells"]["nyuv2"]["n"] == 3


def test_json_knows_no_nan(store):
    store.run("vit", scores=float("nan"))
    (table,) = build_tables(collect(store.root), SUITE)
    cell = json.loads(render(table, "json"))["tables"][0]["rows"][0]["cells"]["nyuv2"]
    assert (cell["value"], cell["text"]) == (None, "nan")


def test_unknown_formats_are_refused(table):
    with pytest.raises(UserError, match="did you mean 'csv'"):
        render(table, "cvs")


@pytest.mark.parametrize("name", TABLE_SUITES)
@pytest.mark.parametrize("width", [40, 80, 100])
def test_every_suite_can_be_shown_at_every_width(name, width):
    table = reference_table(load_suite(name), load_published())
    assert all(len(line) <= width for line in at_width(table, width).splitlines())


def test_importing_the_reports_loads_neither_torch_nor_rich():
    code = "import mim_bench.reports, sys; print(*sorted(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"torch", "rich", "numpy", "timm", "lightning"} & set(loaded)


def test_making_a_table_loads_no_torch(store):
    store.run("vit", scores=0.5)
    code = (
        "import sys; from mim_bench.reports import *\n"
        "from mim_bench.benchmarks.suite import load_suite\n"
        f"print(render(build_tables(collect({str(store.root)!r}), load_suite('geometric'))))\n"
        "assert not {'torch', 'numpy', 'timm'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)


def test_a_store_of_500_runs_is_shown_quickly(store):
    for number in range(500):
        store.run(f"b{number % 50}", scores=0.5, seed=number // 50)
    started = time.process_time()
    tables = build_tables(collect(store.root), SUITE, published=load_published())
    render(tables)
    assert time.process_time() - started < 1.0
    assert len(tables[0].rows_of("measured")) == 50
