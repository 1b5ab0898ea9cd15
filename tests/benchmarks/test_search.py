"""Searches as parts of the plan: whose values, on which splits, with which identities."""

from __future__ import annotations

import dataclasses
import json

import pytest
import search_cases as cases
from hypothesis import given
from hypothesis import strategies as st

from mim_bench.benchmarks.recipe import load_recipe
from mim_bench.benchmarks.sampling import holds, is_hopeless, optuna_study, propose
from mim_bench.benchmarks.search import check_search, merged
from mim_bench.benchmarks.searching import next_trials, trials_of
from mim_bench.benchmarks.store import Store
from mim_bench.benchmarks.study import Trial
from mim_bench.errors import UserError
from mim_bench.reports import collect

SPACE = {
    "task.lr": {"low": 1e-4, "high": 1e-2, "log": True},
    "task.weight_decay": {"choices": [0.05, 0.1]},
    "task.layers": {"low": 1, "high": 5},
    "task.drop_path": {"low": 0.0, "high": 0.3, "step": 0.1},
}
CONTENT = {"seed": 0, "space": SPACE, "sampler": "tpe", "pruner": "median", "direction": "max"}


@pytest.fixture
def store(small_cache, tmp_path, monkeypatch):
    monkeypatch.setenv("MIM_BENCH_CACHE", str(small_cache))
    monkeypatch.delenv("MIM_BENCH_DATA", raising=False)
    return Store(tmp_path / "runs")


def run_trials(plan, store, *values):
    """Let the searches of a plan ask for trials, which end with the values."""
    nodes = []
    for value in values:
        (node,) = next_trials(plan, 1)
        cases.finish(node, store, value)
        nodes.append(node)
    return nodes


def test_levels_take_what_the_first_one_found(store):
    plan = cases.plan(store, "cog-l1", "cog-l2", "cog-l3")
    assert not plan.grown().nodes
    (study,) = plan.studies
    assert study.recipe == "cog-l1"
    first, second = run_trials(plan, store, 10.0, 20.0)
    assert first.values == {
        "task.lr": 3e-3,
        "task.weight_decay": 0.05,
        "task.layer_decay": 1.0,
        "task.drop_path": 0.0,
    }
    assert second.values != first.values
    grown = plan.grown()
    assert not grown.awaiting
    assert [node.recipe for node in grown.nodes] == ["cog-l1", "cog-l2", "cog-l3"]
    for node in grown.nodes:
        task = node.resolved.content["task"]["init_args"]
        assert {f"task.{name[5:]}": task[name[5:]] for name in second.values} == second.values
        assert node.needs == (study.id,)
        assert node.resolved.content["data"]["init_args"]["train_split"] == "trainval"
        assert [score.test.split for score in node.scores] == ["test"]


def test_a_level_alone_searches_on_the_first(store):
    plan = cases.plan(store, "cog-l4")
    assert [study.recipe for study in plan.studies] == ["cog-l1"]
    assert {node.recipe for node in next_trials(plan, 1)} == {"cog-l1"}


@pytest.mark.parametrize("column", ["pets", "flowers", "aircraft", "cog-l1"])
def test_trials_see_no_test_picture(store, column):
    plan = cases.plan(store, column)
    (node,) = next_trials(plan, 1)
    data = node.resolved.content["data"]["init_args"]
    assert (data["train_split"], data["val_split"]) == ("train", "val")
    assert set(node.job()["fingerprints"]) == {"train", "val"}
    assert [score.test.split for score in node.scores] == ["val"]
    assert node.kind == "trial"


def test_the_test_pictures_of_a_level_are_a_named_choice(store):
    changes = {"search.split": "test", "search.train_split": "trainval"}
    plan = cases.plan(store, "cog-l1", "cog-l2", overrides=changes)
    (node,) = next_trials(plan, 1)
    assert [score.test.split for score in node.scores] == ["test"]
    cases.finish(node, store, 50.0)
    run_trials(plan, store, 10.0)
    first, second = plan.grown().nodes
    assert first.id == node.id  # the winner is the run: it isn't trained again
    assert first.scores[0].selection["selected_on"] == "test, the reported split"
    assert second.scores[0].selection["selected_on"] == "test"


