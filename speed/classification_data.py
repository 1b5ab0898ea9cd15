"""Training pictures of one worker against decoding alone, and against torchvision's transforms.

Run: python -m speed.classification_data [--rounds 5] [--pictures 60]
Claims, on JPEG photographs of 500 x 375 with a random resized crop to 224, mirroring and
AutoAugment: at least 0.5 of decoding alone, and at least as fast as torchvision's v2 transforms
with the same crop, resampling and policy.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from PIL import Image
from torchvision.transforms import v2

from mim_bench.datamodules.classification import ClassificationDataModule
from mim_bench.datamodules.readers.base import DatasetInfo
from mim_bench.datamodules.readers.classification import ClassificationReader
from mim_bench.datamodules.readers.listings import Listing
from mim_bench.datamodules.sampling import Draw
from speed.pose import alternate, grainy

if TYPE_CHECKING:
    from collections.abc import Sequence

SIZE, BYTES = (375, 500), 110_000
"""ImageNet's 1.28 million training pictures, of about this size, take 138 GB."""


class Photographs(ClassificationReader):
    """One class of pictures in one folder."""

    info = DatasetInfo("photographs", "", "classification", ".", {"train": 1}, "", "", "", "", "")

    def sources(self, split: str) -> Sequence[Path]:
        """Return nothing: there are no lists."""
        return ()

    def folders(self, split: str) -> Sequence[Path]:
        """Return the folder."""
        return (self.folder,)

    def read_listing(self, split: str) -> Listing:
        """List the folder."""
        names = sorted(path.name for path in self.folder.glob("*.jpg"))
        return Listing.of(names, [0] * len(names), ["all"])


def photograph(seed: int) -> bytes:
    """Return a JPEG file with structure at all scales."""
    rng = np.random.default_rng(seed)
    picture = np.zeros((*SIZE, 3))
    for scale in (4, 8, 16, 32, 64, 128):
        noise = rng.normal(0, 1, (SIZE[0] // scale + 2, SIZE[1] // scale + 2, 3))
        picture += scale**0.6 * cv2.resize(noise, SIZE[::-1], interpolation=cv2.INTER_CUBIC)
    return grainy(np.clip(128 + 8 * picture, 0, 255), rng, BYTES)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pictures", type=int, default=60)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        for number in range(options.pictures):
            (Path(name) / f"{number:03d}.jpg").write_bytes(photograph(number))
        files = sorted(Path(name).glob("*.jpg"))
        size = sum(file.stat().st_size for file in files) / len(files)
        print(f"{len(files)} pictures of {size / 1e3:.0f} kB")
        data = ClassificationDataModule(Photographs(name), train_split="train", val_split="train")
        theirs = v2.Compose(
            [
                v2.RandomResizedCrop(224, interpolation=v2.InterpolationMode.BICUBIC),
                v2.RandomHorizontalFlip(),
                v2.AutoAugment(
                    v2.AutoAugmentPolicy.IMAGENET,
                    interpolation=v2.InterpolationMode.BICUBIC,
                    fill=[124, 116, 104],
                ),
                v2.PILToTensor(),
            ]
        )
        rounds = iter(range(10**6))

        def decode_alone() -> None:
            for file in files:
                with Image.open(file) as image:
                    image.convert("RGB").load()

        def samples() -> None:
            turn = next(rounds)
            for number in range(len(files)):
                data._train_sample(Draw(turn, number, number))

        def torchvisions() -> None:
            for file in files:
                with Image.open(file) as image:
                    theirs(image.convert("RGB"))

        alone = alternate(decode_alone, samples, options.rounds)
        print(f"samples per second over decoding alone: {alone:.2f}")
        ratio = alternate(torchvisions, samples, options.rounds)
        print(f"samples per second over torchvision's v2 transforms: {ratio:.2f}")


if __name__ == "__main__":
    main()
