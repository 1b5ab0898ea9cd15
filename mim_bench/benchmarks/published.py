"""The paper's own numbers, as rows that a table can show below the measured ones."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mim_bench.errors import UserError, unknown
from mim_bench.yamlfiles import read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FILE = Path(__file__).parent / "published.yaml"


@dataclass(frozen=True)
class PublishedRow:
    """One line of a published table.

    Attributes:
        id: Its name in published.yaml; suites refer to it.
        backbone: As printed (`SwinV2-B`).
        pretrain: As printed (`1K-MIM`).
        setting: What sets the line apart from the table's others.
        where: Where the paper prints it.
        note: What the reader has to know about it.
        values: Values by column name, in the column's unit.
    """

    id: str
    backbone: str
    pretrain: str = ""
    setting: str = ""
    where: str = ""
    note: str = ""
    values: Mapping[str, float] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What a table prints: backbone, pre-training, setting."""
        name = " ".join(part for part in (self.backbone, self.pretrain) if part)
        return f"{name}, {self.setting}" if self.setting else name


@dataclass(frozen=True)
class Published:
    """What one paper prints.

    Attributes:
        paper: Its authors and title.
        rows: Lines of tables, by id.
        statements: Numbers of the text, by id: `what`, `where`, `metric`, `unit`, `value` or
            `range`, and where there is one `column`.
    """

    paper: str
    rows: Mapping[str, PublishedRow]
    statements: Mapping[str, Mapping[str, Any]]

    def select(self, ids: Iterable[str], where: str = "") -> list[PublishedRow]:
        """Return rows by id.

        Raises:
            UserError: There is no such row; the nearest is suggested.
        """
        wanted = list(ids)
        if missing := [name for name in wanted if name not in self.rows]:
            raise UserError(unknown("published row", name, self.rows, where) for name in missing)
        return [self.rows[name] for name in wanted]


@functools.cache
def load_published() -> Published:
    """Load the paper's numbers (read once per process)."""
    content = read_yaml(FILE)
    rows = {name: PublishedRow(name, **fields) for name, fields in content["rows"].items()}
    return Published(content["paper"], rows, content["statements"])
