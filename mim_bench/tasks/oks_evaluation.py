"""AP."""

import copy
import math
import tempfile, json, os

import numpy as np


def evaluate_keypoints(ground_truth, predictions):
    from faster_coco_eval import COCO, COCOeval_faster

    names = [
        "ap",
        "ap50",
        "ap75",
        "ap_medium",
        "ap_large",
        "ar",
        "ar50",
        "ar75",
        "ar_medium",
        "ar_large",
    ]
    if ground_truth["levels"]:
        names = ["ap", "ap50", "ap75", "ar", "ar50", "ar75", "ap_easy", "ap_medium", "ap_hard"]
    if not predictions:
        return dict.fromkeys(names, 0.0)
    with tempfile.TemporaryDirectory() as d:
        p = os.path.join(d, "gt.json")
        json.dump(ground_truth["dataset"], open(p, "w"))
        gt = COCO(p)
        dt = gt.loadRes(copy.deepcopy([{**r, "category_id": 1} for r in predictions]))
        e = COCOeval_faster(
            gt,
            dt,
            "keypoints_crowd" if ground_truth["levels"] else "keypoints",
            kpt_oks_sigmas=np.array(ground_truth["sigmas"]),
            use_area=ground_truth["area"] == "segment",
        )
        e.evaluate()
        e.accumulate()
        e.summarize()
    return {n: float(v) if v >= 0 else math.nan for n, v in zip(names, e.stats)}
