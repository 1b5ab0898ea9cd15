"""The head's shapes, its start and its numbers against plain NumPy."""

import numpy as np
import pytest
import torch
from torch import nn

from mim_bench.errors import UserError
from mim_bench.tasks.depth_head import DepthHead


@pytest.mark.parametrize(("stride", "deconvs"), [(4, 0), (8, 1), (16, 2), (32, 3)])
@pytest.mark.parametrize("kernel", [2, 3, 4])
def test_each_stride_comes_back_to_the_input(stride, deconvs, kernel):
    head = DepthHead(48, stride, 10.0, deconv_kernel=kernel)
    layers = [layer for layer in head.modules() if isinstance(layer, nn.ConvTranspose2d)]
    assert len(layers) == deconvs
    assert all(layer.kernel_size == (kernel, kernel) and layer.bias is None for layer in layers)
    level = torch.randn(2, 48, 2, 3)
    depth = head([torch.zeros(1), level], (2 * stride, 3 * stride))
    assert depth.shape == (2, 1, 2 * stride, 3 * stride)
    assert head.deconvs(level).shape[-2:] == (2 * stride // 4, 3 * stride // 4)


def test_published_geometry():
    head = DepthHead(1024, 32, 10.0).eval()
    with torch.no_grad():
        assert head.deconvs(torch.zeros(1, 1024, 15, 15)).shape == (1, 32, 120, 120)
    shapes = [tuple(weight.shape) for weight in head.parameters() if weight.ndim == 4]
    assert shapes == [
        (1024, 32, 2, 2),
        (32, 32, 2, 2),
        (32, 32, 2, 2),
        (128, 32, 3, 3),
        (128, 128, 3, 3),
        (1, 128, 3, 3),
    ]
    assert DepthHead(1536, 32, 10.0).fuse[0].out_channels == 192
    assert DepthHead(32, 32, 10.0).fuse[0].out_channels == 8
    assert DepthHead(32, 32, 10.0, embed_dim=24).fuse[0].out_channels == 24


def test_output_is_cropped_right_and_below():
    head = DepthHead(16, 16, 10.0).eval()
    level = torch.randn(1, 16, 3, 4)
    whole = head([level], (48, 64))
    assert torch.equal(head([level], (37, 50)), whole[..., :37, :50])


def test_it_starts_small_and_half_way():
    torch.manual_seed(0)
    head = DepthHead(256, 32, 80.0)
    for module in head.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            assert float(module.weight.detach().std()) == pytest.approx(1e-3, rel=0.15)
            assert module.bias is None or not module.bias.any()
        elif isinstance(module, nn.BatchNorm2d):
            assert bool((module.weight == 1).all())
            assert not module.bias.any()
    depth = head([torch.randn(2, 256, 3, 3)], (96, 96))
    assert depth.detach().mean().item() == pytest.approx(40.0, abs=0.5)


def conv3(x, weight, bias):
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    height, width = x.shape[1:]
    out = np.zeros((len(weight), height, width)) + bias[:, None, None]
    for dy in range(3):
        for dx in range(3):
            out += np.einsum(
                "oi,ihw->ohw", weight[:, :, dy, dx], padded[:, dy : dy + height, dx : dx + width]
            )
    return out


def norm_relu(x, layer):
    weight, bias, mean, var = (
        part.detach().double().numpy()[:, None, None]
        for part in (layer.weight, layer.bias, layer.running_mean, layer.running_var)
    )
    return np.maximum((x - mean) / np.sqrt(var + layer.eps) * weight + bias, 0)


def double_bilinear(x):
    for axis in (1, 2):
        size = x.shape[axis]
        places = np.clip((np.arange(2 * size) + 0.5) / 2 - 0.5, 0, size - 1)
        low = np.floor(places).astype(int)
        high = np.minimum(low + 1, size - 1)
        part = (places - low).reshape([-1 if a == axis else 1 for a in range(3)])
        x = np.take(x, low, axis) * (1 - part) + np.take(x, high, axis) * part
    return x


def test_numbers():
    torch.manual_seed(1)
    head = DepthHead(12, 16, 7.5, embed_dim=5, deconv_channels=[6, 4]).eval()
    with torch.no_grad():
        for name, value in head.named_parameters():
            value.copy_(torch.randn_like(value) * 0.4 + (1.0 if "1.weight" in name else 0.0))
        for layer in head.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.running_mean.normal_()
                layer.running_var.uniform_(0.5, 2)
    level = torch.randn(1, 12, 2, 3)
    x = level[0].double().numpy()

    def numbers(tensor):
        return tensor.detach().double().numpy()

    for index in (0, 3):
        weight = numbers(head.deconvs[index].weight)
        height, width = x.shape[1:]
        spread = np.einsum("ihw,ioab->ohawb", x, weight)
        x = norm_relu(spread.reshape(-1, 2 * height, 2 * width), head.deconvs[index + 1])
    x = conv3(x, numbers(head.fuse[0].weight), numbers(head.fuse[0].bias))
    x = double_bilinear(double_bilinear(norm_relu(x, head.fuse[1])))
    x = np.maximum(conv3(x, numbers(head.predict[0].weight), numbers(head.predict[0].bias)), 0)
    x = conv3(x, numbers(head.predict[2].weight), numbers(head.predict[2].bias))
    expected = 7.5 / (1 + np.exp(-x))
    found = head([level], (32, 48)).detach().double().numpy()[0]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"stride": 14}, "stride 14"),
        ({"stride": 2}, "stride 2"),
        ({"stride": 1}, "stride 1"),
        ({"stride": 64}, "4 deconvolutions, 3 are given"),
        ({"stride": 32, "deconv_kernel": 5}, "deconv_kernel is 5"),
    ],
)
def test_what_it_refuses(arguments, text):
    with pytest.raises(UserError, match=text):
        DepthHead(channels=16, max_depth=10.0, **arguments)


def test_half_precision_keeps_fine_steps_of_depth():
    head = DepthHead(16, 4, 10.0).to(torch.bfloat16).eval()
    nn.init.normal_(head.predict[2].weight, std=0.5)
    nn.init.normal_(head.predict[0].weight, std=0.5)
    nn.init.normal_(head.fuse[0].weight, std=0.5)
    depth = head([torch.randn(1, 16, 8, 8).bfloat16()], (32, 32))
    assert depth.dtype == torch.float32
    assert not torch.equal(depth, depth.bfloat16().float())
