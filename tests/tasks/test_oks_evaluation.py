"""AP of poses against pycocotools and the numbers of CrowdPose's own tool."""

import copy
import json
import logging
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oks_cases import evaluation_case
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mim_bench.errors import UserError
from mim_bench.tasks.oks import SIGMAS
from mim_bench.tasks.oks_evaluation import METRICS, evaluate_keypoints
from mim_bench.tasks.oks_truth import Truth, keypoint_truth

GOLDEN = json.loads((Path(__file__).parent / "golden" / "oks.json").read_text())


def official(content, predictions, rule="coco", images=None):
    """Return precision, recall and the ten numbers of pycocotools, told CrowdPose's differences."""
    truth = COCO()
    truth.dataset = copy.deepcopy(content)
    if rule == "crowdpose":
        for person in truth.dataset["annotations"]:
            person["area"] = person["bbox"][3] * person["bbox"][2] * 0.53
    truth.createIndex()
    run = COCOeval(truth, truth.loadRes(copy.deepcopy(predictions)), "keypoints")
    run.params.kpt_oks_sigmas = np.array(SIGMAS[rule])
    if images is not None:
        run.params.imgIds = images
    run.evaluate()
    run.accumulate()
    run.summarize()
    return run.eval["precision"], run.eval["recall"], run.stats


def evaluate(content, predictions, rule="coco"):
    return evaluate_keypoints(keypoint_truth(content, rule), predictions)


def perfect(content):
    """The ground truth's own poses, in falling order of score."""
    return [
        {
            "image_id": person["image_id"],
            "category_id": 1,
            "keypoints": person["keypoints"],
            "score": 1 / (number + 1),
        }
        for number, person in enumerate(content["annotations"])
        if person["num_keypoints"]
    ]


@pytest.mark.parametrize("seed", range(6))
def test_coco_as_pycocotools(seed, capfd):
    content, predictions = evaluation_case("coco", seed)
    _, _, expected = official(content, predictions)
    capfd.readouterr()
    found = evaluate(content, predictions)
    assert tuple(found) == METRICS["coco"]
    assert list(found.values()) == pytest.approx(expected.tolist(), abs=1e-12)
    assert 0 < found["ap"] < 0.9
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("seed", range(4))
def test_crowdpose_as_pycocotools_on_the_groups_images(seed):
    content, predictions = evaluation_case("crowdpose", seed + 10)
    found = evaluate(content, predictions, "crowdpose")
    _, _, stats = official(content, predictions, "crowdpose")
    expected = dict(
        zip(("ap", "ap50", "ap75", "ar", "ar50", "ar75"), stats[[0, 1, 2, 5, 6, 7]], strict=True)
    )
    for level, (low, high) in {"easy": (0, 0.2), "medium": (0.2, 0.8), "hard": (0.8, 9)}.items():
        images = [i["id"] for i in content["images"] if low <= i["crowdIndex"] < high]
        precision, _, _ = official(content, predictions, "crowdpose", images)
        expected[f"ap_{level}"] = round(precision[:, :, :, 0].mean(), 4)
    assert tuple(found) == METRICS["crowdpose"]
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("case", GOLDEN["crowdpose"], ids=lambda case: f"seed {case['seed']}")
def test_crowdpose_as_its_own_tool(case):
    content, predictions = evaluation_case("crowdpose", case["seed"])
    people = content["annotations"]
    assert not any("area" in person for person in people)
    assert any(person["iscrowd"] for person in people)
    assert any(not person["num_keypoints"] and any(person["keypoints"]) for person in people)
    assert max(image["crowdIndex"] for image in content["images"]) > 1
    assert evaluate(content, predictions, "crowdpose") == pytest.approx(case["values"], abs=1e-12)


def test_an_area_of_the_file_does_not_matter_to_crowdpose():
    content, predictions = evaluation_case("crowdpose", 0)
    plain = evaluate(content, predictions, "crowdpose")
    for person in content["annotations"]:
        person["area"] = 7.0
    assert evaluate(content, predictions, "crowdpose") == plain


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31), st.randoms(use_true_random=False))
def test_order_of_distinct_scores_does_not_matter(seed, random):
    rule = ("coco", "crowdpose")[seed % 2]
    content, predictions = evaluation_case(rule, seed, images=12)
    expected = evaluate(content, predictions, rule)
    shuffled = random.sample(predictions, len(predictions))
    assert evaluate(content, shuffled, rule) == pytest.approx(expected, abs=0, nan_ok=True)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31))
def test_true_poses_are_perfect(seed):
    for rule in ("coco", "crowdpose"):
        content, _ = evaluation_case(rule, seed, images=30)
        found = evaluate(content, perfect(content), rule)
        assert found["ap"] == found["ar"] == pytest.approx(1.0)
        assert all(value == pytest.approx(1) for value in found.values() if not math.isnan(value))


def test_equal_scores_rank_in_the_order_given():
    content, predictions = evaluation_case("coco", 3)
    for prediction in predictions:
        prediction["score"] = round(prediction["score"], 1)
    found = list(evaluate(content, predictions).values())
    assert found == pytest.approx(official(content, predictions)[2].tolist(), abs=1e-12)
    backwards = list(evaluate(content, predictions[::-1]).values())
    assert backwards == pytest.approx(official(content, predictions[::-1])[2].tolist(), abs=1e-12)
    assert found != pytest.approx(backwards, abs=1e-6)


