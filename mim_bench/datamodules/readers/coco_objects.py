"""COCO 2017's pictures with their objects: what trackers learn shapes from, beside sequences."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from mim_bench.datamodules.readers.base import DatasetInfo, Reader
from mim_bench.datamodules.readers.coco_keypoints import COCOKeypoints
from mim_bench.datamodules.readers.fingerprints import Description
from mim_bench.errors import Problem, UserError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    import numpy.typing as npt

    from mim_bench.datamodules.readers.jsonfiles import Arrays
    from mim_bench.datamodules.readers.tracks import Track


class COCOObjects(Reader):
    """Reads the pictures of COCO's training part that have an object, and the objects' boxes.

    Crowds are left out, and so are boxes without width or height.
    """

    still: ClassVar[bool] = True
    name: ClassVar[str] = "coco"

    info: ClassVar[DatasetInfo] = DatasetInfo(
        name="coco-objects",
        title="COCO objects",
        task="tracking",
        folder="coco",
        splits={"train": 117266},
        metric="none: it is trained on",
        licence=COCOKeypoints.info.licence,
        home=COCOKeypoints.info.home,
        size_on_disk="train 18 GB, annotations 0.25 GB",
        obtain=(
            "from 'Download' of the home page: 2017 Train images and Train/Val annotations, "
            "unpacked into coco/ so that coco/train2017/000000000009.jpg and "
            "coco/annotations/instances_train2017.json exist"
        ),
    )

    def __init__(self, root: str | Path) -> None:
        super().__init__(root)
        self._read: Arrays | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_read": None}

    @classmethod
    def drawn_from(cls) -> tuple[str, ...]:
        """Return the dataset of the miniature world whose pictures these are."""
        return ("coco-keypoints",)

    @property
    def file(self) -> Path:
        """The annotation file."""
        return self.folder / "annotations" / "instances_train2017.json"

    @property
    def pictures(self) -> Path:
        """The folder of the pictures, as it was found or where it belongs."""
        places = [self.folder / "train2017", self.folder / "images" / "train2017"]
        return next((place for place in places if place.is_dir()), places[0])

    def ids(self, split: str) -> list[str]:
        """Return the names of the pictures' files."""
        self.require_split(split)
        return [str(name) for name in self.arrays["names"]]

    def count(self, split: str) -> int:
        """Return the number of pictures."""
        self.require_split(split)
        return len(self)

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.arrays["names"])

    def track(self, index: int) -> Track:
        """Return the objects of a picture, a row each."""
        import numpy as np

        from mim_bench.datamodules.readers.tracks import Track

        start, stop = self.arrays["starts"][index : index + 2]
        boxes = self.arrays["boxes"][start:stop].astype(np.float64)
        return Track(str(self.arrays["names"][index]), boxes, np.ones(len(boxes), np.bool_))

    def frame(self, index: int, number: int) -> npt.NDArray[np.uint8]:
        """Return a picture, as its pixels are stored: (H, W, 3) uint8 RGB."""
        from mim_bench.images import read_image

        del number
        path = self.pictures / str(self.arrays["names"][index])
        return read_image(path, listed=str(self.file), as_stored=True)

    def sample(self, split: str, index: int) -> dict[str, Any]:
        """Return `id`, `image`: (H, W, 3) uint8 RGB, `boxes`: (N, 4) float32 of its objects."""
        import numpy as np

        self.require_split(split)
        track = self.track(index)
        image = self.frame(index, 0)
        return {"id": track.name, "image": image, "boxes": track.boxes.astype(np.float32)}

    def check(self, splits: Iterable[str] | None = None) -> list[Problem]:
        """Look for the annotation file and for the first picture."""
        del splits
        obtain = self.info.obtain
        if not self.folder.is_dir():
            return [Problem("there is no folder for COCO", str(self.folder), action=obtain)]
        try:
            first = self.pictures / str(self.arrays["names"][0])
        except UserError as error:
            return list(error.problems)
        return [] if first.is_file() else [Problem("is missing", str(first), action=obtain)]

    def describe(self, split: str) -> Description:
        """Return the hash of the annotation file."""
        self.require_split(split)
        content = {"annotations": str(self.arrays["sha256"]), "count": len(self)}
        return Description(content=content, sources=[self.file])

    @property
    def arrays(self) -> Arrays:
        """What the annotation file says: `names` (S,), `starts` (S + 1,), `boxes` (T, 4).

        Raises:
            UserError: It is missing or ill-formed.
        """
        from mim_bench.datamodules.readers.jsonfiles import kept

        if self._read is None:
            self._read = kept(self.file, "objects by picture, form 1", self._parse)
        return self._read

    def _parse(self) -> Arrays:
        import numpy as np

        from mim_bench.datamodules.readers.jsonfiles import read_json_file

        content = read_json_file(self.file, self.info.obtain)
        number = 0
        try:
            names = {int(image["id"]): str(image["file_name"]) for image in content["images"]}
            boxes: dict[int, list[list[float]]] = {}
            for number, one in enumerate(content["annotations"]):  # noqa: B007 - for the error
                box = [float(value) for value in one["bbox"]]
                if one.get("iscrowd") or len(box) != 4 or min(box[2:]) <= 0:
                    continue
                boxes.setdefault(int(one["image_id"]), []).append(box)
            kept_names = [names[image] for image in boxes]
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise UserError(
                f"annotation number {number} or its picture can't be used ({error!r})",
                where=str(self.file),
                expected="images with id and file_name, annotations with image_id and bbox",
                action=self.info.obtain,
            ) from error
        if not boxes:
            raise UserError("names no object", where=str(self.file), action=self.info.obtain)
        if bad := [name for name in kept_names if Path(name).name != name]:
            raise UserError(f"leads out of its folder: {bad[0]!r}", where=str(self.file))
        return {
            "names": np.array(kept_names, np.str_),
            "starts": np.cumsum([0, *(len(one) for one in boxes.values())]).astype(np.int64),
            "boxes": np.array([box for one in boxes.values() for box in one], np.float32),
        }
