"""Seeded people and poses: what the golden numbers of OKS belong to.

The tests, the script that takes the numbers (`tests/official/oks.py`) and `speed/oks.py` use them.
"""

from __future__ import annotations

import numpy as np

JOINTS = {"coco": 17, "crowdpose": 14}
COUNTED = {"coco": 17, "crowdpose": 12}  # num_keypoints leaves out CrowdPose's head and neck
LIMITS = (0.2, 0.8, 0.0, 1.0, 3.02)  # crowdIndex on the limits and above 1
SEEDS = range(4)


def _person(rng, rule, crowd):
    """One annotation: a third without joints, and CrowdPose's people with head and neck alone."""
    joints, counted = JOINTS[rule], COUNTED[rule]
    height = np.exp(rng.uniform(np.log(20), np.log(300)))
    width = height * rng.uniform(0.3, 1)
    x, y = rng.uniform(0, 400), rng.uniform(0, 300)
    keypoints = np.zeros((joints, 3))
    keypoints[:, 0] = np.round(x + rng.uniform(0, width, joints))
    keypoints[:, 1] = np.round(y + rng.uniform(0, height, joints))
    keypoints[:, 2] = rng.choice([0, 1, 2], joints, p=[0.3, 0.2, 0.5])
    kind = rng.uniform()
    if crowd or kind < 0.15:
        keypoints[:, 2] = 0
    elif kind < 0.3 and rule == "crowdpose":
        keypoints[:counted, 2] = 0
        keypoints[counted:, 2] = 2
    keypoints[keypoints[:, 2] == 0] = 0
    annotation = {
        "category_id": 1,
        "iscrowd": int(crowd),
        "bbox": [round(float(value), 2) for value in (x, y, width, height)],
        "keypoints": keypoints.astype(int).ravel().tolist(),
        "num_keypoints": int((keypoints[:counted, 2] > 0).sum()),
    }
    if rule == "coco":
        annotation["area"] = float(width * height * rng.uniform(0.3, 0.8))
    return annotation


def _pose(rng, rule, people):
    """One prediction: a person with noise, or anything."""
    joints = JOINTS[rule]
    pose = np.empty((joints, 3))
    if people and rng.uniform() < 0.7:
        person = people[rng.integers(len(people))]
        x, y, width, height = person["bbox"]
        truth = np.reshape(person["keypoints"], (joints, 3))
        unknown = np.stack([rng.uniform(x, x + width, joints), rng.uniform(y, y + height, joints)])
        pose[:, :2] = np.where(truth[:, 2:] > 0, truth[:, :2], unknown.T)
        noise = (width * height) ** 0.5 * rng.choice([0.01, 0.05, 0.12])
        pose[:, :2] += rng.normal(0, noise, (joints, 2))
    else:
        corner, size = rng.uniform(0, 300, 2), rng.uniform(20, 300, 2)
        pose[:, :2] = corner + rng.uniform(0, 1, (joints, 2)) * size
    pose[:, 2] = rng.uniform(0, 1, joints)
    return pose.astype(np.float32).astype(float).ravel().tolist()


def evaluation_case(rule, seed, images=60, poses=12):
    """Return (content of an annotation file, predictions of distinct scores).

    With crowds, people without joints, images without people or without poses, and two images of
    more than 20 poses. CrowdPose's people have no area.
    """
    rng = np.random.default_rng(seed)
    content = {"images": [], "annotations": [], "categories": [{"id": 1, "name": "person"}]}
    predictions = []
    for number in range(images):
        image = {"id": 1000 + 7 * number, "height": 480, "width": 640}
        if rule == "crowdpose":
            index = LIMITS[number] if number < len(LIMITS) else rng.choice([0.1, 0.5, 0.9])
            image["crowdIndex"] = float(index)
        content["images"].append(image)
        people = [
            _person(rng, rule, rng.uniform() < 0.06)
            for _ in range(rng.integers(0, 6) if number % 7 else 0)
        ]
        for person in people:
            numbers = {"id": len(content["annotations"]) + 1, "image_id": image["id"]}
            content["annotations"].append({**numbers, **person})
        count = rng.integers(0, poses) if number > 1 else 26
        predictions += [
            {
                "image_id": image["id"],
                "category_id": 1,
                "keypoints": _pose(rng, rule, people),
                "score": 0.0,
            }
            for _ in range(count)
        ]
    scores = rng.permutation(len(predictions)) + rng.uniform(0.1, 0.9, len(predictions))
    for prediction, score in zip(predictions, scores, strict=True):
        prediction["score"] = float(np.float32(score / len(predictions)))
    order = rng.permutation(len(predictions))
    return content, [predictions[index] for index in order]


def double_poses(seed, joints=17, people=4, each=6):
    """Return one image's poses (N, K, 3) float32, box scores (N,) and areas (N,), all distinct.

    Groups of poses that lie on each other to all degrees, with boxes of different sizes. Of the
    third values, the peaks, a part is below 0.2; one pose has none above.
    """
    rng = np.random.default_rng(seed)
    poses, areas = [], []
    for _ in range(people):
        size = rng.uniform(40, 200)
        middle = rng.uniform(0, 300, 2) + rng.uniform(0, size, (joints, 2))
        for _ in range(each):
            noise = rng.normal(0, size * rng.uniform(0, 0.05), (joints, 2))
            peaks = rng.uniform(-0.05, 1.0, (joints, 1))
            poses.append(np.concatenate([middle + noise, peaks], 1))
            areas.append((size * rng.uniform(1.0, 1.6)) ** 2)
    count = people * each
    poses[0][:, 2] = rng.uniform(0, 0.2, joints)
    scores = (rng.permutation(count) + rng.uniform(0.1, 0.9, count)) / count
    order = rng.permutation(count)
    return np.float32(poses)[order], scores[order], np.asarray(areas)[order]