def test_the_winner_of_inat_is_not_trained_again(store):
    plan = cases.plan(store, "inat18")
    trials = run_trials(plan, store, 10.0, 20.0)
    (node,) = plan.grown().nodes
    assert node.id == trials[1].id
    (score,) = node.scores
    assert score.selection["selected_on"] == "val, the reported split"
    assert score.id != trials[1].scores[0].id  # it says more than the trial's
    assert score.records == trials[1].scores[0].records  # from the same pictures


def test_the_identity_of_a_retrained_run_depends_on_the_winner(store, tmp_path):
    ids = set()
    for values in [(10.0, 20.0), (20.0, 10.0)]:
        other = Store(tmp_path / f"{values[0]}")
        plan = cases.plan(other, "pets")
        run_trials(plan, other, *values)
        (node,) = plan.grown().nodes
        ids.add(node.id)
    assert len(ids) == 2


def test_budgets_build_on_each_other(store):
    plan = cases.plan(store, "pets", trials=2)
    trials = run_trials(plan, store, 10.0, 20.0)
    (two,) = plan.grown().nodes
    more = cases.plan(store, "pets", trials=3)
    assert not more.grown().nodes
    assert [node.id for node in trials_of(more)] == [node.id for node in trials]
    run_trials(more, store, 30.0)
    (three,) = more.grown().nodes
    assert three.id != two.id
    (again,) = cases.plan(store, "pets", trials=2).grown().nodes
    assert again.id == two.id
    assert again.scores[0].id == two.scores[0].id


def test_each_search_has_one_trial_at_a_time(store):
    plan = cases.plan(store, "pets", "flowers", trials=3)
    nodes = next_trials(plan, 0)
    assert [node.recipe for node in nodes] == ["pets", "flowers"]
    assert next_trials(plan, 0) == []
    assert [node.recipe for node in next_trials(plan, 2)] == ["pets", "flowers"]
    assert len(next_trials(plan, 9)) == 2
    assert next_trials(plan, 9) == []


def test_what_is_set_by_hand_is_not_searched(store):
    plan = cases.plan(store, "pets", overrides={"task.lr": 0.002})
    for node in [*next_trials(plan, 0), *next_trials(plan, 1)]:
        assert "task.lr" not in node.values
        assert node.resolved.content["task"]["init_args"]["lr"] == 0.002
    given = {"lr": 0.002, "weight_decay": 0.1, "layer_decay": 0.9, "drop_path": 0.1}
    overrides = {f"task.{name}": value for name, value in given.items()}
    with pytest.raises(UserError, match="nothing to search"):
        cases.plan(store, "pets", overrides=overrides)


def test_all_trials_failed_quotes_the_first_cause(store):
    plan = cases.plan(store, "pets")
    run_trials(plan, store, None, None)
    assert plan.grown().awaiting
    with pytest.raises(UserError, match="all 2 trials failed, the first one: the loss is nan"):
        plan.studies[0].winner(2)


def test_a_failed_trial_does_not_win(store):
    plan = cases.plan(store, "pets")
    trials = run_trials(plan, store, None, 1.0)
    (node,) = plan.grown().nodes
    assert node.values == trials[1].values


