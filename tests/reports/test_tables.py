"""What a table shows: rows, seeds, states, best marks, settings, protocol cards, notes."""

from __future__ import annotations

import math
import statistics
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mim_bench.benchmarks.published import load_published
from mim_bench.benchmarks.suite import ColumnRef, Suite, load_suite
from mim_bench.errors import UserError
from mim_bench.reports import RunRecord, ScoreRecord, build_tables, collect, other_columns_tables
from mim_bench.reports.table import DASH

GEOMETRIC = load_suite("geometric")


def tables(store, suite=GEOMETRIC, **options):
    return build_tables(collect(store.root), suite, **options)


def only(store, suite=GEOMETRIC, **options):
    (table,) = tables(store, suite, **options)
    return table


def cells(table, column="nyuv2"):
    return {row.label: row.cells[column] for row in table.rows_of("measured")}


def test_no_runs_no_tables(store):
    assert tables(store) == []


def test_title_states_preset_data_and_changed_settings(store):
    store.run("vit", scores=0.5, overrides={"task.lr": 0.001, "data.scale": 2})
    title = only(store).title
    assert title == f"{GEOMETRIC.title} · paper preset · /data · with data.scale=2, task.lr=0.001"


@pytest.mark.parametrize(
    "other", [{"preset": "miniature"}, {"data": "/other"}, {"overrides": {"task.lr": 1.0}}]
)
def test_other_settings_are_other_tables(store, other):
    store.run("vit", scores=0.5)
    store.run("swin", scores=0.4, **other)
    found = tables(store)
    assert [list(cells(table)) for table in found] == [["vit"], ["swin"]]
    assert not any(cell.best for table in found for cell in cells(table).values())
    assert found[0].title != found[1].title


def test_other_values_of_one_setting_are_other_tables(store):
    for rate in (0.1, 0.2):
        store.run("vit", scores=0.5, overrides={"task.lr": rate})
    assert len(tables(store)) == 2


def test_the_best_is_marked_by_direction(store):
    store.run("vit", scores=0.5)
    store.run("swin", scores=0.4)
    pose = {"metric": "ap", "direction": "max", "unit": "%"}
    store.run("vit", "crowdpose", 50.0, **pose)
    store.run("swin", "crowdpose", 40.0, **pose)
    table = only(store)
    assert {name for name, cell in cells(table).items() if cell.best} == {"swin"}
    assert {name for name, cell in cells(table, "crowdpose").items() if cell.best} == {"vit"}


def test_one_value_is_not_the_best_of_anything(store):
    store.run("vit", scores=0.5)
    store.run("swin", state="failed", error="x")
    assert not any(cell.best for cell in cells(only(store)).values())


def test_values_that_print_alike_tie(store):
    for name, value in (("a", 0.30441), ("b", 0.30439), ("c", 0.3052)):
        store.run(name, scores=value)
    assert [c.best for c in cells(only(store)).values()] == [True, True, False]


def test_a_value_that_is_no_number_does_not_compete(store):
    for name, value in (("a", math.nan), ("b", 0.5), ("c", math.inf)):
        store.run(name, scores=value)
    assert not any(cell.best for cell in cells(only(store)).values())


def test_reference_rows_stand_below_and_never_compete(store):
    store.run("a", scores=0.5)
    store.run("b", scores=0.6)
    table = only(store, published=load_published())
    kinds = [row.kind for row in table.rows]
    assert kinds == sorted(kinds)  # measured < reference
    best = {row.title for row in table.rows if row.cells["nyuv2"].best}
    assert best == {"a"}
    reference = {row.title: row.cells["nyuv2"].text for row in table.rows_of("reference")}
    assert reference["SwinV2-L 1K-MIM"] == "0.287"
    assert reference["Representative methods"] == "0.330"
    assert "Table 2" in table.reference_heading


def test_seeds_become_mean_and_deviation(store):
    values = [0.41, 0.45, 0.52]
    for seed, value in enumerate(values):
        store.run("vit", scores=value, seed=seed)
    table = only(store)
    (row,) = table.rows
    cell = row.cells["nyuv2"]
    assert row.label == "vit, 3 seeds"
    assert cell.value == pytest.approx(statistics.mean(values))
    assert cell.std == pytest.approx(statistics.stdev(values))
    assert (cell.n, cell.text) == (3, "0.460 ±0.056")
    assert any("standard deviation" in note for note in table.notes)


