"""OKS, OKS-NMS and scores of poses, on NumPy arrays. (No torch.)."""

from __future__ import annotations

import numpy as np


def oks(pose, others, area, areas, sigmas):
    var = (2 * np.asarray(sigmas)) ** 2
    d = (others[..., 0] - pose[:, 0]) ** 2 + (others[..., 1] - pose[:, 1]) ** 2
    e = d / var / ((area + areas)[:, None] / 2 + np.spacing(1)) / 2
    return np.exp(-e).mean(-1)


def oks_nms(keypoints, scores, areas, sigmas, threshold=0.9):
    order = np.argsort(-scores, kind="stable")
    keep = []
    while len(order):
        i, order = order[0], order[1:]
        keep.append(int(i))
        alike = oks(keypoints[i], keypoints[order], areas[i], areas[order], sigmas)
        order = order[alike <= threshold]
    return keep


def instance_scores(box_scores, peaks, threshold=0.2):
    sure = peaks > threshold
    mean = np.where(sure, peaks, 0).sum(1) / np.maximum(sure.sum(1), 1)
    return box_scores * mean
