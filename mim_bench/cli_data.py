"""The verbs of `mim-bench data`; nothing heavy is imported before a verb needs it."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer

data_app = typer.Typer(no_args_is_help=True, help="Make, prepare and check data roots.")

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@data_app.command("make")
def data_make(
    root: Annotated[
        Path | None, typer.Argument(help="Where to; default: the cache that `run` reads.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="The world's seed.")] = 0,
    as_json: Json = False,
) -> None:
    """Draw the miniature world: every dataset in its official layout, and contact sheets."""
    from mim_bench.verbs import data

    data.make_world(root, seed, as_json)


@data_app.command("check")
def data_check(
    root: Annotated[Path, typer.Argument(help="A data root.")],
    dataset: Annotated[
        list[str] | None, typer.Option("--dataset", help="Only these. Repeatable.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say for each dataset of a data root what is there and what is missing."""
    from mim_bench.verbs import data

    raise typer.Exit(data.check_data(root, dataset or [], as_json))


@data_app.command("prepare")
def data_prepare(
    dataset: Annotated[str, typer.Argument(help="nyu_depth_v2: its 654 test frames.")],
    source: Annotated[
        Path, typer.Argument(metavar="MAT", help="nyu_depth_v2_labeled.mat from the home page.")
    ],
    splits: Annotated[
        Path | None,
        typer.Option("--splits", metavar="FILE", help="splits.mat; default: beside MAT."),
    ] = None,
    root: Annotated[
        Path | None,
        typer.Option(
            "--root", metavar="DIR", envvar="MIM_BENCH_DATA", help="The data root to fill."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Bring a dataset that is published in another form into its layout.

    Nothing that is there is overwritten; a command that was cut off is simply repeated.
    """
    from mim_bench.verbs import data

    raise typer.Exit(data.prepare_data(dataset, source, splits, root, as_json))