def test_cells_name_their_own_n_where_they_differ(store):
    for seed in range(3):
        store.run("vit", scores=0.5, seed=seed)
        if seed < 2:
            store.run("vit", "kitti", 2.0, seed=seed)
    (row,) = only(store).rows
    assert row.label == "vit"
    assert row.cells["nyuv2"].text == "0.500 ±0.000 (n=3)"
    assert row.cells["kitti"].text == "2.000 ±0.000 (n=2)"


def test_seeds_that_are_not_done_yet_are_said(store):
    store.run("vit", scores=0.5, seed=0)
    store.run("vit", state="running", seed=1)
    cell = cells(only(store))["vit"]
    assert (cell.state, cell.text, cell.n) == ("partial", "0.500 (1/2 seeds)", 1)


def test_modes_and_weights_are_rows_of_their_own(store):
    store.run("vit", scores=0.5)
    store.run("vit", scores=0.6, mode="frozen")
    store.run("vit", scores=0.7, sha="aa", title="vit=mine.pth")
    assert list(cells(only(store))) == ["vit", "vit, frozen", "vit=mine.pth"]


def test_rows_of_one_title_can_be_told_apart(store):
    store.run("vit", scores=0.5, sha="aa", title="mine")
    store.run("swin", scores=0.6, sha="bb", title="mine")
    assert list(cells(only(store))) == ["mine [vit]", "mine [swin]"]


@pytest.mark.parametrize(
    ("run", "state", "text"),
    [
        ({"state": "running"}, "running", "running"),
        ({"state": "running", "progress": ("starting", 0, 0)}, "running", "starting"),
        ({"state": "running", "progress": ("fit", 459, 1000)}, "running", "running 45%"),
        ({"state": "running", "progress": ("test", 1, 2)}, "running", "testing 50%"),
        ({"state": "interrupted", "progress": ("fit", 1, 4)}, "interrupted", "interrupted 25%"),
        ({"state": "failed", "error": "x"}, "failed", "failed"),
        ({"state": "planned"}, "planned", DASH),
        ({"state": "done"}, "missing", DASH),
    ],
)
def test_states_of_a_run_without_a_score(store, run, state, text):
    store.run("vit", **run)
    cell = cells(only(store))["vit"]
    assert (cell.state, cell.text) == (state, text)


def test_a_score_that_waits_for_a_server(store):
    run_id = store.run("vit", scores={"nyuv2": None})
    store.score(store.folder(run_id), "nyuv2", None, state="pending")
    cell = cells(only(store))["vit"]
    assert (cell.state, cell.text) == ("pending", "to be submitted")


def test_a_running_run_shows_the_columns_it_has_scored(store):
    tracking = {"metric": "suc", "direction": "max", "unit": "%"}
    store.run(
        "vit", "tracking", {"lasot": 70.0}, columns=["got10k", "lasot"], state="running",
        progress=("test", 3, 4), **tracking,
    )  # fmt: skip
    (row,) = only(store).rows
    assert row.cells["lasot"].text == "70.0"
    assert row.cells["got10k"].text == "testing 75%"
    assert row.cells["trackingnet"].state == "missing"


def test_failures_are_told_with_cause_and_log(store):
    run_id = store.run("vit", state="failed", error="no space left on device")
    notes = "\n".join(only(store).notes)
    assert "no space left on device" in notes
    assert str(store.folder(run_id) / "log.txt") in notes


def test_a_run_that_is_silent_is_suspected(store):
    store.run("vit", state="running", progress=("fit", 1, 4), updated=time.time() - 3 * 3600)
    store.run("swin", state="running", progress=("fit", 1, 4))
    silent = [note for note in only(store).notes if "may have died" in note]
    assert len(silent) == 1
    assert silent[0].startswith("vit, nyuv2: nothing written for 3 hours")


def test_reasons_stand_under_the_table(store):
    store.run("vit", scores=0.5)
    why = "there is no recipe for it"
    table = only(store, reasons={"kitti": why, "lasot": why, "nyuv2": "not shown: it has a score"})
    assert f"{DASH} kitti, lasot: {why}" in table.notes
    assert not any("not shown" in note for note in table.notes)


@pytest.mark.parametrize(("preset", "said"), [("miniature", True), ("paper", False)])
def test_miniature_scores_are_never_compared_with_the_paper(store, preset, said):
    store.run("vit", scores=0.5, preset=preset)
    assert any("never with the paper" in note for note in only(store).notes) is said


def test_two_cards_in_one_column_are_refused_and_the_fields_named(store):
    store.run("vit", scores=0.5)
    store.run("swin", scores=0.4, card={"crop": "garg", "windows": {"count": 1}})
    with pytest.raises(UserError) as caught:
        tables(store)
    text = str(caught.value)
    for part in ("'nyuv2'", 'crop: "eigen" (vit) / "garg" (swin)', "windows.count: 2"):
        assert part in text
    table = only(store, mixed_cards=True)
    assert not any(cell.best for cell in cells(table).values())
    assert any("mixes protocols" in note for note in table.notes)


