"""Network, optimiser groups and training steps of the authors' depth code beside ours."""

from __future__ import annotations

import copy
import importlib
import tempfile
from pathlib import Path

import torch
from torch import nn

from mim_bench.backbones.spec import BackboneSpec
from mim_bench.errors import UserError
from mim_bench.tasks.depth import DepthTask
from mim_bench.tasks.depth_loss import silog
from tests import depth_cases as cases
from tests.official.surroundings import quiet
from tests.tasks.standins import make_trainer

COMMAND = (
    "--dataset nyudepthv2 --max_depth {depth} --backbone {backbone} --depths 2 2 18 2 "
    "--num_filters 32 32 32 --deconv_kernels 2 2 2 --window_size {window} "
    "--pretrain_window_size 12 12 12 6 --use_shift True True False False --flip_test "
    "--shift_window_test --shift_size 2 --drop_path_rate {drop} --layer_decay {decay} "
    "--gpu_or_cpu cpu"
)
"""The README's command, with places for what differs between its four trainings."""


def settings(**changes):
    """Return the authors' settings of a training."""
    values = {"depth": 10.0, "backbone": "swin_base_v2", "drop": 0.0, "decay": 0.9}
    values = {**values, "window": "30 30 30 15", **changes}
    parser = importlib.import_module("configs.train_options").TrainOptions().initialize()
    return parser.parse_args(COMMAND.format(**values).split())


