"""Options that several verbs of `mim-bench` share."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer


class Preset(str, Enum):
    """An overlay on recipes."""

    paper = "paper"
    miniature = "miniature"


class Mode(str, Enum):
    """What is trained."""

    finetune = "finetune"
    frozen = "frozen"


class Kind(str, Enum):
    """What can be listed."""

    suites = "suites"
    recipes = "recipes"
    datasets = "datasets"
    tasks = "tasks"
    backbones = "backbones"


class Format(str, Enum):
    """How a report is written."""

    terminal = "terminal"
    md = "md"
    csv = "csv"
    json = "json"


class Retry(str, Enum):
    """Which runs are tried again."""

    failed = "failed"


Recipes = Annotated[
    list[str] | None, typer.Argument(metavar="[RECIPE.yaml]...", help="Recipes of your own.")
]
SuiteOption = Annotated[
    str | None, typer.Option("--suite", help="geometric, semantic, combined, all, or a YAML file.")
]
Columns = Annotated[
    str | None, typer.Option("--columns", help="Only these columns, e.g. nyuv2,kitti.")
]
Backbones = Annotated[
    list[str] | None,
    typer.Option(
        "--backbone",
        metavar="NAME[=FILE]",
        help="A timm name or a catalogue name; alone randomly initialised, =pretrained with "
        "timm's weights, =FILE with a checkpoint. Repeatable: one row each.",
    ),
]
Labels = Annotated[
    list[str] | None, typer.Option("--label", help="A row's name, in the order of --backbone.")
]
DataRoot = Annotated[
    str | None,
    typer.Option(
        "--data-root",
        metavar="DIR",
        envvar="MIM_BENCH_DATA",
        help="The folder that holds one folder per dataset. Without it the miniature world is "
        "drawn.",
    ),
]
StoreOption = Annotated[str, typer.Option("--store", metavar="DIR", help="Where runs are kept.")]
PresetOption = Annotated[
    Preset | None,
    typer.Option("--preset", help="Default: paper with a data root, miniature without."),
]
ModeOption = Annotated[Mode, typer.Option("--mode", help="Train everything, or the head alone.")]
Seeds = Annotated[
    list[int] | None, typer.Option("--seed", help="Repeatable: one run each. Default 0.")
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a recipe, e.g. task.lr=1e-4."),
]
Trials = Annotated[
    int,
    typer.Option(
        "--trials",
        min=0,
        help="Search the recipes' settings with so many trials each, then train with the winner's. "
        "0 takes the recipes' own values.",
    ),
]
