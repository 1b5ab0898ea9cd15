"""Score tracks with the benchmarks' own tools and with ours, on the same input.

Run from the repository's root:
python -m tests.official.tracking_metrics GOT10K DEVKIT LASOT SWINTRACK [--octave NAME] [--write]
GOT10K is a folder with the package got10k 0.1.3 (pip install --target); the others are checkouts of
github.com/SilvioGiancola/TrackingNet-devkit, HengLan/LaSOT_Evaluation_Toolkit and
LitingLin/SwinTrack; LaSOT's needs Octave. With --write tests/tasks/golden/tracking_metrics.json is
written anew from their results. Holds no code of theirs; where they use calls that NumPy and pandas
no longer have, stand-ins do.
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
import tempfile
import types
import zipfile
from pathlib import Path

import numpy as np

from mim_bench.tasks.tracking_rules import evaluate
from tests import tracking_cases as cases
from tests.official.surroundings import quiet

GOLDEN = Path(__file__).parents[1] / "tasks" / "golden" / "tracking_metrics.json"


def rows(table, form="%.17g"):
    return "".join(",".join(form % value for value in row) + "\n" for row in table)


def compared(rules, seed, theirs, truth, tracks):
    """Print how far ours is from theirs, and return what goes to the golden file."""
    ours = evaluate(rules, truth, tracks)
    apart = max(abs(ours.values[name] - value) for name, value in theirs["values"].items())
    for name, one in theirs["sequences"].items():
        apart = max(apart, *(abs(ours.sequences[name][key] - one[key]) for key in one))
    for name, one in theirs.get("attributes", {}).items():
        apart = max(apart, *(abs(ours.attributes[name][key] - one[key]) for key in one))
    shown = ", ".join(f"{name} {value:.6f}" for name, value in theirs["values"].items())
    print(f"{rules} {seed}: {shown}; apart by {apart:.1e}")
    return {"seed": seed, **theirs}


def got10k(package):
    """Score with the package's experiment, from files as it reads them."""
    sys.path.insert(0, str(package))
    experiment = importlib.import_module("got10k.experiments.got10k").ExperimentGOT10k
    found = []
    for seed in cases.SEEDS:
        truth = cases.truth_case("got10k", seed)
        tracks = cases.track_case(truth, seed)
        with tempfile.TemporaryDirectory() as name, quiet():
            folder = Path(name)
            for title, one in truth["sequences"].items():
                place = folder / "data" / "val" / title
                place.mkdir(parents=True)
                for number in range(len(one["boxes"])):
                    (place / f"{number + 1:08d}.jpg").touch()
                (place / "groundtruth.txt").write_text(rows(one["boxes"]))
                for label, values in (("absence", one["absent"]), ("cover", one["cover"])):
                    np.savetxt(place / f"{label}.label", values.astype(int), fmt="%d")
                np.savetxt(place / "cut_by_image.label", one["cover"] * 0, fmt="%d")
                size = tuple(one["size"])
                (place / "meta_info.ini").write_text(f"[METAINFO]\nresolution: {size}\n")
                result = folder / "results" / "GOT-10k" / "mine" / title
                result.mkdir(parents=True)
                (result / f"{title}_001.txt").write_text(rows(tracks[title]))
                np.savetxt(result / f"{title}_time.txt", np.full(len(one["boxes"]), 0.1))
            names = "\n".join(truth["sequences"])
            (folder / "data" / "val" / "list.txt").write_text(names + "\n")
            places = {"result_dir": folder / "results", "report_dir": folder / "reports"}
            run = experiment(folder / "data", subset="val", **places)
            run.plot_curves = lambda *_: None
            report = run.report(["mine"])["mine"]
        whole = report["overall"]
        curve = np.asarray(whole["succ_curve"])
        theirs = {
            "values": {"ao": whole["ao"], "sr50": whole["sr"], "sr75": float(curve[75])},
            "sequences": {
                name: {"ao": one["ao"], "sr50": one["sr"]}
                for name, one in report["seq_wise"].items()
            },
        }
        found.append(compared("got10k", seed, theirs, truth, tracks))
    return found


def trackingnet(checkout):
    """Score zip archives with the devkit; one of them lacks a file and has a short one."""
    import pandas

    pandas.DataFrame.append = lambda one, other: pandas.concat([one, other])
    sys.path.insert(0, str(checkout))
    module = importlib.import_module("metrics")
    tool = module.evaluate
    module.tqdm = lambda many: many
    then = {"trapz": np.trapezoid, "sum": lambda many: np.sum(list(many))}
    module.np = types.SimpleNamespace(**{**vars(np), **then})
    found = []

    def score(truth, tracks):
        with tempfile.TemporaryDirectory() as name, quiet():
            files = [Path(name) / file for file in ("truth.zip", "mine.zip")]
            for file, tables in zip(files, (truth, tracks), strict=True):
                with zipfile.ZipFile(file, "w") as archive:
                    for title, table in tables.items():
                        archive.writestr(f"{title}.txt", rows(table))
            _, *three = tool(*map(str, files))
        return dict(zip(("suc", "precision", "norm_precision"), np.divide(three, 100), strict=True))

    for seed in cases.SEEDS:
        truth = cases.truth_case("trackingnet", seed)
        tracks = cases.spoil(cases.track_case(truth, seed), seed)
        tracks["thing-3"] = tracks["thing-3"][:-7]
        tracks["thing-4"] = np.concatenate([tracks["thing-4"], [[1, 2, 3, 4]]])
        del tracks["thing-5"]
        boxes = {name: one["boxes"] for name, one in truth["sequences"].items()}
        theirs = {"values": score(boxes, tracks)}
        theirs["sequences"] = {
            name: score({name: box}, {name: tracks[name]} if name in tracks else {})
            for name, box in boxes.items()
        }
        found.append(compared("trackingnet", seed, theirs, truth, tracks))
    return found


