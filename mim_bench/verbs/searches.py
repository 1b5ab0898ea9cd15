"""What `show search` prints and draws: the trials of a search. (No torch.)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mim_bench.benchmarks import sampling, study
from mim_bench.errors import Problem, UserError
from mim_bench.files import write_atomic
from mim_bench.verbs.printing import print_json, print_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from mim_bench.benchmarks.study import Trial


def show_searches(store: str, name: str | None, out: Path | None, as_json: bool) -> None:
    """Print the searches of a store, or the trials of one, with its figures.

    Args:
        store: The store's folder.
        name: A search's id or the beginning of one, or a recipe; None lists all.
        out: Where the figures are written; by default the search's folder.
        as_json: Print JSON.

    Raises:
        UserError: There is no such search, or several could be meant.
    """
    contents = study.find_studies(Path(store))
    if name is not None:
        contents = [
            (folder, content)
            for folder, content in contents
            if str(content["id"]).startswith(name) or content["recipe"] == name
        ]
    if not contents:
        raise UserError(
            "no search" + (f" {name!r}" if name else ""),
            where=store,
            action="`mim-bench run --trials N` makes one; `mim-bench show search` lists them",
        )
    if name is None:
        _list(contents, as_json)
        return
    if len(contents) > 1:
        raise UserError(
            Problem(f"{content['id']} could be meant: {content['backbone']}", str(folder))
            for folder, content in contents
        )
    _show(*contents[0], out, as_json)


def _list(contents: Sequence[tuple[Path, Mapping[str, Any]]], as_json: bool) -> None:
    rows = []
    for folder, content in contents:
        trials = study.read_trials(folder, content["trials"])
        best = study.best_of(trials, content["direction"])
        rows.append(
            {
                "id": content["id"],
                "recipe": content["recipe"],
                "backbone": content["backbone"],
                "split": content["split"],
                "metric": content["metric"],
                "trials": len(trials),
                "ended": sum(trial.ended for trial in trials),
                "best": best.value if best else None,
            }
        )
    if as_json:
        print_json(rows)
    else:
        print_rows(rows, tuple(rows[0]))


def _show(folder: Path, content: Mapping[str, Any], out: Path | None, as_json: bool) -> None:
    trials = study.read_trials(folder, content["trials"])
    best = study.best_of(trials, content["direction"])
    figures = _draw(content, trials, out or folder)
    rows = [
        {
            "trial": trial.number,
            content["metric"]: trial.value,
            **{name: trial.values.get(name) for name in content["space"]},
            "validations": len(trial.steps),
            "state": trial.state,
            "run": trial.run,
        }
        for trial in trials
    ]
    if as_json:
        facts = {key: value for key, value in content.items() if key != "trials"}
        number = best.number if best else None
        print_json({**facts, "best": number, "trials": rows, "figures": [str(p) for p in figures]})
        return
    print(
        f"{content['recipe']}, {content['backbone']}: {content['metric']} ({content['direction']}) "
        f"on {content['split']}, trained on {content['train_split']}"
    )
    if best:
        rows[best.number]["trial"] = f"{best.number} best"
    if rows:
        print_rows(rows, tuple(rows[0]))
    for trial in trials:
        if trial.cause:
            print(f"trial {trial.number} failed: {trial.cause}")
    for path in figures:
        print(path)


def _draw(content: Mapping[str, Any], trials: Sequence[Trial], out: Path) -> list[Path]:
    """Draw parallel coordinates, and from the fourth trial on what was important."""
    import warnings

    from mim_bench.tasks.figures import png

    scored = study.scored(trials)
    if len(scored) < 2:
        return []
    import matplotlib as mpl

    mpl.use("agg")
    import optuna
    from optuna.visualization import matplotlib as drawing

    made = sampling.optuna_study(content, trials)
    names, written = list(content["space"]), []
    label = f"{content['metric']} on {content['split']}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # these figures are called experimental
        axes: dict[str, Axes] = {
            "parallel": drawing.plot_parallel_coordinate(made, params=names, target_name=label)
        }
        if len(scored) > 3 and len({trial.value for trial in scored}) > 1:
            evaluator = optuna.importance.PedAnovaImportanceEvaluator()
            axes["importance"] = drawing.plot_param_importances(
                made, evaluator=evaluator, params=names, target_name=label
            )
    for name, one in axes.items():
        figure: Any = one.figure
        figure.set_size_inches(1.6 * len(names) + 4.0, 4.5)
        figure.set_layout_engine("tight")
        path = out / f"{name}.png"
        write_atomic(path, png(figure))
        written.append(path)
    return written
