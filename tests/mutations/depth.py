"""Facts of depth."""

from tests.mutations.mutation import Mutation

_HEAD = "tests/tasks/test_depth_head.py"
_LOSS = "tests/tasks/test_depth_loss.py"
_METRICS = "tests/tasks/test_depth_metrics.py"
_WINDOWS = "tests/tasks/test_depth_windows.py"
_RATES = "tests/tasks/test_schedules.py"
_WHOLE = "tests/tasks/test_depth_as_published.py"
_DATA = "tests/datamodules/test_depth_data_as_published.py"
_NETWORK = f"{_WHOLE}::test_network_has_the_authors_output_and_gradients"
_GROUPS = f"{_WHOLE}::test_every_parameter_has_the_authors_rate_and_weight_decay"
_RECIPE = "benchmarks/recipes/nyuv2.yaml"

DEPTH = (
    # network
    Mutation(
        "sigmoid times largest depth",
        "tasks/depth_head.py",
        "torch.sigmoid(self.predict(features).float()) * self.max_depth",
        "torch.sigmoid(self.predict(features).float()) * 10.0",
        _NETWORK,
    ),
    Mutation(
        "bilinear doublings without aligned corners",
        "tasks/depth_head.py",
        "align_corners=False",
        "align_corners=True",
        _NETWORK,
    ),
    Mutation(
        "eps of layer norms",
        "backbones/network.py",
        "module.eps = eps",
        "module.eps = 1e-5",
        _NETWORK,
    ),
    Mutation(
        "eps in the recipe",
        _RECIPE,
        "norm_eps: 1.0e-6",
        "norm_eps: 1.0e-5",
        f"{_WHOLE}::test_recipe_has_the_authors_settings",
    ),
    Mutation(
        "coordinates by the pretraining window",
        "backbones/windows.py",
        "        module.pretrained_window_size = module.window_size\n",
        "        pass\n",
        _NETWORK,
    ),
    Mutation(
        "bias network under its other name",
        "backbones/loading.py",
        '.replace(".rpe_mlp.", ".cpb_mlp.")',
        '.replace(".rpe_mlp.", ".cpb_mlp_.")',
        f"{_WHOLE}::test_weights_of_the_authors_fill_every_parameter",
    ),
    Mutation(
        "no mean and deviation in the recipe",
        _RECIPE,
        "input_norm: none",
        "input_norm: backbone",
        f"{_WHOLE}::test_recipe_has_the_authors_settings",
    ),
    # optimisation
    Mutation(
        "layer id of patch merging",
        "backbones/groups.py",
        "            return before[int(match[1])]\n",
        "            return before[int(match[1])] + 1\n",
        _GROUPS,
    ),
    Mutation(
        "bias network without weight decay",
        "backbones/groups.py",
        '"rpe_mlp", "cpb_mlp", "logit_scale")',
        '"rpe_mlp", "logit_scale")',
        _GROUPS,
    ),
    Mutation("layer decay of large", _RECIPE, "layer_decay: 0.85", "layer_decay: 0.9", _GROUPS),
    Mutation("drop path of large", _RECIPE, "drop_path: 0.5", "drop_path: 0.3", _GROUPS),
    Mutation(
        "weight decay",
        _RECIPE,
        "weight_decay: 0.05",
        "weight_decay: 0.01",
        _GROUPS,
    ),
    Mutation(
        "power of the learning rate",
        _RECIPE,
        "lr_power: 0.9",
        "lr_power: 1.0",
        f"{_WHOLE}::test_recipe_has_the_authors_settings",
    ),
    Mutation(
        "turn of the learning rate at half of the epochs, rounded down",
        "tasks/schedules.py",
        "return max(1, budget.steps // epochs * (epochs // 2))",
        "return max(1, budget.steps // 2)",
        f"{_RATES}::test_same_rates_as_the_authors_code",
    ),
    Mutation(
        "smallest rate scaled by layer",
        "tasks/schedules.py",
        "return scale * max(self.min_lr, self.max_lr - fallen)",
        "return max(self.min_lr, scale * (self.max_lr - fallen))",
        f"{_RATES}::test_formula_on_random_budgets",
    ),
    Mutation(
        "steps counted from 1",
        "tasks/training.py",
        "step = self.trainer.global_step + 1\n",
        "step = self.trainer.global_step\n",
        f"{_WHOLE}::test_training_has_the_authors_losses",
    ),
    # loss
    Mutation(
        "half of the mean's square in the loss",
        _RECIPE,
        "silog_focus: 0.5",
        "silog_focus: 0.85",
        f"{_WHOLE}::test_recipe_has_the_authors_settings",
    ),
    Mutation(
        "loss over the pixels of the batch together",
        "tasks/depth_loss.py",
        "    known = target > 0\n",
        "    if prediction.ndim == 3:\n"
        "        images = zip(prediction, target)\n"
        "        return torch.stack([silog(p, t, None, focus) for p, t in images]).mean()\n"
        "    known = target > 0\n",
        f"{_LOSS}::test_same_value_and_gradient_as_the_authors_code",
    ),
    Mutation(
        "loss on known pixels beyond the largest depth",
        "tasks/depth_loss.py",
        "    known = target > 0\n",
        "    known = (target > 0) & (target < 10)\n",
        f"{_LOSS}::test_same_value_and_gradient_as_the_authors_code",
    ),
    # data
    Mutation(
        "CutDepth wraps at 256",
        "datamodules/depth_transforms.py",
        "np.asarray(units % 256, dtype=np.uint8)",
        "np.asarray(np.minimum(units, 255), dtype=np.uint8)",
        f"{_DATA}::test_samples_are_the_authors_to_the_pixel",
    ),
    Mutation(
        "CutDepth on every 4th sample",
        "datamodules/depth_transforms.py",
        "CUT_DEPTH_EVERY = 4\n",
        "CUT_DEPTH_EVERY = 5\n",
        f"{_DATA}::test_samples_are_the_authors_to_the_pixel",
    ),
    Mutation(
        "CutDepth fills at most three quarters of what is left",
        "datamodules/depth_transforms.py",
        "beta * 0.75",
        "beta * 0.8",
        f"{_DATA}::test_strips_of_the_cut_are_the_authors_to_the_column",
    ),
    Mutation(
        "CutDepth rounds as the authors' product does",
        "datamodules/depth_transforms.py",
        "(width - alpha * width) * beta",
        "(1 - alpha) * width * beta",
        f"{_DATA}::test_strips_of_the_cut_are_the_authors_to_the_column",
    ),
    Mutation(
        "mirroring before the crop",
        "datamodules/depth_transforms.py",
        "        left = depth.shape[1] - left - size[1]\n",
        "        left = left + 0\n",
        f"{_DATA}::test_samples_are_the_authors_to_the_pixel",
    ),
    Mutation(
        "range of gamma",
        "datamodules/transforms.py",
        "gamma_limit=(80, 120)",
        "gamma_limit=(90, 110)",
        f"{_DATA}::test_colours_change_in_the_authors_order_and_ranges",
    ),
    # test
    Mutation(
        "rows of NYU's crop",
        "tasks/depth_metrics.py",
        "_part(471, height, 480)",
        "_part(470, height, 480)",
        f"{_METRICS}::test_same_numbers_as_the_authors_code",
    ),
    Mutation(
        "borders of KITTI's crop rounded down",
        "tasks/depth_metrics.py",
        "int(top * height), int(bottom * height), int(left * width), int(right * width)",
        "int(top * height), round(bottom * height), int(left * width), round(right * width)",
        f"{_METRICS}::test_same_numbers_as_the_authors_code",
    ),
    Mutation(
        "targets at the largest depth don't count",
        "tasks/depth_metrics.py",
        "(target < max_depth)",
        "(target <= max_depth)",
        f"{_METRICS}::test_same_numbers_as_the_authors_code",
    ),
    Mutation(
        "targets at a millimetre don't count",
        "tasks/depth_metrics.py",
        "(target > MIN_DEPTH)",
        "(target >= MIN_DEPTH)",
        f"{_METRICS}::test_same_numbers_as_the_authors_code",
    ),
    Mutation(
        "undefined predictions are a millimetre",
        "tasks/depth_metrics.py",
        "nan=MIN_DEPTH",
        "nan=max_depth",
        f"{_METRICS}::test_same_numbers_as_the_authors_code",
    ),
    Mutation(
        "infinite predictions are the largest depth, of either sign",
        "tasks/depth_metrics.py",
        "neginf=max_depth",
        "neginf=MIN_DEPTH",
        f"{_METRICS}::test_same_numbers_as_the_authors_code",
    ),
    Mutation(
        "predictions are not clipped",
        "tasks/depth_metrics.py",
        "posinf=max_depth, neginf=max_depth)",
        "posinf=max_depth, neginf=max_depth).clamp(MIN_DEPTH, max_depth)",
        f"{_METRICS}::test_same_numbers_as_the_authors_code",
    ),
    Mutation(
        "stride of the windows",
        "tasks/depth_windows.py",
        "(width - height) // (windows - 1)",
        "round((width - height) / (windows - 1))",
        f"{_WINDOWS}::test_same_depth_as_the_authors_code",
    ),
    Mutation(
        "windows are mirrored one by one and averaged before they are merged",
        "tasks/depth_windows.py",
        "    height, width = images.shape[-2:]\n    starts = window_starts(height, width, windows)"
        " if windows > 1",
        "    if flip:\n"
        "        mirror = predict_depth(network, images.flip(-1), False, windows, chunk)\n"
        "        straight = predict_depth(network, images, False, windows, chunk)\n"
        "        return (straight + mirror.flip(-1)) / 2\n"
        "    height, width = images.shape[-2:]\n    starts = window_starts(height, width, windows)"
        " if windows > 1",
        f"{_WINDOWS}::test_same_depth_as_the_authors_code",
    ),
    Mutation(
        "columns without a window are undefined",
        "tasks/depth_windows.py",
        "total / cover.clamp_min(1), torch.nan)",
        "total / cover.clamp_min(1), 0.0)",
        f"{_WINDOWS}::test_same_depth_as_the_authors_code",
    ),
    Mutation(
        "mean over images, each with the same weight",
        "tasks/scores.py",
        "return math.fsum(values) / len(values)",
        'weights = [r.get("pixels", 1) for r in records if r.get(metric) is not None]\n'
        "    return sum(v * w for v, w in zip(values, weights)) / sum(weights)",
        f"{_WHOLE}::test_whole_test_has_the_authors_means_on_nyu",
    ),
    Mutation(
        "windows in the recipe's test",
        _RECIPE,
        "options: {flip: true, windows: 2,",
        "options: {flip: true, windows: 1,",
        f"{_WHOLE}::test_whole_test_has_the_authors_means_on_nyu",
    ),
    Mutation(
        "mirrored windows in the recipe's test",
        _RECIPE,
        "options: {flip: true,",
        "options: {flip: false,",
        f"{_WHOLE}::test_whole_test_has_the_authors_means_on_nyu",
    ),
)
