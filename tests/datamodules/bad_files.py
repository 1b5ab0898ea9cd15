"""Ways to spoil a file of a dataset, for tests of what is said about it."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Change = Callable[[Path], Any]


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def text(content: str) -> Change:
    return lambda path: path.write_text(content)


def bytes_(content: bytes) -> Change:
    return lambda path: path.write_bytes(content)


def lines(change: Callable[[list[str]], list[str]]) -> Change:
    """Change a file's lines."""

    def how(path: Path) -> None:
        path.write_text("".join(f"{line}\n" for line in change(path.read_text().splitlines())))

    return how


def entries(change: Callable[[Any], Any]) -> Change:
    """Change what a JSON file holds, in place."""

    def how(path: Path) -> None:
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))

    return how


def pickled(change: Callable[[Any], Any]) -> Change:
    """Change what a pickle holds."""

    def how(path: Path) -> None:
        path.write_bytes(pickle.dumps(change(pickle.loads(path.read_bytes()))))

    return how


def first_of(concepts: dict[str, Any], **parts: Any) -> dict[str, Any]:
    return {**concepts, min(concepts): {**concepts[min(concepts)], **parts}}


class Trap:
    """Runs a command when it is unpickled."""

    def __reduce__(self) -> Any:
        return os.mkdir, ("trapped",)
