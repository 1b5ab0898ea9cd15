import torch
from torchmetrics import Metric
from mim_bench.tasks.oks import instance_scores, oks_nms
from mim_bench.tasks.oks_evaluation import evaluate_keypoints

METRICS = (
    "ap",
    "ap50",
    "ap75",
    "ap_medium",
    "ap_large",
    "ap_easy",
    "ap_hard",
    "ar",
    "ar50",
    "ar75",
    "ar_medium",
    "ar_large",
)


class OKSAveragePrecision(Metric):
    def __init__(self, ground_truth=None, peaks_above=0.2, oks_nms=0.9):
        super().__init__()
        self.ground_truth, self.peaks_above, self.oks_nms = ground_truth, peaks_above, oks_nms
        for n in ("images", "keypoints", "scores", "areas"):
            self.add_state(n, [], dist_reduce_fx="cat")

    def update(self, images, keypoints, scores, areas):
        self.images.append(images)
        self.keypoints.append(keypoints)
        self.scores.append(scores)
        self.areas.append(areas)

    def compute(self):
        from mim_bench.tasks.pose_results import results_of

        cat = [
            torch.cat(list(x)).cpu() if isinstance(x, list) else x.cpu()
            for x in (self.images, self.keypoints, self.scores, self.areas)
        ]
        recs = [
            {"image": i, "keypoints": k, "score": s, "area": a}
            for i, k, s, a in zip(
                cat[0].tolist(), cat[1].flatten(1).tolist(), cat[2].tolist(), cat[3].tolist()
            )
        ]
        res = results_of(
            recs,
            self.ground_truth["sigmas"],
            {"peaks_above": self.peaks_above, "oks_nms": self.oks_nms},
        )
        return {k: torch.tensor(v) for k, v in evaluate_keypoints(self.ground_truth, res).items()}
