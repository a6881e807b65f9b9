"""the secondary network: Katherine Crowson's small v-prediction model, cheaper to guide through.

"secondary_model_imagenet_2" of her 2021 notebooks (`SecondaryDiffusionImageNet2`), written again so
that it reads the published checkpoint key for key. Six levels, each joined to what went round it.
"""

import math

import torch
from torch import Tensor, nn

WIDTHS = (64, 128, 128, 256, 256, 512)  # of the published checkpoint


class ConvBlock(nn.Sequential):
    """A convolution and what keeps the positive half."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__(nn.Conv2d(channels, out, 3, padding=1), nn.ReLU())


class SkipBlock(nn.Module):
    """What `main` makes of its input, beside the input."""

    def __init__(self, main: list[nn.Module]) -> None:
        super().__init__()
        self.main = nn.Sequential(*main)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.main(x), x], dim=1)


class FourierFeatures(nn.Module):
    """Random frequencies of one number; [n, 1] → [n, 16]."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(features // 2, 1))

    def forward(self, x: Tensor) -> Tensor:
        f = 2 * math.pi * x @ self.weight.T
        return torch.cat([f.cos(), f.sin()], dim=-1)


class SecondaryNet(nn.Module):
    """v of a noisy picture; x: [n, 3, h, w], sides multiples of 32, angle: [n], 0 for a clean picture, 1 for noise."""

    def __init__(self, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        self.timestep_embed = FourierFeatures(16)
        first = widths[0]
        self.net = nn.Sequential(
            ConvBlock(3 + 16, first),
            ConvBlock(first, first),
            _level(widths, 1),
            ConvBlock(2 * first, first),
            nn.Conv2d(first, 3, 3, padding=1),
        )

    def forward(self, x: Tensor, angle: Tensor) -> Tensor:
        planes = self.timestep_embed(angle[:, None])[:, :, None, None].expand(-1, -1, *x.shape[2:])  # n 16 h w
        return self.net(torch.cat([x, planes], dim=1))


def _level(widths: tuple[int, ...], depth: int) -> SkipBlock:
    """Half the side, this level and those below it, and up again to the width of the level above."""
    above, here = widths[depth - 1], widths[depth]
    down, up = nn.AvgPool2d(2), nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
    if depth == len(widths) - 1:
        blocks = [ConvBlock(above, here), ConvBlock(here, here), ConvBlock(here, here), ConvBlock(here, above)]
        return SkipBlock([down, *blocks, up])
    return SkipBlock(
        [
            down,
            ConvBlock(above, here),
            ConvBlock(here, here),
            _level(widths, depth + 1),
            ConvBlock(2 * here, here),
            ConvBlock(here, above),
            up,
        ]
    )
