"""networks made into one contract: `denoise(x, t) → Prediction`.

A network predicts ε (Ho et al. 2020) or v = α·ε − σ·x0 (Salimans & Ho 2022, arXiv 2202.00512),
perhaps with a variance beside it, perhaps on pixels folded into channels. A sampler need not know.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.samplers import Denoise, Prediction
from engine.schedule import Schedule, alphas_cumprod

Objective = Literal["eps", "v"]


def network_denoiser(unet: nn.Module, *, objective: Objective, schedule: Schedule, patch: int = 1,
                     learned_variance: bool = False) -> Denoise:
    """Wrap a U-Net.

    Args:
        unet: called as unet(x, t) → [n, c, h, w], or [n, 2c, h, w] with a learned variance.
        objective: what the network was trained to predict.
        schedule: the noise schedule of its training, over 1000 timesteps.
        patch: patch × patch pixels are one position of the network.
        learned_variance: the second half of the channels mixes the bounds of Σ.
    """
    levels = torch.from_numpy(alphas_cumprod(schedule))
    factors = torch.stack([levels.sqrt(), (1 - levels).sqrt()]).float()  # 2 1000, before 1 − ᾱ is rounded

    def denoise(x: Tensor, t: Tensor) -> Prediction:
        alpha, sigma = factors.to(x.device)[:, t, None, None, None]  # n 1 1 1 each
        out = unet(F.pixel_unshuffle(x, patch) if patch > 1 else x, t).float()
        out = F.pixel_shuffle(out, patch) if patch > 1 else out
        mix = None
        if learned_variance:
            out, raw = out.chunk(2, dim=1)
            mix = ((raw + 1) / 2).detach()
        if objective == "v":
            x0, eps = alpha * x - sigma * out, alpha * out + sigma * x
        else:
            x0, eps = (x - sigma * out) / alpha, out
        return Prediction(x0=x0, eps=eps, variance_mix=mix)

    return denoise
