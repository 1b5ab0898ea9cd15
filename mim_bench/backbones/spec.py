"""Which backbone is meant: its name, its weights, and how they are loaded (no torch here)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mim_bench.backbones.catalogue import catalogue
from mim_bench.backbones.formats import ENCODERS, NORMALISATIONS
from mim_bench.backbones.hashes import weights_hash
from mim_bench.backbones.hub import hub_model, is_hub, is_repository, spelled
from mim_bench.backbones.names import timm_names, timm_version
from mim_bench.errors import Problem, UserError, nearest, unknown
from mim_bench.files import digest

if TYPE_CHECKING:
    from collections.abc import Mapping

PRETRAINED = "pretrained"
OPTIONS: Mapping[str, type | tuple[str, ...]] = {
    "allow_missing": bool,
    "encoder": ENCODERS,
    "normalisation": tuple(NORMALISATIONS),
    "resample": ("timm", "official"),
}
"""Known options and their type or choices.

`allow_missing`: weights need not cover the whole network. `encoder`: of a file with two networks
the one that was trained or its moving average (default: the one its authors evaluate).
`normalisation`: mean and deviation of the input, where neither the catalogue nor the file's format
says it (default: timm's for the name). `resample`: how tables and positions are fitted to another
size (default: timm's rules).
"""

# longer words first: "xlarge" holds "large"
_SIZES = (
    *("gigantic", "xxlarge", "xlarge", "giant", "huge", "large", "medium", "base", "small"),
    *("mini", "micro", "tiny", "nano", "pico", "femto", "atto"),
)


@dataclass(frozen=True)
class BackboneSpec:
    """A timm architecture plus pretrained weights plus how they are loaded.

    Attributes:
        name: A timm name (a tag may follow: `resnet50.a1_in1k`), one of the catalogue, or a
            repository of timm's on the Hugging Face Hub (`hf-hub:org/model`, `@revision`).
        weights: None for random initialisation, "pretrained" for timm's own, else a path.
        label: What a table shows instead of `title`.
        options: Options of loading, see `OPTIONS`.

    Raises:
        UserError: An option is unknown or of the wrong type, or the name is empty.
    """

    name: str
    weights: str | None = None
    label: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        entry = catalogue().get(self.name)
        object.__setattr__(self, "name", spelled(self.name))
        if self.weights == PRETRAINED and entry and entry.file:
            object.__setattr__(self, "weights", str(entry.weights_file))
        if not self.name:
            raise UserError("a backbone has no name", expected="NAME, NAME=pretrained or NAME=FILE")
        where = f"options of backbone {self.name!r}"
        problems = []
        for key, value in self.options.items():
            if key not in OPTIONS:
                problems.append(unknown("option", key, OPTIONS, where))
                continue
            allowed = OPTIONS[key]
            if isinstance(allowed, tuple):
                if value not in allowed:
                    problems.append(unknown(key, str(value), allowed, where))
            elif not isinstance(value, allowed):
                expected = f"{key}: a {allowed.__name__}"
                problems.append(Problem(f"{key} is {value!r}", where, expected))
        if problems:
            raise UserError(problems)

    @classmethod
    def parse(cls, text: str, label: str | None = None) -> BackboneSpec:
        """Read `NAME`, `NAME=pretrained` or `NAME=FILE`, as typed on the command line.

        Raises:
            UserError: There is no name, or nothing after the equals sign.
        """
        name, equals, weights = text.strip().partition("=")
        if not name.strip() or (equals and not weights.strip()):
            raise UserError(
                f"{text!r} names no backbone", expected="NAME, NAME=pretrained or NAME=FILE"
            )
        return cls(name.strip(), weights.strip() or None, label)

    @property
    def title(self) -> str:
        """What a table shows: the label, else the name and where the weights come from."""
        if self.label:
            return self.label
        if self.weights is None:
            return f"{self.name} (random)"
        if self.weights == PRETRAINED:
            return f"{self.name} (pretrained)"
        return f"{self.name}={Path(self.weights).name}"

    @property
    def slug(self) -> str:
        """The name as a folder, with 8 hexadecimal digits of the weights' hash when there are any.

        Options are not part of it: they are part of the training id, which is a folder below.

        Raises:
            UserError: The weights are a file that can't be read.
        """
        name = re.sub(r"[^A-Za-z0-9_.]+", "-", self.name).strip("-.")
        sha = self.weights_hash()
        return f"{name}-{sha[:8]}" if sha else name

    @property
    def size(self) -> str:
        """tiny, small, base, large, huge, mini ...: by the catalogue, else by the name.

        Names that say no size ("resnet50") are "default".
        """
        if entry := catalogue().get(self.name):
            return entry.size
        words = re.split(r"[_./:@\-]", self.name.lower())
        return next((size for size in _SIZES if size in words), "default")

    def weights_sha256(self) -> str | None:
        """Return what identifies the weights: a file's sha256, or None for random ones.

        timm's own weights are named by tag and version, since their file is known only after
        it was fetched: `timm:a1_in1k@1.0.31`. Those of the Hub are named by the commit, which
        is also what is loaded: `hf-hub:org/model@<commit>`.

        Raises:
            UserError: The file is missing or can't be read, or the Hub can't be reached.
        """
        if self.weights is None:
            return None
        if self.weights == PRETRAINED and is_hub(self.name):
            return hub_model(self.name).pinned
        if self.weights == PRETRAINED:
            _, _, tag = self.name.partition(".")
            return f"timm:{tag or 'default'}@{timm_version()}"
        return weights_hash(Path(self.weights))

    def weights_hash(self) -> str | None:
        """Return 64 hexadecimal digits for any weights, None for random ones."""
        if self.weights is None:
            return None
        if self.weights == PRETRAINED:
            return digest(self.weights_sha256())
        return self.weights_sha256()

    def identity(self) -> dict[str, Any]:
        """Return what of it can change a result: never the label, never a path."""
        return {
            "name": self.name,
            "weights": self.weights_sha256(),
            # an option at its default is no option
            "options": {key: value for key, value in sorted(self.options.items()) if value},
            # a repository's settings make the network, with weights or without
            **({"revision": hub_model(self.name).pinned} if is_hub(self.name) else {}),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON content, from which `from_dict` makes the spec again."""
        return {
            "name": self.name,
            "weights": self.weights,
            "label": self.label,
            "options": dict(self.options),
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> BackboneSpec:
        """Make a spec from `{"name", "weights", "label", "options"}`; only the name is needed.

        Raises:
            UserError: A key is unknown, or the name is missing.
        """
        known = ("name", "weights", "label", "options")
        problems = [unknown("key", key, known, "backbone") for key in content if key not in known]
        if "name" not in content:
            problems.append(Problem("a backbone has no name", expected="name: a timm name"))
        if problems:
            raise UserError(problems)
        fields = {key: value for key, value in content.items() if value is not None}
        return cls(**fields)

    def check(self) -> list[Problem]:
        """Return what is wrong with the name or the file, without importing torch."""
        problems = _check_architecture(self.name)
        if self.weights not in (None, PRETRAINED) and not Path(str(self.weights)).is_file():
            entry = catalogue().get(self.name)
            get = f"download it: {entry.how_to_get}" if entry and entry.file else ""
            problems.append(
                Problem(
                    f"there is no weights file {self.weights}",
                    f"backbone {self.name!r}",
                    "a checkpoint of PyTorch or safetensors",
                    get or "check the path (it is taken relative to the current folder)",
                )
            )
        return problems


def check_name(name: str) -> list[Problem]:
    """Return what is wrong with `NAME` or `NAME=FILE`: [] when it can be built.

    An unknown name gets the nearest known one suggested. Imports neither torch nor timm.
    """
    try:
        return BackboneSpec.parse(name).check()
    except UserError as error:
        return list(error.problems)


def _check_architecture(name: str) -> list[Problem]:
    if is_hub(name):
        where = f"backbone {name!r}"
        problem = Problem("names no repository of the Hub", where, "hf-hub:org/model")
        return [] if is_repository(name) else [problem]
    known = timm_names()
    if name in catalogue() or name.partition(".")[0] in known:
        return []
    suggestion = nearest(name, [*catalogue(), *known])
    listed = "`mim-bench list backbones` shows all"
    return [
        Problem(
            f"unknown backbone {name!r}",
            expected="a timm name, or one of the catalogue, such as swinv2_base/1k-mim",
            action=f"{suggestion} ({listed})" if suggestion else listed,
        )
    ]
