"""Run SwinTrack's network, targets, losses and rates and ours on the same input.

Run from the repository's root: python -m tests.official.tracking_network SWINTRACK FVCORE [--write]
SWINTRACK is a checkout of github.com/LitingLin/SwinTrack (its data pipeline is not needed), FVCORE
an unpacked fvcore 0.1.5.post20221221, whose schedules it uses. Prints how far they agree; with
--write tests/tasks/golden/tracking_network.json is written anew from its results. Holds no code of
theirs.
"""

import argparse
import json
import sys
import types
import warnings
import zlib
from pathlib import Path

import torch
import yaml
from torch import nn

from mim_bench.backbones.build import build_backbone
from mim_bench.backbones.spec import BackboneSpec
from mim_bench.tasks.network import Network
from mim_bench.tasks.optimisation import parameter_groups
from mim_bench.tasks.schedules import Budget, build_schedule
from mim_bench.tasks.swintrack import drop_path_starts
from mim_bench.tasks.swintrack_positions import relative_index
from tests import swintrack_cases as cases

NAMES = [
    ("project_template.", "z_input_projection."),
    ("project_search.", "x_input_projection."),
    ("encoder_bias.table", "encoder.rpe_bias_table.relative_position_bias_table"),
    ("decoder_bias.table", "decoder.rpe_bias_table.relative_position_bias_table"),
    ("coder_bias.template.", "coder.z_untied_pos_enc."),
    ("coder_bias.search.", "coder.x_untied_pos_enc."),
    (".rows", ".pos.h_pos"),
    (".columns", ".pos.w_pos"),
    (".queries.", ".pos_q_linear."),
    (".keys.", ".pos_k_linear."),
    (".attention.", ".attn."),
    (".mlp.0.", ".mlp.fc1."),
    (".mlp.2.", ".mlp.fc2."),
]


def theirs(name):
    """Return SwinTrack's name of a parameter of ours."""
    first, *rest = name.split(".")
    if first in ("encoder", "decoder"):
        name = f"{first}.layers.{'.'.join(rest)}"
    if first == "decoder":
        name = name.replace(".norm1.", ".norm1_q.").replace(".norm_asked.", ".norm1_kv.")
    if first == "norm":
        return "out_norm." + rest[0]
    if first in ("score", "box"):
        part = {"score": "cls_mlp", "box": "reg_mlp"}[first]
        return f"head.{part}.layers.{int(rest[0]) // 2}.{rest[1]}"
    for ours, official in NAMES:
        name = name.replace(ours, official)
    return name


def install(checkout, fvcore):
    """Make their modules importable; the data pipeline, which is not run, is empty."""
    warnings.filterwarnings("ignore", category=FutureWarning, module="timm")
    warnings.filterwarnings("ignore", message=r".*meshgrid.*")
    sys.path[:0] = [str(checkout), str(fvcore)]
    pipeline = types.ModuleType("data.tracking.methods.SiamFC.pseudo_data")
    pipeline.build_siamfc_pseudo_data_generator = None
    sys.modules[pipeline.__name__] = pipeline
    yaml.SafeLoader.add_constructor("!include", lambda _loader, node: node.value)


class Events:
    def register_iteration_end_hook(self, hook):
        self.hook = hook

    def register_epoch_begin_hook(self, hook):
        pass

    def register_stateful_object(self, name, thing):
        pass


class Given(nn.Module):
    """A backbone that gives what it is given."""

    def forward(self, tokens, *_):
        return (tokens,)


def configuration(checkout, name):
    """Return the published configuration with the sizes of a case."""
    folder = checkout / "config/SwinTrack/Tiny"
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["runs"] = yaml.safe_load((folder / "runs.yaml").read_text())
    if name is None:
        return config
    case, own = cases.HEADS[name], config["transformer"]
    dim = case.get("dim", case["channels"])
    own["dim"] = config["head"]["parameters"]["dim"] = dim
    own["num_heads"], own["mlp_ratio"] = case["heads"], case.get("mlp_ratio", 4)
    own["encoder"]["num_layers"] = case["layers"]
    own["decoder"]["num_layers"] = case.get("decoder_layers", 1)
    own["backbone"]["dim"] = case["channels"]
    for key in ("template", "search"):
        own["backbone"][key]["shape"] = case[key][::-1]
    config["head"]["output_protocol"]["parameters"]["label"]["size"] = case["search"][::-1]
    config["data"]["search_size"] = list(cases.size(name))[::-1]
    return config


