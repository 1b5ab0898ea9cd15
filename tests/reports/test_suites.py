"""Suites and the paper's numbers: names known, values as printed, wrong files refused."""

from __future__ import annotations

import importlib.metadata
from typing import TYPE_CHECKING

import pytest

from mim_bench.benchmarks.published import load_published
from mim_bench.benchmarks.suite import TABLE_SUITES, Suite, load_suite, suite_names
from mim_bench.errors import UserError
from mim_bench.reports import reference_table, render

if TYPE_CHECKING:
    from pathlib import Path

GEOMETRIC = [
    "coco-val",
    "coco-test-dev",
    "crowdpose",
    "nyuv2",
    "kitti",
    "got10k",
    "trackingnet",
    "lasot",
]
SEMANTIC = [
    "cog-l1",
    "cog-l2",
    "cog-l3",
    "cog-l4",
    "cog-l5",
    "food101",
    "birdsnap",
    "cars",
    "aircraft",
    "cifar10",
    "cifar100",
    "sun397",
    "dtd",
    "pets",
    "caltech101",
    "flowers",
    "voc2007",
    "inat18",
    "average7",
]


def test_the_suites_hold_the_columns_people_type():
    names = {name: [column.name for column in load_suite(name).columns] for name in TABLE_SUITES}
    assert names["geometric"] == GEOMETRIC
    assert sorted(names["semantic"]) == sorted(SEMANTIC)
    assert names["combined"] == ["coco-box", "coco-mask"]
    assert suite_names()[:3] == list(TABLE_SUITES)


def test_only_depth_is_better_when_lower():
    columns = [column for name in TABLE_SUITES for column in load_suite(name).columns]
    assert {c.name for c in columns if c.direction == "min"} == {"nyuv2", "kitti"}
    assert {c.decimals for c in columns if c.direction == "min"} == {3}
    assert {c.decimals for c in columns if c.direction == "max"} == {1}


def test_average7_is_the_mean_of_the_sets_without_a_column_in_table_1():
    average = load_suite("semantic").column("average7")
    assert average.mean_of == (
        "cifar10", "cifar100", "sun397", "dtd", "pets", "caltech101", "flowers"
    )  # fmt: skip
    assert not average.recipe


def test_every_published_column_is_known_by_a_suite():
    known = {column.name for name in TABLE_SUITES for column in load_suite(name).columns}
    published = load_published()
    for row in published.rows.values():
        assert set(row.values) <= known, row.id
        assert row.where
    stated = {s["column"] for s in published.statements.values() if "column" in s}
    assert stated <= known | {"imagenet1k"}
    for statement in published.statements.values():
        assert ("value" in statement) != ("range" in statement)


@pytest.mark.parametrize(
    ("row", "column", "value"),
    [
        ("table1-swinv2-b-1k-sup", "average7", 89.7),
        ("table1-swinv2-b-1k-mim", "cog-l5", 69.1),
        ("table2-swinv2-b-1k-sup", "lasot", 69.4),
        ("table2-swinv2-b-22k-sup", "kitti", 2.240),
        ("table2-swinv2-b-1k-mim", "nyuv2", 0.304),
        ("table2-swinv2-l-22k-sup", "trackingnet", 81.5),
        ("table2-swinv2-l-1k-mim", "kitti", 1.966),
        ("table2-representative", "got10k", 75.6),
        ("text-swinv2-l-1k-mim-384", "coco-test-dev", 78.4),
        ("text-swinv2-l-1k-mim-bigdetection", "coco-val", 80.5),
        ("text-swinv2-b-1k-mim-detection", "coco-mask", 46.7),
        ("text-shuffle-sup-shuffled", "nyuv2", 0.443),
    ],
)
def test_published_values(row: str, column: str, value: float):
    assert load_published().rows[row].values[column] == value


