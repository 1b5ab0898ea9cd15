"""CrowdPose: 14 joints of people in each other's way."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from mim_bench.datamodules.readers.base import DatasetInfo
from mim_bench.datamodules.readers.pose import PoseReader

if TYPE_CHECKING:
    from pathlib import Path

_FOLDERS = ("annotations", "json")
_PREFIXES = ("", "mmpose_")
_DETECTIONS = {"test": "det_for_crowd_test_0.1_0.5.json"}


class CrowdPose(PoseReader):
    """Reads CrowdPose: pictures in `crowdpose/images/`, files in `annotations/` or `json/`.

    Files may be named `crowdpose_test.json` or, as mmpose hands them out,
    `mmpose_crowdpose_test.json`. Where there is none for `trainval`, it is train and val
    together (another fingerprint than that of the file, though people are the same).
    """

    area: ClassVar[str] = "box"
    levels: ClassVar[tuple[float, float] | None] = (0.2, 0.8)

    info: ClassVar[DatasetInfo] = DatasetInfo(
        name="crowdpose",
        title="CrowdPose",
        task="pose",
        folder="crowdpose",
        # pictures: how many samples they give depends on the boxes
        splits={"train": 10000, "val": 2000, "trainval": 12000, "test": 8000},
        metric="AP: mean over 10 thresholds of OKS, whose area is 0.53 of the box",
        licence="not stated by its authors; for research",
        home="https://github.com/Jeff-sjtu/CrowdPose",
        size_on_disk="about 2 GB",
        obtain=(
            "pictures and annotations are linked from the README of "
            "github.com/Jeff-sjtu/CrowdPose: unpack them so that crowdpose/images/100000.jpg and "
            "crowdpose/annotations/crowdpose_test.json (or crowdpose/json/, or mmpose's "
            "mmpose_crowdpose_test.json) exist; detections of people: "
            "det_for_crowd_test_0.1_0.5.json, linked from mmpose's page on datasets of 2D "
            "keypoints, beside them"
        ),
        joints=(
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
            "head",
            "neck",
        ),
        flip_pairs=((0, 1), (2, 3), (4, 5), (6, 7), (8, 9), (10, 11)),
        sigmas=(
            *(0.079, 0.079, 0.072, 0.072, 0.062, 0.062, 0.107, 0.107),
            *(0.087, 0.087, 0.089, 0.089, 0.079, 0.079),
        ),
        extra={
            "upper": [0, 1, 2, 3, 4, 5, 12, 13],
            "lower": [6, 7, 8, 9, 10, 11],
            "half_body_over": 6,
            # not that of the files, which was left over from COCO
            "skeleton": [
                *([12, 13], [13, 0], [13, 1], [0, 1], [0, 2], [2, 4], [1, 3], [3, 5], [0, 6]),
                *([1, 7], [6, 7], [6, 8], [8, 10], [7, 9], [9, 11]),
            ],
        },
    )

    def _found(self, split: str) -> Path | None:
        for folder in _FOLDERS:
            for prefix in _PREFIXES:
                place = self.folder / folder / f"{prefix}crowdpose_{split}.json"
                if place.is_file():
                    return place
        return None

    def annotation_files(self, split: str) -> list[Path]:
        """Return the annotation files of a split, as they were found or where they belong."""
        found = self._found(split)
        if found is None and split == "trainval":
            parts = [self._found(part) for part in ("train", "val")]
            if all(parts):
                return [part for part in parts if part is not None]
        return [found or self.folder / _FOLDERS[0] / f"crowdpose_{split}.json"]

    def picture_folder(self, split: str) -> Path:
        """Return the folder of all pictures."""
        del split  # they share it
        return self.folder / "images"

    def detection_file(self, split: str) -> Path | None:
        """Return where the test's published detections are or belong, None for other splits."""
        if split not in _DETECTIONS:
            return None
        places = [self.folder / folder / _DETECTIONS[split] for folder in _FOLDERS]
        return next((place for place in places if place.is_file()), places[0])