def network(config):
    from models.head.builder import build_head
    from models.methods.SwinTrack.builder import build_swin_track_main_components
    from models.methods.SwinTrack.network import SwinTrack

    parts = build_swin_track_main_components(config, 1, 1, Events(), False)
    encoder, decoder, norm, *rest = parts
    return SwinTrack(Given(), encoder, decoder, norm, build_head(config), *rest).eval()


def labels(config, name):
    from data.tracking.label.label_generation import build_label_generator_and_batch_collator

    make, collate = build_label_generator_and_batch_collator(config, True)
    found = []
    for box in cases.boxes(name).double():
        found.append(make(torch.cat([box[:2], box[:2] + box[2:]]), True))
    return collate(found)


def compare(checkout, name):
    from criterion.builder import build_criteria_and_loss_composer

    config = configuration(checkout, name)
    official, head = network(config), cases.make_head(name)
    weights = {theirs(key): value for key, value in head.state_dict().items()}
    assert set(weights) == set(official.state_dict())
    official.load_state_dict(weights)
    outputs = official(*(one.flatten(2).transpose(1, 2) for one in cases.maps(name)))
    label = labels(config, name)
    settings = config["runs"]["runner"]["train"]
    criterion, composer = build_criteria_and_loss_composer(config, settings, 1, 1, Events())
    terms = criterion(outputs, label)
    loss = composer(terms)[0]
    loss.backward()
    gradients = dict(official.named_parameters())
    found, positives, truth, losses, ours = cases.run(name)
    score = outputs["class_score"].squeeze(1)
    print(name)
    print(f"  scores apart by {(found['score'].sigmoid() - score).abs().max():.1e}")
    print(f"  boxes apart by {(found['box'] - outputs['bbox']).abs().max():.1e}")
    assert (positives.flatten(1).float() == label["class_label"]).all()
    counts = positives.flatten(1).sum(1)
    assert torch.equal(truth.repeat_interleave(counts, 0), label["bounding_box_label"])
    apart = [abs((mine - term).item()) for mine, term in zip(losses.values(), terms, strict=True)]
    print(f"  losses {[term.item() for term in terms]} apart by {apart}")
    far = {
        key: float((value - gradients[theirs(key)].grad).norm() / (value.norm() + 1e-6))
        for key, value in ours.items()
    }
    print(f"  gradients apart by {max(far.values()):.1e} of their length ({max(far, key=far.get)})")
    indices = []
    for part, all_ask in ((official.encoder, True), (official.decoder, False)):
        mine = relative_index(cases.HEADS[name]["template"], cases.HEADS[name]["search"], all_ask)
        assert torch.equal(part.rpe_index, mine)
        indices.append(zlib.crc32(part.rpe_index.numpy().astype("<i8").tobytes()))
    return {
        "parameters": sum(weight.numel() for weight in official.parameters()),
        "score": cases.digest(score),
        "box": cases.digest(outputs["bbox"]),
        "positives": counts.tolist(),
        "truth": label["bounding_box_label"].unique(dim=0).tolist(),
        "losses": [term.item() for term in terms],
        "loss": loss.item(),
        "index": indices,
        "gradients": {key: cases.digest(gradients[theirs(key)].grad, 2) for key in sorted(ours)},
    }


def drop_path(checkout, epochs=4, iterations=5):
    """Follow the rates of drop path over a short training."""
    from models.methods.SwinTrack.builder import build_swin_track_main_components

    config, events = configuration(checkout, None), Events()
    config["transformer"]["encoder"]["num_layers"] = 8
    config["transformer"]["dim"] = config["transformer"]["backbone"]["dim"] = 16
    encoder, decoder, *_ = build_swin_track_main_components(
        config, epochs, iterations, events, True
    )
    layers = [*encoder.layers, *decoder.layers]
    found = []
    for step in range(1, epochs * iterations + 1):
        rates = [getattr(layer.drop_path, "drop_prob", 0.0) for layer in layers]
        assert (max(rates) > 0) == drop_path_starts(step, epochs * iterations, 0.5)
        found.append(rates)
        events.hook.on_iteration_end(True)
    print(f"drop path: {found[0]} at first, {found[-1]} at last")
    return {"first": found[0], "last": found[-1], "none": sum(max(one) == 0 for one in found)}


