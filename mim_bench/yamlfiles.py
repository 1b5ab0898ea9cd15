"""YAML read as data: safe, `1e-3` is a number, a key may stand only once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from mim_bench.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path


class _Loader(yaml.SafeLoader):
    """Safe YAML with the floats of YAML 1.2 and without repeated keys."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key!r} stands twice", problem_mark=key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


# YAML 1.1, which PyYAML reads, takes "5e-4" for a text
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$|[-+]?\.inf$|\.nan$"),
    list("-+0123456789."),
)


def parse_yaml(text: str, where: str) -> Any:
    """Parse YAML text.

    Args:
        text: The YAML.
        where: What errors name as its origin.

    Raises:
        UserError: The text is no valid YAML; line and column are named.
    """
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a subclass of SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{where}, line {mark.line + 1}, column {mark.column + 1}" if mark else where
        raise UserError(f"is no valid YAML: {error.problem}", where=place) from error
    except yaml.YAMLError as error:
        raise UserError(f"is no valid YAML: {error}", where=where) from error


def read_yaml(path: Path) -> Any:
    """Read a YAML file (see `parse_yaml`).

    Raises:
        UserError: The file is missing, unreadable or no valid YAML.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"can't be read: {error}", where=str(path)) from error
    return parse_yaml(text, str(path))
