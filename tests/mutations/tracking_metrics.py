"""Facts of tracking's metrics and of the archives that its servers take."""

from tests.mutations.mutation import Mutation

_RULES = "tests/tasks/test_tracking_rules.py"
_SUBMISSIONS = "tests/tasks/test_tracking_submissions.py"
_METRICS = "tests/tasks/test_tracking_metrics.py"
_OWN = f"{_RULES}::test_as_the_benchmarks_own_tools"
_SCORING = "tasks/tracking_scoring.py"
_CURVES = "tasks/tracking_curves.py"
_FILES = "tasks/tracking_submissions.py"

TRACKING_METRICS = (
    # GOT-10k
    Mutation(
        "got10k leaves out the first frame",
        _SCORING,
        "    counted[frames.first] = False\n",
        "",
        f"{_OWN}[got10k]",
    ),
    Mutation(
        "got10k leaves out frames without cover",
        _SCORING,
        'frames.others["cover"] > 0',
        'frames.others["cover"] >= 0',
        f"{_OWN}[got10k]",
    ),
    Mutation(
        "got10k pools frames",
        _SCORING,
        'values = {"ao": float(found.sum() / total)}',
        'values = {"ao": float((sums(found, frames.starts) / per).mean())}',
        f"{_RULES}::test_got10k_pools_frames_and_leaves_out_the_hidden",
    ),
    Mutation(
        "got10k succeeds above 0.5",
        _SCORING,
        '"sr50": (found > 0.5) & counted',
        '"sr50": (found >= 0.5) & counted',
        f"{_RULES}::test_an_overlap_at_a_threshold",
    ),
    Mutation(
        "a corner that is moved into the picture keeps its side",
        _CURVES,
        "np.minimum(np.maximum(boxes[2:], 0), size - corners)",
        "np.maximum(np.minimum(boxes[:2] + boxes[2:], size) - corners, 0)",
        f"{_RULES}::test_got10k_cuts_to_the_picture_and_a_moved_corner_keeps_its_side",
    ),
    # TrackingNet
    Mutation(
        "trackingnet rounds",
        _SCORING,
        "truth, found = np.round(frames.truth), np.round(frames.found)",
        "truth, found = frames.truth, np.round(frames.found)",
        f"{_OWN}[trackingnet]",
    ),
    Mutation(
        "trackingnet succeeds at a threshold",
        _SCORING,
        "_OVERLAPS, frames.starts, strict=False) / counts",
        "_OVERLAPS, frames.starts, strict=True) / counts",
        f"{_RULES}::test_an_overlap_at_a_threshold",
    ),
    Mutation(
        "trackingnet's area is of trapezoids",
        _SCORING,
        "(curves[:, 1:] + curves[:, :-1]).sum(axis=1) / 2 / (curves.shape[1] - 1)",
        "curves.mean(axis=1)",
        f"{_OWN}[trackingnet]",
    ),
    Mutation(
        "trackingnet's precision has 21 thresholds",
        _SCORING,
        "pixels, shares = np.linspace(0, 50, 21), np.linspace(0, 0.5, 21)",
        "pixels, shares = np.linspace(0, 50, 51), np.linspace(0, 0.5, 21)",
        f"{_OWN}[trackingnet]",
    ),
    Mutation(
        "a missing file is zeros",
        "tasks/tracking_rules.py",
        "found = np.zeros_like(boxes)",
        "found = np.full_like(boxes, np.nan)",
        f"{_OWN}[trackingnet]",
    ),
    Mutation(
        "a number that is none leaves the other box's",
        _CURVES,
        "high - np.fmax(one[0], other[0])",
        "high - np.maximum(one[0], other[0])",
        f"{_OWN}[trackingnet]",
    ),
    # LaSOT
    Mutation(
        "lasot divides by all frames",
        _SCORING,
        '(("", frames.lengths[:, None]), ("_visible", visible))',
        '(("", visible), ("_visible", visible))',
        f"{_RULES}::test_absent_frames_stay_in_lasots_denominator",
    ),
    Mutation(
        "lasot leaves out absent frames",
        _SCORING,
        "truth, kept = frames.truth, ~frames.absent",
        "truth, kept = frames.truth, np.ones_like(frames.absent)",
        f"{_OWN}[lasot]",
    ),
    Mutation(
        "lasot succeeds above a threshold",
        _SCORING,
        "return _curves(frames, kept, overlap, near, scaled, strict=True)",
        "return _curves(frames, kept, overlap, near, scaled, strict=False)",
        f"{_RULES}::test_an_overlap_at_a_threshold",
    ),
    Mutation(
        "a box that isn't all above 0 is precise",
        _SCORING,
        "        part[unboxed] = -1.0\n",
        "        part[unboxed] = np.nan\n",
        f"{_RULES}::test_a_box_that_begins_outside_is_no_success_but_precise_for_lasot",
    ),
    Mutation(
        "rows without size repeat the one before",
        _SCORING,
        "_any(np.isnan(found)) | _any(found[:, 2:] <= 0)\n    bad",
        "_any(np.isnan(found)) | _any(found[:, 2:] < 0)\n    bad",
        f"{_RULES}::test_bad_rows_repeat_the_row_before_for_lasot",
    ),
    Mutation(
        "the first row is itself where it is repeated",
        _SCORING,
        "    found = _last_good(frames)\n    found[frames.first] = frames.truth[frames.first]\n",
        "    frames.found[frames.first] = frames.truth[frames.first]\n"
        "    found = _last_good(frames)\n",
        f"{_RULES}::test_bad_rows_repeat_the_row_before_for_lasot",
    ),
    Mutation(
        "lasot's mean leaves out sequences of zeros",
        _SCORING,
        "used = (curve.sum(axis=1) > _EPS) | (not strict)",
        "used = np.ones(len(curve), bool)",
        f"{_OWN}[lasot]",
    ),
    Mutation(
        "so do the means of attributes",
        "tasks/tracking_rules.py",
        "for name in names if name not in left_out]",
        "for name in names if name in scored.sequences]",
        f"{_OWN}[lasot]",
    ),
    Mutation(
        "lasot's pixels begin at 1",
        "tasks/tracking_rules.py",
        "        together[:, :2] += origin\n",
        "        together[:, :2] += 0\n",
        f"{_OWN}[lasot]",
    ),
    Mutation(
        "errors are divided by the truth's sides",
        _CURVES,
        "scaled = apart / other[2:]",
        "scaled = apart / one[2:]",
        f"{_OWN}[lasot]",
    ),
    Mutation(
        "precision is at 20",
        _SCORING,
        "_CUT_PIXELS = 20 ",
        "_CUT_PIXELS = 19 ",
        f"{_OWN}[lasot]",
    ),
    # SwinTrack
    Mutation(
        "an overlap of 0 is none for swintrack",
        _SCORING,
        "none = np.where(overlap > 0, overlap, -1.0)",
        "none = overlap",
        f"{_RULES}::test_a_miss_is_a_success_at_0_for_trackingnet_alone",
    ),
    Mutation(
        "swintrack's means are of sequences",
        _SCORING,
        "values |= {name: float(row.mean()) for name, row in rows.items()}",
        "values |= {name: float((row * per).sum() / per.sum()) for name, row in rows.items()}",
        f"{_OWN}[swintrack]",
    ),
    Mutation(
        "values beside thresholds",
        _CURVES,
        "        found[rows] += below(ends[guess + 1], part)\n",
        "",
        f"{_RULES}::test_values_beside_thresholds_count_as_they_should",
    ),
    # files
    Mutation(
        "got10k's three decimals",
        _FILES,
        "_lines(track, 3)",
        "_lines(track, 2)",
        f"{_SUBMISSIONS}::test_got10ks_archive_in_every_byte",
    ),
    Mutation(
        "a time for each frame",
        _FILES,
        ':.8f}\\n" * len(track)',
        ':.8f}\\n"',
        f"{_SUBMISSIONS}::test_got10ks_archive_in_every_byte",
    ),
    Mutation(
        "trackingnet's files lie at the top",
        _FILES,
        '        if "/" in name:\n',
        '        if "//" in name:\n',
        f"{_SUBMISSIONS}::test_all_faults_of_a_trackingnet_archive_at_once",
    ),
    Mutation(
        "ranks without a sequence share too",
        "tasks/tracking_metrics.py",
        "        super().reset()\n        self._start()\n",
        "        super().reset()\n",
        f"{_METRICS}::test_two_ranks_are_one",
    ),
)
