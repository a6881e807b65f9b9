"""one function per algorithm: a step from noise level i to i − 1, and the walk over all of them.

A sampler sees what `denoise(x, t) → Prediction` says and never asks whether it is guided. Its whole state
is (x, index), so a drawing can stop after any step and go on elsewhere. Timesteps stay on the CPU:
what follows from them is known without waiting for a GPU, which then never waits in a step.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

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


class Walk:
    """One drawing's way from noise to a clean picture by DDIM or DDPM.

    Ask a denoiser about `x` at `t` and hand what it says to `advance`, until the walk is `done`. Its state is
    (x, index), belongs to this drawing alone, and only `advance` changes it: walks of different drawings can share
    one call of the network.
    """

    def __init__(
        self,
        x: Tensor,
        noise: Noise,
        levels: Levels,
        *,
        sampler: str = "ddim",
        eta: float = 1.0,
        fresh_until_level: float = 1.0,
        start: int | None = None,
    ) -> None:
        """Begin at level `start`, by default the noisiest.

        Args:
            x: [n, c, h, w] at that level.
            noise: fresh noise for the step from a level; the same index must always give the same noise.
            levels: where to stop on the way.
            sampler: ddim or ddpm.
            eta: DDIM's share of fresh noise, 0 … 1.
            fresh_until_level: ᾱ above which DDIM adds none, whatever eta says.
            start: index of the level that x is at; −1 where the walk is done.
        """
        self.x, self.index = x, len(levels) - 1 if start is None else start
        self._noise, self._levels = noise, levels
        self._sampler, self._eta, self._fresh_until_level = sampler, eta, fresh_until_level

    @property
    def done(self) -> bool:
        """Whether no step is left."""
        return self.index < 0

    @property
    def t(self) -> Tensor:
        """The timestep that x is at, [n] on the CPU."""
        return torch.full((len(self.x),), int(self._levels.timesteps[self.index]))

    def share(self) -> float:
        """How much of the way is done, 0 … 1."""
        return 1 - (self.index + 1) / len(self._levels)

    def memory(self) -> dict[str, Tensor]:
        """What it needs beside x and index to go on: nothing."""
        return {}

    def advance(self, prediction: Prediction) -> Step:
        """Take the step that a prediction at (x, t) leads to."""
        i, levels, fresh = self.index, self._levels, to_device(self._noise(self.index), self.x.device)
        if self._sampler == "ddpm":
            self.x = ddpm_step(prediction, self.x, fresh, levels, i)
        else:
            share = self._eta if levels.alphas_cumprod[i] <= self._fresh_until_level else 0.0
            self.x = ddim_step(prediction, self.x, fresh, levels, i, share)
        self.index = i - 1
        return Step(x=self.x, index=i, x0=prediction.x0, distance=prediction.distance)


def sample(denoise: Denoise, x: Tensor, noise: Noise, levels: Levels, **chosen: Any) -> Iterator[Step]:
    """Walk to the end, one Step at a time.

    Args:
        denoise: the network, or any wrapper around it.
        chosen: the rest of what Walk takes.
    """
    walk = Walk(x, noise, levels, **chosen)
    while not walk.done:
        yield walk.advance(denoise(walk.x, walk.t))