def test_a_field_that_one_card_lacks_is_a_difference(store):
    store.run("vit", scores=0.5)
    store.run("swin", scores=0.4, card={"crop": "eigen"})
    with pytest.raises(UserError, match=r"windows\.count: 2 \(vit\) / not said \(swin\)"):
        tables(store)


def test_what_a_card_says_per_backbone_may_differ(store):
    store.run("vit", scores=0.5, card={"a": 1, "per_backbone": {"layer_decay": 0.9}})
    store.run("swin", scores=0.4, card={"a": 1, "per_backbone": {"layer_decay": 0.85}})
    assert cells(only(store))["swin"].best


def test_the_same_data_in_another_folder_are_the_same_data(store):
    ids = [
        store.run(name, scores=0.5, data=data, card={"crop": 1, "data": data})
        for name, data in (("vit", "/old"), ("swin", "/new"))
    ]
    plan = [
        RunRecord(i, n, "nyuv2", ("nyuv2",), data="/new") for i, n in zip(ids, "vs", strict=True)
    ]
    assert len(cells(only(store, expected_rows=plan))) == 2


def test_a_score_that_failed_says_its_own_cause(store):
    run_id = store.run("vit", columns=["nyuv2"])
    store.score(store.folder(run_id), "nyuv2", None, state="failed", error={"cause": "bad archive"})
    table = only(store)
    assert cells(table)["vit"].cause == "bad archive"
    assert any("vit, nyuv2: bad archive" in note for note in table.notes)


def test_cards_of_other_columns_and_tables_are_not_compared(store):
    store.run("vit", scores=0.5)
    store.run("vit", "kitti", 2.0, card={"crop": "garg"})
    store.run("vit", scores=0.5, data="/other", card={"crop": "garg"})
    assert len(tables(store)) == 2


def test_another_metric_does_not_slip_under_a_suites_heading(store):
    store.run("vit", scores=0.1, metric="abs_rel", unit="")
    with pytest.raises(UserError, match="'abs_rel' instead of 'rmse'"):
        tables(store)


def test_values_entered_by_hand_are_marked(store):
    store.run("vit", scores=0.5, source="recorded", card={})
    store.run("swin", scores=0.4)
    table = only(store)
    assert [c.recorded for c in cells(table).values()] == [True, False]
    assert any("entered by hand" in note for note in table.notes)


def test_runs_of_other_settings_are_not_averaged(store):
    store.run("vit", scores=0.9, seed=0, identity={"task": 1}, started="2026-01-01")
    store.run("vit", scores=0.9, seed=1, identity={"task": 1}, started="2026-01-01")
    store.run("vit", scores=0.5, seed=0, identity={"task": 2}, started="2026-02-01")
    table = only(store)
    cell = cells(table)["vit"]
    assert (cell.value, cell.n) == (0.5, 1)
    assert any("2 older runs under other settings" in note for note in table.notes)


def test_the_newest_score_of_a_run_is_shown_unless_another_is_wanted(store):
    run_id = store.run("vit", scores=0.5)
    time.sleep(0.02)
    store.score(store.folder(run_id), "nyuv2", 0.4, id="6" * 16)
    table = only(store)
    assert cells(table)["vit"].value == 0.4
    assert any("1 older score under other test options" in note for note in table.notes)
    for score_id, text in (("5" * 16, "0.500"), ("6" * 16, "0.400"), ("7" * 16, DASH)):
        plan = [RunRecord(run_id, "vit", "nyuv2", ("nyuv2",), wanted={"nyuv2": score_id})]
        assert cells(only(store, expected_rows=plan))["vit"].text == text


def test_a_plan_decides_rows_titles_and_order(store):
    first = store.run("vit", scores=0.5)
    store.run("other", scores=0.4)
    setting = {"preset": "paper", "data": "/moved"}
    plan = [
        RunRecord("not started", "swin", "nyuv2", ("nyuv2",), **setting),
        RunRecord(first, "my label", "nyuv2", ("nyuv2",), **setting),
    ]
    table = only(store, expected_rows=plan)
    assert {name: cell.text for name, cell in cells(table).items()} == {
        "swin": DASH,
        "my label": "0.500",
    }
    assert "/moved" in table.title


def test_columns_can_be_chosen(store):
    store.run("vit", scores=0.5)
    table = only(store, columns=["kitti", "nyuv2"])
    assert [column.name for column in table.columns] == ["nyuv2", "kitti"]
    with pytest.raises(UserError, match="unknown column"):
        tables(store, columns=["nyu"])


