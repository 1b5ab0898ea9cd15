"""The pose task on seeded batches: loss, prediction, records, validation, pictures, trivial."""

import numpy as np
import pytest
import torch
from oks_cases import evaluation_case
from standins import make_trainer

from mim_bench.datamodules.readers.coco_keypoints import COCOKeypoints
from mim_bench.errors import UserError
from mim_bench.tasks.oks_truth import RULES
from mim_bench.tasks.pose import PoseTask
from mim_bench.tasks.pose_decoding import flip_back
from mim_bench.tasks.pose_trivial import MeanPose

INFO = COCOKeypoints.info
SIZE = (64, 64)


def make_task(backbone="vit_mini", **settings):
    torch.manual_seed(0)
    plain = {"image_size": SIZE, "window": None, "drop_path": 0.0, "info": INFO, **settings}
    return PoseTask(backbone, **plain)


def make_batch(count=4, seed=0):
    rng = np.random.default_rng(seed)
    sides = rng.uniform(0.3, 1.0, count)
    return {
        "id": [f"{index + 1}-{index}" for index in range(count)],
        "image": torch.from_numpy(rng.integers(0, 256, (count, 3, *SIZE), dtype=np.uint8)),
        "image_id": torch.arange(1, count + 1),
        "keypoints": torch.from_numpy(rng.uniform(4, 60, (count, 17, 2)).astype(np.float32)),
        "weight": torch.from_numpy((rng.random((count, 17)) < 0.8).astype(np.float32)),
        "box": torch.from_numpy(rng.uniform(10, 90, (count, 4)).astype(np.float32)),
        "center": torch.from_numpy(rng.uniform(40, 200, (count, 2)).astype(np.float32)),
        "scale": torch.from_numpy(np.stack([sides, sides], 1).astype(np.float32)),
        "score": torch.ones(count),
    }


def test_a_few_steps_lower_the_loss():
    task, batch = make_task(), make_batch()
    optimiser = torch.optim.AdamW(task.parameters(), lr=3e-3)
    losses = []
    for _ in range(30):
        loss = task.loss(batch)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.parametrize("backbone", ["swinv2_mini", "resnet18"])
def test_every_parameter_learns(backbone):
    task = make_task(backbone)
    task.loss(make_batch()).backward()
    idle = [n for n, p in task.named_parameters() if p.requires_grad and p.grad is None]
    assert idle == []


def test_the_mirrored_test_is_two_forwards_in_one():
    task, batch = make_task().eval(), make_batch()
    with torch.no_grad():
        images = task.images(batch)
        straight, mirrored = task.network(images), task.network(images.flip(-1))
        for shift in (True, False):
            found = task.predict(batch, {"flip": True, "shift": shift})["heatmaps"]
            expected = (straight + flip_back(mirrored, INFO.flip_pairs, shift)) / 2
            torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)
        plain = task.predict(batch, {"flip": False})["heatmaps"]
    torch.testing.assert_close(plain, straight)


def test_records_and_scores():
    task, batch = make_task().eval(), make_batch()
    dataset, _ = evaluation_case("coco", 0, images=4)
    batch["image_id"] = torch.tensor([image["id"] for image in dataset["images"]])
    with torch.no_grad():
        records = task.evaluate(batch, {})
        prediction = task.predict(batch, {})
    assert [record["id"] for record in records] == batch["id"]
    found = np.array([record["keypoints"] for record in records]).reshape(4, 17, 3)
    np.testing.assert_allclose(found[..., :2], prediction["keypoints"], atol=1e-3)
    np.testing.assert_allclose(found[..., 2], prediction["peaks"], atol=1e-5)
    area = float((batch["scale"][0] * 200).prod())
    assert records[0]["area"] == pytest.approx(area, rel=1e-6)
    truth = {**RULES["coco"], "dataset": dataset}
    values = task.scores(records, truth, {})
    assert task.score(records, "ap", truth) == values["ap"]
    assert set(values) == set(PoseTask.metrics)