def test_another_space_is_refused_and_says_what_differs(store, tmp_path):
    path = cases.write_recipe(tmp_path)
    next_trials(cases.plan(store, recipes=(path,)), 1)
    cases.write_recipe(tmp_path, space=("[1.0e-12, 3.0e-3]", "[1.0e-12, 3.0e-4]"))
    with pytest.raises(UserError, match=r"another space: task.lr was .*0.003.* is .*0.0003"):
        next_trials(cases.plan(store, recipes=(path,)), 1)
    cases.write_recipe(
        tmp_path,
        space=("[1.0e-12, 3.0e-3]", "[1.0e-12, 3.0e-4]"),
        study=("pruner: none", "pruner: none\n  study: lower"),
    )
    assert next_trials(cases.plan(store, recipes=(path,)), 1)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("task.lr: {choices", "task.lrr: {choices", "unknown key 'task.lrr'"),
        ("[1.0e-12, 3.0e-3]", "[]", "is empty"),
        ("{choices: [1.0e-12, 3.0e-3]}", "{low: 2.0, high: 1.0}", "range from 2.0 to 1.0 is empty"),
        ("{choices: [1.0e-12, 3.0e-3]}", "{low: 0.0, high: 1.0, log: true}", "logarithmic"),
        ("{choices: [1.0e-12, 3.0e-3]}", "{low: 0.1}", "high is None"),
        ("[1.0e-12, 3.0e-3]", "[fast, slow]", "is a text"),
        ("  split: train\n", "", "'split' is missing"),
        ("  split: train\n", "  split: val\n", "has no split 'val' to search with"),
        ("pruner: none", "pruner: hyperband", "unknown pruner 'hyperband'"),
        ("pruner: none", "sampling: tpe", "unknown key 'sampling'"),
        ("pruner: none", "seed: -1", "is -1"),
        ("pruner: none", "from: cog-l1", "from alone"),
        ("pruner: none", "set: {trainer.max_step: 3}", "unknown key 'trainer.max_step'"),
    ],
)
def test_bad_spaces(store, tmp_path, old, new, said):
    path = cases.write_recipe(tmp_path, change=(old, new))
    with pytest.raises(UserError, match=said) as error:
        next_trials(cases.plan(store, recipes=(path,)), 1)
    assert "searched.yaml" in str(error.value)


def test_trials_without_a_search(store):
    with pytest.raises(UserError, match="no search is there for --trials 2"):
        cases.plan(store, "nyuv2")
    # beside columns that have one the others run with their recipes' values
    plan = cases.plan(store, "nyuv2", "pets")
    assert [node.recipe for node in plan.grown().nodes] == ["nyuv2"]


def test_winners_from_recipes_that_are_not_there(store, tmp_path):
    own = "search:\n  from: {}\n"
    for name, said in (("cog-l9", "unknown recipe"), ("nyuv2", "no search of its own")):
        path = tmp_path / "own.yaml"
        path.write_text(f"name: own\nextends: pets\n{own.format(name)}")
        with pytest.raises(UserError, match=said):
            cases.plan(store, recipes=(path,))


def test_trials_are_no_rows(store):
    plan = cases.plan(store, "pets")
    (node,) = next_trials(plan, 1)
    cases.finish(node, store, 10.0)
    assert collect(store.root) == []
    assert len(collect(store.root, {node.id})) == 1


def test_every_shipped_search_can_be_planned(store):
    names = [name for name in _searched() if name != "imagenet1k"]
    plan = cases.plan(store, *names, trials=1)
    for node in next_trials(plan, 0):
        for name, entry in plan.studies[0].search.space.items():
            assert holds(entry, node.values[name])
    assert {study.recipe for study in plan.studies} == set(names) - {
        f"cog-l{level}" for level in range(2, 6)
    }


def _searched():
    from mim_bench.benchmarks.recipe import recipe_files

    return [name for name in recipe_files() if "search" in load_recipe(name).content]


def test_the_paper_searches_four_settings():
    search = load_recipe("pets").resolve("paper").search
    assert set(search["space"]) == {
        "task.lr",
        "task.weight_decay",
        "task.layer_decay",
        "task.drop_path",
    }
    for name in ("pets", "cog-l1", "inat18"):
        resolved = load_recipe(name).resolve("paper")
        own = {key: resolved.content["task"]["init_args"][key[5:]] for key in search["space"]}
        assert all(holds(search["space"][key], value) for key, value in own.items()), name


# the study itself


