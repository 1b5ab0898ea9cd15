"""The identities: a performance setting keeps them, a recipe value changes them."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mim_bench.benchmarks import identity
from mim_bench.benchmarks.recipe import load_recipe, recipe_files
from mim_bench.benchmarks.settings import TRAINER_OTHER, TRAINER_SCORED
from mim_bench.files import canonical_json

RESOLVED = load_recipe("nyuv2").resolve("paper", "base")
CONTENT = RESOLVED.content
TEST = RESOLVED.tests()["nyuv2"]
FACTS = {
    "recipe": "nyuv2",
    "backbone": {"name": "swinv2_mini", "weights": None, "options": {}},
    "fingerprints": {"train": "ab"},
    "seed": 0,
    "preset": "paper",
    "mode": "finetune",
}


def training_id(content=CONTENT, **changes):
    return identity.short_id(identity.training_identity(content, **{**FACTS, **changes}))


def leaves(content, path=()):
    for key, value in content.items():
        if isinstance(value, dict):
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key)


def changed(content, path, value):
    content = copy.deepcopy(content)
    inner = content
    for step in path[:-1]:
        inner = inner.setdefault(step, {})
    inner[path[-1]] = value
    return content


SCORED = [
    path
    for path in leaves({part: CONTENT[part] for part in ("task", "data")})
    if path[-1] not in (*identity.DATA_OTHER, *identity.TASK_OTHER)
] + [("trainer", key) for key in TRAINER_SCORED]
OTHER = (
    [("trainer", key) for key in TRAINER_OTHER]
    + [("data", "init_args", key) for key in identity.DATA_OTHER]
    + [("task", "init_args", key) for key in identity.TASK_OTHER]
    + [("tests", "nyuv2", "options", "flip"), ("tests", "nyuv2", "metric"), ("title",)]
)


@given(path=st.sampled_from(SCORED), value=st.integers(10**6, 10**9) | st.text(min_size=30))
def test_any_recipe_value_changes_the_training_id(path, value):
    assert training_id(changed(CONTENT, path, value)) != training_id()


@given(path=st.sampled_from(OTHER), value=st.integers(10**6, 10**9) | st.text(min_size=30))
def test_no_performance_setting_changes_the_training_id(path, value):
    assert training_id(changed(CONTENT, path, value)) == training_id()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("seed", 1),
        ("preset", "miniature"),
        ("mode", "frozen"),
        ("recipe", "other"),
        ("fingerprints", {"train": "cd"}),
        ("backbone", {**FACTS["backbone"], "weights": "12"}),
        ("backbone", {**FACTS["backbone"], "name": "vit_mini"}),
        ("backbone", {**FACTS["backbone"], "options": {"drop": 2}}),
    ],
)
def test_what_made_the_weights_changes_the_training_id(key, value):
    assert training_id(**{key: value}) != training_id()


def test_protocol_version_changes_the_training_id():
    assert training_id({**CONTENT, "protocol": 2}) != training_id()


def test_spelling_a_default_or_a_whole_float_changes_nothing():
    spelled = changed(CONTENT, ("trainer", "gradient_clip_algorithm"), "norm")
    floats = changed(CONTENT, ("data", "init_args", "batch_size"), 24.0)
    assert training_id(spelled) == training_id(floats) == training_id()


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_canonical_json_knows_no_order(content):
    def reversed_order(value):
        if isinstance(value, dict):
            return {key: reversed_order(value[key]) for key in reversed(value)}
        return [reversed_order(item) for item in value] if isinstance(value, list) else value

    assert canonical_json(content) == canonical_json(reversed_order(content))


@pytest.mark.parametrize(
    "change",
    [
        {"options": {**TEST.options, "flip": False}},
        {"split": "val"},
        {"metric": "abs_rel"},
        {"checkpoint": "best"},
    ],
)
def test_how_a_column_is_tested_changes_the_score_id(change):
    other = type(TEST)(**{**vars(TEST), **change})
    ids = {identity.short_id(identity.score_identity("t", test, "f")) for test in (TEST, other)}
    assert len(ids) == 2


def test_columns_that_differ_in_the_metric_share_their_records():
    other = type(TEST)(**{**vars(TEST), "metric": "abs_rel", "column": "x"})
    a, b = (identity.short_id(identity.records_identity("t", test, "f")) for test in (TEST, other))
    assert a == b
    flipped = type(TEST)(**{**vars(TEST), "options": {}})
    assert identity.short_id(identity.records_identity("t", flipped, "f")) != a


@pytest.mark.parametrize("name", recipe_files())
@pytest.mark.parametrize("preset", ["paper", "miniature"])
def test_every_shipped_recipe_has_an_identity(name, preset):
    assert len(training_id(load_recipe(name).resolve(preset).content)) == identity.LENGTH


@pytest.mark.parametrize(
    ("key", "counts"),
    [
        ("task.lr", True),
        ("task.init_args.lr", True),
        ("tests.nyuv2.options.flip", True),
        ("trainer.max_steps", True),
        ("trainer.devices", False),
        ("data.num_workers", False),
        ("task.pictures", False),
    ],
)
def test_only_settings_that_can_change_a_score_make_a_table_of_their_own(key, counts):
    assert identity.counts(key) is counts