def test_published_differences_are_those_of_the_rows():
    published = load_published()
    mim, sup = (published.rows[f"table2-swinv2-b-{name}"].values for name in ("1k-mim", "1k-sup"))
    for name in ("coco-val", "coco-test-dev", "crowdpose"):
        gain = published.statements[f"pose-gain-{name}"]["value"]
        assert mim[name] - sup[name] == pytest.approx(gain)
    for kind in ("mim", "sup"):
        before = published.rows[f"text-shuffle-{kind}-ordered"].values
        after = published.rows[f"text-shuffle-{kind}-shuffled"].values
        drop = published.statements[f"shuffle-drop-{kind}-pose"]["value"]
        assert after["coco-val"] - before["coco-val"] == pytest.approx(drop)
        drop = published.statements[f"shuffle-drop-{kind}-depth"]["value"]
        assert before["nyuv2"] - after["nyuv2"] == pytest.approx(drop)
    assert published.statements["mocov3-linear"]["value"] == 76.7
    assert published.statements["cka-sup"]["range"] == [0.5, 1.0]


@pytest.mark.parametrize("name", TABLE_SUITES)
def test_a_suites_published_rows_can_be_shown(name: str):
    table = reference_table(load_suite(name), load_published())
    assert len(table.rows) == len(load_suite(name).published)
    assert all(row.kind == "reference" for row in table.rows)
    assert render(table, "md")


def test_unknown_names_are_refused_with_the_nearest():
    with pytest.raises(UserError, match="did you mean 'geometric'"):
        load_suite("geometrik")
    with pytest.raises(UserError, match="did you mean 'nyuv2'"):
        load_suite("geometric").column("nyu2")
    with pytest.raises(UserError, match="did you mean 'table2-representative'"):
        load_published().select(["table2-representativ"])


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_suite_of_ones_own_is_loaded_by_path(tmp_path: Path):
    path = write(
        tmp_path, "groups: [{columns: {mine: {recipe: r, metric: acc, direction: max}}}]\n"
    )
    suite = load_suite(path)
    assert (suite.name, suite.title) == ("mine", "mine")
    assert suite.column("mine").label == "acc"
    assert suite.recipes == ("r",)


def test_all_mistakes_of_a_suite_are_named_together(tmp_path: Path):
    path = write(
        tmp_path,
        """
groups:
  - columns:
      a: {recipe: r, metric: acc, direction: up}
      b: {recipe: r, metrik: acc, direction: max}
      c: {recipe: r, mean_of: [a], metric: acc, direction: max, decimals: many}
  - title: no columns
publishd: []
""",
    )
    with pytest.raises(UserError) as caught:
        load_suite(path)
    text = str(caught.value)
    for part in ("'up'", "'metrik'", "metric is missing", "not both", "'many'", "'publishd'"):
        assert part in text
    assert "group 2" in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- a list\n", "no mapping"),
        ("groups: 3\n", "groups is no list"),
        ("groups: [{columns: [a]}]\n", "columns is no mapping"),
        ("groups: []\npublished: table2\n", "published is no list"),
        (
            "groups: [{columns: {m: {mean_of: [a, b], metric: x, direction: max}}}]\n",
            "unknown column 'a'",
        ),
    ],
)
def test_a_misshapen_suite_is_refused(tmp_path: Path, text: str, said: str):
    with pytest.raises(UserError, match=said):
        load_suite(write(tmp_path, text))


def test_plug_ins_bring_suites_by_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = write(tmp_path, "groups: []\n")
    (tmp_path / "my_plugin.py").write_text(f"SUITE = {str(path)!r}\nOTHER = 3\n", encoding="utf-8")
    points = [
        importlib.metadata.EntryPoint(name, f"my_plugin:{attribute}", "mim_bench.suites")
        for name, attribute in (("mine", "SUITE"), ("odd", "OTHER"), ("gone", "NOTHING"))
    ]
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: points)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert suite_names()[-3:] == ["gone", "mine", "odd"]
    assert isinstance(load_suite("mine"), Suite)
    with pytest.raises(UserError, match="gives a int"):
        load_suite("odd")
    with pytest.raises(UserError, match="can't be loaded"):
        load_suite("gone")
