"""SwinTrack's own crops, jitter and choice of frames beside ours, on seeded inputs.

Run: python -m tests.official.tracking_data SWINTRACK [--write]
SWINTRACK is a checkout of LitingLin/SwinTrack. `--write` keeps its numbers under
tests/datamodules/golden/.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch

from mim_bench.crops import Crop, around, cut, frame_mean
from mim_bench.datamodules.readers.tracks import Track
from mim_bench.datamodules.tracking_pairs import pick_frames

GOLDEN = Path(__file__).parents[1] / "datamodules" / "golden" / "tracking_crops.json"
sys.path.insert(0, str(Path(__file__).parents[1] / "datamodules"))


def crops(write: bool) -> None:
    """Crops under random jitter: pixels of the released code's and ours."""
    from data.operator.image_and_bbox.half_pixel_center.vectorized.pytorch import (
        scale_and_translate,
    )
    from data.tracking.methods.SiamFC.common.siamfc_curation import (
        get_scaling_factor_from_area_factor,
    )
    from test_crops import smooth

    theirs_crop = scale_and_translate.torch_scale_and_translate_half_pixel_offset
    rng = np.random.default_rng(0)
    worst, kept = 0.0, []
    for seed in range(60):
        frame = smooth(seed)
        box = rng.uniform([-10, -10, 6, 6], [100, 70, 60, 50])
        factor, size = [(2.0, [32, 32]), (4.0, [48, 40])][seed % 2]
        between = around(box, factor, size)
        # the released code's boxes end at the middle of their last pixel
        corners = (box[0], box[1], box[0] + box[2], box[1] + box[3])
        scale = get_scaling_factor_from_area_factor(corners, factor, size).numpy()
        assert np.allclose(scale, between.scale, rtol=1e-12)
        jittered = between.scale / np.exp(rng.normal(0, 0.25, 2))
        target = between.target - rng.uniform(-15, 15, 2)
        fill = frame_mean(frame)
        ours = cut(frame, Crop(jittered, between.source, target), size, fill)
        theirs, _ = theirs_crop(
            torch.from_numpy(frame).permute(2, 0, 1).float(),
            (size[1], size[0]),
            torch.tensor(jittered),
            torch.tensor(between.source),
            torch.tensor(target),
            torch.tensor(fill, dtype=torch.float),
            "bilinear",
        )
        pixels = theirs.permute(1, 2, 0).numpy()
        worst = max(worst, float(np.abs(pixels - ours).max()))
        if seed < 6:
            places = rng.integers(0, size, (12, 2))
            kept.append(
                {
                    "seed": seed,
                    "box": box.tolist(),
                    "factor": factor,
                    "size": size,
                    "scale": scale.tolist(),
                    "jittered": jittered.tolist(),
                    "target": target.tolist(),
                    "places": places.tolist(),
                    "pixels": pixels[places[:, 0], places[:, 1]].round(3).tolist(),
                    "mean": pixels.mean((0, 1)).round(4).tolist(),
                }
            )
    print(f"crops: scales equal, pixels differ by at most {worst:.2f} of 255")
    if write:
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(json.dumps(kept, indent=1) + "\n")


def jitter() -> None:
    """The spread of jittered search regions: scale, shift, boxes that stay in sight."""
    from data.tracking.methods.SiamFC.common import siamfc_curation

    from mim_bench.datamodules.tracking import jittered

    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    box, size = np.array([40.0, 30.0, 30.0, 18.0]), (224, 224)
    corners = (40.0, 30.0, 70.0, 48.0)
    theirs, ours = [], []
    for _ in range(20000):
        parameter, moved = siamfc_curation.prepare_SiamFC_curation_with_position_augmentation(
            corners, 4.0, size, 0.25, 3.0
        )
        scale, _, target = parameter.numpy()
        theirs.append([*np.log(scale), *target, *moved.numpy()])
        between = jittered(box, 4.0, size, 0.25, 3.0, rng)
        x, y, wide, high = between.to_crop(box)
        place = [x, y, x + wide, y + high]
        ours.append([*np.log(between.scale), *between.target, *place])
    names = ("log scale x, y", "target x, y", "box")
    for name, part in zip(names, (slice(0, 2), slice(2, 4), slice(4, 8)), strict=True):
        a, b = np.array(theirs)[:, part], np.array(ours)[:, part]
        means = np.abs(a.mean(0) - b.mean(0)) / (a.std(0) / np.sqrt(len(a)))
        spreads = b.std(0) / a.std(0)
        print(f"jitter, {name}: means {means.max():.1f} standard errors apart, spreads {spreads}")


def frames() -> None:
    """Which frames are drawn: the distribution of pairs over a sequence with gaps."""
    from data.tracking.sampler._sampling_algos.sequence_sampling.SiamFC import _algo
    from data.tracking.sampler.SiamFC.type import SiamesePairSamplingMethod

    valid = np.ones(60, np.bool_)
    valid[[3, 4, 20, 21, 22, 50]] = False
    track = Track("one", np.ones((60, 4)), valid, rate=6.0)
    span = max(round(6 / 30 * 100), 1)
    theirs, ours = np.random.default_rng(1), np.random.default_rng(2)
    counts = np.zeros((2, 60, 60))
    for _ in range(40000):
        one = _algo.do_siamfc_pair_sampling_positive_only(
            60, span, valid, SiamesePairSamplingMethod.interval, theirs
        )
        counts[0][tuple(one)] += 1
        counts[1][pick_frames(track, False, ours, 50)] += 1
    first, second = counts / counts[0].sum()
    noise = np.sqrt(first / counts[0].sum()).sum() * 0.56
    apart = np.abs(first - second).sum() / 2
    print(f"frames: total variation {apart:.3f}, of which as many draws make about {noise:.3f}")
    gaps = [np.abs(np.subtract(*np.nonzero(part))).max() for part in counts]
    print(f"frames: largest gaps {gaps}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("swintrack", type=Path)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    sys.path.insert(0, str(options.swintrack))
    crops(options.write)
    jitter()
    frames()


if __name__ == "__main__":
    main()