def average(store, seeds, parts, leave_out=()):
    suite = load_suite("semantic")
    for seed in range(seeds):
        for number, name in enumerate(parts):
            if (seed, name) not in leave_out:
                column = suite.column(name)
                score = {"metric": column.metric, "direction": "max", "unit": "%"}
                store.run("vit", name, 80.0 + number + 10 * seed, seed=seed, **score)
    return cells(only(store, suite), "average7")


def test_average7_needs_all_seven(store):
    parts = load_suite("semantic").column("average7").mean_of
    assert average(store, 1, parts[:6])["vit"].state == "missing"


def test_average7_is_a_mean_per_seed(store):
    parts = load_suite("semantic").column("average7").mean_of
    (cell,) = average(store, 2, parts, leave_out={(1, "dtd")}).values()
    assert (cell.state, cell.n) == ("partial", 1)
    assert cell.value == pytest.approx(statistics.mean(80.0 + k for k in range(7)))


def test_a_recipe_of_ones_own_has_a_table_of_its_own(store):
    own = {"metric": "acc", "direction": "max", "unit": "%"}
    store.run("vit", scores=0.5)
    store.run("vit", "mine", {"mine-a": 1.0, "nyuv2": 2.0}, **own)
    store.run("swin", "mine", {"mine-a": 2.0}, **own)
    store.run("swin", "yours", {"mine-a": 3.0}, **own)
    found = other_columns_tables(collect(store.root), [GEOMETRIC])
    names = [(column.recipe, column.name) for table in found for column in table.columns]
    assert sorted(names) == [("mine", "mine-a"), ("mine", "nyuv2"), ("yours", "mine-a")]
    assert cells(found[0], "mine-a")["swin"].best
    assert found[0].columns[0].metric_text == "acc (%) ↑"
    # and the suite's own column is not touched by a recipe that borrows its name
    assert cells(only(store))["vit"].value == 0.5


def test_a_column_of_ones_own_can_be_described_before_it_has_scores(store):
    plan = [RunRecord("0", "vit", "mine", ("a",), preset="paper", data="/d")]
    told = ColumnRef("a", "My column", "mine", "acc", "ACC", "%", 2, "max", "mine")
    (table,) = other_columns_tables([], [GEOMETRIC], columns=[told], expected_rows=plan)
    assert table.columns[0].heading == "My column"
    assert cells(table, "a")["vit"].state == "planned"


values = st.floats(0.001, 1000, allow_nan=False)


@given(st.dictionaries(st.integers(0, 9), st.lists(values, min_size=1, max_size=4), min_size=1))
def test_rows_are_complete_and_marks_are_right(by_backbone):
    suite = Suite("s", "S", (ColumnRef("c", "C", "r", "rmse", direction="min"),))
    records = [
        RunRecord(
            f"{name}-{seed}", f"b{name}", "r", ("c",), state="done", seed=seed,
            scores=(ScoreRecord("1", "c", "done", value, metric="rmse", direction="min"),),
        )
        for name, seeds in by_backbone.items()
        for seed, value in enumerate(seeds)
    ]  # fmt: skip
    (table,) = build_tables(records, suite)
    found = {row.title: row.cells["c"] for row in table.rows}
    means = {f"b{name}": statistics.fmean(seeds) for name, seeds in by_backbone.items()}
    assert {title: cell.value for title, cell in found.items()} == pytest.approx(means)
    assert {t: c.n for t, c in found.items()} == {f"b{n}": len(s) for n, s in by_backbone.items()}
    best = {title for title, cell in found.items() if cell.best}
    lowest = min(round(mean, 3) for mean in means.values())
    expected = {title for title, mean in means.items() if round(mean, 3) == lowest}
    assert best == (expected if len(means) > 1 else set())


def test_a_part_of_a_split_is_marked_and_said(store):
    store.run("vit", scores=1.3, part="640 of the official 654 samples")
    store.run(
        "swin", scores=1.2, split="val", stands_for="test", part="3 of the official 5 samples"
    )
    (table,) = build_tables(collect(store.root), GEOMETRIC)
    marked = {row.title: row.cells["nyuv2"].marked for row in table.rows_of("measured")}
    assert marked["vit"].endswith("◊")
    assert marked["swin"].endswith("◊")
    assert [note for note in table.notes if note.startswith("◊")] == [
        "◊ nyuv2: measured on val, as the data has no test split",
        "◊ nyuv2: measured on 640 of the official 654 samples",
    ]
