"""a picture of 2048 px made four times larger in tiles: seams, and memory beyond the picture itself.

The network has the shape of realesr-general-x4v3 with random weights. Seams are looked for on a
picture that also fits in one call.
"""

import ctypes
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from engine.drawing.upscale import TILE, upscale_to_pixels
from engine.model_sets.weights import load_model_set
from engine.networks.upscaler import upscale
from tests.bench.engine.full import peak_of
from tests.bench.engine.report import Figure, at_most

CONVOLUTIONS, FEATURES = 32, 64


class Compact(nn.Module):
    """The published network's layers: 34 convolutions, the picture itself added at the end."""

    scale = 4

    def __init__(self, convolutions: int = CONVOLUTIONS) -> None:
        super().__init__()
        torch.manual_seed(0)
        body: list[nn.Module] = [nn.Conv2d(3, FEATURES, 3, padding=1), nn.PReLU(FEATURES)]
        for _ in range(convolutions):
            body += [nn.Conv2d(FEATURES, FEATURES, 3, padding=1), nn.PReLU(FEATURES)]
        self.body = nn.Sequential(*body, nn.Conv2d(FEATURES, 3 * 16, 3, padding=1), nn.PixelShuffle(4))
        with torch.no_grad():
            for parameter in self.parameters():  # what is said at one pixel must reach the edge of what the next sees
                if parameter.dim() == 4:
                    parameter.mul_(2.4)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) + nn.functional.interpolate(x, scale_factor=4, mode="nearest")


def measure() -> Iterator[Figure]:
    """Seams at 320 px, where one call fits too; memory at 1024 and 2048 px."""
    network, device = Compact().eval().requires_grad_(False), torch.device("cpu")
    overlap = load_model_set("imagenet256").upscaler["overlap"]
    small = torch.rand(1, 3, 320, 320) * 2 - 1
    whole, tiled = (upscale(network, small, tile=tile, overlap=overlap) for tile in (320, TILE))
    seams = (whole - tiled).abs().max().item() / 2 * 255
    yield at_most(
        f"upscaling ×4, tiles of {TILE} px with {overlap} px of overlap: largest difference from one call, of 255",
        seams,
        1.0,
    )
    short = upscale(network, small, tile=TILE, overlap=4)
    yield Figure(
        name="the same with only 4 px of overlap, to show that seams would be seen",
        value=f"{(whole - short).abs().max().item() / 2 * 255:.1f} of 255",
    )
    shallow = Compact(2).eval().requires_grad_(False)  # memory is that of a layer, however many there are
    for side in (1024, 2048):
        x = torch.rand(1, 3, side, side) * 2 - 1
        before = _resident()
        peak, _ = peak_of(
            lambda x=x: torch.from_numpy(upscale_to_pixels(shallow, x, tile=TILE, overlap=overlap)), device
        )
        picture = 3 * (4 * side) ** 2
        yield Figure(
            name=f"upscaling {side} px ×4: memory beyond the {picture / 2**20:.0f} MiB of the result",
            value=f"{(peak - before - picture) / 2**20:.0f} MiB",
        )


def _resident() -> int:
    """Bytes that this process has in memory now."""
    ctypes.CDLL(None).malloc_trim(0)
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) * 1024