def test_twenty_poses_count_per_image():
    content, _ = evaluation_case("coco", 0, images=1)
    person = next(p for p in evaluation_case("coco", 1)[0]["annotations"] if p["num_keypoints"])
    content["annotations"] = [{**person, "id": 1, "image_id": content["images"][0]["id"]}]
    true = perfect(content)[0] | {"score": 0.1}
    wrong = [{**true, "keypoints": [9e3] * 51, "score": 0.9 - 0.01 * n} for n in range(20)]
    assert evaluate(content, [*wrong[:19], true])["ar"] == 1
    assert evaluate(content, [*wrong, true])["ar"] == 0


def test_boxes_and_areas_of_predictions_do_not_matter():
    content, predictions = evaluation_case("coco", 1)
    plain = evaluate(content, predictions)
    for prediction in predictions:
        prediction |= {"bbox": [0, 0, 1, 1], "area": 1.0, "id": 0}
    assert evaluate(content, predictions) == plain


def test_a_person_numbered_zero_counts():
    content, _ = evaluation_case("coco", 2, images=12)
    content["annotations"] = [p for p in content["annotations"] if p["num_keypoints"]]
    for number, person in enumerate(content["annotations"]):
        person["id"] = number
    assert evaluate(content, perfect(content))["ar"] == 1


def test_nothing_given_is_changed():
    for rule in ("coco", "crowdpose"):
        truth, predictions = evaluation_case(rule, 0, images=8)
        truth = keypoint_truth(truth, rule)
        before = copy.deepcopy((truth, predictions))
        checked = Truth.check(truth)
        first = evaluate_keypoints(checked, predictions)
        assert (truth, predictions) == before
        assert evaluate_keypoints(checked, predictions) == first
        assert all("ignore" not in person for person in checked.people)


def test_the_libraries_messages_are_swallowed(caplog, capfd):
    caplog.set_level(logging.DEBUG)
    content, predictions = evaluation_case("crowdpose", 0, images=8)
    evaluate(content, predictions, "crowdpose")
    assert not [record for record in caplog.records if "faster" in record.name]
    assert capfd.readouterr() == ("", "")


def test_no_predictions_score_zero_and_nobody_to_find_is_undefined():
    content, predictions = evaluation_case("crowdpose", 0)
    assert set(evaluate(content, [], "crowdpose").values()) == {0.0}
    for image in content["images"]:
        image["crowdIndex"] = 0.5
    found = evaluate(content, predictions, "crowdpose")
    assert found["ap_medium"] == round(found["ap"], 4)
    assert math.isnan(found["ap_easy"])
    assert math.isnan(found["ap_hard"])
    content, predictions = evaluation_case("coco", 0)
    for person in content["annotations"]:
        person["area"] = 2000.0
    found = evaluate(content, predictions)
    assert [name for name, value in found.items() if math.isnan(value)] == ["ap_large", "ar_large"]
    content["annotations"] = []
    assert all(math.isnan(value) for value in evaluate(content, predictions).values())
    assert all(math.isnan(value) for value in evaluate(content, []).values())


def test_files_and_other_categories(tmp_path):
    content, predictions = evaluation_case("coco", 0, images=10)
    content["annotations"].append({"id": 9999, "category_id": 2, "image_id": 1000})
    content["categories"].append({"id": 2, "name": "bicycle"})
    file = tmp_path / "people.json"
    file.write_text(json.dumps(content))
    found = evaluate_keypoints(keypoint_truth(file, "coco"), predictions)
    assert found == evaluate(content, predictions)
    assert found["ap"] > 0


def broken(change):
    content, predictions = evaluation_case("crowdpose", 0, images=8)
    change(content, predictions)
    return content, predictions


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda _, p: p[3].update(image_id=5), "1 images that the ground truth doesn't list"),
        (lambda _, p: p[3].update(score=math.nan), "1 poses have a score or a coordinate"),
        (lambda _, p: p[3]["keypoints"].__setitem__(4, math.nan), "isn't finite"),
        (lambda _, p: p[3]["keypoints"].pop(), "prediction 3 .*: has 41 keypoint values"),
        (lambda c, _: c["annotations"][2].pop("num_keypoints"), "annotation 3: has no usable num"),
        (lambda c, _: c["annotations"][2]["keypoints"].pop(), "annotation 3: has 41 keypoint"),
        (lambda c, _: c["annotations"][2].update(image_id=7), "1 images that it doesn't list"),
        (lambda c, _: c["images"][1].pop("crowdIndex"), "image 1007: has no crowdIndex"),
    ],
)
def test_mistakes_are_named(change, words):
    with pytest.raises(UserError, match=words):
        evaluate(*broken(change), "crowdpose")


def test_mistakes_of_files_are_named(tmp_path):
    with pytest.raises(UserError, match="did you mean 'crowdpose'"):
        keypoint_truth({}, "crowdpos")
    with pytest.raises(UserError, match=r"none\.json: can't be read"):
        keypoint_truth(tmp_path / "none.json", "coco")
    (tmp_path / "page.json").write_text("<html>")
    with pytest.raises(UserError, match=r"page\.json: is no valid JSON"):
        keypoint_truth(tmp_path / "page.json", "coco")
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(UserError, match="holds no JSON object"):
        keypoint_truth(tmp_path / "list.json", "coco")
    content, _ = evaluation_case("crowdpose", 0, images=8)
    with pytest.raises(UserError, match=r"annotation 1: (has no usable area|has 42)"):
        evaluate(content, [], "coco")
