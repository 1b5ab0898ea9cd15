"""The verbs of `mim-bench`; nothing heavy is imported before a verb needs it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from mim_bench.cli_backbone import backbone_app
from mim_bench.cli_data import Json, data_app
from mim_bench.cli_options import (
    Backbones,
    Columns,
    DataRoot,
    Format,
    Kind,
    Labels,
    Mode,
    ModeOption,
    Overrides,
    PresetOption,
    Recipes,
    Retry,
    Seeds,
    StoreOption,
    SuiteOption,
    Trials,
)
from mim_bench.errors import UserError

app = typer.Typer(
    name="mim-bench",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Where does my backbone transfer? Fine-tunes pretrained backbones under published "
    "protocols and prints the tables of 'Revealing the Dark Secrets of Masked Image Modeling'.",
)
app.add_typer(data_app, name="data")
app.add_typer(backbone_app, name="backbone")


@app.command()
def run(
    recipes: Recipes = None,
    suite: SuiteOption = None,
    columns: Columns = None,
    backbone: Backbones = None,
    label: Labels = None,
    data_root: DataRoot = None,
    store: StoreOption = "runs",
    preset: PresetOption = None,
    mode: ModeOption = Mode.finetune,
    trials: Trials = 0,
    seed: Seeds = None,
    overrides: Overrides = None,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Workers at once.")] = 1,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at a failure.")] = False,
    retry: Annotated[Retry | None, typer.Option("--retry", help="Run failed runs again.")] = None,
    save_predictions: Annotated[
        bool,
        typer.Option("--save-predictions", help="Keep each tested sample's prediction as a file."),
    ] = False,
    timeout: Annotated[
        float | None,
        typer.Option("--timeout", metavar="MINUTES", min=0.001, help="Limit of one run."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Fine-tune the backbones on a suite or on recipes, and print the table.

    What the store holds already is not run again; an interrupted command goes on where it was.

    mim-bench run --suite geometric --backbone resnet50=pretrained
    """
    from mim_bench import reports
    from mim_bench.benchmarks.launcher import LocalLauncher
    from mim_bench.benchmarks.runner import Run, main_console
    from mim_bench.benchmarks.store import Store

    selection, request = _request(locals())
    folder = Path(store)
    launcher = LocalLauncher(
        jobs=jobs,
        timeout=timeout,
        fail_fast=fail_fast,
        retry_failed=retry is not None,
        store_log=folder / "worker.log",
    )
    command = Run(selection, request, Store(folder), launcher, main_console(as_json))
    status = command.execute()
    if as_json:
        print(reports.render(command.tables(), "json"))
    raise typer.Exit(status)


