"""Two processes give the loss, the gradients and the metrics of one."""

import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
import swintrack_cases
import torch
from torch import distributed, multiprocessing, nn
from torch.nn.parallel import DistributedDataParallel

from mim_bench.tasks.depth_head import DepthHead
from mim_bench.tasks.depth_loss import silog
from mim_bench.tasks.depth_metrics import METRICS, DepthMetrics
from mim_bench.tasks.network import Network


class Patches(nn.Module):
    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 8, 8)

    def forward(self, images):
        return [self.patches(images)]


def build():
    torch.manual_seed(0)
    network = Network(Patches(), DepthHead(8, 8, 10.0))
    for weight in network.parameters():
        if weight.ndim > 1:
            nn.init.normal_(weight, std=0.1)
    return network.eval()  # batch norm sees the device's batch; everything else must agree


def data():
    rng = np.random.default_rng(0)
    depth = rng.uniform(0.5, 9, (5, 16, 24)).astype(np.float32)
    depth[rng.uniform(size=depth.shape) < 0.3] = 0
    depth[0, 4:] = 0  # the ranks' shares of pixels differ
    images = rng.uniform(size=(5, 3, 16, 24)).astype(np.float32)
    return torch.from_numpy(images), torch.from_numpy(depth)


def work(network, part):
    images, depth = data()
    images, depth = images[part], depth[part]
    prediction = network(images).squeeze(1)
    loss = silog(prediction, depth, over_ranks=True)
    loss.backward()
    metric = DepthMetrics()
    with torch.no_grad():
        for index in range(len(images)):
            metric.update(
                prediction[index : index + 1],
                depth[index : index + 1],
                depth[index : index + 1] > 0,
            )
    values = {name: float(value) for name, value in metric.compute().items()}
    gradients = {
        name.removeprefix("module."): weight.grad.clone()
        for name, weight in network.named_parameters()
    }
    return loss.item(), gradients, values


def track(wrap=lambda head: head, part=slice(None)):
    """Return losses and gradients of SwinTrack's head."""
    *_, losses, gradients = swintrack_cases.run("projected, not square", wrap, part)
    return {name: loss.item() for name, loss in losses.items()}, gradients


def rank_main(rank, folder):
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2
    )
    network = DistributedDataParallel(build())
    part = slice(0, 2) if rank == 0 else slice(2, 5)
    torch.save(work(network, part), Path(folder) / f"{rank}.pt")
    part = slice(0, 1) if rank == 0 else slice(1, 3)
    torch.save(track(DistributedDataParallel, part), Path(folder) / f"tracking-{rank}.pt")
    distributed.destroy_process_group()


@pytest.fixture(scope="module")
def ranks():
    """What two processes made of it: depth's and tracking's."""
    if not distributed.is_gloo_available():
        pytest.skip("no gloo")
    with tempfile.TemporaryDirectory() as folder:
        multiprocessing.spawn(rank_main, (folder,), nprocs=2)
        return [
            [torch.load(Path(folder) / f"{kind}{rank}.pt") for rank in range(2)]
            for kind in ("", "tracking-")
        ]


def test_two_ranks_are_one(ranks):
    loss, gradients, values = work(build(), slice(0, 5))
    assert sum(float(gradient.abs().sum()) for gradient in gradients.values()) > 0.01
    for found_loss, found_gradients, found_values in ranks[0]:
        assert found_loss == pytest.approx(loss, rel=1e-6)
        for name, gradient in gradients.items():
            torch.testing.assert_close(found_gradients[name], gradient, rtol=1e-4, atol=1e-6)
        assert found_values == pytest.approx(values, rel=1e-6)
        assert set(found_values) == set(METRICS)


def test_two_ranks_are_one_in_tracking(ranks):
    losses, gradients = track()
    for found_losses, found_gradients in ranks[1]:
        assert found_losses == pytest.approx(losses, rel=1e-5)
        torch.testing.assert_close(found_gradients, gradients, rtol=1e-4, atol=1e-5)
