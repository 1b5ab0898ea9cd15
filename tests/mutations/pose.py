"""Facts of pose estimation."""

from tests.mutations.mutation import Mutation

_VIEWS = "tests/datamodules/test_pose_transforms.py"
_MAPS = "tests/tasks/test_pose_as_published.py"
_RATES = "tests/tasks/test_schedules.py"
_RESULTS = "tests/tasks/test_pose_results.py"
_OPS = "datamodules/pose_transforms.py"
_DECODING = "tasks/pose_decoding.py"
_TARGETS = "tasks/pose_targets.py"

POSE = (
    # samples
    Mutation(
        "boxes grown by 1.25",
        _OPS,
        "padding: float = 1.25",
        "padding: float = 1.2",
        _VIEWS,
    ),
    Mutation(
        "the shorter side grows to the aspect",
        _OPS,
        "max(height, width / aspect)",
        "height",
        _VIEWS,
    ),
    Mutation(
        "mirrored columns: W - 1 - x",
        _OPS,
        "matrix[:, 2] += matrix[:, 0] * (width - 1)",
        "matrix[:, 2] += matrix[:, 0] * width",
        _VIEWS,
    ),
    Mutation(
        "no half pixel in the warp",
        _OPS,
        "np.array([wide / 2, height / 2]) - linear",
        "np.array([wide / 2 - 0.5, height / 2 - 0.5]) - linear",
        _VIEWS,
    ),
    Mutation(
        "half body: a normal draw",
        _OPS,
        "body.upper, half < 0.5,",
        "body.upper, half < 0.0,",
        _VIEWS,
    ),
    Mutation(
        "half body: more than eight joints",
        _OPS,
        "labelled.sum() > body.half_body_over",
        "labelled.sum() >= body.half_body_over",
        _VIEWS,
    ),
    Mutation(
        "half body: a padding of 1.5",
        _OPS,
        "HALF_BODY_PADDING = 1.5",
        "HALF_BODY_PADDING = 1.25",
        _VIEWS,
    ),
    Mutation(
        "the turn is cut off at twice its deviation",
        _OPS,
        "-2 * how.rotation, 2 * how.rotation",
        "-how.rotation, how.rotation",
        _VIEWS,
    ),
    Mutation(
        "one offset for the whole grid of dropout",
        _OPS,
        "rng.integers(0, unit - hole + 1, 2)",
        "rng.integers(0, unit - hole, 2)",
        _VIEWS,
    ),
    # heat-maps
    Mutation(
        "joints are rounded towards zero",
        _TARGETS,
        "(keypoints / strides + 0.5).trunc()",
        "(keypoints / strides + 0.5).floor()",
        _MAPS,
    ),
    Mutation(
        "Gaussians are cut off at three sigma",
        _TARGETS,
        "radius = int(3 * sigma)",
        "radius = int(4 * sigma)",
        _MAPS,
    ),
    Mutation(
        "joints without label weigh nothing",
        _TARGETS,
        ".mean((-2, -1)) * weight).mean()",
        ".mean((-2, -1))).mean()",
        _MAPS,
    ),
    Mutation(
        "mirrored maps move by a pixel",
        _DECODING,
        "torch.cat([back[..., :1], back[..., :-1]], dim=-1) if shift",
        "torch.cat([back[..., 1:], back[..., -1:]], dim=-1) if shift",
        _MAPS,
    ),
    Mutation(
        "sides change places in mirrored maps",
        _DECODING,
        "order[left], order[right] = right, left",
        "order[left], order[right] = left, right",
        _MAPS,
    ),
    Mutation(
        "a quarter of a pixel",
        _DECODING,
        "places + 0.25 * slopes.sign()",
        "places + 0.5 * slopes.sign()",
        _MAPS,
    ),
    Mutation(
        "no quarter in the first two rows",
        _DECODING,
        "inside = (column > 1) & (column < width - 1) & (row > 1) & (row < height - 1)",
        "inside = (column > 0) & (column < width - 1) & (row > 0) & (row < height - 1)",
        _MAPS,
    ),
    Mutation(
        "DARK's second derivative along an axis",
        _DECODING,
        "dxx = (at(2, 0) - 2 * at(0, 0) + at(-2, 0)) / 4",
        "dxx = at(1, 0) - 2 * at(0, 0) + at(-1, 0)",
        _MAPS,
    ),
    # the rate
    Mutation(
        "the step comes at epoch 120 of 150",
        "tasks/schedules.py",
        "done >= round(share * whole)",
        "done > round(share * whole)",
        _RATES,
    ),
    Mutation(
        "warm-up from a thousandth",
        "tasks/schedules.py",
        "(1 - (step - 1) / steps) * (1 - self.warmup_ratio)",
        "(1 - step / steps) * (1 - self.warmup_ratio)",
        _RATES,
    ),
    # results
    Mutation(
        "at most 20 poses of a picture in the archive",
        "tasks/pose_results.py",
        "PER_IMAGE = 20",
        "PER_IMAGE = 30",
        _RESULTS,
    ),
    Mutation(
        "frozen norm: not loaded, not trained",
        "backbones/build.py",
        'norm.requires_grad_(self.out_norm == "new")',
        "norm.requires_grad_(True)",
        "tests/backbones/test_build.py",
    ),
)
