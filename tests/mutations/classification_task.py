"""Facts of classification: network, mixing, optimisation, metrics."""

from tests.mutations.mutation import Mutation

_OWN = "tests/tasks/test_classification.py"
_WHOLE = "tests/tasks/test_classification_as_published.py"
_NETWORK = f"{_WHOLE}::test_logits_and_gradients"
_GROUPS = f"{_WHOLE}::test_layers_and_weight_decay"
_RATES = f"{_WHOLE}::test_rates_of_a_training"
_MIXING = f"{_WHOLE}::test_mixed_pictures_and_targets"
_SETTINGS = f"{_WHOLE}::test_recipes_have_the_released_settings"
_HEAD = "tasks/classification_head.py"
_TASK = "tasks/classification.py"
_MIXES = "tasks/classification_mixing.py"
_SCHEDULES = "tasks/schedules.py"
_SCORES = "tasks/classification_metrics.py"
_RECIPE = "benchmarks/recipes/shared/classification.yaml"

CLASSIFICATION_TASK = (
    # network
    Mutation(
        "features are averaged over all places",
        _HEAD,
        "levels[-1].mean(dim=(-2, -1))",
        "levels[-1].amax(dim=(-2, -1))",
        _NETWORK,
    ),
    Mutation(
        "Swin's tokens are normed before the average, by its own norm",
        _TASK,
        'out_norm="loaded" if norm == "tokens" else "none"',
        'out_norm="new" if norm == "tokens" else "none"',
        _NETWORK,
    ),
    Mutation(
        "a network's last norm follows its family",
        _TASK,
        'norm = "tokens" if is_windowed(spec_of(backbone))',
        'norm = "tokens" if "swin" in spec_of(backbone).name',
        f"{_OWN}::test_names_like_swins_are_no_swins",
    ),
    Mutation(
        "deviation that the head starts from",
        _HEAD,
        "nn.init.trunc_normal_(self.linear.weight, std=init_std)",
        "nn.init.trunc_normal_(self.linear.weight, std=1.5 * init_std)",
        f"{_WHOLE}::test_the_head_starts_as_theirs",
    ),
    # mixing
    Mutation(
        "pictures are erased, then mixed",
        _TASK,
        "        images = erase(images, self.erasing, rng)\n"
        "        if self.multi_label:\n"
        "            return images, labels\n"
        "        return self.mixing(images, labels, len(self.classes), rng)\n",
        "        if self.multi_label:\n"
        "            return erase(images, self.erasing, rng), labels\n"
        "        images, labels = self.mixing(images, labels, len(self.classes), rng)\n"
        "        return erase(images, self.erasing, rng), labels\n",
        f"{_WHOLE}::test_pictures_are_erased_before_they_are_mixed",
    ),
    Mutation(
        "a batch is mixed with itself in reverse",
        _MIXES,
        "images.flip(0)",
        "images.roll(1, 0)",
        _MIXING,
    ),
    Mutation(
        "CutMix where the draw is below the switch",
        _MIXES,
        "rng.random() < self.switch",
        "rng.random() >= self.switch",
        _MIXING,
    ),
    Mutation(
        "each way of mixing has a beta distribution of its own",
        _MIXES,
        "alpha = self.cutmix if cut else self.mixup",
        "alpha = self.mixup or self.cutmix",
        _MIXING,
    ),
    Mutation(
        "CutMix's share is that of the pixels that stay",
        _MIXES,
        "                share = float(kept)\n",
        "",
        _MIXING,
    ),
    Mutation(
        "mixed targets are smoothed",
        _MIXES,
        "mixup_target(labels, classes, share, self.smoothing)",
        "mixup_target(labels, classes, share, 0.0)",
        _MIXING,
    ),
    Mutation(
        "rectangles are filled with noise, pixel by pixel",
        _MIXES,
        'mode="pixel"',
        'mode="const", max_area=0.5',
        f"{_WHOLE}::test_erased_parts",
    ),
    # optimisation
    Mutation(
        "patch merging has the layer of the last block before it",
        "backbones/groups.py",
        "(stage if merging else 0)",
        "stage",
        _GROUPS,
    ),
    Mutation(
        "26 layers, the last for the head",
        "backbones/groups.py",
        "count = before[-1] + depths[-1] + 2\n",
        "count = before[-1] + depths[-1] + 1\n",
        _GROUPS,
    ),
    Mutation(
        "the last norm has the head's layer",
        "backbones/groups.py",
        "ids[inner] if inner != name else count - 1",
        "ids[inner] if inner != name else count - 2",
        _GROUPS,
    ),
    Mutation(
        "the cosine begins where the rise ends",
        _SCHEDULES,
        "(done - rise, budget.steps - rise) if self.prefix",
        "(done, budget.steps) if self.prefix",
        _RATES,
    ),
    Mutation(
        "without a prefix the cosine spans the whole training",
        _SCHEDULES,
        "else (done, budget.steps)\n",
        "else (done - rise, budget.steps - rise)\n",
        _RATES,
    ),
    Mutation(
        "the rise starts at one rate for all layers",
        _SCHEDULES,
        "return self.warmup_lr + done * (peak - self.warmup_lr) / rise",
        "return scale * (self.warmup_lr + done * (self.max_lr - self.warmup_lr) / rise)",
        _RATES,
    ),
    Mutation(
        "the minimum is the same for all layers",
        _SCHEDULES,
        "return self.min_lr + (peak - self.min_lr) * fall",
        "return scale * (self.min_lr + (self.max_lr - self.min_lr) * fall)",
        _RATES,
    ),
    Mutation(
        "layer decay", _RECIPE, "{task.layer_decay: 0.75", "{task.layer_decay: 0.8", _SETTINGS
    ),
    Mutation("pictures erased", _RECIPE, "    erasing: 0.25", "    erasing: 0.2", _SETTINGS),
    Mutation("rate per picture", _RECIPE, "    lr: 3.125e-4", "    lr: 1.25e-3", _SETTINGS),
    Mutation("clipping", _RECIPE, "clip_val: 5.0", "clip_val: 1.0", _SETTINGS),
    # metrics
    Mutation(
        "precision at a recall that is just reached",
        _SCORES,
        "recall >= step / 10",
        "recall > step / 10",
        f"{_OWN}::test_eleven_points_against_the_definition",
    ),
    Mutation(
        "the highest precision at that recall or a higher one",
        _SCORES,
        "float(reached.max())",
        "float(reached[0])",
        f"{_OWN}::test_eleven_points_against_the_definition",
    ),
    Mutation(
        "what is marked difficult counts neither way",
        _SCORES,
        "counted = truth >= 0",
        "counted = truth >= -1",
        f"{_OWN}::test_eleven_points_against_the_definition",
    ),
    Mutation(
        "the mean over classes weighs each class alike",
        _SCORES,
        '"mean_per_class": 100 * float(np.nanmean(shares))',
        '"mean_per_class": 100 * float(right.mean())',
        f"{_OWN}::test_accuracies_against_plain_counts",
    ),
    Mutation(
        "where several classes may show, those not known are not learnt",
        _TASK,
        "valid.sum().clamp(min=1)",
        "valid.numel()",
        f"{_OWN}::test_several_classes_count_where_they_are_known",
    ),
)
