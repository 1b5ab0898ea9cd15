"""Facts of OKS: similarity, suppression, rescoring, average precision."""

from tests.mutations.mutation import Mutation

_OKS = "tests/tasks/test_oks.py"
_EVALUATION = "tests/tasks/test_oks_evaluation.py"
_POSE = "tests/tasks/test_pose_metrics.py"
_AS_COCO = f"{_EVALUATION}::test_coco_as_pycocotools"
_AS_CROWDPOSE = f"{_EVALUATION}::test_crowdpose_as_its_own_tool"
_SUPPRESSION = f"{_OKS}::test_rescoring_and_suppression_as_the_authors_code"
_RANKS = f"{_POSE}::test_two_ranks_are_one"

OKS = (
    # similarity
    Mutation(
        "sigma of a joint",
        "tasks/oks.py",
        "_LIMBS = (0.79, 0.79, 0.72, 0.72, 0.62, 0.62, 1.07",
        "_LIMBS = (0.79, 0.79, 0.72, 0.72, 0.62, 0.62, 0.87",
        f"{_OKS}::test_sigmas_as_published",
    ),
    Mutation(
        "head and neck of CrowdPose",
        "tasks/oks.py",
        "(*_LIMBS, 0.79, 0.79)",
        "(0.79, 0.79, *_LIMBS)",
        f"{_OKS}::test_sigmas_as_published",
    ),
    Mutation(
        "variance is that of twice sigma",
        "tasks/oks.py",
        "variances = (2 * np.asarray(sigmas, np.float64)) ** 2",
        "variances = 2 * np.asarray(sigmas, np.float64) ** 2",
        f"{_OKS}::test_similarity_against_a_loop",
    ),
    Mutation(
        "mean over labelled joints",
        "tasks/oks.py",
        "counts = others[..., 2] > 0",
        "counts = others[..., 2] > 1",
        f"{_OKS}::test_similarity_against_a_loop",
    ),
    # suppression
    Mutation(
        "area of suppression is the mean of both",
        "tasks/oks.py",
        "(sizes[best] + sizes[order]) / 2, sigmas)",
        "sizes[best], sigmas)",
        _SUPPRESSION,
    ),
    Mutation(
        "all joints count in suppression, whatever their peaks",
        "tasks/oks.py",
        "poses = np.asarray(keypoints, np.float64)[..., :2]",
        "poses = np.asarray(keypoints, np.float64)",
        _SUPPRESSION,
    ),
    Mutation(
        "suppression from the highest score down",
        "tasks/oks.py",
        'order = np.argsort(-np.asarray(scores, np.float64), kind="stable")',
        'order = np.argsort(np.asarray(scores, np.float64), kind="stable")',
        _SUPPRESSION,
    ),
    Mutation(
        "suppression above 0.9",
        "tasks/oks.py",
        "threshold: float = 0.9,",
        "threshold: float = 0.85,",
        _SUPPRESSION,
    ),
    Mutation(
        "a pose at the threshold stays",
        "tasks/oks.py",
        "order = order[overlap <= threshold]",
        "order = order[overlap < threshold]",
        f"{_OKS}::test_a_pose_at_the_threshold_stays",
    ),
    Mutation(
        "of equal scores the first is kept",
        "tasks/oks.py",
        'order = np.argsort(-np.asarray(scores, np.float64), kind="stable")',
        "order = np.argsort(np.asarray(scores, np.float64))[::-1]",
        f"{_OKS}::test_of_equal_scores_the_first_is_kept",
    ),
    # rescoring
    Mutation(
        "peaks above 0.2 count",
        "tasks/oks.py",
        "peaks: ArrayLike, threshold: float = 0.2",
        "peaks: ArrayLike, threshold: float = 0.3",
        _SUPPRESSION,
    ),
    Mutation(
        "peaks at the threshold don't count",
        "tasks/oks.py",
        "counts = found > threshold",
        "counts = found >= threshold",
        f"{_OKS}::test_rescoring_against_a_loop",
    ),
    Mutation(
        "mean over the peaks that count",
        "tasks/oks.py",
        "means = (found * counts).sum(-1) / np.maximum(counts.sum(-1), 1)",
        "means = (found * counts).mean(-1)",
        _SUPPRESSION,
    ),
    Mutation(
        "the box's score",
        "tasks/oks.py",
        "return np.asarray(np.asarray(box_scores, np.float64) * means)",
        "return np.asarray(means)",
        _SUPPRESSION,
    ),
    # ground truth
    Mutation(
        "CrowdPose's part of the box",
        "tasks/oks_truth.py",
        "BOX_SHARE = 0.53",
        "BOX_SHARE = 0.5",
        _AS_CROWDPOSE,
    ),
    Mutation(
        "CrowdPose's area is the box's, even where the file has one",
        "tasks/oks_truth.py",
        "if own_area else width * height * BOX_SHARE",
        'if "area" in annotation else width * height * BOX_SHARE',
        f"{_EVALUATION}::test_an_area_of_the_file_does_not_matter_to_crowdpose",
    ),
    Mutation(
        "COCO's area is the segment's",
        "tasks/oks_truth.py",
        'own_area = ground_truth["area"] == "segment"',
        "own_area = False",
        _AS_COCO,
    ),
    Mutation(
        "num_keypoints is the file's",
        "tasks/oks_truth.py",
        '"num_keypoints": int(annotation["num_keypoints"]),',
        '"num_keypoints": sum(value > 0 for value in keypoints[2::3]),',
        _AS_CROWDPOSE,
    ),
    Mutation(
        "crowds",
        "tasks/oks_truth.py",
        '"iscrowd": int(annotation.get("iscrowd", 0)),',
        '"iscrowd": 0,',
        _AS_CROWDPOSE,
    ),
    Mutation(
        "people are numbered from 1",
        "tasks/oks_truth.py",
        '{"id": len(people) + 1, **person}',
        '{"id": len(people), **person}',
        f"{_EVALUATION}::test_a_person_numbered_zero_counts",
    ),
    Mutation(
        "limit of easy images",
        "tasks/oks_truth.py",
        '"levels": [0.2, 0.8]',
        '"levels": [0.1, 0.8]',
        _AS_CROWDPOSE,
    ),
    Mutation(
        "an image on the limit belongs to the harder level",
        "tasks/oks_truth.py",
        'float(image["crowdIndex"]) >= limit',
        'float(image["crowdIndex"]) > limit',
        _AS_CROWDPOSE,
    ),
    # evaluation
    Mutation(
        "sigmas of the rule",
        "tasks/oks_evaluation.py",
        "evaluator.params.kpt_oks_sigmas = truth.sigmas",
        "evaluator.params.kpt_oks_sigmas = truth.sigmas * 1.1",
        _AS_CROWDPOSE,
    ),
    Mutation(
        "area of a pose is that around its joints",
        "tasks/oks_evaluation.py",
        "sides.prod(-1).tolist()",
        "sides.sum(-1).tolist()",
        _AS_COCO,
    ),
    Mutation(
        "threshold of ap75",
        "tasks/oks_evaluation.py",
        '"75": slice(5, 6)',
        '"75": slice(4, 5)',
        _AS_COCO,
    ),
    Mutation(
        "levels are rounded to 4 decimals",
        "tasks/oks_evaluation.py",
        "round(_mean(precision[..., 0, :]), 4)",
        "_mean(precision[..., 0, :])",
        _AS_CROWDPOSE,
    ),
    Mutation(
        "levels are of all areas",
        "tasks/oks_evaluation.py",
        "round(_mean(precision[..., 0, :]), 4)",
        "round(_mean(precision), 4)",
        _AS_CROWDPOSE,
    ),
    Mutation(
        "undefined is not a number",
        "tasks/oks_evaluation.py",
        "return float(defined.mean()) if defined.size else math.nan",
        "return float(defined.mean()) if defined.size else -1.0",
        f"{_EVALUATION}::test_no_predictions_score_zero_and_nobody_to_find_is_undefined",
    ),
    Mutation(
        "poses that aren't finite are refused",
        "tasks/oks_evaluation.py",
        "finite = np.isfinite(scores) & np.isfinite(keypoints[..., :2]).all((1, 2))",
        "finite = np.isfinite(scores)",
        f"{_EVALUATION}::test_mistakes_are_named",
    ),
    Mutation(
        "what is given is not changed",
        "tasks/oks_evaluation.py",
        "kept = [dict(each) for each in annotations",
        "kept = [each for each in annotations",
        f"{_EVALUATION}::test_nothing_given_is_changed",
    ),
    Mutation(
        "the evaluator's messages are swallowed",
        "tasks/oks_evaluation.py",
        'table(poses), "keypoints", print_function=_quiet)',
        'table(poses), "keypoints")',
        f"{_EVALUATION}::test_the_libraries_messages_are_swallowed",
    ),
    # metric
    Mutation(
        "poses of all ranks are gathered",
        "tasks/pose_metrics.py",
        'self.add_state("rows", [], "cat")',
        'self.add_state("rows", [])',
        _RANKS,
    ),
    Mutation(
        "a rank without poses takes part",
        "tasks/pose_metrics.py",
        "        super().reset()\n        self._start()\n",
        "        super().reset()\n",
        _RANKS,
    ),
    Mutation(
        "equal scores rank by the poses",
        "tasks/pose_metrics.py",
        "keys = (*rows[:, 2:].T[::-1], -rows[:, 1], rows[:, 0])",
        "keys = (-rows[:, 1], rows[:, 0])",
        f"{_POSE}::test_no_order_matters_even_where_scores_are_equal",
    ),
    Mutation(
        "scores are kept in double precision",
        "tasks/pose_metrics.py",
        "ranks = torch.as_tensor(scores, device=self.device).detach().double()",
        "ranks = torch.as_tensor(scores, device=self.device).detach().float().double()",
        f"{_POSE}::test_double_precision_is_kept",
    ),
    Mutation(
        "suppression image by image",
        "tasks/pose_metrics.py",
        "edges = np.flatnonzero(np.diff(images)) + 1",
        "edges = np.zeros(0, np.intp)",
        f"{_POSE}::test_the_same_pose_on_two_images_stays_on_both",
    ),
)
