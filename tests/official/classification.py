"""Run Swin's fine-tuning code and ours on the same input; print how far they agree.

Run from the repository's root: python -m tests.official.classification SWIN [--write]
SWIN is a checkout of github.com/microsoft/Swin-Transformer, which holds SimMIM's fine-tuning
(main_simmim_ft.py). With --write tests/tasks/golden/classification.json is written anew from its
results. Holds no code of theirs; what else it imports, and what needs a GPU, is stood in for.
"""

from __future__ import annotations

import argparse
import importlib
import json
import tempfile
from pathlib import Path
from unittest import mock

import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import TensorDataset

from mim_bench.tasks.classification_mixing import Mixing, erase
from mim_bench.tasks.schedules import Budget, build_schedule
from tests import classification_cases as cases
from tests.depth_cases import DEEP, SMALL, golden_backbones, values
from tests.official.classification_surroundings import (
    install,
    network_of,
    official_config,
    recipe,
)


def groups(checkout):
    """Compare the optimiser's groups; return layers by block, weight decay by what is in it."""
    config, model = network_of(checkout, DEEP, 2, [2, 2, 2, 2])
    build = importlib.import_module("optimizer").build_optimizer
    optimizer = build(config, model, simmim=True)
    names = {id(weight): name for name, weight in model.named_parameters()}
    theirs, layers, decays = {}, {}, {}
    for group in optimizer.param_groups:
        layer = int(group["group_name"].split("_")[1])
        for weight in group["params"]:
            name = names[id(weight)]
            block, inner = cases.halves(name)
            theirs[name] = group["lr"] / config.TRAIN.BASE_LR, group["weight_decay"]
            assert layers.setdefault(block, layer) == layer
            kind = inner if block.startswith("layers") else name
            assert decays.setdefault(kind, group["weight_decay"] > 0) == (group["weight_decay"] > 0)
    task = cases.task("golden_deep", layer_decay=0.75, weight_decay=config.TRAIN.WEIGHT_DECAY)
    ours = named_groups(task)
    assert ours.keys() == theirs.keys(), ours.keys() ^ theirs.keys()
    apart = max(abs(ours[name][0] / theirs[name][0] - 1) for name in theirs)
    same = sum(ours[name][1] == theirs[name][1] for name in theirs)
    print(
        f"groups: {len(theirs)} parameters in {1 + max(layers.values())} layers, scales apart by"
        f" {apart:.1e} relative, weight decay the same for {same}"
    )
    return {"parameters": len(theirs), "layers": layers, "decays": decays}


def named_groups(task):
    """Return scale and weight decay of each parameter of ours by its official name."""
    names = {id(w): cases.official_name(n) for n, w in task.network.named_parameters()}
    return {
        names[id(weight)]: (group["scale"], group["weight_decay"])
        for group in task.configure_optimizers().param_groups
        for weight in group["params"]
    }


def rates_of_a_training(config):
    """Train two numbers by the authors' loop; return each step's rates."""
    weights = nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False)
    model, noted = nn.Sequential(*weights), []
    shares = [
        {"params": one.parameters(), "lr": config.TRAIN.BASE_LR * scale}
        for one, scale in zip(weights, cases.SCALES, strict=True)
    ]
    optimizer = torch.optim.SGD(shares)
    optimizer.register_step_pre_hook(
        lambda one, *_: noted.append([group["lr"] for group in one.param_groups])
    )
    main = importlib.import_module("main_simmim_ft")
    scheduler = main.build_scheduler(config, optimizer, cases.ITERATIONS)
    loader = [(torch.ones(1, 2), torch.tensor([0]))] * cases.ITERATIONS
    with (
        mock.patch.object(torch.Tensor, "cuda", lambda self, **_: self),
        mock.patch.multiple(torch.cuda, synchronize=mock.DEFAULT, max_memory_allocated=lambda: 0),
    ):
        scaler = torch.amp.GradScaler("cpu", enabled=False)
        loss = nn.CrossEntropyLoss()
        for epoch in range(cases.EPOCHS):
            main.train_one_epoch(
                config, model, loss, loader, optimizer, epoch, None, scheduler, scaler
            )
    return noted


def schedules(checkout):
    """Compare the rates of whole trainings, the cosine after the warm-up and under it."""
    found = {}
    budget = Budget(cases.EPOCHS * cases.ITERATIONS, cases.EPOCHS)
    for prefix in (True, False):
        config = official_config(checkout, TRAIN__LR_SCHEDULER={"WARMUP_PREFIX": prefix})
        noted = rates_of_a_training(config)
        stated = recipe(config)
        options = {key: stated[key] for key in ("warmup_lr", "warmup_share", "prefix")}
        ours = build_schedule("cosine-warmup", stated["lr"], stated["min_lr"], options=options)
        # their loop sets a rate after the step it is for, so that the first one comes twice
        apart = max(
            abs(ours(max(1, step), budget, scale) / rate - 1)
            for step, rates in enumerate(noted)
            for scale, rate in zip(cases.SCALES, rates, strict=True)
        )
        print(
            f"rates, prefix {prefix}: {len(noted)} steps, each with the rate that ours has a step"
            f" earlier, apart by {apart:.1e} relative"
        )
        found[str(prefix)] = [
            [step, *(float(f"{rate:.12g}") for rate in noted[step])] for step in cases.NOTED
        ]
    return found


