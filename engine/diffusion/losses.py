"""the guidance losses of the notebooks, one number per picture."""

import torch.nn.functional as F
from torch import Tensor


def spherical_distance(image: Tensor, text: Tensor) -> Tensor:
    """2·arcsin(‖ê − t̂‖ / 2)², half the squared angle between the two; [..., d] × [..., d] → [...], 0 … π²/2."""
    image, text = F.normalize(image, dim=-1), F.normalize(text, dim=-1)
    return (image - text).norm(dim=-1).div(2).clamp(max=1 - 1e-6).arcsin().pow(2).mul(2)


def total_variation(x: Tensor) -> Tensor:
    """Mean of dx² + dy²; [n, c, h, w] → [n].

    The notebook repeats the last row and column first. Those differences are zero, so slices give
    the same number without the padding, whose gradient is not deterministic on CUDA.
    """
    count = x[0].numel()
    dx = (x[..., :, 1:] - x[..., :, :-1]).pow(2).sum((1, 2, 3))
    dy = (x[..., 1:, :] - x[..., :-1, :]).pow(2).sum((1, 2, 3))
    return (dx + dy) / count


def out_of_range(x0: Tensor) -> Tensor:
    """Mean square of what lies beyond −1 … 1; [n, c, h, w] → [n]."""
    return (x0 - x0.clamp(-1, 1)).pow(2).mean((1, 2, 3))


def saturation_loss(x_in: Tensor) -> Tensor:
    """Mean of what lies beyond −1 … 1 in what CLIP sees; the saturation loss of Disco Diffusion; [n, c, h, w] → [n]."""
    return (x_in - x_in.clamp(-1, 1)).abs().mean((1, 2, 3))