def small_model(size, window, max_depth, drop=0.0, shifts=(True, True, False, False)):
    """Assemble the authors' model of encoder and decoder classes, with `cases.SMALL`'s sizes."""
    theirs = importlib.import_module("models.model")
    args = settings(depth=max_depth)
    arguments = cases.SMALL["arguments"]
    width = arguments["embed_dim"]
    model = theirs.GLPDepth.__new__(theirs.GLPDepth)
    nn.Module.__init__(model)
    model.max_depth = max_depth
    with quiet():
        model.encoder = theirs.SwinTransformerV2(
            embed_dim=width,
            depths=list(arguments["depths"]),
            num_heads=list(arguments["num_heads"]),
            window_size=[window, window, window, min(window, size // 32)],
            pretrain_window_size=[4, 4, 4, 2],
            drop_path_rate=drop,
            use_shift=list(shifts),
        )
    model.decoder = theirs.Decoder(width * 8, width, args)
    model.last_layer_depth = nn.Sequential(
        nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, 1, 3, padding=1)
    )
    return model


def fill(model, but="relative_"):
    """Give a model of the authors the cases' values; return its state dict without buffers.

    Names that hold `but` are left as they are.
    """
    with torch.no_grad():
        kept = {name: t for name, t in model.state_dict().items() if but not in name}
        for name, tensor in kept.items():
            tensor.copy_(cases.values(name, tuple(tensor.shape)))
    return {name: tensor.clone() for name, tensor in kept.items()}


def run(network, images, depth, loss_of, train):
    """Return output, loss and gradients by name."""
    network.train(train)
    output = network(images)
    output = output["pred_d"] if isinstance(output, dict) else output
    loss = loss_of(output.squeeze(1), depth)
    loss.backward()
    gradients = {name: weight.grad for name, weight in network.named_parameters()}
    return output.detach(), loss.detach(), gradients


def compare(label, model, task, images, depth, train):
    """Run both, print how far apart they are, return the authors' results.

    Twice: as we run it, where the head gets maps with channels last in memory and rounds in
    another order, and with maps that lie in memory as the authors' do, where all should be equal.
    """
    criterion = importlib.import_module("utils.criterion").SiLogLoss()
    start = copy.deepcopy(task.network.state_dict())
    torch.manual_seed(5)  # drop path, where there is any
    theirs = run(model, images, depth, criterion, train)
    torch.manual_seed(5)
    ours = run(task.network, images, depth, silog, train)
    report(f"{label}, as we run it", ours, theirs)
    task.network.load_state_dict(start)
    task.network.zero_grad()
    laid = lay_out(task.network.head)
    torch.manual_seed(5)
    ours = run(task.network, images, depth, criterion, train)
    laid.remove()
    report(f"{label}, same memory layout and loss", ours, theirs)
    state = task.network.state_dict()
    moved = {name: t for name, t in model.state_dict().items() if "running_" in name}
    equal = [torch.equal(state[f"head.{n}"], t) for n, t in cases.head_state(moved).items()]
    print(f"    {sum(equal)} of {len(equal)} running statistics equal")
    return theirs


def lay_out(head):
    """Give a head its maps as the authors' lie in memory, channel after channel."""
    return head.register_forward_pre_hook(
        lambda _module, inputs: ([level.contiguous() for level in inputs[0]], *inputs[1:])
    )


def report(label, ours, theirs):
    named = {cases.official_name(name): grad for name, grad in ours[2].items()}
    assert set(named) == set(theirs[2]), set(named) ^ set(theirs[2])
    worst, at = max(
        (float((named[name] - grad).norm() / grad.norm()), name)
        for name, grad in theirs[2].items()
        if name not in cases.NO_GRADIENT
    )
    equal = sum(torch.equal(named[name], grad) for name, grad in theirs[2].items())
    apart = float((ours[0] - theirs[0]).abs().max())
    print(
        f"{label}: output {'equal' if torch.equal(ours[0], theirs[0]) else 'not equal'}"
        f" (apart by {apart:.1e} m in {float(theirs[0].min()):.2f}..{float(theirs[0].max()):.2f}),"
        f" loss {float(ours[1]):.7f} / {float(theirs[1]):.7f},"
        f" {equal} of {len(named)} gradients equal, worst {worst:.1e} of its norm ({at})"
    )
    if worst > 1e-3 or not torch.allclose(ours[0], theirs[0], rtol=1e-5, atol=1e-6):
        print("    THEY DIFFER")


def networks():
    """Compare small networks; return golden numbers."""
    found = []
    names = []
    for case in cases.NETWORKS:
        shape = {key: case[key] for key in ("size", "window", "max_depth")}
        model = small_model(**shape)
        state = fill(model)
        names = [[name, list(tensor.shape)] for name, tensor in state.items()]
        images, depth = cases.network_batch(case)
        with tempfile.TemporaryDirectory() as folder:
            task = cases.task_from(
                state,
                folder,
                image_size=[case["size"]] * 2,
                window=case["window"],
                max_depth=case["max_depth"],
            )
        label = f"small network at {case['size']}, {'train' if case['train'] else 'eval'}"
        output, loss, gradients = compare(label, model, task, images, depth, case["train"])
        places = torch.linspace(0, output.numel() - 1, 12).long().tolist()
        found.append(
            {
                **case,
                "places": places,
                "values": [_short(value) for value in output.flatten()[places]],
                "mean": output.double().mean().item(),
                "loss": loss.item(),
                "gradients": [_short(gradients[n].norm()) for n in cases.trained(names)],
                "statistics": {
                    name: _short(tensor.norm())
                    for name, tensor in model.state_dict().items()
                    if "running_" in name
                },
            }
        )
    return {"state": names, "cases": found}


def _short(value):
    return float(f"{float(value):.8g}")


def drop_path_and_padding():
    """Compare what the golden numbers leave out: drop path's draws, inputs that need padding."""
    for drop in (0.3, 0.5):
        case = cases.NETWORKS[1]
        model = small_model(case["size"], case["window"], 10.0, drop)
        state = fill(model)
        with tempfile.TemporaryDirectory() as folder:
            shape = {"image_size": [case["size"]] * 2, "window": case["window"]}
            task = cases.task_from(state, folder, drop_path=drop, max_depth=10.0, **shape)
        rates = [
            getattr(block.drop_path, "drop_prob", 0.0)
            for layer in model.encoder.layers
            for block in layer.blocks
        ]
        ours = [
            getattr(getattr(block.module, "drop_path1", None), "drop_prob", 0.0) or 0.0
            for block in task.network.backbone.blocks()
        ]
        apart = max(abs(a - b) for a, b in zip(ours, rates, strict=True))
        print(f"drop path {drop}: rates of {len(ours)} blocks apart by {apart:.1e}")
        compare(f"drop path {drop}, same seed", model, task, *cases.network_batch(case), True)
    for size, window in ((160, 8), (128, 6)):
        # the code switches shifts off by hand in stages that one window covers; we do by their size
        covered = [window >= size // stride for stride in (4, 8, 16, 32)]
        model = small_model(size, window, 10.0, shifts=[not one for one in covered])
        state = fill(model)
        for order in ("official", "timm"):
            label = f"padding, {size} pixels, window {window}, pad_order {order}"
            shape = {"image_size": [size] * 2, "window": window, "pad_order": order}
            try:
                with tempfile.TemporaryDirectory() as folder:
                    task = cases.task_from(state, folder, max_depth=10.0, **shape)
                case = {"size": size, "max_depth": 10.0, "seed": 4}
                compare(label, copy.deepcopy(model), task, *cases.network_batch(case), False)
            except UserError as error:
                print(f"{label}: refused: {str(error).splitlines()[0]}")


def whole(backbone, ours, size, window, depths, pretrained):
    """Compare one of the published sizes, its encoder read from one file by both loaders."""
    args = settings(backbone=backbone, window=f"{window} {window} {window} {size // 32}")
    args.depths = list(depths)
    theirs = importlib.import_module("models.model")
    with tempfile.TemporaryDirectory() as folder:
        with quiet():
            model = theirs.GLPDepth(args)
        state = fill(model)
        if pretrained:  # as from pretraining: a wrapper, a decoder, no norm of the dense code
            path = Path(folder) / "pretrained.pth"
            file = {name: t for name, t in state.items() if name.startswith("encoder.")}
            file = {name: t for name, t in file.items() if "norm3" not in name}
            file |= {"encoder.mask_token": torch.ones(1, 1, 2), "decoder.0.bias": torch.ones(1)}
            file |= {"decoder.0.weight": torch.ones(1)}
            torch.save({"model": file}, path)
            args.pretrained = str(path)
            with quiet():
                model = theirs.GLPDepth(args)
            fill(model, "encoder.")
            task = DepthTask(
                BackboneSpec(ours, weights=str(path)),
                image_size=[size] * 2,
                window=window,
                drop_path=0.0,
                pad_order="official",
            )
            task.network.head.load_state_dict(cases.head_state(model.state_dict()))
        else:
            task = cases.task_from(
                state, folder, ours, image_size=[size] * 2, window=window, max_depth=10.0
            )
    images, depth = cases.network_batch({"size": size, "max_depth": 10.0, "seed": 6}, count=1)
    kind = "both loaders on one file" if pretrained else "eval"
    compare(f"{backbone} at {size}, {kind}", model, task, images, depth, False)


def groups():
    """Compare the optimiser groups of base and large; return golden groups."""
    theirs = importlib.import_module("models.model")
    optimizer = importlib.import_module("models.optimizer")
    found = {}
    for size, decay, drop in (("base", 0.9, 0.3), ("large", 0.85, 0.5)):
        args = settings(backbone=f"swin_{size}_v2", decay=decay, drop=drop)
        args.window_size, args.pretrain_window_size = [2] * 4, [12] * 4  # small buffers
        with quiet():
            model = theirs.GLPDepth(args)
            built = optimizer.build_optimizers(
                model,
                {
                    "type": "AdamW",
                    "lr": args.max_lr,
                    "betas": (0.9, 0.999),
                    "weight_decay": args.weight_decay,
                    "constructor": "SwinLayerDecayOptimizerConstructor",
                    "paramwise_cfg": {
                        "num_layers": args.depths,
                        "layer_decay_rate": args.layer_decay,
                        "no_decay_names": [
                            "relative_position_bias_table",
                            "rpe_mlp",
                            "logit_scale",
                        ],
                    },
                },
            )
        shapes = {name: tuple(weight.shape) for name, weight in model.named_parameters()}
        table = {
            name: (group["lr_scale"], group["weight_decay"], shapes[name])
            for group in built.param_groups
            for name in group["param_names"]
        }
        defaults = {key: built.defaults[key] for key in ("lr", "betas", "eps", "weight_decay")}
        for group in built.param_groups:
            entry = found.setdefault(group["group_name"], {"names": group["param_names"]})
            assert entry["names"] == group["param_names"]
            entry["weight_decay"] = group["weight_decay"]
            entry[size] = group["lr_scale"]
        del model, built
        task = DepthTask(f"swinv2_{size}_window12_192", layer_decay=decay, drop_path=drop)
        compare_groups(size, table, defaults, task)
    return found


def compare_groups(size, table, defaults, task):
    optimizer = task.configure_optimizers()
    names = {id(w): cases.official_name(n) for n, w in task.network.named_parameters()}
    ours = {
        names[id(weight)]: (group["scale"], group["weight_decay"], tuple(weight.shape))
        for group in optimizer.param_groups
        for weight in group["params"]
    }
    assert set(ours) == set(table), set(ours) ^ set(table)
    apart = max(abs(ours[name][0] / table[name][0] - 1) for name in table)
    same = sum(ours[name][1:] == table[name][1:] for name in table)
    assert all(optimizer.defaults[key] == defaults[key] for key in ("betas", "eps"))
    print(
        f"groups of {size}: {len(table)} parameters, scales apart by {apart:.1e} relative,"
        f" weight decay and shape the same for {same}; betas and eps the same"
    )


def training():
    """Train both for a few steps; return the golden losses."""
    plan = cases.TRAINING
    criterion = importlib.import_module("utils.criterion").SiLogLoss()
    model = small_model(plan["size"], plan["window"], 10.0)
    state = fill(model)
    with tempfile.TemporaryDirectory() as folder:
        losses = train_theirs(model, Path(folder) / "log.txt")
        for alike in (False, True):
            task = cases.training_task(state, folder)
            if alike:
                lay_out(task.network.head)
                task.depth_loss = lambda guess, batch: criterion(guess, batch["depth"])
            ours = cases.train(task, make_trainer(folder, max_epochs=plan["epochs"]))
            weights = {cases.official_name(n): w for n, w in task.network.named_parameters()}
            pairs = [(weights[n].detach(), w.detach()) for n, w in model.named_parameters()]
            print(
                f"{len(losses)} training steps,"
                f" {'same memory layout and loss' if alike else 'as we run it'}:"
                f" losses {losses[0]:.5f}..{losses[-1]:.5f} apart by"
                f" {max(abs(a - b) for a, b in zip(ours, losses, strict=True)):.1e};"
                f" {sum(torch.equal(*pair) for pair in pairs)} of {len(pairs)} parameters equal,"
                f" worst {max(float((a - b).abs().max()) for a, b in pairs):.1e}"
            )
    return losses


def train_theirs(model, log):
    train = importlib.import_module("train")
    optimizer = importlib.import_module("models.optimizer")
    criterion = importlib.import_module("utils.criterion").SiLogLoss()
    plan = cases.TRAINING
    args = settings(decay=plan["decay"])
    args.epochs = plan["epochs"]
    losses = []

    def noted(prediction, target):
        losses.append(criterion(prediction, target))
        return losses[-1]

    with quiet():
        built = optimizer.build_optimizers(
            model,
            {
                "type": "AdamW",
                "lr": args.max_lr,
                "betas": (0.9, 0.999),
                "weight_decay": args.weight_decay,
                "constructor": "SwinLayerDecayOptimizerConstructor",
                "paramwise_cfg": {
                    "num_layers": list(cases.SMALL["arguments"]["depths"]),
                    "layer_decay_rate": args.layer_decay,
                    "no_decay_names": ["relative_position_bias_table", "rpe_mlp", "logit_scale"],
                },
            },
        )
        loader = [
            {"image": batch["image"].float() / 255, "depth": batch["depth"]}
            for batch in cases.training_batches()
        ]
        train.global_step = 0
        for epoch in range(1, args.epochs + 1):
            train.train(
                loader, model, noted, log, built, torch.device("cpu"), epoch=epoch, args=args
            )
    return [loss.item() for loss in losses]
