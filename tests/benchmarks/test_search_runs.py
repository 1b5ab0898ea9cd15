"""Searches as a user runs them: trials, winner, retraining, kills, pruning, looking at them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import search_cases as cases

from mim_bench.benchmarks.searching import next_trials
from mim_bench.benchmarks.store import Store

BACKBONE = ("--backbone", "convnext_mini")


def read(path):
    return json.loads(path.read_text())


@pytest.fixture(scope="module")
def searched(mim_bench, tmp_path_factory):
    """A store in which a search of three trials has ended, and the recipe's own run."""
    folder = tmp_path_factory.mktemp("searched")
    cases.write_recipe(folder)
    command = ("run", "searched.yaml", *BACKBONE, "--trials")
    return folder, [mim_bench(*command, trials, cwd=folder).stdout for trials in ("0", "3")]


def score(folder, trials):
    """Return the recipe's score after a search of so many trials."""
    found = [
        read(path)
        for path in (folder / "runs").glob("searched/*/*/scores/*.json")
        if read(path.parents[1] / "run.json")["kind"] == "train"
    ]
    (one,) = [one for one in found if one["card"].get("search", {}).get("trials", 0) == trials]
    return one


def test_the_winner_is_not_the_default_and_the_score_changes(searched):
    folder, said = searched
    tried = cases.trials(folder / "runs")
    assert tried[0]["values"] == {"task.lr": 1e-12}
    own, found = score(folder, 0), score(folder, 3)
    assert found["value"] < 0.9 * own["value"]
    run = read(next((folder / "runs").glob(f"searched/*/{found['run']}/run.json")))
    assert run["values"] == {"task.lr": 3e-3}
    assert run["overrides"] == {}
    card = found["card"]["search"]
    assert card["selected_on"] == "train"
    assert card["space"] == {"task.lr": {"choices": [1e-12, 3e-3]}}
    assert found["card"]["per_backbone"]["searched"] == {"task.lr": 3e-3}
    assert f"{found['value']:.3f}" in said[1]
    assert "searching" in said[1]


def test_values_tried_twice_are_trained_once(searched):
    folder, _ = searched
    tried = cases.trials(folder / "runs")
    assert len(tried) == 3
    assert len({trial["run"] for trial in tried}) == 2


def test_a_second_command_repeats_nothing(searched, cli):
    folder, _ = searched
    before = {path: path.stat().st_mtime_ns for path in (folder / "runs").rglob("*.json")}
    done = cli("run", "searched.yaml", *BACKBONE, "--trials", "3", cwd=folder)
    assert f"{score(folder, 3)['value']:.3f}" in done.stdout
    assert {p: p.stat().st_mtime_ns for p in (folder / "runs").rglob("*.json")} == before


def test_without_a_search_the_recipes_own_run_stands(searched, cli):
    folder, _ = searched
    said = cli("run", "searched.yaml", *BACKBONE, cwd=folder).stdout  # without a search
    assert f"{score(folder, 0)['value']:.3f}" in said
    status = json.loads(cli("status", "--json", cwd=folder).stdout)
    assert sorted(row["kind"] for row in status) == ["train", "train", "trial", "trial"]


def test_looking_at_a_search(searched, cli, tmp_path):
    folder, _ = searched
    plan = cli("plan", "searched.yaml", *BACKBONE, "--trials", "4", cwd=folder).stdout
    assert "after search" in plan
    assert "3 of 4 trials have ended" in plan
    listed = json.loads(cli("show", "search", "--json", cwd=folder).stdout)
    assert [(row["recipe"], row["trials"], row["ended"]) for row in listed] == [("searched", 3, 3)]
    shown = cli("show", "search", listed[0]["id"][:6], "--out", str(tmp_path), cwd=folder).stdout
    assert "best" in shown
    assert "rmse (min) on train, trained on train" in shown
    assert (tmp_path / "parallel.png").read_bytes().startswith(b"\x89PNG")
    said = cli("show", "search", "zz", cwd=folder, status=2).stderr
    assert "no search 'zz'" in said
    explained = cli("explain", score(folder, 3)["run"], cwd=folder).stdout
    assert "found by a search" in explained
    assert "selected_on" in explained


