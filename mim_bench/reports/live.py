"""Tables that fill while runs progress: redrawn on a terminal, a line for each change elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mim_bench.reports.formats import open_console
from mim_bench.reports.signs import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from rich.console import Console, RenderableType
    from rich.live import Live

    from mim_bench.reports.table import Cell, Table

STEP = 0.25
"""Where nothing is redrawn, a running run is mentioned each time it has done this share."""


class LiveView:
    """Shows tables while a plan is worked off; use as a context manager and call `poll` often.

    On a terminal the tables are redrawn in place, at most every `interval` seconds and only when
    something changed, and vanish at the end: the caller prints the final tables. Elsewhere each
    change of a cell is one plain line. Nothing runs in the background.

    Args:
        rebuild: Makes the tables anew from the store.
        console: Where to show them (default: standard output).
        interval: Seconds between two looks at the store.
    """

    def __init__(
        self,
        rebuild: Callable[[], Sequence[Table]],
        console: Console | None = None,
        interval: float = 0.5,
    ) -> None:
        self.rebuild = rebuild
        self.console = console if console is not None else open_console()
        self.interval = interval
        self._next = 0.0
        self._shown: object = None
        self._said: dict[tuple[str, str, str], str] = {}
        self._live: Live | None = None

    def __enter__(self) -> LiveView:
        if self.console.is_terminal:
            from rich.live import Live

            self._live = Live(console=self.console, auto_refresh=False, transient=True)
            self._live.start()
        self.poll(force=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self.poll(force=True)
        finally:
            if self._live is not None:
                self._live.stop()

    def poll(self, force: bool = False) -> None:
        """Show what changed in the store; does nothing when it is too early.

        Args:
            force: Look at the store however short ago the last look was.
        """
        now = time.monotonic()
        if now < self._next and not force:
            return
        tables = self.rebuild()
        self._next = time.monotonic() + self.interval
        if self._live is None:
            self._say(tables)
            return
        state = (tables, self.console.size)
        if state != self._shown:
            self._shown = state
            self._live.update(self._draw(tables), refresh=True)

    def _draw(self, tables: Sequence[Table]) -> RenderableType:
        from rich.console import Group

        from mim_bench.reports.terminal import renderables

        group = Group()
        for references in (True, False):  # the paper's rows give way on a low screen
            group = Group(
                *(part for table in tables for part in renderables(table, self.console, references))
            )
            if len(self.console.render_lines(group)) < self.console.size.height:
                break
        return group

    def _say(self, tables: Sequence[Table]) -> None:
        for table in tables:
            changes: dict[tuple[str, str], list[str]] = {}
            for row in table.rows_of("measured"):
                for column in table.columns:
                    text = _milestone(row.cells[column.name])
                    place = (table.title, f"{row.title}/{row.mode}", column.name)
                    if text != self._said.get(place, ""):
                        self._said[place] = text
                        changes.setdefault((row.label, text), []).append(column.name)
            # columns of one run change together
            for (label, text), names in changes.items():
                if text:
                    clock = time.strftime("%H:%M:%S")
                    line = f"{clock} {label} · {', '.join(names)}: {text}"
                    line = plain(line, self.console.encoding)
                    self.console.print(line, markup=False, emoji=False, highlight=False)


def _milestone(cell: Cell) -> str:
    if cell.state in ("missing", "planned"):
        return ""
    if cell.state == "failed":
        return f"failed: {cell.cause}" if cell.cause else "failed"
    if cell.state != "running" or cell.progress is None:
        return "started" if cell.text in ("starting", "running") else cell.marked
    share = int(cell.progress / STEP) * STEP
    word = cell.text.split()[0]
    if share == 0:
        return "started" if word == "running" else word
    return f"{word} {share:.0%}"
