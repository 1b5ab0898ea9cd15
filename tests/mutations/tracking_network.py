"""Facts of SwinTrack's network, targets, losses and optimiser."""

from tests.mutations.mutation import Mutation

_HEAD = "tasks/swintrack.py"
_PLACES = "tasks/swintrack_positions.py"
_LOSS = "tasks/tracking_loss.py"
_TARGETS = "tasks/tracking_targets.py"
_GROUPS = "tasks/optimisation.py"
_OF_HEAD = "tests/tasks/test_swintrack.py"
_OF_LOSS = "tests/tasks/test_tracking_loss.py"
_OF_GROUPS = "tests/tasks/test_optimisation.py"

TRACKING_NETWORK = (
    # network
    Mutation(
        "the decoder's keys have a norm of their own",
        _HEAD,
        "is None else self.norm_asked(asked)",
        "is None else self.norm1(asked)",
        _OF_HEAD,
    ),
    Mutation(
        "a norm before the perceptrons",
        _HEAD,
        "asks = self.norm(asks)",
        "asks = asks + 0 * self.norm(asks)",
        _OF_HEAD,
    ),
    Mutation(
        "boxes are shares of the search region",
        _HEAD,
        "self.box(asks).sigmoid()",
        "self.box(asks)",
        _OF_HEAD,
    ),
    Mutation(
        "positions' queries are scaled by the root of a head's width",
        _PLACES,
        "queries * queries.shape[-1] ** -0.5",
        "queries * (self.heads * queries.shape[-1]) ** -0.5",
        _OF_HEAD,
    ),
    Mutation(
        "positions are normalised",
        _PLACES,
        "self.norm((self.rows[:, None] + self.columns[None]).flatten(0, 1))",
        "(self.rows[:, None] + self.columns[None]).flatten(0, 1) + 0 * self.norm.bias",
        _OF_HEAD,
    ),
    Mutation(
        "relations know which maps they join",
        _PLACES,
        "torch.cat([difference, asks[..., None], asked[..., None]], dim=-1)",
        "torch.cat([difference, asked[..., None]], dim=-1)",
        _OF_HEAD,
    ),
    Mutation(
        "drop path rises over encoder and decoder",
        _HEAD,
        "torch.linspace(0, drop_path, layers + decoder_layers)",
        "torch.linspace(0, drop_path, layers).repeat(2)",
        _OF_HEAD,
    ),
    Mutation(
        "no drop path in the first half",
        _HEAD,
        "step > round(share * steps)",
        "step >= round(share * steps)",
        _OF_HEAD,
    ),
    # targets and losses
    Mutation(
        "the last cell is included",
        _TARGETS,
        "(column <= high[:, :1])",
        "(column < high[:, :1])",
        _OF_LOSS,
    ),
    Mutation(
        "negatives weigh 0.75",
        _LOSS,
        "ALPHA, GAMMA = 0.75, 2.0",
        "ALPHA, GAMMA = 0.25, 2.0",
        _OF_LOSS,
    ),
    Mutation(
        "a positive without overlap is a positive",
        _LOSS,
        "iou.detach().clamp(min=_TINY)",
        "iou.detach()",
        _OF_LOSS,
    ),
    Mutation(
        "the target learns nothing",
        _LOSS,
        "iou.detach().clamp(min=_TINY)",
        "iou.clamp(min=_TINY)",
        _OF_LOSS,
    ),
    Mutation(
        "boxes weigh by scores that learn nothing",
        _LOSS,
        "logits.detach().sigmoid()",
        "logits.sigmoid()",
        _OF_LOSS,
    ),
    Mutation(
        "scores are divided by the positives",
        _LOSS,
        "sums[0] / sums[2]",
        "sums[0] / sums[3]",
        _OF_LOSS,
    ),
    Mutation(
        "a sum of weights is at least 1e-5",
        _LOSS,
        "LEAST_POSITIVES, LEAST_WEIGHT = 1e-4, 1e-5",
        "LEAST_POSITIVES, LEAST_WEIGHT = 1e-4, 1e-4",
        _OF_LOSS,
    ),
    Mutation(
        "the norms are those of all ranks",
        _LOSS,
        "sum_over_ranks(torch.stack([entropy, distance, *norms]))",
        "torch.stack([entropy, distance, *norms])",
        "tests/tasks/test_ranks.py",
    ),
    # optimiser
    Mutation(
        "the norm behind the backbone has the head's rate",
        _GROUPS,
        "found.add(name, norms, float(group.scale), group.decay)",
        "found.add(name, norms, float(group.scale) * backbone_lr, group.decay)",
        _OF_GROUPS,
    ),
    Mutation(
        "everything decays",
        _GROUPS,
        "self.weight_decay if decays or self.everything else 0.0",
        "self.weight_decay if decays else 0.0",
        _OF_GROUPS,
    ),
    Mutation(
        "the warm-up's share is of steps",
        "tasks/schedules.py",
        "self.warmup_steps or self.warmup_share * budget.steps",
        "self.warmup_steps or round(self.warmup_share * budget.steps)",
        "tests/tasks/test_schedules.py",
    ),
)
