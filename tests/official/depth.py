"""Run the authors' depth code and ours on the same input; print how far they agree.

Run from the repository's root: python -m tests.official.depth CHECKOUT [--write] [PART ...]
CHECKOUT is a checkout of github.com/SwinTransformer/MIM-Depth-Estimation. With --write the golden
files under tests/tasks/golden are written anew from the authors' results. Parts: numbers (loss,
learning rate, windows, metrics), groups, networks, whole (base at 480 pixels: minutes, 15 GB),
data. Holds no code of the authors; where they use libraries that we don't have, stand-ins do.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
from pathlib import Path

import numpy as np
import torch
from torch import nn

from mim_bench.tasks.depth_loss import silog
from mim_bench.tasks.depth_metrics import depth_metrics, mend, scored_pixels
from mim_bench.tasks.depth_windows import predict_depth
from mim_bench.tasks.schedules import Budget, RiseFall
from tests import depth_cases as cases
from tests.official import depth_data, depth_networks
from tests.official.surroundings import install, quiet

CROPS = {None: "eigen", "garg_crop": "garg", "eigen_crop": "kitti-eigen"}


def losses():
    """Compare values and gradients of the loss; return golden cases."""
    criterion = importlib.import_module("utils.criterion").SiLogLoss()
    found, apart = [], 0.0
    for seed in range(4):
        target, prediction = cases.loss_batch(seed)
        pair = [prediction.clone().requires_grad_() for _ in range(2)]
        theirs = criterion(pair[0], target)
        ours = silog(pair[1], target)
        theirs.backward()
        ours.backward()
        apart = max(apart, abs(float(ours.detach() / theirs.detach()) - 1))
        gradient = pair[0].grad
        worst = float((pair[1].grad - gradient).norm() / gradient.norm())
        found.append(
            {
                "seed": seed,
                "loss": theirs.item(),
                "grad_abs_sum": gradient.abs().sum().item(),
                "grad_first": gradient.flatten()[:40].tolist(),
            }
        )
        print(f"loss, seed {seed}: {theirs.item():.7f}, gradients apart by {worst:.1e}")
    print(f"losses apart by {apart:.1e} relative")
    return found


class OneValue(nn.Module):
    """The cheapest network that the authors' training accepts."""

    def __init__(self):
        super().__init__()
        self.value = nn.Parameter(torch.ones(()))

    def forward(self, images):
        return {"pred_d": images * self.value}


class Noting:
    """An optimiser that only notes its groups' rates."""

    def __init__(self, scales):
        self.param_groups = [{"lr_scale": scale} for scale in scales]
        self.rates = []

    def zero_grad(self):
        pass

    def step(self):
        self.rates.append([group["lr"] for group in self.param_groups])


class Repeated:
    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __iter__(self):
        batch = {"image": torch.tensor([1.0, 2.0, 3.0]), "depth": torch.tensor([1.0, 1.0, 2.0])}
        return iter([batch] * self.count)


