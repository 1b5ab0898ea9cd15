"""The verb `record`: enters a score that a server gave."""

from __future__ import annotations

import datetime
import getpass
import math
import platform
from typing import TYPE_CHECKING, Any

from mim_bench.benchmarks.store import RunFolder, Store
from mim_bench.errors import Problem, UserError
from mim_bench.files import read_json
from mim_bench.verbs.printing import print_json

if TYPE_CHECKING:
    from pathlib import Path


def record_score(
    store: str,
    column: str,
    value: float,
    source: str,
    run: str | None,
    score_id: str | None,
    by: str | None,
    replace: bool,
    as_json: bool,
) -> None:
    """Enter a column's score, with who entered it, when, and where it comes from.

    Raises:
        UserError: No run waits for it, or several do; it was measured here, or entered before;
            the value is not possible.
    """
    path, score = _choose(Store(store), column, run, score_id or "")
    before = score.get("recorded")
    if score.get("state") == "done" and not before:
        raise UserError(
            f"{column} was measured here: {score.get('value')}",
            where=str(path),
            action="a measured score is not replaced by hand",
        )
    if before and not replace:
        raise UserError(
            f"{column} was entered already: {score.get('value')} by {before.get('by')}, "
            f"{before.get('when')}, from {before.get('from')}",
            where=str(path),
            action="add --replace to enter another value; this one is kept in the file",
        )
    if not math.isfinite(value) or value < 0 or (score.get("unit") == "%" and value > 100):
        unit = score.get("unit") or ""
        raise UserError(
            f"{value} can't be a {score.get('metric')}",
            where="VALUE",
            expected=f"a number from 0 to 100 ({unit})" if unit == "%" else "a number, 0 or more",
        )
    if not source.strip():
        raise UserError("says nothing", where="--source", expected="where the value comes from")
    entry = {
        "by": by or f"{getpass.getuser()}@{platform.node()}",
        "when": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "from": " ".join(source.split()),
    }
    older = [*(score.get("recorded_before") or [])]
    if before:
        older.append({**before, "value": score.get("value")})
    content = {
        **score,
        "state": "done",
        "value": value,
        "source": "recorded",
        "all": {str(score.get("metric")): value},
        "recorded": entry,
        **({"recorded_before": older} if older else {}),
    }
    folder = RunFolder(path.parent.parent)
    folder.write_score(column, str(score["id"]), content)
    if as_json:
        print_json({"run": folder.id, "column": column, "value": value, "recorded": entry})
    else:
        print(f"{column} of {folder.id}: {value}, entered by {entry['by']} from {entry['from']}")


def _choose(
    store: Store, column: str, run: str | None, score_id: str
) -> tuple[Path, dict[str, Any]]:
    """Return the score file that is meant: the only one there is, or that waits for a value."""
    folders = [store.find(run)] if run else list(store.runs())
    found = [
        (path, score)
        for folder in folders
        for path in sorted((folder.path / "scores").glob("*.json"))
        if (score := read_json(path)).get("column") == column
        and str(score.get("id", "")).startswith(score_id)
    ]
    if not found:
        raise UserError(
            f"no score of the column {column!r}",
            where=folders[0].path.as_posix() if run else str(store.root),
            expected="a run whose archive waits for a server's score",
            action="`mim-bench run` with this column makes the archive",
        )
    waiting = [one for one in found if one[1].get("state") == "pending"]
    if len(waiting) == 1:
        return waiting[0]
    if len(found) == 1:
        return found[0]
    raise UserError(
        Problem(
            f"{len(waiting or found)} scores could be meant: {score.get('id')} of the run "
            f"{score.get('run')}",
            str(path),
            action="name the run with --run, and where it has several the score with --score",
        )
        for path, score in (waiting or found)[:5]
    )
