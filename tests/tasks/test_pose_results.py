"""From records to results: rescored, without duplicates, packed for COCO's server, checked."""

import io
import json
import zipfile

import numpy as np
import pytest
from oks_cases import double_poses, evaluation_case

from mim_bench.datamodules.readers.coco_keypoints import COCOKeypoints
from mim_bench.datamodules.readers.crowdpose import CrowdPose
from mim_bench.errors import UserError
from mim_bench.tasks.oks import instance_scores, oks_nms
from mim_bench.tasks.oks_evaluation import evaluate_keypoints
from mim_bench.tasks.oks_truth import RULES
from mim_bench.tasks.pose_results import read_submission, results_of, scores_of, submission_of

SIGMAS = RULES["coco"]["sigmas"]
INFO = {"sigmas": SIGMAS}


def records(seed=0):
    """Two dozen boxes in each of two pictures."""
    found = []
    for image in (7, 3):
        keypoints, scores, areas = double_poses(seed + image)
        found += [
            {
                "id": f"{image}-{index}",
                "image": image,
                "score": float(scores[index]),
                "area": float(areas[index]),
                "keypoints": keypoints[index].ravel().tolist(),
            }
            for index in range(len(scores))
        ]
    return found


def test_results_picture_by_picture():
    found = results_of(records(), SIGMAS, {})
    assert [row["image_id"] for row in found] == sorted(row["image_id"] for row in found)
    for image in (3, 7):
        keypoints, boxes, areas = double_poses(image)
        scores = instance_scores(boxes, keypoints[..., 2], 0.2)
        kept = oks_nms(keypoints, scores, areas, SIGMAS, 0.9)
        mine = [row for row in found if row["image_id"] == image]
        assert [row["score"] for row in mine] == pytest.approx(scores[kept].tolist())
        np.testing.assert_allclose(mine[0]["keypoints"], keypoints[kept[0]].ravel())
        assert set(mine[0]) == {"image_id", "category_id", "keypoints", "score"}


def test_options_reach_rescoring_and_suppression():
    assert len(results_of(records(), SIGMAS, {"oks_nms": None})) == len(records())
    fewer = [len(results_of(records(), SIGMAS, {"oks_nms": at})) for at in (0.3, 0.9)]
    assert fewer[0] < fewer[1] < len(records())
    plain = results_of(records(), SIGMAS, {"peaks_above": None, "oks_nms": None})
    assert sorted(row["score"] for row in plain) == sorted(row["score"] for row in records())


def test_scores_are_per_cent():
    dataset, predictions = evaluation_case("coco", 0)
    given = [
        {
            "image": row["image_id"],
            "score": row["score"],
            "area": 1e4,
            "keypoints": row["keypoints"],
        }
        for row in predictions
    ]
    truth = {**RULES["coco"], "dataset": dataset}
    options = {"oks_nms": None}
    found = scores_of(given, truth, options, ("ap", "ap_hard"))
    plain = evaluate_keypoints(truth, results_of(given, SIGMAS, options))
    assert found["ap"] == pytest.approx(100 * plain["ap"])
    assert np.isnan(found["ap_hard"])


def test_the_archive_for_the_server(tmp_path):
    submission = submission_of(records(), INFO, {"oks_nms": None}, "vit_base-1k")
    path = tmp_path / submission.name
    path.write_bytes(submission.archive())
    assert submission.archive() == submission.archive()
    name = "person_keypoints_test-dev2017_vit-base-1k_results"
    assert path.name == f"{name}.zip"
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == [f"{name}.json"]
    rows = read_submission(path, 17, [3, 7])
    for image in (3, 7):
        mine = [row for row in rows if row["image_id"] == image]
        best = sorted((r["score"] for r in results_of(records(), SIGMAS, {"oks_nms": None})
                       if r["image_id"] == image), reverse=True)[:20]  # fmt: skip
        assert [row["score"] for row in mine] == best
    assert all(row["category_id"] == 1 and len(row["keypoints"]) == 51 for row in rows)


def archive(tmp_path, content, name="person_keypoints_test-dev2017_me_results.json"):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr(name, content if isinstance(content, str) else json.dumps(content))
    path = tmp_path / "some.zip"
    path.write_bytes(packed.getvalue())
    return path


ROW = {"image_id": 3, "category_id": 1, "keypoints": [1.0] * 51, "score": 0.5}


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("{", "is no JSON"),
        ([], "holds no results"),
        ({"a": 1}, "holds no results"),
        ([{**ROW, "image_id": 9}], "image_id 9 is not of this split"),
        ([{**ROW, "image_id": "3"}], "not a whole number"),
        ([{**ROW, "category_id": 0}], "category_id is 0, not 1"),
        ([{**ROW, "keypoints": [[1, 2, 3]] * 17}], "51 finite numbers"),
        ([{**ROW, "keypoints": [1.0] * 42}], "51 finite numbers"),
        ([{**ROW, "score": float("nan")}], "score is nan"),
        ([{"image_id": 3}], "category_id is None"),
        ([ROW] * 21, "21 poses in picture 3"),
        ([7], "is no object"),
    ],
)
def test_what_the_server_would_refuse(tmp_path, content, named):
    with pytest.raises(UserError, match=named):
        read_submission(archive(tmp_path, content), 17, [3])


def test_wrong_archives(tmp_path):
    with pytest.raises(UserError, match="in no folder"):
        read_submission(archive(tmp_path, [ROW], "a/b_results.json"), 17)
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"<html>")
    with pytest.raises(UserError, match="zip archive"):
        read_submission(broken, 17)
    with pytest.raises(UserError, match="no such file"):
        read_submission(tmp_path / "nowhere.zip", 17)


def test_readers_and_metric_have_the_same_rules():
    for reader, rules in ((COCOKeypoints, "coco"), (CrowdPose, "crowdpose")):
        assert list(reader.info.sigmas) == pytest.approx(RULES[rules]["sigmas"])
        assert reader.area == RULES[rules]["area"]
        assert list(reader.levels or ()) == (RULES[rules]["levels"] or [])
