"""Facts of the protocols, each broken once on purpose: a test must notice.

Run by hand from the repository's root: python -m tests.mutations [NAME or FAMILY ...]
The package and its tests are copied to a temporary folder, and only the copy is changed. Prints
for each mutation whether its test killed it. Ends with status 1 if one survives, if a text to
replace is not found exactly once, or if a test can't run or fails on the unchanged copy.
A new fact is a line in its family's table; a new family, a table in `FAMILIES`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FAILED = 1  # pytest's status where tests ran and some failed


@dataclass(frozen=True)
class Mutation:
    """One fact: its name, the file (below mim_bench), what is replaced by what, who notices."""

    name: str
    file: str
    old: str
    new: str
    test: str


_HEAD = "tests/tasks/test_depth_head.py"
_LOSS = "tests/tasks/test_depth_loss.py"
_METRICS = "tests/tasks/test_depth_metrics.py"
_WINDOWS = "tests/tasks/test_depth_windows.py"
_RATES = "tests/tasks/test_schedules.py"
_WHOLE = "tests/tasks/test_depth_as_published.py"
_DATA = "tests/datamodules/test_depth_data_as_published.py"
_NETWORK = f"{_WHOLE}::test_network_has_the_authors_output_and_gradients"
_GROUPS = f"{_WHOLE}::test_every_parameter_has_the_authors_rate_and_weight_decay"
_RECIPE = "benchmarks/recipes/nyuv2.yaml"

DEPTH = (
    # network
    Mutation(
        "sigmoid times largest depth",
        "tasks/depth_head.py",
        "torch.sigmoid(self.predict(features).float()) * self.max_depth",
        "torch.sigmoid(self.predict(features).float()) * 10.0",
        _NETWORK,
    ),
    Mutation(
        "bilinear doublings without aligned corners",
        "tasks/depth_head.py",
        "align_corners=False",
        "align_corners=True",
        _NETWORK,
    ),
    Mutation(
        "eps of layer norms",
        "backbones/network.py",
        "module.eps = eps",
        "module.eps = 1e-5",
        _NETWORK,
    ),
    Mutation(
        "eps in the recipe",
        _RECIPE,
        "norm_eps: 1.0e-6",
        "norm_eps: 1.0e-5",
        f"{_WHOLE}::test_recipe_has_the_authors_settings",
    ),
    Mutation(
        "coordinates by the pretraining window",
        "backbones/windows.py",
        "        module.pretrained_window_size = module.window_size\n",
        "        pass\n",
        _NETWORK,
    ),
    Mutation(
        "bias network under its other name",
        "backbones/loading.py",
        '.replace(".rpe_mlp.", ".cpb_mlp.")',
        '.replace(".rpe_mlp.", ".cpb_mlp_.")',
        f"{_WHOLE}::test_weights_of_the_authors_fill_every_parameter",
    ),
    Mutation(
        "no mean and deviation in the recipe",
        _RECIPE,
        "input_norm: none",
        "input_norm: backbone",
        f"{_WHOLE}::test_recipe_has_the_authors_settings",
    ),
    # optimisation
    Mutation(
        "layer id of patch merging",
        "backbones/groups.py",
        "            return before[int(match[1])]\n",
        "            return before[int(match[1])] + 1\n",
        _GROUPS,
    ),
    Mutation(
        "bias network without weight decay",
        "backbones/groups.py",
        '"rpe_mlp", "cpb_mlp", "logit_scale")',
        '"rpe_mlp", "logit_scale")',
        _GROUPS,
    ),
    Mutation("layer decay of large", _RECIPE, "layer_decay: 0.85", "layer_decay: 0.9", _GROUPS),
    Mutation("drop path of large", _RECIPE, "drop_path: 0.5", "drop_path: 0.3", _GROUPS),
    Mutation(
        "weight decay",
        _RECIPE,
        "weight_decay: 0.05",
        "weight_decay: 0.01",
        _GROUPS,
    ),
    Mutation(
        "power of the learning rate",
        _RECIPE,
        "lr_power: 0.9",
        "lr_power: 1.0",
        f"{_WHOLE}::test_recipe_has_the_authors_settings",
    ),
    Mutation(
        "turn of the learning rate at half of the epochs, rounded down",
        "tasks/schedules.py",
        "return max(1, budget.steps // epochs * (epochs // 2))",
        "return max(1, budget.steps // 2)",
        f"{_RATES}::test_same_rates_as_the_authors_code",
    ),
    Mutation(
        "smallest rate scaled by layer",
        "tasks/schedules.py",
        "return scale * max(self.min_lr, self.max_lr - fallen)",
        "return max(self.min_lr, scale * (self.max_lr - fallen))",
        f"{_RATES}::test_formula_on_random_budgets",
    ),
    Mutation(
        "steps counted from 1",
        "tasks/training.py",
        "step = self.trainer.global_step + 1\n",
        "step = self.trainer.global_step\n",
        f"{_WHOLE}::test_training_has_the_authors_losses",
    ),
    # loss
    Mutation(
        "half of the mean's square in the loss",
        _RECIPE,
        "silog_focus: 0.5",
        "silog_focus: 0.85",
        f"{_WHOLE}::test_recipe_has_the_authors_settings",
    ),
    Mutation(
        "loss over the pixels of the batch together",
        "tasks/depth_loss.py",
        "    known = target > 0\n",
        "    if prediction.ndim == 3:\n"
        "        images = zip(prediction, target)\n"
        "        return torch.stack([silog(p, t, None, focus) for p, t in images]).mean()\n"
        "    known = target > 0\n",
        f"{_LOSS}::test_same_value_and_gradient_as_the_authors_code",
    ),
    Mutation(
        "loss on known pixels beyond the largest depth",
        "tasks/depth_loss.py",
        "    known = target > 0\n",
        "    known = (target > 0) & (target < 10)\n",
        f"{_LOSS}::test_same_value_and_gradient_as_the_authors_code",
    ),
    # data
    Mutation(
        "CutDepth wraps at 256",
        "datamodules/depth_transforms.py",
        "np.asarray(units % 256, dtype=np.uint8)",
        "np.asarray(np.minimum(units, 255), dtype=np.uint8)",
        f"{_DATA}::test_samples_are_the_authors_to_the_pixel",
    ),
    Mutation(
        "CutDepth on every 4th sample",
        "datamodules/depth_transforms.py",
        "CUT_DEPTH_EVERY = 4\n",
        "CUT_DEPTH_EVERY = 5\n",
        f"{_DATA}::test_samples_are_the_authors_to_the_pixel",
    ),
    Mutation(
        "CutDepth fills at most three quarters of what is left",
        "datamodules/depth_transforms.py",
        "beta * 0.75",
        "beta * 0.8",
        f"{_DATA}::test_strips_of_the_cut_are_the_authors_to_the_column",
    ),
    Mutation(
        "CutDepth rounds as the authors' product does",
        "datamodules/depth_transforms.py",
        "(width - alpha * width) * beta",
        "(1 - alpha) * width * beta",
        f"{_DATA}::test_strips_of_the_cut_are_the_authors_to_the_column",
    ),
    Mutation(
        "mirroring before the crop",
        "datamodules/depth.py",
        "            image, depth = image[:, ::-1], depth[:, ::-1]\n",
        "            left = depth.shape[1] - self.crop[1] - left\n"
        "            image, depth = image[:, ::-1], depth[:, ::-1]\n",
        f"{_DATA}::test_samples_are_the_authors_to_the_pixel",
    ),
    Mutation(
        "range of gamma",
        "datamodules/transforms.py",
        "gamma_limit=(80, 120)",
        "gamma_limit=(90, 110)",
        f"{_DATA}::test_colours_change_in_the_authors_order_and_ranges",
    ),
    # test
    Mutation(
        "rows of NYU's crop",
        "tasks/depth_metrics.py",
        "_part(471, height, 480)",
        "_part(470, height, 480)",
        f"{_METRICS}::test_same_numbers_as_the_authors_code",
    ),
    Mutation(
        "borders of KITTI's crop rounded down",
        "tasks/depth_metrics.py",
        "int(top * height), int(bottom * height), int(left * width), int(right * width)",
        "int(top * height), round(bottom * height), int(left * width), round(right * width)",
        f"{_METRICS}::test_same_numbers_as_the_authors_code",
    ),
    Mutation(
        "targets at the largest depth don't count",
        "tasks/depth_metrics.py",
        "(target < max_depth)",
        "(target <= max_depth)",
        f"{_METRICS}::test_same_numbers_as_the_authors_code",
    ),
    Mutation(
        "targets at a millimetre don't count",
        "tasks/depth_metrics.py",
        "(target > MIN_DEPTH)",
        "(target >= MIN_DEPTH)",
        f"{_METRICS}::test_same_numbers_as_the_authors_code",
    ),
    Mutation(
        "undefined predictions are a millimetre",
        "tasks/depth_metrics.py",
        "nan=MIN_DEPTH",
        "nan=max_depth",
        f"{_METRICS}::test_same_numbers_as_the_authors_code",
    ),
    Mutation(
        "infinite predictions are the largest depth, of either sign",
        "tasks/depth_metrics.py",
        "neginf=max_depth",
        "neginf=MIN_DEPTH",
        f"{_METRICS}::test_same_numbers_as_the_authors_code",
    ),
    Mutation(
        "predictions are not clipped",
        "tasks/depth_metrics.py",
        "posinf=max_depth, neginf=max_depth)",
        "posinf=max_depth, neginf=max_depth).clamp(MIN_DEPTH, max_depth)",
        f"{_METRICS}::test_same_numbers_as_the_authors_code",
    ),
    Mutation(
        "stride of the windows",
        "tasks/depth_windows.py",
        "(width - height) // (windows - 1)",
        "round((width - height) / (windows - 1))",
        f"{_WINDOWS}::test_same_depth_as_the_authors_code",
    ),
    Mutation(
        "windows are mirrored one by one and averaged before they are merged",
        "tasks/depth_windows.py",
        "    height, width = images.shape[-2:]\n    starts = window_starts(height, width, windows)"
        " if windows > 1",
        "    if flip:\n"
        "        mirror = predict_depth(network, images.flip(-1), False, windows, chunk)\n"
        "        straight = predict_depth(network, images, False, windows, chunk)\n"
        "        return (straight + mirror.flip(-1)) / 2\n"
        "    height, width = images.shape[-2:]\n    starts = window_starts(height, width, windows)"
        " if windows > 1",
        f"{_WINDOWS}::test_same_depth_as_the_authors_code",
    ),
    Mutation(
        "columns without a window are undefined",
        "tasks/depth_windows.py",
        "total / cover.clamp_min(1), torch.nan)",
        "total / cover.clamp_min(1), 0.0)",
        f"{_WINDOWS}::test_same_depth_as_the_authors_code",
    ),
    Mutation(
        "mean over images, each with the same weight",
        "tasks/scores.py",
        "return math.fsum(values) / len(values)",
        'weights = [r.get("pixels", 1) for r in records if r.get(metric) is not None]\n'
        "    return sum(v * w for v, w in zip(values, weights)) / sum(weights)",
        f"{_WHOLE}::test_whole_test_has_the_authors_means_on_nyu",
    ),
    Mutation(
        "windows in the recipe's test",
        _RECIPE,
        "options: {flip: true, windows: 2,",
        "options: {flip: true, windows: 1,",
        f"{_WHOLE}::test_whole_test_has_the_authors_means_on_nyu",
    ),
    Mutation(
        "mirrored windows in the recipe's test",
        _RECIPE,
        "options: {flip: true,",
        "options: {flip: false,",
        f"{_WHOLE}::test_whole_test_has_the_authors_means_on_nyu",
    ),
)

_B = "tests/backbones"
_FILES = f"{_B}/test_official_files.py"
_V2_FILES = f"{_FILES}::test_swinv2"
_IDS = f"{_B}/test_groups.py"
_EXEMPT = f"{_IDS}::test_no_weight_decay_on_exactly_these"

BACKBONES = (
    # SwinV2
    Mutation(
        "pretraining window",
        "backbones/swin.py",
        "return declared if declared[0] > 0 else tuple(block.window_size)",
        "return tuple(block.window_size)",
        _V2_FILES,
    ),
    Mutation(
        "bias network of pretraining has another name",
        "backbones/loading.py",
        '.replace(".rpe_mlp.", ".cpb_mlp.")',
        '.replace(".rpe_mlp.", ".rpe_mlp.")',
        _V2_FILES,
    ),
    Mutation(
        "coordinates are spaced logarithmically",
        "backbones/relative.py",
        "torch.sign(offsets) * torch.log2(offsets.abs() + 1.0) / math.log2(8)",
        "offsets / 8",
        _V2_FILES,
    ),
    Mutation(
        "coordinates in units of the pretraining window",
        "backbones/relative.py",
        "max(unit - 1, 1)",
        "max(length - 1, 1)",
        _V2_FILES,
    ),
    Mutation(
        "units of the window less one",
        "backbones/relative.py",
        "max(unit - 1, 1)",
        "max(unit, 1)",
        _V2_FILES,
    ),
    Mutation(
        "bias is 16 times a sigmoid",
        "backbones/swin.py",
        "16 * torch.sigmoid(by_pair(answers, index))",
        "by_pair(answers, index)",
        _V2_FILES,
    ),
    Mutation(
        "logit scale is at most 100",
        "backbones/swin.py",
        "torch.clamp(attn.logit_scale, max=math.log(100.0)).exp()",
        "attn.logit_scale.exp()",
        _V2_FILES,
    ),
    Mutation(
        "keys have no bias",
        "backbones/swin.py",
        "torch.cat((attn.q_bias, attn.k_bias, attn.v_bias))",
        "torch.cat((attn.q_bias, attn.q_bias, attn.v_bias))",
        _V2_FILES,
    ),
    Mutation(
        "norm after attention",
        "backbones/swin.py",
        "block.drop_path1(block.norm1(attended))",
        "block.drop_path1(attended)",
        _V2_FILES,
    ),
    # windows
    Mutation(
        "pad order",
        "backbones/swin.py",
        'self.official = pad_order == "official"',
        'self.official = pad_order != "official"',
        _V2_FILES,
    ),
    Mutation(
        "every other block is shifted",
        "backbones/swin.py",
        "depth % 2 == 1",
        "depth % 2 == 0",
        _V2_FILES,
    ),
    Mutation(
        "shift by half a window",
        "backbones/windows.py",
        "0 if s <= w else w // 2",
        "0 if s <= w else (w + 1) // 2",
        _V2_FILES,
    ),
    Mutation(
        "no shift where one window covers the map",
        "backbones/windows.py",
        "0 if s <= w else w // 2",
        "w // 2",
        _V2_FILES,
    ),
    Mutation(
        "what a shift brought together stays apart",
        "backbones/relative.py",
        "_APART = -100.0",
        "_APART = 0.0",
        _V2_FILES,
    ),
    Mutation(
        "a smaller window reads the centre of a table",
        "backbones/relative.py",
        "row[:, None] - row[None, :] + table[0] - 1",
        "row[:, None] - row[None, :] + window[0] - 1",
        f"{_B}/test_sizes.py::test_a_smaller_window_reads_the_tables_centre",
    ),
    # files
    Mutation(
        "MoCo v3's trained encoder",
        "backbones/formats.py",
        '("base_encoder.", "momentum_encoder.", "base")',
        '("base_encoder.", "momentum_encoder.", "momentum")',
        f"{_FILES}::test_plain_vits",
    ),
    Mutation(
        "DINO's teacher",
        "backbones/formats.py",
        '("student.", "teacher.", "momentum")',
        '("student.", "teacher.", "base")',
        f"{_FILES}::test_plain_vits",
    ),
    Mutation(
        "base and momentum",
        "backbones/formats.py",
        'prefix = base if taken == "base" else momentum',
        'prefix = momentum if taken == "base" else base',
        f"{_FILES}::test_the_report_names_the_encoder_that_was_taken",
    ),
    Mutation(
        "the encoder that was taken is reported",
        "backbones/accounting.py",
        "found = recognise(source, encoder)",
        "found = recognise(source)",
        f"{_FILES}::test_the_report_names_the_encoder_that_was_taken",
    ),
    Mutation(
        "one bias table for every block",
        "backbones/loading.py",
        "for name in own if _BLOCK_TABLE.fullmatch(name)}",
        'for name in own if _BLOCK_TABLE.fullmatch(name) and ".0." in name}',
        f"{_FILES}::test_simmim_vit",
    ),
    Mutation(
        "rows of the class token",
        "backbones/beit.py",
        "    index[0, :] = rows - 3\n    index[:, 0] = rows - 2\n",
        "    index[0, :] = rows - 2\n    index[:, 0] = rows - 3\n",
        f"{_FILES}::test_simmim_vit",
    ),
    Mutation(
        "mean and deviation of the file's format",
        "backbones/build.py",
        "backbone.mean, backbone.std = NORMALISATIONS[name]",
        "pass",
        f"{_FILES}::test_simmim_vit",
    ),
    Mutation(
        "mean and deviation of the catalogue's entry",
        "backbones/build.py",
        "backbone.mean, backbone.std = entry.mean, entry.std",
        "pass",
        f"{_B}/test_build.py::test_a_random_network_is_normalised_as_its_entry_says",
    ),
    Mutation(
        "a deeper network's file is refused",
        "backbones/build.py",
        "        refuse_surplus(net, state, where)\n",
        "",
        f"{_FILES}::test_a_deeper_networks_weights_are_refused",
    ),
    Mutation(
        "what a run refuses is said by inspecting",
        "backbones/inspection.py",
        "        **_surplus(net, adapted),\n",
        "",
        f"{_B}/test_inspection.py::test_a_deeper_networks_file_does_not_fill_a_shallower_one",
    ),
    Mutation(
        "the Hub's commit that is identified is loaded",
        "backbones/network.py",
        "return hub_model(spec.name).pinned, {}",
        "return spec.name, {}",
        f"{_B}/test_spec.py::test_what_is_loaded_from_the_hub_is_what_was_identified",
    ),
    Mutation(
        "fusions of HRNet need multiples of the coarsest stride",
        "backbones/network.py",
        "return max(stride for stride, _ in features(net, type(net).__name__))",
        "return stride",
        f"{_B}/test_families.py::test_fused_branches_at_odd_sizes_and_one_level",
    ),
    # optimisation
    Mutation(
        "no weight decay on the bias network",
        "backbones/groups.py",
        '"rpe_mlp", "cpb_mlp", "logit_scale")',
        '"rpe_mlp", "logit_scale")',
        _EXEMPT,
    ),
    Mutation(
        "no weight decay on the logit scale",
        "backbones/groups.py",
        '"cpb_mlp", "logit_scale")',
        '"cpb_mlp")',
        _EXEMPT,
    ),
    Mutation(
        "no weight decay on bias tables",
        "backbones/groups.py",
        '_UNDECAYED = ("relative_position_bias_table", ',
        "_UNDECAYED = (",
        _EXEMPT,
    ),
    Mutation(
        "no weight decay on class tokens",
        "backbones/groups.py",
        '_UNDECAYED_VIT = ("pos_embed", "cls_token")',
        '_UNDECAYED_VIT = ("pos_embed",)',
        _EXEMPT,
    ),
    Mutation(
        "no weight decay on positions",
        "backbones/groups.py",
        '_UNDECAYED_VIT = ("pos_embed", "cls_token")',
        '_UNDECAYED_VIT = ("cls_token",)',
        _EXEMPT,
    ),
    Mutation(
        "no weight decay on vectors",
        "backbones/groups.py",
        "if param.ndim > 1 and not",
        "if not",
        _EXEMPT,
    ),
    Mutation(
        "SimMIM's code decays the tables of its ViTs",
        "backbones/groups.py",
        'words = () if vit and convention == "simmim" else _UNDECAYED',
        "words = _UNDECAYED",
        _EXEMPT,
    ),
    Mutation(
        "layer ids of a Swin's blocks",
        "backbones/groups.py",
        "return before[int(match[1])] + int(match[2]) + 1",
        "return before[int(match[1])] + int(match[2])",
        f"{_IDS}::test_mim_depth_has_29_ids",
    ),
    Mutation(
        "layer ids of merging in SimMIM's code",
        "backbones/groups.py",
        'merging=convention == "mim-depth"',
        "merging=True",
        f"{_IDS}::test_simmim_has_26_ids",
    ),
    Mutation(
        "layer ids of a ViT's blocks",
        "backbones/groups.py",
        "return int(match[1]) + 1\n",
        "return int(match[1])\n",
        f"{_IDS}::test_vit_has_depth_plus_two",
    ),
    Mutation(
        "layer ids by block",
        "backbones/groups.py",
        'starts = {f"{block.name}.": block.depth + 1',
        'starts = {f"{block.name}.": block.depth',
        f"{_IDS}::test_a_family_that_timm_has_no_groups_for_is_numbered_by_block",
    ),
)

FAMILIES = {"depth": DEPTH, "backbones": BACKBONES}


def chosen(names: list[str]) -> list[Mutation]:
    """Return the mutations of these names and families; all of them for none."""
    every = [mutation for family in FAMILIES.values() for mutation in family]
    if not names:
        return every
    found = []
    for name in names:
        hits = FAMILIES.get(name) or [mutation for mutation in every if name in mutation.name]
        if not hits:
            sys.exit(f"no mutation and no family is called {name!r}")
        found += [mutation for mutation in hits if mutation not in found]
    return found


def run_tests(copy: Path, nodes: list[str]) -> int:
    """Run tests of the copy on the copy, which stands first among Python's paths."""
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *nodes]
    done = subprocess.run(
        command, check=False, cwd=copy, env=environment, capture_output=True, text=True
    )
    if done.returncode not in (0, FAILED):
        print(done.stdout[-2000:], done.stderr[-2000:])
    return done.returncode


