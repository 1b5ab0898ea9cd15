"""What a family makes of its records: scores, parts of them, files for people and servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from mim_bench.errors import UserError
from mim_bench.tasks.scores import mean_score

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mim_bench.tasks.submissions import Submission


class Outcomes:
    """A task's side that needs records alone, no network. (No torch.)."""

    metrics: ClassVar[Mapping[str, str]] = {}
    """Metric name -> min or max."""

    @classmethod
    def score(
        cls, records: Sequence[Mapping[str, Any]], metric: str, ground_truth: Any = None
    ) -> float:
        """Return a metric over all records of a split; by default the mean over samples."""
        del ground_truth
        return mean_score(records, metric)

    @classmethod
    def scores(
        cls,
        records: Sequence[Mapping[str, Any]],
        ground_truth: Any = None,
        options: Mapping[str, Any] | None = None,
    ) -> dict[str, float]:
        """Return all metrics over a split's records; by default each one's `score`.

        A family whose metrics come of one evaluation, or depend on test options, writes this.
        """
        del options
        return {name: float(cls.score(records, name, ground_truth)) for name in cls.metrics}

    def details(
        self, records: Sequence[Mapping[str, Any]], ground_truth: Any, options: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return what a score's file says beyond its values, as plain JSON: curves, parts."""
        del records, ground_truth, options
        return {}

    def figures(self, details: Mapping[str, Any], name: str) -> dict[str, bytes]:
        """Draw what `details` returned: name -> a PNG file's content; by default nothing."""
        del details, name
        return {}

    def results(
        self, records: Sequence[Mapping[str, Any]], options: Mapping[str, Any]
    ) -> tuple[str, bytes] | None:
        """Return a split's results as the field exchanges them: a file's ending and its content.

        They are kept in the run's folder, for other people's tools; by default there are none.
        """
        del records, options
        return None

    def submission(
        self, records: Sequence[Mapping[str, Any]], options: Mapping[str, Any]
    ) -> Submission:
        """Return the archive for a server that alone knows a split's labels."""
        del records, options
        raise UserError(
            f"{type(self).__name__} makes no submissions",
            action="write `submission`, `check_submission` and `score_submission` in the task",
        )

    @classmethod
    def check_submission(cls, path: Path, expected: Mapping[str, Any]) -> None:
        """Raise a UserError with all that is wrong with an archive (see `Reader.expected`)."""
        del path, expected

    @classmethod
    def score_submission(cls, path: Path, ground_truth: Any) -> dict[str, float]:
        """Return all metrics of an archive, read back from its file: what a server does."""
        raise UserError("is scored by no server here", where=str(path))
