"""Backbones with a name of our own: a timm architecture with arguments and facts about it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mim_bench.backbones.windows import layout_of, map_sizes
from mim_bench.locations import cache_folder
from mim_bench.yamlfiles import read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DEFAULT_BACKBONES: tuple[str, ...] = ("convnext_mini", "swinv2_mini", "vit_mini")
"""The rows of a run that names no backbone: three families, small enough for a CPU."""

FORMATS: tuple[str, ...] = (
    *("simmim-swinv2", "simmim-swin", "simmim-vit", "swinv2", "swin", "deit", "mocov3", "mocov2"),
    *("mae", "beit", "dino", "dinov2", "ibot", "msn", "densecl", "detco", "pixpro", "convnext"),
    *("timm", "torchvision"),
)
"""Whose code wrote a file of weights: what an entry's `format` may be."""


@dataclass(frozen=True)
class Entry:
    """One backbone of the catalogue.

    Attributes:
        name: Its name, as typed.
        architecture: The timm architecture it is made from.
        arguments: What that architecture is built with instead of its own arguments.
        size: Which of a recipe's `by_size` values it takes.
        title: Its name in prose.
        params: Number of parameters, without a classifier; the miniature ones without final norm.
        note: Anything else worth knowing; says what is unverified.
        mean: Mean of each colour in 0..1 that its weights expect; empty where timm's is right.
        std: Deviation of each colour, likewise.
        pretraining: Method and data that made its weights; empty for an architecture alone.
        format: The file's own format, see `FORMATS`.
        file: Name of the weights' file: as published, unless `note` says otherwise.
        source: Its address, or that of a page that leads to it.
        direct: Whether `source` is the file itself.
        licence: The weights' licence.
        resolution: Side of the pretraining's images in pixels; 0 where there was none.
        window: Attention window of the pretraining per stage, in tokens.
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
    pretraining: str = ""
    format: str = ""
    file: str = ""
    source: str = ""
    direct: bool = False
    licence: str = ""
    resolution: int = 0
    window: tuple[int, ...] = ()

    @property
    def weights_file(self) -> Path:
        """Where its weights are looked for."""
        return cache_folder() / "weights" / self.file

    @property
    def how_to_get(self) -> str:
        """What to download, from where, and where to put it."""
        if self.direct:
            path = shlex.quote(str(self.weights_file))
            return f"curl -L --create-dirs -o {path} {self.source}"
        return f"get {self.file} from {self.source} and put it at {self.weights_file}"

    def windows_at(self, window: int, image_size: Sequence[int]) -> tuple[tuple[int, int], ...]:
        """Return the attention windows per stage, clamped to the maps.

        Args:
            window: The window asked for, in tokens.
            image_size: Height and width in pixels.

        Returns:
            Height and width of the window in tokens for each stage (strides 4, 8, 16, 32);
            nothing for architectures other than Swin and SwinV2.
        """
        if not self.architecture.startswith("swin"):
            return ()
        maps = map_sizes((image_size[0], image_size[1]), (4, 4), 4)
        return tuple(layout_of(size, (window, window)).window for size in maps)


@cache
def catalogue() -> Mapping[str, Entry]:
    """Return all entries by name, in the order of the file."""
    content = read_yaml(Path(__file__).with_name("catalogue.yaml"))
    return MappingProxyType({name: _entry(name, fields) for name, fields in content.items()})


def _entry(name: str, fields: Mapping[str, Any]) -> Entry:
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()
    }
    values["arguments"] = MappingProxyType(fields.get("arguments", {}))
    return Entry(name, **values)
