"""COCO 2017 keypoints: 17 joints of people in everyday pictures; test-dev's labels are hidden."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from mim_bench.datamodules.readers.base import DatasetInfo
from mim_bench.datamodules.readers.pose import PoseReader

if TYPE_CHECKING:
    from pathlib import Path

_ANNOTATIONS = {
    "train": ("person_keypoints_train2017.json",),
    "val": ("person_keypoints_val2017.json",),
    # the second is what mmpose has
    "test-dev": ("image_info_test-dev2017.json", "person_keypoints_test-dev-2017.json"),
}
_PICTURES = {"train": "train2017", "val": "val2017", "test-dev": "test2017"}
_DETECTIONS = {
    "val": "COCO_val2017_detections_AP_H_56_person.json",
    "test-dev": "COCO_test-dev2017_detections_AP_H_609_person.json",
}


class COCOKeypoints(PoseReader):
    """Reads COCO's people: pictures in `coco/val2017/` or in `coco/images/val2017/`.

    `test-dev` has pictures and detections only: a part of `test2017/`.
    """

    hidden: ClassVar[frozenset[str]] = frozenset({"test-dev"})

    info: ClassVar[DatasetInfo] = DatasetInfo(
        name="coco-keypoints",
        title="COCO keypoints",
        task="pose",
        folder="coco",
        # pictures: how many samples they give depends on the boxes (149,813 labelled people in
        # train, 6,352 in val)
        splits={"train": 118287, "val": 5000, "test-dev": 20288},
        metric="AP: mean over 10 thresholds of OKS, at most 20 people a picture",
        licence="annotations CC BY 4.0; each picture under its own Flickr licence",
        home="https://cocodataset.org",
        size_on_disk="train 18 GB, val 1 GB, test 6 GB, annotations 0.25 GB",
        obtain=(
            "from 'Download' of the home page: 2017 Train/Val/Test images, Train/Val annotations "
            "and Testing image info, unpacked into coco/ so that coco/val2017/000000000139.jpg "
            "and coco/annotations/person_keypoints_val2017.json exist; detections of people: "
            "COCO_val2017_detections_AP_H_56_person.json and "
            "COCO_test-dev2017_detections_AP_H_609_person.json, linked from the README of "
            "github.com/microsoft/human-pose-estimation.pytorch, into "
            "coco/person_detection_results/"
        ),
        joints=(
            "nose",
            "left_eye",
            "right_eye",
            "left_ear",
            "right_ear",
            "left_shoulder",
            "right_shoulder",
            "left_elbow",
            "right_elbow",
            "left_wrist",
            "right_wrist",
            "left_hip",
            "right_hip",
            "left_knee",
            "right_knee",
            "left_ankle",
            "right_ankle",
        ),
        flip_pairs=((1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12), (13, 14), (15, 16)),
        sigmas=(
            *(0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072),
            *(0.062, 0.062, 0.107, 0.107, 0.087, 0.087, 0.089, 0.089),
        ),
        extra={
            "upper": list(range(11)),
            "lower": list(range(11, 17)),
            "half_body_over": 8,
            "skeleton": [
                *([15, 13], [13, 11], [16, 14], [14, 12], [11, 12], [5, 11], [6, 12], [5, 6]),
                *([5, 7], [6, 8], [7, 9], [8, 10], [1, 2], [0, 1], [0, 2], [1, 3], [2, 4]),
                *([3, 5], [4, 6]),
            ],
        },
    )

    def annotation_files(self, split: str) -> list[Path]:
        """Return the annotation file of a split, as it was found or where it belongs."""
        places = [self.folder / "annotations" / name for name in _ANNOTATIONS[split]]
        return [next((place for place in places if place.is_file()), places[0])]

    def picture_folder(self, split: str) -> Path:
        """Return the folder of a split's pictures, as it was found or where it belongs."""
        places = [self.folder / _PICTURES[split], self.folder / "images" / _PICTURES[split]]
        return next((place for place in places if place.is_dir()), places[0])

    def detection_file(self, split: str) -> Path | None:
        """Return where a split's published detections are or belong, None for train."""
        name = _DETECTIONS.get(split)
        return None if name is None else self.folder / "person_detection_results" / name
