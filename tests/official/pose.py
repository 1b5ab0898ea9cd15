"""Run MMPose's top-down pipeline and ours on the same input; print how far they agree.

Run from the repository's root: python -m tests.official.pose MMPOSE [--write]
MMPOSE is a checkout of github.com/open-mmlab/mmpose at v0.29.0, which the authors' pose code
(github.com/Gengzigang/PCT) runs on. With --write tests/tasks/golden/pose.json is written anew from
its results. Holds no code of theirs; what else they import is stood in for.
"""

import argparse
import importlib.util
import json
import sys
import types
from pathlib import Path

import numpy as np
import torch

from mim_bench.datamodules import pose_transforms as ops
from mim_bench.tasks.pose_decoding import decode, flip_back, to_picture
from mim_bench.tasks.pose_targets import gaussian_targets
from tests import pose_cases as cases


class Registry:
    """Registers by returning what it is given."""

    def register_module(self, *_, **__):
        return lambda cls: cls


def module(checkout, path, name):
    spec = importlib.util.spec_from_file_location(name, checkout / path)
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[name] = loaded
    spec.loader.exec_module(loaded)
    return loaded


def install(checkout):
    """Load the three files that are compared, with empty packages around them."""
    for name in ("mmpose", "mmpose.core", "mmpose.datasets", "mmcv"):
        sys.modules[name] = types.ModuleType(name)
    boxes = module(checkout, "mmpose/core/bbox/transforms.py", "mmpose.core.bbox")
    points = module(
        checkout, "mmpose/core/post_processing/post_transforms.py", "mmpose.core.post_processing"
    )
    builder = types.ModuleType("mmpose.datasets.builder")
    builder.PIPELINES = Registry()
    sys.modules[builder.__name__] = builder
    pipeline = module(checkout, "mmpose/datasets/pipelines/top_down_transform.py", "mm_pipeline")
    evaluation = module(checkout, "mmpose/core/evaluation/top_down_eval.py", "mm_evaluation")
    return boxes, points, pipeline, evaluation


def box_views(boxes):
    found = []
    for aspect in (1.0, 0.75):
        for box in cases.boxes(0):
            center, scale = boxes.bbox_xywh2cs(box, aspect, 1.25)
            look = ops.box_look(box, aspect)
            assert np.allclose(look.centre, center, rtol=1e-6)
            assert np.allclose(look.scale, scale, rtol=1e-6)
            found.append([*center.tolist(), *scale.tolist()])
    return found


def matrices(points):
    found, apart = [], 0.0
    for center, scale, turn in cases.looks(0):
        theirs = points.get_affine_transform(
            center.astype(np.float32), scale.astype(np.float32), turn, np.array([256, 256])
        )
        ours = ops.affine(ops.Look(center, scale, turn), (256, 256), 500)
        apart = max(apart, float(np.abs(ours - theirs).max()))
        found.append(theirs.tolist())
    print(f"affine matrices apart by {apart:.1e}")
    return found


def halves(pipeline):
    found = []
    shape = {
        "num_joints": cases.JOINTS,
        "upper_body_ids": cases.UPPER,
        "image_size": np.array([256, 256]),
    }
    for joints, labelled in cases.people(0):
        for draw in (0.0, 1.0):
            pipeline.np.random.randn = lambda draw=draw: draw
            three = np.concatenate([joints, np.zeros((cases.JOINTS, 1))], 1).astype(np.float32)
            theirs = pipeline.TopDownHalfBodyTransform.half_body_transform(
                shape, three, np.repeat(labelled[:, None], 3, 1).astype(np.float32)
            )
            ours = ops.half_body(joints, labelled, cases.UPPER, draw < 0.5, 1.0)
            assert (theirs[0] is None) == (ours is None)
            if ours is not None:
                assert np.allclose(np.r_[ours], np.r_[theirs], rtol=1e-5)
            found.append(None if theirs[0] is None else np.r_[theirs].tolist())
    return found


def drawn_targets(pipeline):
    maker = pipeline.TopDownGenerateTarget(sigma=2)
    keypoints, weight = cases.targets(0)
    shape = {
        "num_joints": cases.JOINTS,
        "image_size": np.array([256, 256]),
        "heatmap_size": np.array([64, 64]),
        "joint_weights": None,
        "use_different_joint_weights": False,
    }
    found, apart = [], 0.0
    ours = gaussian_targets(
        torch.from_numpy(keypoints), torch.from_numpy(weight), (256, 256), (64, 64), 2.0
    )
    for index in range(len(keypoints)):
        three = np.concatenate([keypoints[index], np.zeros((cases.JOINTS, 1))], 1)
        seen = np.repeat(weight[index][:, None], 3, 1)
        target, kept = maker._msra_generate_target(shape, three, seen, 2)
        apart = max(apart, float(np.abs(ours[0][index].numpy() - target).max()))
        assert (ours[1][index].numpy() == kept[:, 0]).all()
        found.append(
            {
                "weight": kept[:, 0].tolist(),
                "sums": target.sum((1, 2)).tolist(),
                "rows": (target.sum(2) @ np.arange(64)).tolist(),
                "columns": (target.sum(1) @ np.arange(64)).tolist(),
            }
        )
    print(f"targets apart by {apart:.1e}")
    return found


def decoded(points, evaluation):
    maps = cases.heatmaps(0)
    center = np.array([[100.0, 80.0], [50.0, 60.0], [220.0, 10.0]], np.float32)
    scale = np.array([[1.0, 0.75], [0.4, 0.3], [2.0, 1.5]], np.float32)
    found = {"flipped": points.flip_back(maps, cases.PAIRS).sum((0, 1)).tolist()}
    back = points.flip_back(maps.copy(), cases.PAIRS)
    back[..., 1:] = back[..., :-1].copy()
    ours = flip_back(torch.from_numpy(maps), cases.PAIRS, True).numpy()
    assert (ours == back).all()
    found["shifted"] = np.tensordot(back, np.arange(cases.JOINTS), (1, 0)).sum(0).tolist()
    for name, rule in (("quarter", "default"), ("dark", "unbiased"), ("argmax", None)):
        theirs, peaks = evaluation.keypoints_from_heatmaps(maps, center, scale, post_process=rule)
        places, values = decode(torch.from_numpy(maps), name)
        mine = to_picture(places, torch.from_numpy(center), torch.from_numpy(scale), maps.shape[2:])
        print(f"{name}: places apart by {np.abs(mine.numpy() - theirs).max():.1e} pixels")
        assert np.allclose(values.numpy(), peaks[..., 0])
        found[name] = theirs.tolist()
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mmpose", type=Path)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    boxes, points, pipeline, evaluation = install(arguments.mmpose)
    found = {
        "boxes": box_views(boxes),
        "matrices": matrices(points),
        "halves": halves(pipeline),
        "targets": drawn_targets(pipeline),
        "decoding": decoded(points, evaluation),
    }
    if arguments.write:
        text = json.dumps(json.loads(json.dumps(found), parse_float=lambda x: round(float(x), 6)))
        cases.GOLDEN.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
