"""Run HRNet's rescoring and suppression and CrowdPose's evaluation, and ours, on the same input.

Run from the repository's root: python -m tests.official.oks HRNET CROWDPOSE [--write]
HRNET and CROWDPOSE are checkouts of github.com/leoxiaobin/deep-high-resolution-net.pytorch and
github.com/Jeff-sjtu/CrowdPose. With --write tests/tasks/golden/oks.json is written anew from their
results. Holds no code of theirs; where they use libraries that we don't have, stand-ins do.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import tempfile
import types
from pathlib import Path
from unittest import mock

import numpy as np

from mim_bench.tasks.oks import SIGMAS, instance_scores, oks_nms
from mim_bench.tasks.oks_evaluation import METRICS, evaluate_keypoints
from mim_bench.tasks.oks_truth import keypoint_truth
from tests import oks_cases as cases
from tests.official.surroundings import quiet

GOLDEN = Path(__file__).parents[1] / "tasks" / "golden" / "oks.json"


def stand_in(name, **members):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__dict__.update(members)


def suppression(checkout):
    """Rescore and suppress one image's poses through HRNet's whole evaluation."""
    stand_in("json_tricks")
    for name in ("nms.cpu_nms", "nms.gpu_nms"):
        stand_in(name, **{name.split(".")[1]: None})
    sys.path.insert(0, str(checkout / "lib"))
    dataset = importlib.import_module("dataset.coco").COCODataset
    found = []
    for seed in cases.SEEDS:
        poses, box_scores, areas = cases.double_poses(seed)
        boxes = np.zeros((len(poses), 6))
        boxes[:, 4], boxes[:, 5] = areas, box_scores
        theirs = mock.Mock(image_set="test", num_joints=17, in_vis_thre=0.2, oks_thre=0.9)
        theirs.soft_nms = False
        with tempfile.TemporaryDirectory() as folder:
            names = ["000000000042.jpg"] * len(poses)
            dataset.evaluate(theirs, mock.Mock(RANK=0), poses, folder, boxes, names)
        ((kept,), _), _ = theirs._write_coco_keypoint_results.call_args
        indices = [int(np.flatnonzero(areas == each["area"])[0]) for each in kept]
        scores = [float(each["score"]) for each in kept]
        ours = instance_scores(box_scores, poses[..., 2])
        chosen = oks_nms(poses, ours, areas, SIGMAS["coco"]).tolist()
        apart = float(np.abs(ours[indices] - scores).max())
        print(f"seed {seed}: {len(kept)} of {len(poses)} kept, same: {chosen == indices}", end="")
        print(f", scores apart by {apart:.1e}")
        found.append({"seed": seed, "kept": indices, "scores": scores})
    return found


def crowdpose(checkout):
    """Evaluate poses with CrowdPose's own tool."""
    stand_in("crowdposetools._mask")
    for name in ("iou", "merge", "frPyObjects", "encode", "decode", "area", "toBbox"):
        setattr(sys.modules["crowdposetools._mask"], name, None)
    for name in ("matplotlib", "matplotlib.pyplot"):
        stand_in(name)
    sys.modules["matplotlib"].pyplot = sys.modules["matplotlib.pyplot"]
    stand_in("matplotlib.collections", PatchCollection=None)
    stand_in("matplotlib.patches", Polygon=None)
    vars(np)["float"] = float  # which NumPy no longer has
    sys.path.insert(0, str(checkout / "crowdpose-api" / "PythonAPI"))
    tool = importlib.import_module("crowdposetools.coco").COCO
    evaluation = importlib.import_module("crowdposetools.cocoeval").COCOeval
    found = []
    for seed in cases.SEEDS:
        content, predictions = cases.evaluation_case("crowdpose", seed)
        with tempfile.TemporaryDirectory() as folder, quiet():
            files = [Path(folder) / name for name in ("people.json", "poses.json")]
            for file, data in zip(files, (content, predictions), strict=True):
                file.write_text(json.dumps(data))
            truth = tool(str(files[0]))
            run = evaluation(truth, truth.loadRes(str(files[1])), "keypoints")
            run.evaluate()
            run.accumulate()
            run.summarize()
        places = (0, 1, 2, 5, 6, 7, 8, 9, 10)  # 3 and 4 stay empty
        theirs = dict(zip(METRICS["crowdpose"], run.stats[list(places)].tolist(), strict=True))
        ours = evaluate_keypoints(keypoint_truth(content, "crowdpose"), predictions)
        apart = max(abs(ours[name] - value) for name, value in theirs.items())
        print(f"seed {seed}: AP {theirs['ap']:.6f}, apart by {apart:.1e}")
        found.append({"seed": seed, "values": theirs})
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("hrnet", type=Path)
    parser.add_argument("crowdpose", type=Path)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    golden = {
        "suppression": suppression(options.hrnet),
        "crowdpose": crowdpose(options.crowdpose),
    }
    if options.write:
        GOLDEN.write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