def trial(number, value=None, steps=None, state="done", **values):
    full = {"task.lr": 1e-3, "task.weight_decay": 0.05, "task.layers": 2, "task.drop_path": 0.1}
    return Trial(number, {**full, **values}, f"run{number}", state, value, steps or {})


@given(
    st.lists(st.tuples(st.floats(1e-4, 1e-2), st.floats(0, 100)), max_size=14),
    st.integers(0, 5),
    st.sampled_from(["tpe", "random"]),
)
def test_proposals_lie_in_the_space_and_can_be_repeated(past, seed, sampler):
    content = {**CONTENT, "seed": seed, "sampler": sampler}
    trials = [
        trial(number, value, **{"task.lr": rate}) for number, (rate, value) in enumerate(past)
    ]
    proposed = propose(content, trials)
    assert proposed == propose(content, trials)
    assert set(proposed) == set(SPACE)
    assert all(holds(SPACE[name], value) for name, value in proposed.items())
    assert isinstance(proposed["task.layers"], int)
    assert json.loads(json.dumps(proposed)) == proposed


def test_proposals_differ_by_number_and_seed():
    first = propose(CONTENT, [trial(0, 1.0)])
    assert first != propose(CONTENT, [trial(0, 1.0), trial(1, 1.0)])
    assert first != propose({**CONTENT, "seed": 1}, [trial(0, 1.0)])


def test_the_sampler_learns_from_the_trials():
    """After many trials in which a high rate wins, most proposals are high."""
    past = [trial(n, 10.0 * (n % 5), **{"task.lr": 1e-4 * 3 ** (n % 5)}) for n in range(40)]
    rates = [propose({**CONTENT, "seed": seed}, past)["task.lr"] for seed in range(20)]
    assert sum(rate > 2e-3 for rate in rates) > 12


def test_the_median_ends_what_is_worse():
    """Against the plain rule: after five trials, below the median of the others at that step."""
    past = [trial(n, 50.0, {10: 20.0 + n, 20: 50.0}) for n in range(5)]
    for value, hopeless in ((21.9, True), (22.0, False), (30.0, False)):
        mine = trial(5, None, {10: value}, "running")
        assert is_hopeless(CONTENT, past, mine) is hopeless
    assert not is_hopeless(CONTENT, past[:4], trial(5, None, {10: 0.0}, "running"))
    assert not is_hopeless(
        {**CONTENT, "pruner": "none"}, past, trial(5, None, {10: 0.0}, "running")
    )
    lower = {**CONTENT, "direction": "min"}
    assert is_hopeless(lower, past, trial(5, None, {10: 30.0}, "running"))


def test_optuna_sees_the_states():
    past = [trial(0, 1.0), trial(1, None, {10: 0.5}, "pruned"), trial(2, None, {}, "failed")]
    past.append(trial(3, None, {}, "running"))
    names = [one.state.name for one in optuna_study(CONTENT, past).trials]
    assert names == ["COMPLETE", "PRUNED", "FAIL", "RUNNING"]


@pytest.mark.parametrize(
    ("direction", "values", "best"),
    [("max", [1.0, 3.0, 3.0], 1), ("min", [2.0, 3.0, 1.0], 2), ("max", [None, 1.0, None], 1)],
)
def test_the_winner(store, direction, values, best):
    plan = cases.plan(store, "pets", trials=3)
    (study,) = plan.studies
    study = dataclasses.replace(study, direction=direction)
    run_trials(plan, store, *values)
    assert study.winner(3).number == best
    assert study.winner(4) is None


def test_blocks_are_laid_over_each_other():
    base = {"split": "val", "space": {"a": {"low": 1, "high": 2}, "b": {"choices": [1]}}}
    own = {"space": {"a": {"choices": [3]}, "b": None}, "seed": 1}
    assert merged(base, own) == {"split": "val", "seed": 1, "space": {"a": {"choices": [3]}}}
    assert merged(base, {"from": "x"}) == {"from": "x"}
    assert merged({"from": "x"}, own) == {"from": "x"}
    assert not check_search(base, "here")
