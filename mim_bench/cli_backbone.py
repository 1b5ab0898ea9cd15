"""The verbs under `mim-bench backbone`."""

from __future__ import annotations

from typing import Annotated

import typer

from mim_bench.cli_data import Json  # noqa: TC001 - typer reads the annotations

backbone_app = typer.Typer(no_args_is_help=True, help="Look at pretrained weights.")


@backbone_app.callback()
def backbone() -> None:
    """Look at pretrained weights."""


@backbone_app.command()
def inspect(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A checkpoint.")],
    name: Annotated[
        str | None,
        typer.Option("--as", metavar="NAME", help="The backbone to hold it against."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what a weights file is: format, sizes, which names go where, what is left over.

    mim-bench backbone inspect swinv2_base_1k_500k.pth
    """
    from mim_bench.verbs import inspecting

    inspecting.show_file(file, name, as_json)