def test_validation_measures_what_the_test_does():
    task, batch = make_task().eval(), make_batch()
    dataset, _ = evaluation_case("coco", 0, images=4)
    truth = {**RULES["coco"], "dataset": dataset}
    assert task.validation_metric is None
    task.validation_metric = task.build_metric(truth)
    with torch.no_grad():
        prediction = task.predict(batch, {})
        # joints where they belong, so that there is something to measure
        for index, person in enumerate(dataset["annotations"][:4]):
            batch["image_id"][index] = person["image_id"]
            places = np.reshape(person["keypoints"], (17, 3))[:, :2]
            prediction["keypoints"][index] = torch.from_numpy(places).float()
            prediction["peaks"][index] = 0.9 - index / 10
        task.update_metric(task.validation_metric, prediction, batch)
    found = {name: 100 * float(v) for name, v in task.validation_metric.compute().items()}
    scored = task.scores(task.records(prediction, batch, {}), truth, {})
    assert found["ap"] > 0
    for name, value in found.items():
        assert scored[name] == pytest.approx(value, abs=1e-3, nan_ok=True)


def test_pictures_of_predictions_and_truth():
    task, batch = make_task().eval(), make_batch()
    batch["weight"][1] = 0  # a detector's box: nothing is known of it
    with torch.no_grad():
        drawn = task.draw(task.predict(batch, {}), batch, 3)
    assert [name for name, _ in drawn] == batch["id"][:3]
    whole, without = drawn[0][1], drawn[1][1]
    assert whole.dtype == np.uint8
    assert whole.shape[1] == 3 * 192
    assert without.shape[1] == 2 * 192


def test_the_mean_pose_in_each_box():
    rng = np.random.default_rng(1)
    people = []
    for _ in range(6):
        center, scale = rng.uniform(50, 100, 2), np.full(2, rng.uniform(0.3, 0.9))
        box = np.concatenate([center - 40, [80.0, 80.0]])
        share = np.full((17, 2), [0.25, 0.75])
        joints = box[:2] + share * box[2:]
        corner = center - scale * 100
        keypoints = (joints - corner) / (scale * 200) * 64
        weight = np.ones(17)
        weight[3] = 0
        people.append({"keypoints": keypoints, "weight": weight, "box": box,
                       "center": center, "scale": scale})  # fmt: skip
    fitted = MeanPose.fit(people, SIZE)
    assert fitted.name == "mean pose of 6 training people"
    expected = np.full((17, 2), [0.25, 0.75])
    expected[3] = 0.5
    np.testing.assert_allclose(fitted.places, expected, atol=1e-6)
    batch = make_batch()
    found = fitted.predict(batch, {})["keypoints"]
    np.testing.assert_allclose(
        found[:, 0], batch["box"][:, :2] + torch.tensor([0.25, 0.75]) * batch["box"][:, 2:]
    )
    with pytest.raises(UserError, match="no people"):
        MeanPose.fit([], SIZE)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"info": {}}, "names no joints"),
        ({"sigma": 0.0}, "a number above 0"),
        ({"decoding": "darker"}, "did you mean 'dark'"),
        ({"oks_nms": 0}, "above 0"),
        ({"deconv_kernel": 5}, "2, 3 or 4"),
        ({"schedule_options": {"gama": 0.1}}, "did you mean 'gamma'"),
    ],
)
def test_wrong_settings(settings, named):
    with pytest.raises(UserError, match=named):
        make_task(**settings)


def test_inputs_of_another_size_than_the_networks():
    batch = make_batch()
    with pytest.raises(UserError, match="inputs are 64 x 64, the network is built for 96 x 64"):
        make_task(image_size=(96, 64)).loss(batch)


def test_simple_baselines_head():
    head = make_task("convnext_mini", deconv_channels=[256] * 3, deconv_kernel=4).network.head
    kernels = [tuple(p.shape[1:]) for n, p in head.named_parameters() if p.ndim == 4]
    assert kernels == [(256, 4, 4)] * 3 + [(256, 1, 1)]


def test_a_task_trains_under_lightning(tmp_path):
    task = make_task(schedule_options={"milestones": [0.5]})
    trainer = make_trainer(tmp_path, max_steps=2)
    trainer.fit(task, torch.utils.data.DataLoader([make_batch()] * 2, batch_size=None))
    assert trainer.global_step == 2