def judge(copy: Path, mutation: Mutation) -> str:
    """Apply a mutation to the copy, run its test, restore the copy; return what came of it."""
    path = copy / "mim_bench" / mutation.file
    text = path.read_text()
    if text.count(mutation.old) != 1:
        return f"text found {text.count(mutation.old)} times in {mutation.file}"
    path.write_text(text.replace(mutation.old, mutation.new))
    try:
        status = run_tests(copy, [mutation.test])
    finally:
        path.write_text(text)
    return {0: "SURVIVED", FAILED: "killed"}.get(status, f"pytest ended with status {status}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("names", nargs="*")
    mutations = chosen(parser.parse_args().names)
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        ignored = shutil.ignore_patterns("__pycache__", ".*")
        for name in ("mim_bench", "tests"):
            shutil.copytree(ROOT / name, copy / name, ignore=ignored)
        shutil.copy(ROOT / "pyproject.toml", copy)
        if run_tests(copy, sorted({mutation.test for mutation in mutations})) != 0:
            sys.exit("the tests don't pass on the unchanged copy")
        for mutation in mutations:
            start = time.monotonic()
            verdict = judge(copy, mutation)
            bad += verdict != "killed"
            print(f"{verdict}: {mutation.name} ({time.monotonic() - start:.0f} s)", flush=True)
    print(f"{len(mutations) - bad} of {len(mutations)} killed")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
