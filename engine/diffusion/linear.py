"""the best linear denoiser of a small world of pictures: what guidance looks through where nearly all is noise.

Under heavy noise the expected picture is a blur of everything, from which it is hard to read how likely one thing is.
The log of that is linear in x_t but for a constant, and a linear denoiser leaves it so: Wiener's filter in the
principal components of the world's pictures.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from engine.diffusion.schedule import alphas_cumprod


class LinearDenoiser(nn.Module):
    """x0 = μ + V · λ√ᾱ / (λᾱ + σ²) · Vᵀ (x − √ᾱ μ), with x at the side of the components."""

    mean: Tensor  # [3 · side²]
    basis: Tensor  # [components, 3 · side²], rows of unit length
    variance: Tensor  # [components]
    levels: Tensor  # [1000] ᾱ

    def __init__(self, mean: Tensor, basis: Tensor, variance: Tensor) -> None:
        super().__init__()
        self.side = round((len(mean) / 3) ** 0.5)
        for name, value in (("mean", mean), ("basis", basis), ("variance", variance)):
            self.register_buffer(name, value.float())
        self.register_buffer("levels", torch.from_numpy(alphas_cumprod("cosine")).float())

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """x0, like x_t [n, 3, h, w] in −1 … 1; t: [n] int on 0 … 999.

        Of a picture that isn't square it sees the middle, and repeats the edges of that about it.
        """
        h, w = x.shape[-2:]
        short = min(h, w)
        top, left = (h - short) // 2, (w - short) // 2
        square = x[..., top : top + short, left : left + short]
        small = F.interpolate(square, (self.side, self.side), mode="area").flatten(1)
        alpha = self.levels[t.long()].sqrt()[:, None]
        noise = (1 - alpha**2) * (self.side / short) ** 2  # of the mean of so many pixels
        share = self.variance * alpha / (self.variance * alpha**2 + noise)
        along = (small - alpha * self.mean) @ self.basis.T
        found = (self.mean + (share * along) @ self.basis).unflatten(1, (3, self.side, self.side))
        found = F.interpolate(found, (short, short), mode="nearest")
        return F.pad(found, [left, w - short - left, top, h - short - top], mode="replicate")


def load_linear(path: Path) -> LinearDenoiser:
    """Raises KeyError or RuntimeError where the file holds something else."""
    kept = load_file(path)
    return LinearDenoiser(kept["mean"], kept["basis"], kept["variance"])
