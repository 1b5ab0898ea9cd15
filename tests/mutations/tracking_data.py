"""Facts of tracking's data, crops and inference."""

from tests.mutations.mutation import Mutation

_CROPS = "crops.py"
_PAIRS = "datamodules/tracking_pairs.py"
_DATA = "datamodules/tracking.py"
_TRACKER = "tasks/tracker.py"
_OF_CROPS = "tests/datamodules/test_crops.py"
_OF_PAIRS = "tests/datamodules/test_tracking_pairs.py"
_OF_READERS = "tests/datamodules/test_tracking_readers.py"
_OF_TRACKER = "tests/tasks/test_task_tracking.py"

TRACKING_DATA = (
    Mutation(
        "half of the mean side on either side",
        _CROPS,
        "more = (factor - 1) * (wide + high) / 2",
        "more = (factor - 1) * (wide + high) / 4",
        _OF_CROPS,
    ),
    Mutation(
        "one scale for both axes, by area",
        _CROPS,
        "scale = math.sqrt(size[0] * size[1] / ((wide + more) * (high + more)))",
        "scale = min(size) / (max(wide, high) + more)",
        _OF_CROPS,
    ),
    Mutation(
        "corners on corners",
        _CROPS,
        "[[(x2 - x1) / (wide - 1), 0.0, 0.0]",
        "[[(x2 - x1 + 1) / wide, 0.0, 0.0]",
        _OF_CROPS,
    ),
    Mutation(
        "outside stands the mean",
        _CROPS,
        "crop[:] = np.rint(fill)",
        "crop[:] = 0",
        _OF_CROPS,
    ),
    Mutation(
        "frames by rate",
        _PAIRS,
        "reach = max(round(track.rate / _USUAL_RATE * reach), 1)",
        "reach = max(round(_USUAL_RATE / track.rate * reach), 1)",
        _OF_PAIRS,
    ),
    Mutation(
        "two different frames",
        _PAIRS,
        "rng.choice(valid, 2, replace=False)",
        "rng.choice(valid, 2)",
        _OF_PAIRS,
    ),
    Mutation(
        "permutations go on over epochs",
        _PAIRS,
        "self._begun.append(self._begun[-1] + drawn)",
        "self._begun.append(0 * drawn)",
        _OF_PAIRS,
    ),
    Mutation(
        "scales of x and y apart",
        _DATA,
        "rng.normal(0.0, 1.0, 2) * scale_jitter",
        "rng.normal(0.0, 1.0, 1) * scale_jitter",
        _OF_PAIRS,
    ),
    Mutation(
        "shifts by the scaled sides",
        _DATA,
        "(box[2:] * scale).sum() * 0.5 * shift_jitter",
        "(box[2:] * scale).sum() * 0.25 * shift_jitter",
        _OF_PAIRS,
    ),
    Mutation(
        "colours of the two apart",
        _DATA,
        "template, search = self.colour(template, rng), self.colour(search, rng)",
        "search = self.colour(search, rng)",
        _OF_PAIRS,
    ),
    Mutation(
        "LaSOT counts from one",
        "datamodules/readers/lasot.py",
        "origin: ClassVar[int] = 1",
        "origin: ClassVar[int] = 0",
        _OF_READERS,
    ),
    Mutation(
        "occluded or out of view",
        "datamodules/readers/lasot.py",
        "absent = read_flags(occluded, obtain, len(boxes)) + read_flags(",
        "absent = read_flags(occluded, obtain, len(boxes)) * read_flags(",
        _OF_READERS,
    ),
    Mutation(
        "vot-train: numbers as places",
        "datamodules/readers/got10k.py",
        'less = 1 if selection == "vot-train" else 0',
        "less = 0",
        _OF_READERS,
    ),
    Mutation(
        "frames of TrackingNet by number",
        "datamodules/readers/trackingnet.py",
        'return f"{number}.jpg"',
        'return f"{number:04d}.jpg"',
        _OF_READERS,
    ),
    Mutation(
        "0.51 of the score, 0.49 of the window",
        _TRACKER,
        "(1 - self.window) * scores + self.window * hann",
        "scores * (1 - self.window + self.window * hann)",
        _OF_TRACKER,
    ),
    Mutation(
        "a symmetric window",
        _TRACKER,
        "torch.hann_window(height, periodic=False)",
        "torch.hann_window(height)",
        _OF_TRACKER,
    ),
    Mutation(
        "what is remembered is cut to the frame",
        _TRACKER,
        "target.box = _remembered(box, target.box, frame.shape)",
        "target.box = box",
        _OF_TRACKER,
    ),
    Mutation(
        "small sides count as larger",
        _TRACKER,
        "sides = np.maximum(box[2:], size)",
        "sides = box[2:]",
        _OF_TRACKER,
    ),
    Mutation(
        "the first frame's mean fills",
        _TRACKER,
        "found.append(crop(frame, box, factor, size, target.fill))",
        "found.append(crop(frame, box, factor, size, frame_mean(frame)))",
        _OF_TRACKER,
    ),
)
