"""What becomes of tracks: scores under a benchmark's rules, curves, archives for servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mim_bench.tasks.outcomes import Outcomes
from mim_bench.tasks.tracking_rules import METRIC_OF, evaluate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from mim_bench.tasks.submissions import Submission


class TrackingOutcomes(Outcomes):
    """The tracking task's side that needs records alone. (No torch.)."""

    @classmethod
    def scores(
        cls,
        records: Sequence[Mapping[str, Any]],
        ground_truth: Any = None,
        options: Mapping[str, Any] | None = None,
    ) -> dict[str, float]:
        """Return all metrics of a split in percent, under the rules that the options name."""
        rules = (options or {}).get("rules") or ground_truth["benchmark"]
        found = evaluate(rules, ground_truth, tracks_of(records))
        return {name: 100 * value for name, value in found.values.items()}

    def details(
        self, records: Sequence[Mapping[str, Any]], ground_truth: Any, options: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return what a score's file says beyond the values: by sequence, by attribute, curves."""
        rules = options.get("rules") or ground_truth["benchmark"]
        found = evaluate(rules, ground_truth, tracks_of(records))
        return {
            "by_sequence": found.sequences,
            "by_attribute": found.attributes,
            "curves": {
                name: {
                    "x": np.asarray(x).tolist(),
                    "y": np.asarray(y).tolist(),
                    "score": found.values[METRIC_OF.get(name, name)],
                }
                for name, (x, y) in found.curves.items()
            },
        }

    def figures(self, details: Mapping[str, Any], name: str) -> dict[str, bytes]:
        """Draw success and precision curves, each with its score as its benchmark defines it."""
        from mim_bench.tasks.tracking_plots import curve_plot

        return {
            kind: curve_plot(kind, {name: (curve["x"], curve["y"])}, {name: curve["score"]})
            for kind, curve in details["curves"].items()
        }

    def results(
        self, records: Sequence[Mapping[str, Any]], options: Mapping[str, Any]
    ) -> tuple[str, bytes] | None:
        """Return a zip archive with a text file `<sequence>.txt` for each."""
        from mim_bench.tasks.tracking_submissions import results_archive

        del options
        return ".zip", results_archive(tracks_of(records))

    def submission(
        self, records: Sequence[Mapping[str, Any]], options: Mapping[str, Any]
    ) -> Submission:
        """Return the archive for GOT-10k's or TrackingNet's server."""
        from mim_bench.tasks.tracking_submissions import submission

        times = {record["id"]: record["seconds"] for record in records}
        return submission(str(options.get("rules")), tracks_of(records), times)

    @classmethod
    def check_submission(cls, path: Path, expected: Mapping[str, Any]) -> None:
        """Raise a UserError with all that the benchmark's server would refuse."""
        from mim_bench.tasks.tracking_submissions import check_submission

        check_submission(path, expected["benchmark"], expected["frames"])

    @classmethod
    def score_submission(cls, path: Path, ground_truth: Any) -> dict[str, float]:
        """Return all metrics of an archive in percent, as its server would."""
        from mim_bench.tasks.tracking_submissions import read_submission

        benchmark = ground_truth["benchmark"]
        found = evaluate(benchmark, ground_truth, read_submission(path, benchmark))
        return {name: 100 * value for name, value in found.values.items()}


def tracks_of(records: Sequence[Mapping[str, Any]]) -> dict[str, npt.NDArray[np.float64]]:
    """Return the boxes (N, 4) of each sequence of stored records."""
    return {record["id"]: np.asarray(record["boxes"], np.float64) for record in records}
