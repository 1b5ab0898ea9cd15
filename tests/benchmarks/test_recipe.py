"""Recipes: overlays in their order, and one message for everything that is wrong."""

from __future__ import annotations

import pytest

from mim_bench.benchmarks.recipe import load_recipe
from mim_bench.benchmarks.settings import parse_override
from mim_bench.errors import UserError
from mim_bench.yamlfiles import parse_yaml

GOOD = """
name: mine
task: {class_path: a.Task, init_args: {lr: 1e-3, layers: [1, 2], nested: {deep: 1}}}
data: {class_path: a.Data, init_args: {reader: a.Reader, batch_size: 4}}
trainer: {max_epochs: 3}
by_size:
  default: {task.lr: 2e-3}
  large: {task.lr: 3e-3}
tests: {mine: {split: test, metric: rmse, direction: min, options: {flip: true}}}
miniature: {trainer.max_steps: 10, data: {batch_size: 2}, task.nested.deep: 5}
"""


@pytest.fixture
def write(tmp_path):
    def write(text, name="mine.yaml"):
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return write


def test_overlays_apply_size_then_preset_then_set(write):
    recipe = load_recipe(write(GOOD))
    task = ("task", "init_args")

    def lr(*arguments):
        return recipe.resolve(*arguments).content[task[0]][task[1]]["lr"]

    assert lr("paper") == lr("paper", "base") == 2e-3
    assert lr("paper", "large") == 3e-3
    assert lr("miniature", "large", {"task.lr": 7e-3}) == 7e-3
    small = recipe.resolve("miniature").content
    assert small["trainer"] == {"max_epochs": None, "max_steps": 10}
    assert small["data"]["init_args"] == {"reader": "a.Reader", "batch_size": 2}
    assert small["task"]["init_args"]["nested"] == {"deep": 5}
    assert recipe.resolve("paper").content["trainer"] == {"max_epochs": 3}


def test_set_reaches_trainer_defaults_and_test_options(write):
    resolved = load_recipe(write(GOOD)).resolve(
        "paper", "base", {"trainer.precision": "bf16-mixed", "tests.mine.options.flip": False}
    )
    assert resolved.content["trainer"]["precision"] == "bf16-mixed"
    assert resolved.tests()["mine"].options == {"flip": False}


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("task.lrr", 1.0, "did you mean 'task.lr'?"),
        ("trainer.max_step", 1, "did you mean 'trainer.max_"),
        ("taks.lr", 1.0, "did you mean 'task'?"),
        ("task.lr", "fast", "'fast' is a text"),
        ("task.layers", 3, "expected: a list"),
        ("trainer.max_epochs", 0, "a whole number above 0"),
        ("trainer.max_epochs", 2.5, "a whole number above 0"),
    ],
)
def test_set_is_checked(write, key, value, said):
    with pytest.raises(UserError) as caught:
        load_recipe(write(GOOD)).resolve("paper", "base", {key: value})
    assert said in str(caught.value)
    assert key.split(".")[0] in str(caught.value)


def test_all_wrong_overrides_are_named_together(write):
    with pytest.raises(UserError) as caught:
        load_recipe(write(GOOD)).resolve("paper", "base", {"task.x": 1, "data.y": 2})
    assert len(caught.value.problems) == 2


def test_all_problems_of_a_recipe_are_named_together(write):
    text = GOOD.replace("trainer: {max_epochs: 3}", "trainer: 3").replace("name: mine", "nam: mine")
    with pytest.raises(UserError) as caught:
        load_recipe(write(text))
    said = str(caught.value)
    assert "did you mean 'name'?" in said
    assert "'name' is missing" in said
    assert "trainer" in said


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("direction: min", "direction: down", "one of ('min', 'max')"),
        ("split: test, ", "", "'split' is missing"),
        ("name: mine", "name: ../up", "can't be a folder's name"),
        ("class_path: a.Task, ", "", "class_path is missing"),
        ("tests: {mine:", "tests: {../up:", "can't be a column's name"),
        ("max_epochs: 3", "max_epochs: 3, max_steps: 4", "two budgets"),
        ("max_epochs: 3", "precision: 32-true", "no budget"),
        ("name: mine", "name: mine\nname: two", "line 3"),
    ],
)
def test_each_mistake_is_named(write, old, new, said):
    with pytest.raises(UserError) as caught:
        load_recipe(write(GOOD.replace(old, new))).resolve("paper")
    assert said in str(caught.value)


