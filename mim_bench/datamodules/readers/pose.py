"""The reader of pose datasets: people in boxes, labelled or detected, in COCO's format."""

from __future__ import annotations

import abc
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from mim_bench.datamodules.readers.base import Reader, split_of
from mim_bench.datamodules.readers.fingerprints import Description
from mim_bench.errors import Problem, UserError, unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy as np
    import numpy.typing as npt

    from mim_bench.datamodules.readers.annotations import Annotations
    from mim_bench.datamodules.readers.boxes import Detections
    from mim_bench.datamodules.readers.pose_samples import Samples

DETECTIONS = "detections"
"""The option `boxes`, and the ending of the view, for the published detections."""


_OWN = "check the path and the content of the file that the option `boxes` names"


class PoseReader(Reader):
    """Reads people in boxes. A subclass gives `info` and where the files are.

    A view of a split says which boxes make its samples: `val` takes the labelled people,
    `val+detections` the published detections, `val+/some/file.json` one's own.

    Samples of labelled people are those that the published code trains on: no crowds, nobody
    without a labelled joint (a `num_keypoints` of 0 counts as that, as in mmpose), no area of 0,
    no box that is empty once it is cut to its picture. Detections are all those of people with a
    score of at least `det_score_threshold`, uncut, as mmpose takes them; those of no size at all
    are dropped. Joints outside of their picture stay as they are.

    A parsed file is kept in the cache folder, so that the worker processes of a loader don't
    parse hundreds of megabytes again; a pickled reader carries none of it.

    Args:
        root: The data root.
        box_rule: How labelled boxes are cut to their picture, see `boxes.clean`.
        det_score_threshold: Detections below it are left out.
    """

    def __init__(
        self, root: str | Path, box_rule: str = "mmpose", det_score_threshold: float = 0.0
    ) -> None:
        from mim_bench.datamodules.readers.boxes import BOX_RULES

        super().__init__(root)
        if box_rule not in BOX_RULES:
            raise UserError([unknown("box_rule", box_rule, BOX_RULES, type(self).__name__)])
        self.box_rule = box_rule
        self.det_score_threshold = det_score_threshold
        self._forget()

    area: ClassVar[str] = "segment"
    """What OKS takes for a person's area: `segment` (the file's) or `box` (0.53 of the box)."""

    levels: ClassVar[tuple[float, float] | None] = None
    """Crowd indices below which pictures are easy and medium; None where there are none."""

    @abc.abstractmethod
    def annotation_files(self, split: str) -> list[Path]:
        """Return the annotation files of a split, as they were found or where they belong."""

    @abc.abstractmethod
    def picture_folder(self, split: str) -> Path:
        """Return the folder of a split's pictures, as it was found or where it belongs."""

    @abc.abstractmethod
    def detection_file(self, split: str) -> Path | None:
        """Return where the published detections are or belong; None where there are none."""

    def _forget(self) -> None:
        self._annotations: dict[str, Annotations] = {}
        self._samples: dict[str, Samples] = {}
        self._last: tuple[Path, npt.NDArray[np.uint8]] | None = None

    def __getstate__(self) -> dict[str, Any]:
        parsed = ("_annotations", "_samples", "_last")
        return {name: value for name, value in vars(self).items() if name not in parsed}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._forget()

    def view(self, split: str, options: Mapping[str, Any]) -> str:
        """Return the view of a split whose samples are the boxes that a test asks for.

        Args:
            split: A split.
            options: `boxes`: `gt` (default: labelled people), `detections` (the published
                file), or the path of a JSON file in the same form.

        Raises:
            UserError: The split has no labels, or no published detections.
        """
        self.require_split(split)
        boxes = str(options.get("boxes", "gt"))
        if boxes == "gt":
            if split in self.hidden:
                raise self._no_labels(split)
            return split
        if boxes != DETECTIONS:
            return f"{split}+{Path(boxes).expanduser().absolute()}"
        view = f"{split}+{DETECTIONS}"
        self._file_of_boxes(view)
        return view

    def ids(self, split: str) -> list[str]:
        """Return ids: `<picture>-<annotation>`, of a detection `<picture>-d<place in the file>`.

        Pictures come in the order of the annotation file, detections in that of theirs.
        """
        return self._view(split).ids

    def count(self, split: str) -> int:
        """Return the number of samples; of a split without labels that of its pictures."""
        if split in self.hidden:
            return len(self._read(split).image_ids)
        return len(self._view(split).ids)

    def sample(self, split: str, index: int) -> dict[str, Any]:
        """Return a person in a box.

        Returns:
            `id` (str); `image`: (H, W, 3) uint8 RGB, as its pixels are stored: joints are marked
            in these, whatever EXIF says of turning them; `image_id` (int); `box`: (4,) float32
            x, y, width, height in pixels; `score` (float) of the box, 1 for labelled people;
            `keypoints`: (K, 2) float32 x, y in pixels, zeros where not labelled; `visible`:
            (K,) float32, 0 not labelled, 1 labelled but hidden, 2 visible; zeros for detections.

        Raises:
            UserError: The picture is missing, damaged, or has not the size that the file says.
        """
        import numpy as np

        samples, notes = self._view(split), self._read(split)
        row = int(samples.pictures[index])
        joints = np.zeros((len(self.info.joints), 3), np.float32)
        if samples.people is not None:
            joints = notes.keypoints[samples.people[index]]
        visible = joints[:, 2].copy()
        return {
            "id": samples.ids[index],
            "image": self._picture(split_of(split), row).copy(),
            "image_id": int(notes.image_ids[row]),
            "box": samples.boxes[index].copy(),
            "score": float(samples.scores[index]),
            "keypoints": np.where(visible[:, None] > 0, joints[:, :2], 0).astype(np.float32),
            "visible": visible,
        }

    def ground_truth(self, split: str) -> dict[str, Any] | None:
        """Return what AP takes; None for a split whose labels only a server has.

        Returns:
            `dataset`: images, annotations and categories in COCO's format with what evaluators
            use of it, crowds and unlabelled people among them (ids are counted from 1 where a
            file has an id below 1, which evaluators take for "no match"); `sigmas`; `area`:
            see `PoseReader.area`; `levels`: see `PoseReader.levels`.
        """
        self.require_split(split)
        return None if split_of(split) in self.hidden else self._truth(self._read(split))

    def _truth(self, notes: Annotations) -> dict[str, Any]:
        from mim_bench.datamodules.readers.evaluation import coco_dataset

        return {
            "dataset": coco_dataset(notes, self.info),
            "sigmas": list(self.info.sigmas),
            "area": self.area,
            "levels": None if self.levels is None else list(self.levels),
        }

    def boxes_of(self, view: str) -> str:
        """Say whose boxes a view's samples are, for a protocol card."""
        found = self._detections(view)
        if found is None:
            return "ground truth"
        name = self._file_of_boxes(view).name
        return f"{len(found.scores):,} detections, {name} ({found.sha256[:8]})"

    def scored_options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return options without the path of a file: what it holds is in the fingerprint."""
        boxes = options.get("boxes", "gt")
        return {**options, "boxes": boxes if boxes in ("gt", DETECTIONS) else "own"}

    def expected(self, view: str) -> dict[str, Any]:
        """Return what a submission is checked against: `joints` and the ids of the `images`."""
        return {"joints": len(self.info.joints), "images": self._read(view).image_ids.tolist()}

    def read_truth(self, path: Path, split: str) -> dict[str, Any]:
        """Return what `ground_truth` returns of a split, of a file that lies elsewhere."""
        del split
        from mim_bench.datamodules.readers.annotations import read_annotations

        return self._truth(read_annotations([path], len(self.info.joints), self.info.obtain))

    def check(self, splits: Iterable[str] | None = None) -> list[Problem]:
        """Look for files, and into a few pictures, whose size must be that in the file.

        Args:
            splits: The splits or views that are needed, by default all splits and the published
                detections.
        """
        from mim_bench.datamodules.readers.pose_pictures import look_at_pictures

        obtain = self.info.obtain
        if not self.folder.is_dir():
            what = f"there is no folder for {self.info.title}"
            return [Problem(what, str(self.folder), action=obtain)]
        if splits is None:
            published = [name for name in self.info.splits if self.detection_file(name)]
            splits = [*self.info.splits, *(f"{name}+{DETECTIONS}" for name in published)]
        problems: list[Problem] = []
        looked_at: set[str] = set()
        for view in splits:
            try:
                self.require_split(view)
                split = split_of(view)
                if split not in looked_at:
                    looked_at.add(split)
                    notes, folder = self._read(split), self.picture_folder(split)
                    listed = ", ".join(str(file) for file in self.annotation_files(split))
                    problems += look_at_pictures(notes, folder, split, listed, self.info.obtain)
                if view not in self.hidden:
                    self._view(view)
            except UserError as error:
                problems += [one for one in error.problems if one not in problems]
        return problems

    def describe(self, split: str) -> Description:
        """Return the hashes of the files, and what chooses samples among them.

        The files are hashed as they are, not what they say: another order or other spaces in
        them make another fingerprint, another path does not.
        """
        notes = self._read(split)
        content: dict[str, Any] = {"annotations": list(notes.hashes), "box_rule": self.box_rule}
        sources = self.annotation_files(split_of(split))
        if split not in self.hidden:
            content["count"] = self.count(split)
        if found := self._detections(split):
            content |= {
                "detections": found.sha256,
                "det_score_threshold": self.det_score_threshold,
            }
            sources = [*sources, self._file_of_boxes(split)]
        return Description(content=content, sources=sources)

    def notes(self, split: str) -> list[str]:
        """Return what sets this copy apart: pictures, ids that were renumbered, joints outside."""
        from mim_bench.datamodules.readers.evaluation import peculiarities

        name = split_of(split)
        official = None if self.stamp() is not None else self.info.splits[name]
        return peculiarities(self._read(split), name, official)

    def _read(self, view: str) -> Annotations:
        from mim_bench.datamodules.readers.annotations import read_annotations

        self.require_split(view)
        split = split_of(view)
        if split not in self._annotations:
            files = self.annotation_files(split)
            joints = len(self.info.joints)
            self._annotations[split] = read_annotations(files, joints, self.info.obtain)
        return self._annotations[split]

    def _file_of_boxes(self, view: str) -> Path:
        split, _, boxes = view.partition("+")
        if boxes != DETECTIONS:
            return Path(boxes)
        file = self.detection_file(split)
        if file is None:
            raise UserError(
                f"there are no published detections for the split {split!r}",
                where=f"dataset {self.info.name}",
                expected="boxes: gt, or the path of a file of your own",
            )
        return file

    def _detections(self, view: str) -> Detections | None:
        from mim_bench.datamodules.readers.boxes import read_detections

        if "+" not in view:
            return None
        known = self._read(view).image_ids
        file = self._file_of_boxes(view)
        obtain = self.info.obtain if view.endswith(f"+{DETECTIONS}") else _OWN
        return read_detections(file, known, obtain).above(self.det_score_threshold)

    def _view(self, view: str) -> Samples:
        from mim_bench.datamodules.readers.pose_samples import detected, labelled

        if view not in self._samples:
            notes = self._read(view)
            if view in self.hidden:
                raise self._no_labels(view)
            found = self._detections(view)
            if found is not None:
                samples = detected(notes, found)
            else:
                samples = labelled(notes, self.box_rule)
            if not samples.ids:
                raise self._nobody(view, len(notes.ids))
            self._samples[view] = samples
        return self._samples[view]

    def _nobody(self, view: str, annotations: int) -> UserError:
        if "+" in view:
            files = [self._file_of_boxes(view)]
            wrong = f"has no detection that scores at least {self.det_score_threshold:g}"
        else:
            files = self.annotation_files(view)
            wrong = f"names nobody with labelled joints ({annotations:,} annotations)"
        where = ", ".join(str(path) for path in files)
        return UserError(wrong, where=where, expected="people in boxes", action=self.info.obtain)

    def _no_labels(self, split: str) -> UserError:
        return UserError(
            f"the split {split!r} has no labels, so none of their boxes either",
            where=f"dataset {self.info.name}",
            expected=f"boxes: {DETECTIONS}, or the path of a file of your own",
        )

    def _picture(self, split: str, row: int) -> npt.NDArray[np.uint8]:
        """Return a picture; the last one is kept, since a detector's boxes come in rows."""
        from mim_bench.datamodules.readers.pose_pictures import read_noted

        notes, folder = self._read(split), self.picture_folder(split)
        path = folder / str(notes.names[row])
        if self._last is None or self._last[0] != path:
            listed = ", ".join(str(file) for file in self.annotation_files(split))
            self._last = path, read_noted(path, notes.sizes[row], listed, self.info.obtain)
        return self._last[1]
