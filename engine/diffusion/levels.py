"""noise levels between the timesteps of training: ᾱ and log σ of any t, and back.

σ = √((1 − ᾱ) / ᾱ) is the noise of x / √ᾱ (Karras et al. 2022, arXiv 2206.00364). A whole t has exactly the schedule's
ᾱ; between two log σ is interpolated, as k-diffusion does for networks that were trained on whole timesteps.
"""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from engine.diffusion.schedule import Schedule, alphas_cumprod


@lru_cache(maxsize=4)
def _tables(schedule: Schedule) -> tuple[np.ndarray, np.ndarray]:
    """(ᾱ falling, log σ rising) of the timesteps 0 … 999, float64."""
    levels = alphas_cumprod(schedule)
    return levels, (np.log1p(-levels) - np.log(levels)) / 2


def levels_at(schedule: Schedule, t: Tensor) -> Tensor:
    """ᾱ at timesteps on the CPU, whole (int64) or not (floating point); [n] → [n] float64."""
    levels, log_sigmas = _tables(schedule)
    if not t.is_floating_point():
        return torch.from_numpy(levels)[t]
    log_sigma = np.interp(t.numpy(), np.arange(len(levels)), log_sigmas)
    return torch.from_numpy(1 / (1 + np.exp(2 * log_sigma)))


def factors_at(schedule: Schedule, t: Tensor) -> Tensor:
    """(√ᾱ, √(1 − ᾱ)) at timesteps on the CPU, [2, n] float32, each rounded once."""
    level = levels_at(schedule, t)
    return torch.stack([level.sqrt(), (1 - level).sqrt()]).float()


def timesteps_at(schedule: Schedule, log_sigma: Tensor) -> Tensor:
    """The timestep of a noise level, [n] on the CPU → [n] float64, 0 … 999."""
    log_sigmas = _tables(schedule)[1]
    return torch.from_numpy(np.interp(log_sigma.double().numpy(), log_sigmas, np.arange(len(log_sigmas))))


def log_sigma_at(schedule: Schedule, t: float) -> float:
    """log σ of one timestep."""
    log_sigmas = _tables(schedule)[1]
    return float(np.interp(t, np.arange(len(log_sigmas)), log_sigmas))