def rates(checkout):
    """Follow the learning rates of trainings, as multiples of the base rate."""
    from runners.training.common.optimization.lr_scheduler.builder import (
        build_iter_wise_lr_scheduler,
    )

    settings = configuration(checkout, None)["runs"]["runner"]["train"]["optimizer"]
    ours = build_schedule(
        "step", 1.0, options={"milestones": [0.7], "gamma": 0.1, "warmup_share": 0.01}
    )
    found = []
    for epochs, iterations in ((300, 10), (10, 77)):
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        scheduler = build_iter_wise_lr_scheduler(optimizer, settings, epochs, iterations)
        official = []
        for _ in range(epochs * iterations):
            official.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
        budget = Budget(epochs * iterations, epochs)
        mine = [ours(step + 1, budget) for step in range(len(official))]
        apart = [abs(a - b) / a for a, b in zip(official, mine, strict=True)]
        print(f"rates of {epochs} epochs apart by {max(apart):.1e} of theirs")
        turn = next(step for step, rate in enumerate(official) if step > 100 and rate < 0.5)
        steps = [*range(1, 41), turn, turn + 1, len(official)]
        points = [[step, official[step - 1]] for step in steps]
        found.append({"epochs": epochs, "iterations": iterations, "points": points})
    return found


def groups(checkout):
    """Say which of the backbone's parameters keep the head's rate."""
    from models.backbone.swin_transformer import build_swin_transformer_backbone
    from runners.training.common.optimization.optimizer.builder import build_optimizer

    class Whole(nn.Module):
        def __init__(self):
            super().__init__()
            self.backbone = build_swin_transformer_backbone(
                "swin_tiny_patch4_window7_224", load_pretrained=False, output_layers=(2,)
            )
            self.head = nn.Linear(2, 2)

    settings = configuration(checkout, None)["runs"]["runner"]["train"]["optimizer"]
    whole = Whole()
    official = build_optimizer(whole, settings).param_groups
    names = {id(weight): key for key, weight in whole.named_parameters()}
    found = {}
    for group in official:
        inside = [names[id(one)] for one in group["params"]]
        numbers = sum(one.numel() for one in group["params"])
        found[f"{group['lr']:g}"] = {"numbers": numbers, "decay": group["weight_decay"]}
        if len(inside) < 10:
            print(f"rate {group['lr']:g}: {inside}")
    backbone = build_backbone(
        BackboneSpec("swin_tiny_patch4_window7_224"),
        [(224, 224), (112, 112)],
        (16,),
        out_norm="new",
    )
    mine = parameter_groups(
        Network(backbone, nn.Linear(2, 2)), "mim-depth", 1.0, 1e-4, backbone_lr=0.1, decay_on="all"
    )
    for group in mine:
        kept = found[f"{5e-4 * group['scale']:g}"]
        assert group["weight_decay"] == kept["decay"]
        kept["numbers"] -= sum(one.numel() for one in group["params"])
    print(f"numbers left in groups: {[one['numbers'] for one in found.values()]}")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("swintrack", type=Path)
    parser.add_argument("fvcore", type=Path)
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args()
    install(chosen.swintrack.resolve(), chosen.fvcore.resolve())
    found = {
        "heads": {name: compare(chosen.swintrack, name) for name in cases.HEADS},
        "drop_path": drop_path(chosen.swintrack),
        "rates": rates(chosen.swintrack),
    }
    groups(chosen.swintrack)
    if chosen.write:
        rounded = json.loads(
            json.dumps(found), parse_float=lambda text: float(f"{float(text):.9g}")
        )
        cases.GOLDEN.write_text(json.dumps(rounded, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