def lasot(checkout, octave):
    """Score with the toolkit's functions; its last steps are done here, as its plots do them."""
    found = []
    for seed in cases.SEEDS:
        truth = cases.truth_case("lasot", seed)
        tracks = cases.spoil(cases.track_case(truth, seed), seed)
        tracks["thing-2"] = np.concatenate([tracks["thing-2"], [[5, 6, 7, 8]] * 3])
        names = list(truth["sequences"])
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for place in ("annos/absent", "results/mine_tracking_result", "mat0", "mat1"):
                (folder / place).mkdir(parents=True)
            for title, one in truth["sequences"].items():
                (folder / "annos" / f"{title}.txt").write_text(rows(one["boxes"]))
                absent = folder / "annos" / "absent" / f"{title}.txt"
                np.savetxt(absent, one["absent"].astype(int), fmt="%d")
                result = tracks[title] + [1, 1, 0, 0]
                place = folder / "results" / "mine_tracking_result" / f"{title}.txt"
                place.write_text(rows(result).replace("nan", "NaN"))
            listed = ",".join(f"'{title}'" for title in names)
            script = f"addpath('{checkout / 'utils'}'); trackers={{struct('name','mine')}};"
            for norm in (0, 1):
                script += (
                    f"eval_tracker({{{listed}}}, trackers, 'OPE', {{'mine'}}, "
                    f"'{folder}/mat{norm}/', '{folder}/annos/', '{folder}/results/', {norm});"
                    f"for kind = {{'overlap','error'}} load(['{folder}/mat{norm}/"
                    "aveSuccessRatePlot_1alg_' kind{1} '_OPE.mat']);"
                    f"dlmwrite(['{folder}/' kind{{1}} '{norm}.txt'], "
                    "squeeze(ave_success_rate_plot(1,:,:)), 'precision', 17); end;"
                )
            subprocess.run([octave, "--eval", script], check=True, capture_output=True)
            curves = {
                metric: np.loadtxt(folder / file, delimiter=",")
                for metric, file in (
                    ("suc", "overlap0.txt"),
                    ("precision", "error0.txt"),
                    ("norm_precision", "error1.txt"),
                )
            }

        def summed(chosen, curves=curves):
            values = {}
            for metric, curve in curves.items():
                some = curve[chosen]
                mean = some[some.sum(1) > np.finfo(float).eps].mean(0)
                values[metric] = float(mean.mean() if metric == "suc" else mean[20])
            return values

        theirs = {"values": summed(range(len(names)))}
        theirs["sequences"] = {
            title: {
                metric: float(curve[k].mean() if metric == "suc" else curve[k, 20])
                for metric, curve in curves.items()
            }
            for k, title in enumerate(names)
        }
        members = {
            tag: [
                k for k, one in enumerate(truth["sequences"].values()) if tag in one["attributes"]
            ]
            for tag in cases.ATTRIBUTES
        }
        theirs["attributes"] = {
            tag: summed(chosen) for tag, chosen in members.items() if len(chosen) > 1
        }
        found.append(compared("lasot", seed, theirs, truth, tracks))
    return found


def swintrack(checkout):
    """Score with the evaluation that SwinTrack has built in."""
    sys.path.insert(0, str(checkout))
    path = "data.tracking.methods.sequential.metric_collector.utils.calculate_metrics"
    tool = importlib.import_module(path).calculate_evaluation_metrics
    found = []
    for seed in cases.SEEDS:
        truth = cases.truth_case("lasot", seed)
        tracks = cases.track_case(truth, seed)
        per = {}
        for name, one in truth["sequences"].items():
            boxes = one["boxes"]
            track = tracks[name] + [1, 1, 0, 0]
            track[0] = boxes[0]
            kept = ~one["absent"] & (boxes[:, 2:] > 0).all(1)  # as its cleaning leaves them
            corners = [
                np.concatenate([each[:, :2], each[:, :2] + each[:, 2:]], 1)
                for each in (track, boxes)
            ]
            with np.errstate(invalid="ignore", divide="ignore"):
                ao, half, most, success, near, scaled = tool(*corners, kept)
            values = (success.mean(), near[20], scaled[20], ao, half, most)
            metrics = ("suc", "precision", "norm_precision", "ao", "sr50", "sr75")
            per[name] = dict(zip(metrics, map(float, values), strict=True))
        theirs = {
            "values": {m: float(np.mean([one[m] for one in per.values()])) for m in metrics},
            "sequences": per,
        }
        found.append(compared("swintrack", seed, theirs, truth, tracks))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("got10k", "devkit", "lasot", "swintrack"):
        parser.add_argument(name, type=lambda text: Path(text).resolve())
    parser.add_argument("--octave", default="octave-cli")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    golden = {
        "got10k": got10k(options.got10k),
        "trackingnet": trackingnet(options.devkit),
        "lasot": lasot(options.lasot, options.octave),
        "swintrack": swintrack(options.swintrack),
    }
    if options.write:
        text = json.dumps(golden, default=float, indent=1)
        GOLDEN.write_text(text + "\n")


if __name__ == "__main__":
    main()