def test_killed_during_its_trials_a_search_goes_on(small_cache, tmp_path, cli):
    changes = {
        "steps": ("max_steps: 12", "max_steps: 40"),
        "space": ("{choices: [1.0e-12, 3.0e-3]}", "{low: 1.0e-12, high: 3.0e-3, log: true}"),
    }
    cases.write_recipe(tmp_path, **changes)
    command = ("run", "searched.yaml", *BACKBONE, "--trials", "3")
    process = subprocess.Popen(
        [sys.executable, "-m", "mim_bench", *command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=tmp_path,
        env={**os.environ, "MIM_BENCH_CACHE": str(small_cache)},
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        time.sleep(0.1)
        states = [read(path)["state"] for path in tmp_path.glob("runs/*/*/*/run.json")]
        if "done" in states and "running" in states:
            break
    assert process.poll() is None
    workers = [int(read(path)["pid"]) for path in tmp_path.glob("runs/*/*/*/claim.json")]
    for pid in [process.pid, *workers]:
        os.kill(pid, signal.SIGKILL)
    process.wait()
    before = cases.trials(tmp_path / "runs")
    cli(*command, cwd=tmp_path)
    after = cases.trials(tmp_path / "runs")
    assert after[: len(before)] == before
    assert [trial["number"] for trial in after] == [0, 1, 2]
    runs = [read(path) for path in tmp_path.glob("runs/*/*/*/run.json")]
    assert {run["state"] for run in runs} == {"done"}
    assert len(runs) == 4


def test_trials_that_cannot_be_trained(tmp_path, cli):
    changes = {
        "own": ("miniature:\n  task.lr: 1.0e-12", "miniature:\n  task.lr: 1.0e+30"),
        "space": ("[1.0e-12, 3.0e-3]", "[1.0e+30, 1.0e+29]"),
    }
    cases.write_recipe(tmp_path, **changes)
    command = ("run", "searched.yaml", *BACKBONE, "--trials", "2")
    done = cli(*command, cwd=tmp_path, status=1)
    assert "all 2 trials failed, the first one: FloatingPointError: the training loss is" in (
        done.stdout
    )
    assert "--retry failed" in done.stdout


def test_hopeless_trials_are_pruned(small_cache, tmp_path, cli, monkeypatch):
    """Five trials that were much better at every step: the sixth ends at its first validation."""
    changes = {
        "pruner": ("pruner: none", "pruner: median"),
        "space": ("{choices: [1.0e-12, 3.0e-3]}", "{low: 1.0e-12, high: 1.0e-8, log: true}"),
        "often": ("val_check_interval: 12", "val_check_interval: 2"),
    }
    path = cases.write_recipe(tmp_path, **changes)
    store = Store(tmp_path / "runs")
    with monkeypatch.context() as patch:
        patch.setenv("MIM_BENCH_CACHE", str(small_cache))
        plan = cases.plan(store, recipes=(path,), trials=6)
        for number in range(5):
            (node,) = next_trials(plan, 1)
            steps = dict.fromkeys(range(2, 13, 2), 0.01 + number / 1000)
            cases.finish(node, store, 0.01 + number / 1000, steps)
    cli("run", "searched.yaml", *BACKBONE, "--trials", "6", cwd=tmp_path)
    runs = {read(one)["id"]: read(one) for one in store.root.glob("*/*/*/run.json")}
    last = runs[cases.trials(store.root)[-1]["run"]]
    assert last["state"] == "pruned"
    validations = store.root / last["recipe"] / last["backbone"]["slug"] / last["id"]
    assert [step for step, _ in read(validations / "validations.json")["steps"]] == [2]
    assert "pruned" in cli("show", "search", "searched", cwd=tmp_path).stdout


def test_two_workers_search_together(tmp_path, cli):
    changes = {"space": ("{choices: [1.0e-12, 3.0e-3]}", "{low: 1.0e-12, high: 3.0e-3, log: true}")}
    cases.write_recipe(tmp_path, **changes)
    cli("run", "searched.yaml", *BACKBONE, "--trials", "3", "--jobs", "2", cwd=tmp_path)
    assert [trial["number"] for trial in cases.trials(tmp_path / "runs")] == [0, 1, 2]
    runs = [read(path) for path in tmp_path.glob("runs/*/*/*/run.json")]
    assert sorted(run["kind"] for run in runs) == ["train", "trial", "trial", "trial"]
