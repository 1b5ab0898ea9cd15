"""What reads each dataset's official layout on disk. No reader imports torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mim_bench.errors import UserError, unknown
from mim_bench.imports import import_object

if TYPE_CHECKING:
    from mim_bench.datamodules.readers.base import Reader

READERS: dict[str, str] = {
    "nyuv2": "mim_bench.datamodules.readers.nyuv2.NYUv2",
    "kitti": "mim_bench.datamodules.readers.kitti.KITTI",
    "coco-keypoints": "mim_bench.datamodules.readers.coco_keypoints.COCOKeypoints",
    "crowdpose": "mim_bench.datamodules.readers.crowdpose.CrowdPose",
    "got10k": "mim_bench.datamodules.readers.got10k.GOT10k",
    "trackingnet": "mim_bench.datamodules.readers.trackingnet.TrackingNet",
    "lasot": "mim_bench.datamodules.readers.lasot.LaSOT",
    "coco-objects": "mim_bench.datamodules.readers.coco_objects.COCOObjects",
    "cog-l1": "mim_bench.datamodules.readers.cog.CoGL1",
    "cog-l2": "mim_bench.datamodules.readers.cog.CoGL2",
    "cog-l3": "mim_bench.datamodules.readers.cog.CoGL3",
    "cog-l4": "mim_bench.datamodules.readers.cog.CoGL4",
    "cog-l5": "mim_bench.datamodules.readers.cog.CoGL5",
    "food101": "mim_bench.datamodules.readers.food101.Food101",
    "birdsnap": "mim_bench.datamodules.readers.birdsnap.Birdsnap",
    "cars": "mim_bench.datamodules.readers.cars.Cars",
    "aircraft": "mim_bench.datamodules.readers.aircraft.Aircraft",
    "cifar10": "mim_bench.datamodules.readers.cifar.CIFAR10",
    "cifar100": "mim_bench.datamodules.readers.cifar.CIFAR100",
    "sun397": "mim_bench.datamodules.readers.sun397.SUN397",
    "dtd": "mim_bench.datamodules.readers.dtd.DTD",
    "pets": "mim_bench.datamodules.readers.pets.Pets",
    "caltech101": "mim_bench.datamodules.readers.caltech101.Caltech101",
    "flowers": "mim_bench.datamodules.readers.flowers.Flowers",
    "voc2007": "mim_bench.datamodules.readers.voc2007.VOC2007",
    "inat18": "mim_bench.datamodules.readers.inat18.INat18",
    "imagenet1k": "mim_bench.datamodules.readers.imagenet1k.ImageNet1K",
}
"""Dataset name -> the class that reads it."""


def get_reader_class(name_or_path: str) -> type[Reader]:
    """Return a reader class by its dataset's name or its dotted path.

    Raises:
        UserError: There is no such dataset or class, or the class is no reader.
    """
    from mim_bench.datamodules.readers.base import Reader

    if name_or_path not in READERS and "." not in name_or_path:
        raise UserError([unknown("dataset", name_or_path, READERS)])
    path = READERS.get(name_or_path, name_or_path)
    found = import_object(path, kind="reader")
    if not (isinstance(found, type) and issubclass(found, Reader)):
        raise UserError(
            "is no reader",
            where=path,
            expected="a subclass of mim_bench.datamodules.readers.base.Reader",
        )
    return found