@app.command()
def plan(
    recipes: Recipes = None,
    suite: SuiteOption = None,
    columns: Columns = None,
    backbone: Backbones = None,
    label: Labels = None,
    data_root: DataRoot = None,
    store: StoreOption = "runs",
    preset: PresetOption = None,
    mode: ModeOption = Mode.finetune,
    trials: Trials = 0,
    seed: Seeds = None,
    overrides: Overrides = None,
    check: Annotated[
        bool, typer.Option("--check", help="Check every recipe (loads torch).")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show what `run` with the same options would do, without doing it."""
    from mim_bench.benchmarks.plan import make_plan
    from mim_bench.benchmarks.runner import needed_datasets
    from mim_bench.benchmarks.store import Store
    from mim_bench.datamodules import miniature
    from mim_bench.verbs import looking

    _, request = _request(locals())
    datasets = needed_datasets(request)
    if datasets and not miniature.is_drawn(miniature.world_folder(), datasets):
        raise UserError(
            f"the miniature world ({', '.join(datasets)}) is not drawn yet, and identities "
            "depend on its data",
            action="`mim-bench data make` draws it; `mim-bench run` does so by itself",
        )
    made = make_plan(request, Store(store)).grown()
    if check:
        from mim_bench.benchmarks.check import check_recipe, check_weights

        problems = {
            problem
            for node in [*made.nodes, *(one.examples[0] for one in made.awaiting)]
            for problem in check_recipe(node.resolved.content, node.recipe)
        }
        problems |= {problem for one in request.backbones for problem in check_weights(one)}
        if problems:
            raise UserError(sorted(problems, key=str))
    looking.show_plan(made, Store(store), as_json)


@app.command()
def report(
    suite: SuiteOption = None,
    store: StoreOption = "runs",
    form: Annotated[Format, typer.Option("--format", help="How it is written.")] = Format.terminal,
    mixed_cards: Annotated[
        bool, typer.Option("--mixed-cards", help="Mix protocol cards in one column.")
    ] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Write to a file.")] = None,
    as_json: Json = False,
) -> None:
    """Print the tables of everything that the store holds."""
    from mim_bench.verbs import looking

    looking.show_report(store, suite, "json" if as_json else form.value, mixed_cards, out)


@app.command()
def status(store: StoreOption = "runs", as_json: Json = False) -> None:
    """List the runs of the store: state, progress, scores, causes of failures."""
    from mim_bench.verbs import looking

    looking.show_status(store, as_json)


@app.command()
def explain(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A prefix of an id, or a folder.")],
    other: Annotated[
        str | None, typer.Argument(metavar="[OTHER]", help="Show what differs from this run.")
    ] = None,
    store: StoreOption = "runs",
    as_json: Json = False,
) -> None:
    """Tell what a run is, what made it, and what its numbers mean."""
    from mim_bench.verbs import looking

    looking.show_run(store, run, other, as_json)


@app.command()
def record(
    column: Annotated[str, typer.Argument(help="The column, e.g. coco-test-dev.")],
    value: Annotated[float, typer.Argument(help="Its value, in the table's unit.")],
    source: Annotated[
        str, typer.Option("--source", metavar="TEXT", help="Where the value comes from.")
    ],
    run: Annotated[
        str | None, typer.Option("--run", metavar="RUN", help="Whose score it is.")
    ] = None,
    score: Annotated[
        str | None,
        typer.Option("--score", metavar="ID", help="Where a run has several: a prefix of its id."),
    ] = None,
    by: Annotated[
        str | None, typer.Option("--by", metavar="NAME", help="Who enters it. Default: you.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Enter another value than before.")
    ] = False,
    store: StoreOption = "runs",
    as_json: Json = False,
) -> None:
    """Enter the score that a server gave for a run's submission.

    mim-bench record coco-test-dev 75.2 --run 3f1c --source "COCO server, entry 512"
    """
    from mim_bench.verbs import recording

    recording.record_score(store, column, value, source, run, score, by, replace, as_json)


@app.command("list")
def list_(
    what: Annotated[Kind, typer.Argument(help="What to list.")],
    all_names: Annotated[
        bool, typer.Option("--all", help="Backbones: every timm name too.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List suites, recipes, datasets, tasks or backbones."""
    from mim_bench.verbs import listing

    listing.show_list(what.value, all_names, as_json)


@app.command()
def show(
    name: Annotated[
        str, typer.Argument(help="A suite, recipe, column, dataset or backbone, or `search`.")
    ],
    which: Annotated[
        str | None,
        typer.Argument(metavar="[ID]", help="After `search`: a prefix of its id, or a recipe."),
    ] = None,
    store: StoreOption = "runs",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where a search's figures go.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show one thing: a dataset's licence and layout, a recipe's protocol, a suite's columns.

    `mim-bench show search` lists the searches of a store; with an id or a recipe it shows the
    trials and draws them.
    """
    if name == "search":
        from mim_bench.verbs import searches

        searches.show_searches(store, which, out, as_json)
        return
    from mim_bench.verbs import listing

    if which is not None:
        raise UserError(f"{which!r} is one thing too many", where="show", expected="one name")
    listing.show_name(name, as_json)


def _request(options: dict[str, Any]) -> tuple[Any, Any]:
    """Read the options that `run` and `plan` share, by their names."""
    from mim_bench.verbs.requests import make_request

    preset = options["preset"]
    return make_request(
        recipes=options["recipes"] or [],
        suite=options["suite"],
        columns=options["columns"],
        backbone=options["backbone"] or [],
        label=options["label"] or [],
        data_root=options["data_root"],
        preset=preset.value if preset else None,
        mode=options["mode"].value,
        seed=options["seed"] or [],
        overrides=options["overrides"] or [],
        save_predictions=options.get("save_predictions", False),
        trials=options["trials"],
    )


def main() -> None:
    """Run the command line; a user's mistake is one message and exit status 2."""
    try:
        app()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of a pipe has gone: nothing to say
        sys.exit(0)


if __name__ == "__main__":
    main()