def schedules(folder):
    """Compare the rates of whole trainings, with the loop of the authors; return golden cases."""
    train = importlib.import_module("train")
    criterion = importlib.import_module("utils.criterion").SiLogLoss()
    scales = [1.0, 0.9**28, 0.85**28]
    found = []
    for epochs, iterations in ((25, 1009), (25, 964), (25, 7), (25, 1), (24, 3), (2, 5)):
        args = depth_networks.settings()
        args.epochs = epochs
        noting, loader = Noting(scales), Repeated(iterations)
        train.global_step = 0
        with quiet():
            for epoch in range(1, epochs + 1):
                train.train(
                    loader,
                    OneValue(),
                    criterion,
                    folder / "log.txt",
                    optimizer=noting,
                    device="cpu",
                    epoch=epoch,
                    args=args,
                )
        rates = np.array(noting.rates)
        budget, ours = Budget(epochs * iterations, epochs), RiseFall(5e-4, 3e-5, 0.9)
        steps = range(1, len(rates) + 1)
        mine = np.array([[ours(step, budget, scale) for scale in scales] for step in steps])
        print(
            f"learning rate, {epochs} epochs of {iterations}: {rates.size} rates apart by"
            f" {np.abs(mine / rates - 1).max():.1e} relative"
        )
        half = iterations * (epochs // 2)
        few = len(rates) <= 200
        places = {1, 2, 3, half - 1, half, half + 1, *np.linspace(1, len(rates), 21).astype(int)}
        places = steps if few else sorted(int(place) for place in places if place > 0)
        found.append(
            {
                "epochs": epochs,
                "iterations": iterations,
                "points": [[step, float(rates[step - 1, 0])] for step in places],
                "epoch_means": rates[:, 0].reshape(epochs, -1).mean(1).tolist(),
            }
        )
    return found


class Fixed(nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, images):
        return {"pred_d": self.network(images)}


def windows(folder):
    """Compare flip and window test, with the validation of the authors; return golden cases."""
    train = importlib.import_module("train")
    train.result_dir = str(folder)
    criterion = importlib.import_module("utils.criterion").SiLogLoss()
    crop = train.metrics.cropping_img
    found = []
    for count, height, width, flip in (
        (2, 12, 16, True),
        (2, 12, 16, False),
        (4, 10, 33, True),
        (3, 10, 25, False),
        (2, 480, 640, True),
        (16, 352, 1216, True),
    ):
        args = depth_networks.settings()
        args.shift_size, args.flip_test, args.dataset = count, flip, "none"
        kept = []

        def keep(args, prediction, target, kept=kept):
            kept.append(prediction.clone())
            return crop(args, prediction, target)

        train.metrics.cropping_img = keep
        images = cases.window_images(height, width)
        batch = {"image": images, "depth": torch.ones(1, height, width), "filename": ["x.png"]}
        model = Fixed(cases.window_network)
        train.validate([batch], model, criterion, "cpu", 1, args, str(folder))
        train.metrics.cropping_img = crop
        ours = predict_depth(cases.window_network, images, flip, count)[0, 0]
        apart = torch.where(kept[0] == ours, 0.0, (ours - kept[0]).abs())
        holes = kept[0].isnan()
        print(
            f"{count} windows on {height}x{width}, flip {flip}: apart by"
            f" {float(apart[~holes].max()):.1e}, {int(holes.sum())} undefined, the same"
            f" {torch.equal(holes, ours.isnan())}"
        )
        columns = list(range(width)) if width < 100 else sorted({*range(0, width, 57), width - 1})
        if height == 352:
            columns = sorted({*columns, *range(1200, 1216), 43, 351, 352, 353})
        if height == 480:
            columns = sorted({*columns, 159, 160, 161, 479, 480, 481})
        rows = [0, height - 1]
        chosen = kept[0][rows][:, columns].tolist()
        found.append(
            {
                "windows": count,
                "height": height,
                "width": width,
                "flip": flip,
                "rows": rows,
                "columns": columns,
                "values": [[None if math.isnan(v) else v for v in row] for row in chosen],
                "undefined": int(holes.sum()),
            }
        )
    return found


def metrics():
    """Compare every metric and crop; return golden cases."""
    theirs = importlib.import_module("utils.metrics")
    found = []
    for dataset, crop, height, width, max_depth in (
        ("nyudepthv2", None, 480, 640, 10.0),
        ("kitti", "garg_crop", 352, 1216, 80.0),
        ("kitti", "eigen_crop", 352, 1216, 80.0),
    ):
        for kind in ("broken", "bounds", "close"):
            args = depth_networks.settings(depth=max_depth)
            args.dataset, args.kitti_crop, args.max_depth_eval = dataset, crop, max_depth
            target, prediction = cases.metric_frame(height, width, max_depth, kind)
            cut = theirs.cropping_img(args, prediction.clone(), target.clone())
            values = theirs.eval_depth(*cut)
            mask = scored_pixels(target, CROPS[crop], max_depth)
            guess = mend(prediction, max_depth)
            same = torch.equal(guess[mask], cut[0]) and torch.equal(target[mask], cut[1])
            ours = depth_metrics(guess, target, mask)
            worst, at = max((abs(float(ours[n]) / value - 1), n) for n, value in values.items())
            print(
                f"metrics, {dataset} {crop or ''} {kind}: {len(cut[0])} pixels, the same {same},"
                f" apart by {worst:.1e} relative ({at})"
            )
            found.append(
                {
                    "dataset": dataset,
                    "crop": crop,
                    "height": height,
                    "width": width,
                    "max_depth": max_depth,
                    "kind": kind,
                    "pixels": len(cut[0]),
                    "values": values,
                }
            )
    return found


def main() -> None:
    form = argparse.RawTextHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("parts", nargs="*", default=["numbers", "groups", "networks", "data"])
    parser.add_argument("--write", action="store_true", help="Write the golden files anew.")
    options = parser.parse_intermixed_args()
    install(options.checkout.resolve())
    torch.set_num_threads(1)
    with cases.golden_backbones(), depth_data.scratch() as folder:
        if "numbers" in options.parts:
            numbers = {"metrics": metrics(), "silog": losses(), "schedule": schedules(folder)}
            keep("depth", {**numbers, "windows": windows(folder)}, options.write)
        if "groups" in options.parts:
            keep("depth_groups", depth_networks.groups(), options.write)
        if "networks" in options.parts:
            found = depth_networks.networks()
            keep("depth_networks", {**found, "losses": depth_networks.training()}, options.write)
            depth_networks.drop_path_and_padding()
        if "whole" in options.parts:
            depth_networks.whole("swin_tiny_v2", "golden_tiny", 480, 30, (2, 2, 6, 2), False)
            base = "swinv2_base_window12_192"
            depth_networks.whole("swin_base_v2", base, 480, 30, (2, 2, 18, 2), True)
        if "data" in options.parts:
            keep("depth_data", depth_data.everything(folder), options.write)


def keep(name, found, write):
    """Write a golden file, or tell how it compares with what is there."""
    path = cases.GOLDEN_FOLDER / f"{name}.json"
    text = json.dumps(found) + "\n"
    if write:
        path.write_text(text)
    same = path.is_file() and json.loads(path.read_text()) == json.loads(text)
    print(f"== {path.name}: {len(text)} bytes, {'' if same else 'NOT '}as it is there")


if __name__ == "__main__":
    main()
