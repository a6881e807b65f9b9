"""one function per algorithm: a step from noise level i to i − 1, and the walk over all of them.

A sampler sees `denoise(x, t) → Prediction` and never asks whether it is guided. Its whole state
is (x, index), so a drawing can stop after any step and go on elsewhere. Timesteps stay on the CPU:
what follows from them is known without waiting for a GPU, which then never waits in a step.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.diffusion.schedule import Levels
from engine.networks.tuning import to_device


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What a denoiser makes of x_t; every tensor is [n, c, h, w] unless said otherwise."""

    x0: Tensor  # the clean picture it expects
    eps: Tensor  # the noise it sees
    variance_mix: Tensor | None = None  # learned Σ between its bounds: 0 is the posterior's, 1 is β
    pull: Tensor | None = None  # ∇_x log p(prompt | x_t), where guidance is on
    distance: Tensor | None = None  # [n], how far CLIP finds the picture from the prompt


Denoise = Callable[[Tensor, Tensor], Prediction]  # (x [n, c, h, w], t [n] on the CPU) → Prediction
Noise = Callable[[int], Tensor]  # index of the level → standard normal [n, c, h, w]


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step that was taken; `x` and `index` are all that the next one needs."""

    x: Tensor  # at level index − 1
    index: int  # the level it came from; 0 ends the walk
    x0: Tensor  # the clean picture expected before the step
    distance: Tensor | None  # [n]


def ddpm_step(prediction: Prediction, x: Tensor, noise: Tensor, levels: Levels, i: int) -> Tensor:
    """Ancestral sampling with the mean moved by Σ·pull (condition_mean).

    Ho et al. 2020 (arXiv 2006.11239) eq. 6–7; learned Σ: Nichol & Dhariwal 2021 (arXiv 2102.09672)
    eq. 15; guidance: Dhariwal & Nichol 2021 (arXiv 2105.05233) algorithm 1.
    """
    a, a_prev, beta = levels.alphas_cumprod[i], levels.alphas_cumprod_prev[i], levels.betas[i]
    mean = float(beta * np.sqrt(a_prev) / (1 - a)) * prediction.x0
    mean = mean + float((1 - a_prev) * np.sqrt(1 - beta) / (1 - a)) * x
    log_variance = _log_variance(prediction.variance_mix, levels, i)
    if prediction.pull is not None:
        mean = mean + torch.exp(log_variance) * prediction.pull
    return mean + torch.exp(0.5 * log_variance) * noise if i > 0 else mean


def _log_variance(mix: Tensor | None, levels: Levels, i: int) -> Tensor:
    """log Σ: between the posterior's variance and β when learned, else β (the posterior's at the last step)."""
    posterior = levels.betas * (1 - levels.alphas_cumprod_prev) / (1 - levels.alphas_cumprod)
    second = min(1, len(levels) - 1)  # the first entry is 0: its logarithm is taken from the second
    smallest = float(np.log(max(posterior[max(i, second)], 1e-20)))
    if mix is None:
        return torch.tensor(smallest if i == 0 else float(np.log(levels.betas[i])))
    return mix * float(np.log(levels.betas[i])) + (1 - mix) * smallest


def ddim_step(prediction: Prediction, x: Tensor, noise: Tensor, levels: Levels, i: int, eta: float) -> Tensor:
    """Song et al. 2020 (arXiv 2010.02502) eq. 12, ε moved by −√(1 − ᾱ)·pull (condition_score).

    eta 0 adds no noise; 1 adds as much as DDPM's posterior.
    """
    a, a_prev = levels.alphas_cumprod[i], levels.alphas_cumprod_prev[i]
    eps, x0 = prediction.eps, prediction.x0
    if prediction.pull is not None:
        eps = eps - float(np.sqrt(1 - a)) * prediction.pull
        x0 = (x - float(np.sqrt(1 - a)) * eps) / float(np.sqrt(a))
    sigma = eta * np.sqrt((1 - a_prev) / (1 - a)) * np.sqrt(1 - a / a_prev)
    mean = float(np.sqrt(a_prev)) * x0 + float(np.sqrt(max(1 - a_prev - sigma**2, 0.0))) * eps
    return mean + float(sigma) * noise if i > 0 else mean


def sample(
    denoise: Denoise,
    x: Tensor,
    noise: Noise,
    levels: Levels,
    *,
    sampler: str = "ddim",
    eta: float = 1.0,
    fresh_until_level: float = 1.0,
    start: int | None = None,
) -> Iterator[Step]:
    """Walk from level `start` (default the noisiest) to a clean picture, one Step at a time.

    Args:
        denoise: the network, or any wrapper around it.
        x: [n, c, h, w] at level `start`.
        noise: fresh noise for the step from a level; the same index must always give the same noise.
        levels: where to stop on the way.
        sampler: ddim or ddpm.
        eta: DDIM's share of fresh noise, 0 … 1.
        fresh_until_level: ᾱ above which DDIM adds none, whatever eta says.
        start: index of the level that x is at.
    """
    first = len(levels) - 1 if start is None else start
    for i in range(first, -1, -1):
        t = torch.full((len(x),), int(levels.timesteps[i]))
        prediction = denoise(x, t)
        fresh = to_device(noise(i), x.device)
        if sampler == "ddpm":
            x = ddpm_step(prediction, x, fresh, levels, i)
        else:
            share = eta if levels.alphas_cumprod[i] <= fresh_until_level else 0.0
            x = ddim_step(prediction, x, fresh, levels, i, share)
        yield Step(x=x, index=i, x0=prediction.x0, distance=prediction.distance)
