"""Backbones of the Hugging Face Hub: which revision of a repository is meant (no torch here)."""

from __future__ import annotations

import logging
import re
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from mim_bench.errors import UserError
from mim_bench.files import read_json

if TYPE_CHECKING:
    from collections.abc import Iterator

_SOURCE = re.compile(r"hf[-_]hub:", re.IGNORECASE)
_REPOSITORY = re.compile(r"([\w.-]+/)?[\w.-]+(@[^@\s]+)?")
PREFIX = "hf-hub:"


@dataclass(frozen=True)
class HubModel:
    """A repository as it is at one revision.

    Attributes:
        pinned: timm's name for it with the hash of the commit: `hf-hub:org/model@<40 digits>`.
        architecture: The timm architecture that its configuration names.
    """

    pinned: str
    architecture: str


def is_hub(name: str) -> bool:
    """Say whether a backbone's name is that of a repository."""
    return _SOURCE.match(name) is not None


def spelled(name: str) -> str:
    """Return a name with the prefix `hf-hub:` where it has another spelling of it."""
    return _SOURCE.sub(PREFIX, name, count=1) if is_hub(name) else name


def is_repository(name: str) -> bool:
    """Say whether what follows the prefix can be a repository: `org/model` or `org/model@v1`."""
    return _REPOSITORY.fullmatch(spelled(name).removeprefix(PREFIX)) is not None


@cache
def hub_model(name: str) -> HubModel:
    """Look a repository up, once per process.

    Its configuration is fetched, or taken from the Hub's own cache where there is no network; the
    weights are timm's to fetch, at the revision that is found here.

    Raises:
        UserError: It can't be had, or is not timm's.
    """
    from huggingface_hub import hf_hub_download

    repository, _, revision = spelled(name).removeprefix(PREFIX).partition("@")
    try:
        with _quiet():
            found = hf_hub_download(repository, "config.json", revision=revision or None)
    except (OSError, ValueError) as error:  # the Hub's own errors are one or the other
        first = str(error).partition("\n")[0] or type(error).__name__
        raise UserError(
            f"{name!r} can't be had from the Hugging Face Hub: {first}",
            action="run it once on a machine with a network and take along its cache "
            "(HF_HOME); or download the weights and give the file with timm's name (NAME=FILE)",
        ) from error
    path = Path(found)  # .../snapshots/<commit>/config.json
    architecture = read_json(path).get("architecture")
    if not isinstance(architecture, str):
        raise UserError(
            f"{name!r} is no repository of timm: its config.json names no architecture",
            action="choose one of timm's (library: timm), or give a file (NAME=FILE)",
        )
    return HubModel(f"{PREFIX}{repository}@{path.parent.name}", architecture)


@contextmanager
def _quiet() -> Iterator[None]:
    """While it lasts, the Hub's client does not tell of each attempt."""
    logger = logging.getLogger("huggingface_hub")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
