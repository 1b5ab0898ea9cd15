"""Backbones with a name of our own: a timm architecture with arguments and facts about it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mim_bench.yamlfiles import read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_BACKBONES: tuple[str, ...] = ("convnext_mini", "swinv2_mini", "vit_mini")
"""The rows of a run that names no backbone: three families, small enough for a CPU."""


@dataclass(frozen=True)
class Entry:
    """One backbone of the catalogue.

    Attributes:
        name: Its name, as typed.
        architecture: The timm architecture it is made from.
        arguments: What that architecture is built with instead of its own arguments.
        size: Which of a recipe's `by_size` values it takes.
        title: Its name in prose.
        params: Number of parameters, without a classifier.
        note: Anything else worth knowing.
        mean: Mean of each colour in 0..1 that its weights expect; empty where timm's is right.
        std: Deviation of each colour, likewise.
    """

    name: str
    architecture: str
    arguments: Mapping[str, Any]
    size: str
    title: str
    params: int
    note: str = ""
    mean: tuple[float, float, float] | tuple[()] = ()
    std: tuple[float, float, float] | tuple[()] = ()


@cache
def catalogue() -> Mapping[str, Entry]:
    """Return all entries by name, in the order of the file."""
    content = read_yaml(Path(__file__).with_name("catalogue.yaml"))
    return MappingProxyType(
        {
            name: Entry(name, **{**fields, "arguments": MappingProxyType(fields["arguments"])})
            for name, fields in content.items()
        }
    )
