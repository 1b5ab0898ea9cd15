"""A task of one's own: depth with a head of bilinear upsampling instead of deconvolutions."""

from torch import nn
from torch.nn import functional as F

from mim_bench.tasks.depth import DepthTask


class PlainHead(nn.Module):
    """Two convolutions on the last level, then one bilinear step to the size of the picture."""

    def __init__(self, channels, width, max_depth):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, width, 1), nn.GELU(), nn.Conv2d(width, 1, 3, padding=1)
        )
        self.max_depth = max_depth

    def forward(self, levels, size):
        """Turn levels (B, C, h, w), finest first, into depth (B, 1, H, W) in metres."""
        depth = F.interpolate(self.layers(levels[-1]), size=size, mode="bilinear")
        return depth.sigmoid() * self.max_depth


class PlainDepth(DepthTask):
    """Loss, schedule, metrics and test are those of `DepthTask`."""

    def __init__(self, backbone, *, width: int = 64, **kwargs):
        self.width = width  # kept first: the constructor below builds the head
        super().__init__(backbone, **kwargs)

    def build_head(self, channels, strides):
        """Build the head that `DepthTask` trains."""
        return PlainHead(channels[-1], self.width, self.max_depth)
