"""noise levels as pure functions.

ᾱ_t is the share of the picture's variance left at training timestep t (Ho et al. 2020,
arXiv 2006.11239, eq. 4). Tables are computed in float64 numpy, whatever device the networks
are on, so no device ever needs float64.
"""

import math
from typing import Literal

import numpy as np

Schedule = Literal["linear", "cosine"]


def betas(name: Schedule, steps: int = 1000) -> np.ndarray:
    """Variance added at each training step, [steps] float64.

    linear: Ho et al. 2020, scaled to any number of steps; cosine: Nichol & Dhariwal 2021
    (arXiv 2102.09672, eq. 17), never above 0.999.
    """
    if name == "linear":
        scale = 1000 / steps
        return np.linspace(scale * 1e-4, scale * 0.02, steps)
    if name != "cosine":
        raise ValueError(f"unknown noise schedule {name!r}: use 'linear' or 'cosine'")
    at = np.arange(steps + 1) / steps
    level = np.array([math.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2 for t in at])
    return np.minimum(1 - level[1:] / level[:-1], 0.999)


def alphas_cumprod(name: Schedule, steps: int = 1000) -> np.ndarray:
    """ᾱ_t for t = 0 … steps − 1, [steps] float64, falling."""
    return np.cumprod(1 - betas(name, steps))


def spaced_timesteps(count: int, total: int = 1000, power: float = 1.0) -> np.ndarray:
    """`count` different training timesteps from 0 to total − 1, rising, [count] int64.

    A power of 1 spreads them evenly, the same choice as guided-diffusion's `space_timesteps` (but a
    single step is the noisiest one). Above 1 they crowd towards the noise, where a drawing is decided.
    """
    if not 1 <= count <= total:
        raise ValueError(f"a drawing takes 1 to {total} steps, not {count}")
    if count == 1:
        return np.array([total - 1])
    stride, at, chosen = (total - 1) / (count - 1), 0.0, []
    for _ in range(count):
        chosen.append(round(at if power == 1 else (total - 1) * (1 - (1 - min(at / (total - 1), 1)) ** power)))
        at += stride
    room = np.arange(count)  # keeps crowded ones apart: the k-th from the top is at most total − 1 − k
    return np.minimum(np.array(chosen), total - count + room)


class Levels:
    """The noise levels one drawing walks down; index 0 is the cleanest, as in the papers."""

    def __init__(self, name: Schedule, steps: int, total: int = 1000, spacing: float = 1.0) -> None:
        self.timesteps = spaced_timesteps(steps, total, spacing)
        self.alphas_cumprod = alphas_cumprod(name, total)[self.timesteps]  # ᾱ_i
        self.alphas_cumprod_prev = np.append(1.0, self.alphas_cumprod[:-1])  # ᾱ_{i−1}
        self.betas = 1 - self.alphas_cumprod / self.alphas_cumprod_prev

    def __len__(self) -> int:
        return len(self.timesteps)