def test_a_recipe_without_miniature_says_so(write):
    recipe = load_recipe(write(GOOD.split("miniature:", maxsplit=1)[0]))
    with pytest.raises(UserError, match="has no `miniature:` block"):
        recipe.resolve("miniature")


def test_unknown_recipe_suggests_the_nearest():
    with pytest.raises(UserError, match="did you mean 'nyuv2'"):
        load_recipe("nyu2")
    with pytest.raises(UserError, match="no such recipe file"):
        load_recipe("nowhere.yaml")


def test_a_new_class_drops_the_old_ones_arguments(write):
    recipe = load_recipe(write(GOOD + "  \n"))
    content = recipe.resolve("paper").content
    from mim_bench.benchmarks.settings import overlay

    overlay(content, {"task": {"class_path": "b.Task", "init_args": {"k": 1}}}, "x")
    assert content["task"] == {"class_path": "b.Task", "init_args": {"k": 1}}


@pytest.mark.parametrize(("text", "value"), [("5e-4", 5e-4), ("1", 1), ("1.", 1.0), ("on", True)])
def test_values_of_set_are_yaml_with_plain_exponents(text, value):
    assert parse_override(f"task.lr={text}") == ("task.lr", value)
    assert type(parse_yaml(text, "x")) is type(value)


def test_set_needs_an_equals_sign():
    with pytest.raises(UserError, match="has no '='"):
        parse_override("task.lr")


def test_a_recipe_extends_another(write):
    write(GOOD, "base.yaml")
    own = load_recipe(
        write(
            """
name: own
extends: base.yaml
data: {init_args: {batch_size: 9}}
task.nested.deep: 2
by_size: {large: {data.batch_size: 3}}
miniature: {trainer.max_steps: 7}
tests: {own: {split: val, metric: rmse, direction: min}}
""",
            "own.yaml",
        )
    )
    assert own.columns == ["own"]
    content = own.resolve("paper", "large").content
    assert content["task"]["class_path"] == "a.Task"
    assert content["task"]["init_args"] == {"lr": 3e-3, "layers": [1, 2], "nested": {"deep": 2}}
    assert content["data"]["init_args"] == {"reader": "a.Reader", "batch_size": 3}
    small = own.resolve("miniature").content
    assert small["trainer"]["max_steps"] == 7
    assert small["data"]["init_args"]["batch_size"] == 2
    # of a shipped one, another class drops the old one's arguments
    other = load_recipe(write("name: mine\nextends: nyuv2\ndata: {class_path: my.Data}\n"))
    assert other.content["data"] == {"class_path": "my.Data", "init_args": {}}
    assert other.columns == ["nyuv2"]


def test_what_a_recipe_extends_must_be_there(write):
    with pytest.raises(UserError, match=r"unknown recipe 'nyuv3'[\s\S]*did you mean 'nyuv2'"):
        load_recipe(write("name: mine\nextends: nyuv3\n"))
    write("name: one\nextends: two.yaml\n", "one.yaml")
    with pytest.raises(UserError, match=r"one.yaml, extends: .two.yaml. extends this recipe"):
        load_recipe(write("name: two\nextends: one.yaml\n", "two.yaml"))
    with pytest.raises(UserError, match="task: is a int"):
        load_recipe(write("name: mine\nextends: nyuv2\ntask: 3\n"))
