"""Which data a recipe runs on: the user's data root, the recipe's own, or the miniature world."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mim_bench.datamodules import miniature
from mim_bench.datamodules.readers import get_reader_class
from mim_bench.errors import Problem, UserError
from mim_bench.imports import import_object
from mim_bench.locations import default_data_root

if TYPE_CHECKING:
    from mim_bench.benchmarks.recipe import Recipe, Resolved
    from mim_bench.datamodules.readers.base import Reader


@dataclass(frozen=True)
class DataSource:
    """Where a run's data lies, and under which preset it runs.

    Attributes:
        root: The data root.
        preset: `paper` or `miniature`.
        title: What tables call the data.
        world: Whether it is the miniature world.
    """

    root: Path
    preset: str
    title: str
    world: bool = False


def choose(recipe: Recipe, data_root: str | None, preset: str | None) -> DataSource | Problem:
    """Choose a recipe's data and preset; a problem tells why it has none.

    A root in the recipe wins (relative to the recipe's file), then `data_root`, then
    `MIM_BENCH_DATA`, then the miniature world. With real data the preset is `paper` by default,
    on the world `miniature`.

    Raises:
        UserError: The data root does not exist.
    """
    own = (recipe.content["data"].get("init_args") or {}).get("root")
    if own is not None:
        return _real(recipe.source.parent / Path(str(own)).expanduser(), preset, str(own))
    given = Path(data_root).expanduser() if data_root else default_data_root()
    if given is not None:
        return _real(given, preset, str(given))
    if not set(drawn_from(recipe.content)) <= set(miniature.DATASETS):
        return Problem(
            f"the miniature world has no data for the recipe {recipe.name!r}",
            action="give a data root with --data-root or MIM_BENCH_DATA",
        )
    if preset == "paper":
        return Problem(
            "the paper preset needs the real data",
            action="give a data root with --data-root or MIM_BENCH_DATA, "
            "or run --preset miniature on the miniature world",
        )
    return DataSource(miniature.world_folder(), "miniature", miniature.TITLE, world=True)


def _real(root: Path, preset: str | None, title: str) -> DataSource:
    if not root.is_dir():
        raise UserError(
            "there is no such data root",
            where=str(root),
            expected="a folder with one folder per dataset, e.g. nyu_depth_v2/",
            action="`mim-bench show DATASET` tells where to get the data and how to lay it out",
        )
    return DataSource(root, preset or "paper", title)


def train_split(resolved: Resolved) -> str:
    """Return the name of the split that a resolved recipe trains on."""
    arguments = resolved.content["data"].get("init_args") or {}
    return str(arguments.get("train_split", "train"))


def training_splits(resolved: Resolved) -> list[str]:
    """Return the splits that a training reads: the one it learns from, and what it validates on."""
    arguments = resolved.content["data"].get("init_args") or {}
    validated = arguments.get("val_split")
    return [train_split(resolved), *([str(validated)] if validated is not None else [])]


def open_reader(resolved: Resolved, source: DataSource) -> Reader:
    """Open the reader of a resolved recipe on a data source."""
    cls, arguments = _reader(resolved.content)
    reader: Reader = cls(source.root, **arguments)
    return reader


def drawn_from(content: dict[str, Any]) -> tuple[str, ...]:
    """Return the datasets of the miniature world that a recipe's reader reads (`nyuv2`)."""
    return _reader(content)[0].drawn_from()


def reader_class(content: dict[str, Any]) -> type[Reader]:
    """Return a recipe's reader class."""
    return _reader(content)[0]


def _reader(content: dict[str, Any]) -> tuple[type[Reader], dict[str, Any]]:
    """Return a recipe's reader class and its arguments.

    A recipe names the reader, which loads no torch; a datamodule that carries its own as
    `reader_class` is imported to learn it.
    """
    part = content["data"]
    named = (part.get("init_args") or {}).get("reader")
    if isinstance(named, dict):
        return get_reader_class(named["class_path"]), dict(named.get("init_args") or {})
    if named is not None:
        return get_reader_class(str(named)), {}
    datamodule = import_object(part["class_path"], "data.class_path")
    own = getattr(datamodule, "reader_class", None)
    if own is None:
        raise UserError(
            f"{part['class_path']} has no reader",
            where="data.init_args.reader",
            action="name a reader class in the recipe, or set `reader_class` in the datamodule",
        )
    return own, {}