def mixing(checkout):
    """Compare mixed pictures, targets and loss; return golden cases."""
    config = official_config(checkout)
    data = importlib.import_module("data.data_simmim_ft")
    main = importlib.import_module("main_simmim_ft")
    few = TensorDataset(torch.zeros(1))
    with (
        mock.patch.object(data, "build_dataset", return_value=(few, cases.CLASSES)),
        mock.patch.multiple("torch.distributed", get_world_size=lambda: 1, get_rank=lambda: 0),
    ):
        mixup = data.build_loader_finetune(config)[-1]
    found, apart = [], 0.0
    for seed in cases.MIXED:
        start = cases.pictures(seed, (16, 20))
        with cases.global_draws(seed):
            theirs = mixup(start.clone(), cases.labels())
        with cases.global_draws(seed) as rng:
            ours = Mixing()(start.clone(), cases.labels(), cases.CLASSES, rng)
        apart = max(apart, float((ours[0] - theirs[0]).abs().max()))
        assert torch.equal(ours[1], theirs[1])
        logits = cases.logits(seed)
        loss = main.SoftTargetCrossEntropy()(logits, theirs[1])
        torch.testing.assert_close(functional.cross_entropy(logits, ours[1]), loss)
        found.append(
            {
                "targets": [[round(v, 7) for v in row] for row in theirs[1].tolist()],
                "pictures": cases.summary(theirs[0]),
                "loss": loss.item(),
            }
        )
    print(f"mixing: targets of {len(found)} batches equal, pictures apart by {apart:.1e}")
    return found


def erasing(checkout):
    """Compare which part of which picture is erased; return golden parts."""
    config = official_config(checkout)
    data = importlib.import_module("data.data_simmim_ft")
    last = data.build_transform(True, config).transforms[-1]
    found, same = [], 0
    for seed in cases.MIXED:
        start = cases.pictures(seed, (32, 48))
        with cases.global_draws(seed):
            theirs = torch.stack([last(picture.clone()) for picture in start])
        with cases.global_draws(seed) as rng:
            ours = erase(start.clone(), config.AUG.REPROB, rng)
        same += torch.equal(ours, theirs)
        found.append([cases.changed_part(*pair) for pair in zip(start, theirs, strict=True)])
    print(f"erasing by {type(last).__name__}: equal for {same} of {len(found)} batches")
    return found


def network(checkout):
    """Compare logits, loss and gradients of a small network; return golden numbers."""
    model = network_of(checkout, SMALL, 4, [4, 4, 4, 2])[1].eval()
    with torch.no_grad():
        kept = {n: t for n, t in model.state_dict().items() if "relative_" not in n}
        kept = {n: t for n, t in kept.items() if "attn_mask" not in n}
        for name, tensor in kept.items():
            tensor.copy_(values(name, tuple(tensor.shape)))
    state = {name: tensor.clone() for name, tensor in kept.items()}
    with tempfile.TemporaryDirectory() as folder:
        task = cases.task_from(state, folder).eval()
    images, labels = cases.pictures(0, (64, 64)), cases.labels()
    theirs, ours = model(images), task.network(images)
    for one in (theirs, ours):
        functional.cross_entropy(one, labels, label_smoothing=0.1).backward()
    theirs, ours = theirs.detach(), ours.detach()
    gradients = {name: weight.grad for name, weight in model.named_parameters()}
    mine = {cases.official_name(n): w.grad for n, w in task.network.named_parameters()}
    assert mine.keys() == gradients.keys(), mine.keys() ^ gradients.keys()
    worst = max(float((mine[n] - g).norm() / g.norm()) for n, g in gradients.items())
    print(
        f"network: logits apart by {float((ours - theirs).abs().max()):.1e} of up to"
        f" {float(theirs.abs().max()):.2f}; gradients of {len(mine)} by {worst:.1e} of their norms"
    )
    picked = ("patch_embed.proj.weight", "norm.weight", "norm.bias", "head.weight", "head.bias")
    return {
        "state": [[name, list(tensor.shape)] for name, tensor in state.items()],
        "logits": [[float(f"{v:.8g}") for v in row] for row in theirs.tolist()],
        "gradients": {name: float(f"{gradients[name].norm():.8g}") for name in picked},
    }


def main():
    form = argparse.RawTextHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("swin", type=Path)
    parser.add_argument("--write", action="store_true", help="Write the golden file anew.")
    options = parser.parse_args()
    checkout = options.swin.resolve()
    install(checkout)
    torch.set_num_threads(1)
    with golden_backbones():
        found = {
            "recipe": recipe(official_config(checkout)),
            "groups": groups(checkout),
            "rates": schedules(checkout),
            "mixing": mixing(checkout),
            "erasing": erasing(checkout),
            "network": network(checkout),
        }
    text = json.dumps(found) + "\n"
    if options.write:
        cases.GOLDEN.write_text(text, encoding="utf-8")
    same = cases.GOLDEN.is_file() and cases.golden() == json.loads(text)
    print(f"== {cases.GOLDEN.name}: {len(text)} bytes, {'' if same else 'NOT '}as it is there")


if __name__ == "__main__":
    main()
